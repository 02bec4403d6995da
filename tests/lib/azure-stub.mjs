// Azure Blob Storage as far as a callback sees it, for what the emulator does differently: the service's own error codes
// and headers, and errors that the emulator never makes. It checks each credential by computing it once more.
import { createHash, createHmac, randomBytes, randomUUID } from 'node:crypto';
import { startStubServer } from './stub-server.mjs';

const kModified = 'Sun, 01 Mar 2026 12:00:00 GMT';

/// Starts one; what startStubServer() returns, and `put(name, properties)`, `remove(name)`, `blob(name)`,
/// `trust({account, key, token})` and `refused`, the credentials that were wrong. Names are `container/blob`.
export async function startAzureStub(options = {}) {
  const blobs = new Map();
  const site = { account: '', key: Buffer.alloc(0), token: null };
  const refused = [];
  const answer = (request, response) => {
    const url = new URL(request.url, 'http://localhost');
    if (!isAuthorized(request, url, site)) {
      refused.push(request);
      return fail(403, 'AuthenticationFailed')(request, response);
    }
    return serve(request, response, url, blobs);
  };
  const stub = await startStubServer({ ...options, answer });
  return Object.assign(stub, {
    refused,
    put: (name, properties = {}) => blobs.set(name, makeBlob(properties)),
    remove: (name) => blobs.delete(name),
    blob: (name) => blobs.get(name),
    trust: ({ account, key, token = null }) => Object.assign(site, { account, key: Buffer.from(key, 'base64'), token }),
  });
}

function makeBlob({ content = 'hello', type = 'text/plain', kind = 'BlockBlob', ...more }) {
  const bytes = Buffer.from(content);
  const md5 = createHash('md5').update(bytes).digest('base64');
  const etag = `"0x8D${randomBytes(7).toString('hex').slice(1).toUpperCase()}"`;
  return { content: bytes, type, kind, etag, md5, tags: null, ...more };
}

// --- what the service answers ---------------------------------------------------------------------------------

const serviceHeaders = () => ({
  Server: 'Windows-Azure-Blob/1.0 Microsoft-HTTPAPI/2.0', 'x-ms-request-id': randomUUID(), 'x-ms-version': '2023-11-03',
});

/// An error as the service words it: XML behind a byte order mark, but for a HEAD, which has the code in a header only.
export const fail = (status, code, headers = {}) => (request, response) => {
  const message = `${code} as the service words it.\nRequestId:${randomUUID()}\nTime:${new Date().toISOString()}`;
  const body = `\ufeff<?xml version="1.0" encoding="utf-8"?><Error><Code>${code}</Code><Message>${message}</Message></Error>`;
  response.writeHead(status, {
    ...serviceHeaders(), 'x-ms-error-code': code, ...headers,
    ...(request.method === 'HEAD' ? { 'Transfer-Encoding': 'chunked' }
      : { 'Content-Type': 'application/xml', 'Content-Length': Buffer.byteLength(body) }),
  });
  response.end(request.method === 'HEAD' ? undefined : body);
};

function serve(request, response, url, blobs) {
  const name = decodeURIComponent(url.pathname.slice(1));
  const blob = blobs.get(name);
  if (!blob) return fail(404, 'BlobNotFound')(request, response);
  const condition = request.headers['if-match'];
  if (condition && condition !== blob.etag) return fail(412, 'ConditionNotMet')(request, response);
  if (request.method === 'PUT' && url.searchParams.get('comp') === 'tags') return setTags(request, response, blob);
  if (request.method === 'DELETE') return remove(request, response, blobs, name);
  return read(request, response, blob);
}

function setTags(request, response, blob) {
  const tags = request.body.matchAll(/<Key>(.*?)<\/Key><Value>(.*?)<\/Value>/g);
  blob.tags = Object.fromEntries([...tags].map(([, name, value]) => [name, value]));
  response.writeHead(204, serviceHeaders()).end();
}

function remove(request, response, blobs, name) {
  blobs.delete(name);
  response.writeHead(202, { ...serviceHeaders(), 'x-ms-delete-type-permanent': 'true', 'Content-Length': 0 }).end();
}

function read(request, response, blob) {
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
    ...(blob.filename !== undefined && { 'x-ms-meta-qqfilename': blob.filename }),
  });
  response.end(request.method === 'HEAD' ? undefined : bytes);
}

// --- what it checks -------------------------------------------------------------------------------------------

function isAuthorized(request, url, site) {
  const { authorization, 'x-ms-version': version } = request.headers;
  if (!authorization) return isSigned(request, url, site);
  if (!version) return false;
  if (authorization.startsWith('Bearer ')) return site.token !== null && authorization === `Bearer ${site.token}`;
  return authorization === `SharedKey ${site.account}:${sharedKeySignature(request, url, site)}`;
}

const hmac = (key, text) => createHmac('sha256', key).update(text).digest('base64');

// "Authorize with Shared Key" (learn.microsoft.com): the path as it was sent, every x-ms- header, sorted.
function sharedKeySignature({ method, headers, body }, url, { account, key }) {
  const field = (name) => headers[name] ?? '';
  const own = Object.keys(headers).filter((name) => name.startsWith('x-ms-')).sort()
    .map((name) => `${name}:${headers[name]}\n`);
  const query = [...url.searchParams].sort().map(([name, value]) => `\n${name.toLowerCase()}:${value}`);
  return hmac(key, [
    method, field('content-encoding'), field('content-language'), body ? Buffer.byteLength(body) : '', field('content-md5'),
    field('content-type'), field('date'), field('if-modified-since'), field('if-match'), field('if-none-match'),
    field('if-unmodified-since'), field('range'), `${own.join('')}/${account}${url.pathname}${query.join('')}`,
  ].join('\n'));
}

const kPermission = { HEAD: 'r', GET: 'r', DELETE: 'd', PUT: 't' };

// A service SAS of version 2020-12-06 or later, which has to allow this verb and not to have expired.
function isSigned({ method }, url, { account, key }) {
  const q = (name) => url.searchParams.get(name) ?? '';
  const text = [
    q('sp'), q('st'), q('se'), `/blob/${account}${decodeURIComponent(url.pathname)}`, q('si'), q('sip'), q('spr'),
    q('sv'), q('sr'), '', q('ses'), q('rscc'), q('rscd'), q('rsce'), q('rscl'), q('rsct'),
  ].join('\n');
  return q('sig') === hmac(key, text) && q('sp').includes(kPermission[method])
    && Date.parse(q('se')) > Date.now();
}
