// Where a program on an Azure machine, an App Service or an Arc server gets the tokens of its identity.
import { randomUUID } from 'node:crypto';
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { kAudience } from './jwt.mjs';
import { onlyOnce, Refusal } from './strict-service.mjs';

/// A managed identity, with all three of its names.
export const makeIdentity = (name) => ({
  clientId: randomUUID(), objectId: randomUUID(),
  resourceId: `/subscriptions/${randomUUID()}/resourcegroups/uploads`
    + `/providers/Microsoft.ManagedIdentity/userAssignedIdentities/${name}`,
});

// --- what the three have in common ----------------------------------------------------------------------------

const kMetadataPath = '/metadata/identity/oauth2/token';

const bad = (why) => new Refusal(why, 400, { error: 'invalid_request', error_description: why });

/// Which identity a request names, `{name, value}`, or null if none. It has to be a GET of `path` without a body, not by a
/// proxy, with each parameter once, and at most one of `ids`.
function readQuery({ method, url: target, headers, body }, url, { path, version, ids }) {
  if (method !== 'GET') throw bad(`the method is ${method}`);
  if (!target.startsWith('/') || headers.via !== undefined) throw bad('it went by a proxy');
  if (headers['x-forwarded-for'] !== undefined) throw bad('X-Forwarded-For');
  if (url.pathname !== path) throw bad(`the path is ${url.pathname}`);
  if (body) throw bad('it has a body');
  const params = onlyOnce(url.searchParams);
  if (!params) throw bad('a parameter came twice');
  const { 'api-version': given, resource, ...id } = params;
  if (given !== version) throw bad(`api-version ${given}`);
  if (resource !== kAudience && resource !== `${kAudience}/`) throw bad(`resource ${resource}`);
  return readId(Object.entries(id), ids);
}

function readId(given, ids) {
  if (given.length > 1) throw bad(given.map(([name]) => name).join(' and '));
  if (given.length === 0) return null;
  const [[name, value]] = given;
  if (!Object.hasOwn(ids, name)) throw bad(`an unknown parameter ${name}`);
  return { name: ids[name], value };
}

function findIdentity({ system, users }, id) {
  const found = id ? users.find((it) => it[id.name].toLowerCase() === id.value.toLowerCase()) : system ?? users[0];
  if (!found) throw bad('Identity not found');
  if (id || system || users.length === 1) return found;
  throw bad('Multiple user assigned identities exist, please specify the clientId / resourceId of the identity in the token '
    + 'request');
}

function checkMetadata({ headers }) {
  if (headers.metadata !== 'true') throw bad('Required metadata header not specified');
}

// Every number is a text here.
function tokenAnswer(stub, { clientId, objectId }) {
  const { token, expires } = stub.issue({ clientId, objectId });
  return {
    access_token: token, client_id: clientId, expires_in: String(stub.lifetimeSeconds), expires_on: String(expires),
    ext_expires_in: String(stub.lifetimeSeconds), not_before: String(expires - stub.lifetimeSeconds), resource: kAudience,
    token_type: 'Bearer',
  };
}

// --- the services ---------------------------------------------------------------------------------------------

/// The metadata service of a machine in Azure.
export const imds = (stub) => ({
  env: (url) => ({ AZURE_POD_IDENTITY_AUTHORITY_HOST: url }),
  judge(request, url) {
    checkMetadata(request);
    const ids = { client_id: 'clientId', object_id: 'objectId', msi_res_id: 'resourceId' };
    const identity = findIdentity(stub, readQuery(request, url, { path: kMetadataPath, version: '2018-02-01', ids }));
    return () => ({ body: tokenAnswer(stub, identity) });
  },
});

/// App Service, Functions, Container Apps: they say when a token ends, but not in how many seconds.
export function appService(stub) {
  const secret = randomUUID();
  return {
    env: (url) => ({ IDENTITY_ENDPOINT: `${url}/msi/token`, IDENTITY_HEADER: secret }),
    judge(request, url) {
      if (request.headers['x-identity-header'] !== secret) throw new Refusal('X-IDENTITY-HEADER', 401, { statusCode: 401 });
      const ids = { client_id: 'clientId', principal_id: 'objectId', mi_res_id: 'resourceId' };
      const identity = findIdentity(stub, readQuery(request, url, { path: '/msi/token', version: '2019-08-01', ids }));
      return () => ({ body: { ...tokenAnswer(stub, identity), expires_in: undefined, ext_expires_in: undefined } });
    },
  };
}

/// The agent of an Arc server, which has one identity. It recognises root by a file that nobody else can read; each file
/// is good for one token.
export const arc = (stub, keys) => ({
  env: (url) => ({ IDENTITY_ENDPOINT: url + kMetadataPath, IMDS_ENDPOINT: url }),
  judge(request, url) {
    checkMetadata(request);
    readQuery(request, url, { path: kMetadataPath, version: '2019-11-01', ids: {} });
    const identity = findIdentity({ system: stub.system, users: [] }, null);
    const { authorization } = request.headers;
    if (authorization === undefined) return () => challenge(keys.write());
    const [, key] = /^Basic (.+)$/.exec(authorization) ?? [];
    if (!keys.has(key)) throw new Refusal('Authorization', 403, { error: 'forbidden' });
    return () => {
      keys.remove(key);
      return { body: tokenAnswer(stub, identity) };
    };
  },
});

const challenge = (file) => ({
  status: 401, headers: { 'WWW-Authenticate': `Basic realm=${file}` },
  body: { error: 'unauthorized_client', error_description: 'Missing Basic Authorization header' },
});

/// The agent's key files in `directory`, which is made if need be, and removed by removeAll() if it was.
export function makeKeyFiles(directory) {
  const files = new Map();
  let made;
  return {
    /// Writes one, and returns its path.
    write(name = `${randomUUID()}.key`, key = randomUUID()) {
      made ??= mkdirSync(directory, { recursive: true });
      const file = join(directory, name);
      writeFileSync(file, key, { mode: 0o600 });
      files.set(key, file);
      return file;
    },
    has: (key) => files.has(key),
    remove(key) {
      rmSync(files.get(key), { force: true });
      files.delete(key);
    },
    removeAll() {
      files.forEach((file) => rmSync(file, { force: true }));
      files.clear();
      if (made) rmSync(made, { recursive: true, force: true });
      made = undefined;
    },
  };
}
