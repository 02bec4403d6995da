// Azure Blob Storage as far as a callback, an upload and an identity see it, for what the emulator does differently: the
// service's own error codes and headers, errors that the emulator never makes, a clock that is wrong, and user delegation
// SAS of every version. It checks each credential by computing it once more.
import { fail, serviceHeaders } from './azure-answers.mjs';
import { makeBlob, operationOf } from './azure-blobs.mjs';
import {
  bearerOf, describeKey, identityOf, isAuthorized, makeDelegation, makeTrust, readKeyRequest,
} from './azure-credentials.mjs';
import { startStubServer } from './stub-server.mjs';

export { fail };

/// Starts one; what startStubServer() returns, and `put(name, properties)`, `remove(name)`, `blob(name)`, and `refused`, the
/// requests whose credentials were wrong. Names are `container/blob`.
///
/// - `trust({account, key, token})`: the account's name, its key or keys, and a bearer token that it takes as it is;
/// - `trustIdentity({oid, tid})`: its tokens (jwt.mjs) may read and write, and get user delegation keys, unless `isDelegator`
///   is false. `delegations` are these keys, `trustDelegation({oid, tid, start, expiry, version, value})` adds one by hand,
///   and `distrustDelegations()` revokes all;
/// - `uncommitted(name)`: ids of blocks that wait for their list;
/// - `allowOrigins(origins, headers)`: CORS for uploads by a page;
/// - `dateOffsetSeconds`, by how much the account's clock is fast. A test may change it.
export async function startAzureStub({ dateOffsetSeconds = 0, ...options } = {}) {
  const account = {
    blobs: new Map(), blocks: new Map(), trust: makeTrust(), refused: [], cors: null, isEncrypted: Boolean(options.tls),
    nowMs: () => Date.now() + stub.dateOffsetSeconds * 1000, pageEntries: undefined,
  };
  const stub = await startStubServer({
    ...options,
    inspect(request, response) {
      response.setHeader('Date', new Date(account.nowMs()).toUTCString());
      if (isAllowedOrigin(account, request)) response.setHeader('Access-Control-Allow-Origin', request.headers.origin);
    },
    answer: (request, response) => serve(account, request, response),
  });
  const { blobs, blocks, trust, refused } = account;
  return Object.assign(stub, {
    dateOffsetSeconds,
    refused,
    /// The most blobs that a page of a listing has, whatever was asked for.
    limitPages: (entries) => { account.pageEntries = entries; },
    put: (name, properties = {}) => blobs.set(name, makeBlob(properties)),
    remove: (name) => blobs.delete(name),
    blob: (name) => blobs.get(name),
    uncommitted: (name) => [...blocks.get(name)?.keys() ?? []],
    trust({ account: name, key, token = null }) {
      Object.assign(trust, { account: name, keys: [key].flat().map((it) => Buffer.from(it, 'base64')), token });
    },
    trustIdentity: ({ oid, tid, isDelegator = true }) => trust.identities.push({ oid, tid, isDelegator }),
    delegations: trust.delegations,
    trustDelegation: (key) => trust.delegations.push(makeDelegation(key)),
    distrustDelegations: () => { trust.delegations.length = 0; },
    allowOrigins: (origins, headers = kUploadHeaders) => { account.cors = { origins, headers }; },
  });
}

function serve(account, request, response) {
  if (request.method === 'OPTIONS') return preflight(account, request, response);
  if (isKeyRequest(request)) return sendKey(account, request, response);
  const url = new URL(request.url, 'http://localhost');
  const operation = operationOf(request, url);
  if (!operation) return fail(405, 'UnsupportedHttpVerb')(request, response);
  const target = { ...account, name: decodeURIComponent(url.pathname.slice(1)), url };
  if (isAllowed(target, request, operation)) return operation.run(request, response, target);
  account.refused.push(request);
  return fail(403, 'AuthenticationFailed')(request, response);
}

const isAllowed = (target, request, { needs }) => isAuthorized(request, target.url, needs(target), target.trust, {
  nowMs: target.nowMs(), isEncrypted: target.isEncrypted,
});

// --- CORS -----------------------------------------------------------------------------------------------------

// What Fine Uploader sends.
const kUploadHeaders = ['content-type', 'x-ms-blob-type', 'x-ms-blob-content-type', 'x-ms-meta-*'];
const kUploadMethods = ['PUT', 'DELETE'];

const isAllowedOrigin = ({ cors }, { headers }) => cors?.origins.includes(headers.origin) ?? false;

function preflight(account, request, response) {
  const { 'access-control-request-method': method, 'access-control-request-headers': wanted = '' } = request.headers;
  const isListed = (name) => account.cors.headers.some(
    (it) => (it.endsWith('*') ? name.startsWith(it.slice(0, -1)) : name === it));
  const isFine = isAllowedOrigin(account, request) && kUploadMethods.includes(method)
    && wanted.toLowerCase().split(',').map((name) => name.trim()).filter(Boolean).every(isListed);
  if (!isFine) return fail(403, 'CorsPreflightFailure')(request, response);
  return response.writeHead(200, {
    ...serviceHeaders(), 'Access-Control-Allow-Methods': method, 'Access-Control-Allow-Headers': wanted,
    'Access-Control-Max-Age': '0', 'Content-Length': 0,
  }).end();
}

// --- user delegation keys -------------------------------------------------------------------------------------

const isKeyRequest = ({ method, url }) => method === 'POST' && url === '/?restype=service&comp=userdelegationkey';

/// A fault for requests for keys only: all others are answered as usual.
export const forKeys = (fault) => (request, response, answer) => (
  isKeyRequest(request) ? fault : answer)(request, response, answer);

function sendKey({ trust, refused, nowMs }, request, response) {
  const refuse = (status, code) => {
    refused.push(request);
    return fail(status, code)(request, response);
  };
  if (!request.headers.authorization) return refuse(401, 'NoAuthenticationInformation');
  const claims = bearerOf(request.headers.authorization);
  if (!claims) return refuse(401, 'InvalidAuthenticationInfo');
  const identity = identityOf(claims, trust);
  if (!identity?.isDelegator) return refuse(403, 'AuthorizationPermissionMismatch');
  const { code, ...asked } = readKeyRequest(request, nowMs());
  if (code) return refuse(400, code);
  const key = makeDelegation({ ...identity, ...asked });
  trust.delegations.push(key);
  const body = describeKey(key);
  return response.writeHead(200, {
    ...serviceHeaders(), 'Content-Type': 'application/xml', 'Content-Length': Buffer.byteLength(body),
  }).end(body);
}
