// What Azure Blob Storage does with blobs, once a request is known to be allowed.
import { createHash, randomBytes, randomUUID } from 'node:crypto';
import { fail, serviceHeaders } from './azure-answers.mjs';

const kModified = 'Sun, 01 Mar 2026 12:00:00 GMT';

/// A blob with a fresh ETag. `filename` is short for metadata, and `more` may be `copyStatus`, `md5`, `tags`.
export function makeBlob({ content = 'hello', type = 'text/plain', kind = 'BlockBlob', filename, metadata = {}, ...more }) {
  const bytes = Buffer.from(content);
  const md5 = createHash('md5').update(bytes).digest('base64');
  const etag = `"0x8D${randomBytes(7).toString('hex').slice(1).toUpperCase()}"`;
  return {
    content: bytes, type, kind, etag, md5, tags: null, ...more,
    metadata: { ...filename !== undefined && { qqfilename: filename }, ...metadata },
  };
}

/// What a request is about: `needs(target)` are permissions, any of which is enough, and `run(request, response, target)`
/// answers, where `target` is `{blobs, blocks, name, url}`. Undefined if it is nothing that we know.
export const operationOf = ({ method }, url) => kOperations[`${method} ${url.searchParams.get('comp') ?? ''}`.trim()];

const kOperations = {
  GET: { needs: () => 'r', run: ifItExists(read) },
  'GET list': { needs: () => 'l', run: list },
  HEAD: { needs: () => 'r', run: ifItExists(read) },
  DELETE: { needs: () => 'd', run: remove },
  PUT: { needs: ({ blobs, name }) => (blobs.has(name) ? 'w' : 'cw'), run: putBlob },
  'PUT tags': { needs: () => 't', run: ifItExists(setTags) },
  'PUT block': { needs: () => 'w', run: putBlock },
  'PUT blocklist': { needs: () => 'w', run: putBlockList },
};

function ifItExists(run) {
  return (request, response, target) => {
    const blob = target.blobs.get(target.name);
    if (!blob) return fail(404, 'BlobNotFound')(request, response);
    if (!isExpected(request, blob)) return fail(412, 'ConditionNotMet')(request, response);
    return run(request, response, { ...target, blob });
  };
}

const isExpected = ({ headers }, blob) => !headers['if-match'] || headers['if-match'] === blob.etag;

function setTags(request, response, { blob }) {
  const tags = request.body.matchAll(/<Key>(.*?)<\/Key><Value>(.*?)<\/Value>/g);
  blob.tags = Object.fromEntries([...tags].map(([, name, value]) => [name, value]));
  response.writeHead(204, serviceHeaders()).end();
}

// Also what has blocks only, which were never committed.
function remove(request, response, { blobs, blocks, name }) {
  const blob = blobs.get(name);
  if (!blob && !blocks.has(name)) return fail(404, 'BlobNotFound')(request, response);
  if (blob && !isExpected(request, blob)) return fail(412, 'ConditionNotMet')(request, response);
  blobs.delete(name);
  blocks.delete(name);
  return response.writeHead(202, { ...serviceHeaders(), 'x-ms-delete-type-permanent': 'true', 'Content-Length': 0 }).end();
}

function read(request, response, { blob }) {
  const range = /^bytes=0-(\d+)$/.exec(request.headers['x-ms-range'] ?? '');
  if (range && blob.content.length === 0) return fail(416, 'InvalidRange')(request, response);
  const bytes = range ? blob.content.subarray(0, Number(range[1]) + 1) : blob.content;
  response.writeHead(range ? 206 : 200, {
    ...serviceHeaders(), 'Content-Length': bytes.length, 'Content-Type': blob.type, ETag: blob.etag, 'Last-Modified': kModified,
    'x-ms-blob-type': blob.kind, 'x-ms-creation-time': kModified, 'Accept-Ranges': 'bytes',
    'x-ms-lease-status': 'unlocked', 'x-ms-lease-state': 'available', 'x-ms-server-encrypted': 'true',
    ...(blob.kind === 'BlockBlob' && { 'x-ms-access-tier': 'Hot', 'x-ms-access-tier-inferred': 'true' }),
    ...(blob.kind === 'PageBlob' && { 'x-ms-blob-sequence-number': '0' }),
    ...(blob.kind === 'AppendBlob' && { 'x-ms-blob-committed-block-count': '1' }),
    ...(blob.md5 && { [range ? 'x-ms-blob-content-md5' : 'Content-MD5']: blob.md5 }),
    ...(blob.copyStatus && { 'x-ms-copy-id': randomUUID(), 'x-ms-copy-status': blob.copyStatus }),
    ...Object.fromEntries(Object.entries(blob.metadata).map(([name, value]) => [`x-ms-meta-${name}`, value])),
  });
  response.end(request.method === 'HEAD' ? undefined : bytes);
}

// --- listing --------------------------------------------------------------------------------------------------

const kLongestPage = 5000;

// Pages may be shorter than was asked for, as `pageEntries` of the target says, and the last one may be empty.
function list(request, response, { blobs, name: container, url, pageEntries = kLongestPage }) {
  const q = (parameter) => url.searchParams.get(parameter) ?? '';
  const most = Math.min(Number(q('maxresults') || kLongestPage), pageEntries);
  const isListing = q('restype') === 'container' && most > 0 && !container.includes('/');
  if (!isListing) return fail(400, 'InvalidQueryParameterValue')(request, response);
  const from = Buffer.from(q('marker').replace(/^2!/, ''), 'base64').toString();
  const names = [...blobs.keys()].filter((name) => name.startsWith(`${container}/${q('prefix')}`)).sort()
    .map((name) => name.slice(container.length + 1)).filter((name) => name >= from);
  const next = names[most] ? `2!${Buffer.from(names[most]).toString('base64')}` : '';
  const withMetadata = q('include').split(',').includes('metadata');
  const body = `\ufeff<?xml version="1.0" encoding="utf-8"?><EnumerationResults ServiceEndpoint="http://stub/" ContainerName="${
    container}"><Prefix>${xml(q('prefix'))}</Prefix><MaxResults>${most}</MaxResults><Blobs>${
    names.slice(0, most).map((name) => entry(name, blobs.get(`${container}/${name}`), withMetadata)).join('')
  }</Blobs><NextMarker>${next}</NextMarker></EnumerationResults>`;
  return response.writeHead(200, {
    ...serviceHeaders(), 'Content-Type': 'application/xml', 'Content-Length': Buffer.byteLength(body),
  }).end(body);
}

const kEscapes = { '&': '&amp;', '<': '&lt;', '>': '&gt;' };
const xml = (text) => text.replace(/[&<>]/g, (character) => kEscapes[character]);

const entry = (name, { content, type, kind, etag, metadata, modified = kModified }, withMetadata) => `<Blob><Name>${xml(name)
}</Name><Properties><Creation-Time>${modified}</Creation-Time><Last-Modified>${modified}</Last-Modified><Etag>${
  etag.replaceAll('"', '')}</Etag><Content-Length>${content.length}</Content-Length><Content-Type>${xml(type)
}</Content-Type><Content-Encoding /><BlobType>${kind}</BlobType><LeaseStatus>unlocked</LeaseStatus><ServerEncrypted>true`
  + `</ServerEncrypted></Properties>${withMetadata ? describeMetadata(metadata) : ''}<OrMetadata /></Blob>`;

const describeMetadata = (metadata) => `<Metadata>${
  Object.entries(metadata).map(([name, value]) => `<${name}>${xml(value)}</${name}>`).join('')}</Metadata>`;

// --- uploads --------------------------------------------------------------------------------------------------

function putBlob(request, response, { blobs, blocks, name }) {
  const kind = request.headers['x-ms-blob-type'];
  if (!kind) return fail(400, 'MissingRequiredHeader')(request, response);
  if (kind !== 'BlockBlob') return fail(400, 'InvalidHeaderValue')(request, response);
  blocks.delete(name);
  return store(request, response, { blobs, name, content: request.bytes, type: request.headers['content-type'] });
}

function putBlock(request, response, { blocks, name, url }) {
  const id = url.searchParams.get('blockid');
  const known = blocks.get(name) ?? new Map();
  if (!id) return fail(400, 'InvalidQueryParameterValue')(request, response);
  const isOdd = [...known.keys()].some((other) => other.length !== id.length);
  if (isOdd) return fail(400, 'InvalidBlobOrBlock')(request, response);
  blocks.set(name, known.set(id, request.bytes));
  return response.writeHead(201, { ...serviceHeaders(), 'Content-Length': 0 }).end();
}

function putBlockList(request, response, { blobs, blocks, name }) {
  const known = blocks.get(name) ?? new Map();
  const ids = [...request.body.matchAll(/<Latest>(.*?)<\/Latest>/g)].map(([, id]) => id);
  if (!ids.every((id) => known.has(id))) return fail(400, 'InvalidBlockList')(request, response);
  blocks.delete(name);
  return store(request, response, { blobs, name, content: Buffer.concat(ids.map((id) => known.get(id))), md5: null });
}

function store({ headers }, response, { blobs, name, content, type, ...more }) {
  const blob = makeBlob({
    content, type: headers['x-ms-blob-content-type'] || type || 'application/octet-stream', metadata: metadataOf(headers),
    ...more,
  });
  blobs.set(name, blob);
  response.writeHead(201, {
    ...serviceHeaders(), ETag: blob.etag, 'Last-Modified': kModified, 'x-ms-request-server-encrypted': 'true',
    'Content-Length': 0,
  }).end();
}

const metadataOf = (headers) => Object.fromEntries(Object.entries(headers)
  .filter(([name]) => name.startsWith('x-ms-meta-')).map(([name, value]) => [name.slice('x-ms-meta-'.length), value]));
