// The stand-ins for Azure and Microsoft Entra themselves, compared with the official SDK: what it signs and asks for has to
// pass, and nothing else.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { after, before, beforeEach, describe, test } from 'node:test';
import {
  BlobSASPermissions, BlobServiceClient, generateBlobSASQueryParameters, SASProtocol, StorageSharedKeyCredential,
} from '@azure/storage-blob';
import { sign, stringToSign } from '../lib/azure-sas.mjs';
import { forKeys, startAzureStub } from '../lib/azure-stub.mjs';
import { account, newKey, startAzurite } from '../lib/azurite.mjs';
import { makeCertificate } from '../lib/certificate.mjs';
import { request } from '../lib/http.mjs';
import { startIdentityStub } from '../lib/identity-stub.mjs';
import { makeToken } from '../lib/jwt.mjs';
import { status } from '../lib/stub-server.mjs';

const { vectors } = JSON.parse(readFileSync(new URL('../vectors/sas-vectors.json', import.meta.url), 'utf8'));
const supported = vectors.filter(({ version, resource }) => version >= '2020-12-06' && resource === 'b');
const delegated = supported.filter(({ kind, permissions }) => kind === 'user-delegation' && permissions.includes('w'));
const kHour = 3_600_000;

describe('the text that a SAS signs', () => {
  for (const { id, account: name, container, blob, query, ...vector } of supported) {
    test(id, () => {
      const params = new URLSearchParams(query);
      for (const parameter of vector.requestQueryParameters ?? []) params.set(...parameter);
      const text = stringToSign(params, `/blob/${name}/${container}/${blob}`, Object.fromEntries(vector.requestHeaders ?? []));
      assert.equal(text, vector.stringToSign);
    });
  }
});

describe('a storage account that takes user delegation SAS', () => {
  let azure;
  before(async () => { azure = await startAzureStub({ tls: makeCertificate() }); });
  after(() => azure?.stop());
  beforeEach(() => {
    azure.clear();
    azure.distrustDelegations();
  });

  /// Sends what the vector is for, at the time that it is of; `change` makes it wrong.
  async function send(vector, change = (it) => it) {
    const key = vector.userDelegationKey;
    azure.dateOffsetSeconds = (vector.expiryUnix - 60) - Date.now() / 1000;
    azure.trust({ account: vector.account, key: newKey() });
    azure.trustDelegation({
      oid: key.signedObjectId, tid: key.signedTenantId, start: key.signedStart, expiry: key.signedExpiry,
      version: key.signedVersion, value: key.value,
    });
    const target = new URL(vector.urlHostStyle);
    for (const parameter of vector.requestQueryParameters ?? []) target.searchParams.set(...parameter);
    const headers = { 'x-ms-blob-type': 'BlockBlob', ...Object.fromEntries(vector.requestHeaders ?? []) };
    delete headers['content-length'];
    const { path, ...more } = change({ path: target.pathname + target.search, headers, body: 'hello there' });
    return (await request({ port: azure.port, method: 'PUT', path, ...more })).status;
  }

  for (const vector of delegated) {
    test(`${vector.id}, ${vector.version}: takes it`, async () => {
      assert.equal(await send(vector), 201);
      assert.equal(await send(vector, ({ path, ...more }) => ({ path: path.replace('sig=', 'sig=x'), ...more })), 403);
      assert.equal(azure.refused.length, 1);
      azure.refused.length = 0;
    });
  }

  const bound = supported.find(({ requestHeaders }) => requestHeaders?.length === 3);
  const block = supported.find(({ requestQueryParameters }) => requestQueryParameters);
  const withHeader = (name, value) => ({ headers, ...more }) => ({ headers: { ...headers, [name]: value }, ...more });
  const wrong = [
    ['another type', bound, withHeader('content-type', 'text/html')],
    ['a parameter of the type', bound, withHeader('content-type', 'text/plain;charset=utf-8')],
    ['no type', bound, ({ headers: { 'content-type': _, ...headers }, ...it }) => ({ ...it, headers })],
    ['one byte more', bound, (it) => ({ ...it, body: `${it.body}.` })],
    ['one byte less', bound, (it) => ({ ...it, body: it.body.slice(1) })],
    ['another kind of blob', bound, withHeader('x-ms-blob-type', 'PageBlob')],
    ['another block', block, (it) => ({ ...it, path: it.path.replace('MDAwMDA', 'MDAwMDE') })],
    ['no block', block, (it) => ({ ...it, path: it.path.replace(/&blockid=[^&]*/, '') })],
    ['the list of blocks', block, (it) => ({ ...it, path: it.path.replace('comp=block', 'comp=blocklist') })],
  ];
  for (const [what, vector, change] of wrong) {
    test(`bound: refuses ${what}`, async () => assert.equal(await send(vector, change), 403));
  }
});

describe('what the official SDK signs by a delegation key', () => {
  const identity = { oid: '11111111-1111-4111-8111-111111111111', tid: '22222222-2222-4222-8222-222222222222' };
  let azure;
  let key;
  before(async () => {
    azure = await startAzureStub({ tls: makeCertificate() });
    azure.trust({ account: 'acmeuploads', key: newKey() });
    azure.trustIdentity(identity);
    key = await service().getUserDelegationKey(new Date(Date.now() - kHour), new Date(Date.now() + kHour));
  });
  after(() => azure?.stop());
  beforeEach(() => azure.clear());

  const service = (token = makeToken(identity)) => new BlobServiceClient(azure.url, bearer(token), kOnce);
  const kName = 'alice/ä b+c%41.txt';
  const kPath = `/uploads/${encodeURIComponent(kName)}`;
  const sas = ({ name = kName, permissions = 'cw', version = '2023-11-03', minutes = 10, by = key, ...more } = {}) => String(
    generateBlobSASQueryParameters({
      containerName: 'uploads', blobName: name, permissions: BlobSASPermissions.parse(permissions), version, ...more,
      expiresOn: new Date(Date.now() + minutes * 60_000), protocol: SASProtocol.Https,
    }, by, 'acmeuploads'));
  /// The SDK makes no mistakes; this makes a valid signature for one.
  function signAgain(query) {
    const params = new URLSearchParams(query);
    params.set('sig', sign(Buffer.from(key.value, 'base64'), stringToSign(params, `/blob/acmeuploads/uploads/${kName}`)));
    return params;
  }
  const put = (query, { method = 'PUT', headers = { 'x-ms-blob-type': 'BlockBlob' }, body = 'x' } = {}) => request({
    port: azure.port, method, path: `${kPath}?${query}`, headers, body,
  });

  for (const version of ['2020-12-06', '2021-12-02', '2023-11-03', '2025-01-05']) {
    test(`${version}: Put Blob, read, blocks, delete`, async () => {
      assert.equal((await put(sas({ version }))).status, 201);
      const found = await put(sas({ version, permissions: 'r' }), { method: 'GET', body: undefined });
      assert.deepEqual([found.status, found.body], [200, 'x']);
      for (const id of ['MDAx', 'MDAw']) {
        assert.equal((await put(`${sas({ version })}&comp=block&blockid=${id}`, { body: id })).status, 201);
      }
      const list = '<BlockList><Latest>MDAw</Latest><Latest>MDAx</Latest></BlockList>';
      assert.equal((await put(`${sas({ version })}&comp=blocklist`, { body: list })).status, 201);
      assert.equal(String(azure.blob(`uploads/${kName}`).content), 'MDAwMDAx');
      assert.equal((await put(sas({ version, permissions: 'd' }), { method: 'DELETE' })).status, 202);
      assert.deepEqual(azure.refused, []);
    });
  }

  test('signed again, it is as good', async () => assert.equal((await put(signAgain(sas()))).status, 201));

  const rows = [
    ['another blob', () => sas({ name: 'alice/b.txt' })],
    ['no permission to write', () => sas({ permissions: 'r' })],
    ['expired', () => sas({ minutes: -1 })],
    ['not yet valid', () => sas({ startsOn: new Date(Date.now() + 60_000) })],
    ['outliving its key', () => sas({ minutes: 61 })],
    ['a version that is too old', () => sas({ version: '2020-02-10' })],
    ['another key', () => sas({ by: { ...key, value: Buffer.alloc(32).toString('base64') } })],
    ['another identity', () => sas({ by: { ...key, signedObjectId: identity.tid } })],
    ['another window', () => sas({ by: { ...key, signedExpiresOn: new Date(Date.now() + 2 * kHour) } })],
    ['a parameter twice', () => `${sas()}&sr=b`],
    ['permissions out of order', () => signAgain(sas().replace('sp=cw', 'sp=wc'))],
    ['a whole container', () => signAgain(sas().replace('sr=b', 'sr=c'))],
    ['no expiry', () => signAgain(sas().replace(/se=[^&]*&/, ''))],
    ['an expiry in other words', () => signAgain(sas().replace(/(se=[^&]*)Z&/, '$1.000Z&'))],
    ['no signature', () => sas().replace(/&sig=.*/, '')],
  ];
  for (const [what, query] of rows) {
    test(`refused: ${what}`, async () => {
      assert.equal((await put(query())).status, 403);
      assert.equal(azure.refused.length, 1);
      azure.refused.length = 0;
    });
  }

  test('a SAS is as old as the account\'s clock says', async () => {
    for (const [offset, expected] of [[0, 201], [540, 201], [660, 403], [-7200, 403]]) {
      azure.dateOffsetSeconds = offset;
      const { status: answered, headers } = await put(sas());
      assert.equal(answered, expected);
      assert.ok(Math.abs(Date.parse(headers.date) - Date.now() - offset * 1000) < 3000, headers.date);
    }
    azure.dateOffsetSeconds = 0;
    azure.refused.length = 0;
  });

  test('keys are given to whom they may be', async () => {
    const ask = (token) => service(token).getUserDelegationKey(new Date(), new Date(Date.now() + kHour));
    const codeOf = (promise) => promise.then(() => 'ok', (error) => error.code);
    assert.equal(await codeOf(ask(makeToken(identity))), 'ok');
    assert.equal(await codeOf(ask('no.token.x')), 'InvalidAuthenticationInfo');
    assert.equal(await codeOf(ask(makeToken({ ...identity, lifetimeSeconds: -1 }))), 'InvalidAuthenticationInfo');
    assert.equal(await codeOf(ask(makeToken({ ...identity, oid: identity.tid }))), 'AuthorizationPermissionMismatch');
    const late = service().getUserDelegationKey(new Date(), new Date(Date.now() + 8 * 24 * kHour));
    assert.equal(await codeOf(late), 'InvalidXmlNodeValue');
    azure.refused.length = 0;
    azure.fault = forKeys(status(418));
    await assert.rejects(ask(makeToken(identity)), { statusCode: 418 });
    assert.equal((await put(sas())).status, 201);
  });

  test('a revoked key signs nothing', async () => {
    azure.distrustDelegations();
    assert.equal((await put(sas())).status, 403);
  });

  test('a page of another origin', async () => {
    azure.allowOrigins(['https://page.example']);
    const preflight = (headers) => request({ port: azure.port, method: 'OPTIONS', path: kPath, headers });
    const asked = { Origin: 'https://page.example', 'Access-Control-Request-Method': 'PUT' };
    const allowed = await preflight({ ...asked, 'Access-Control-Request-Headers': 'content-type,x-ms-meta-qqfilename' });
    assert.deepEqual([allowed.status, allowed.headers['access-control-allow-origin']], [200, 'https://page.example']);
    assert.equal((await preflight({ ...asked, Origin: 'https://other.example' })).status, 403);
    assert.equal((await preflight({ ...asked, 'Access-Control-Request-Method': 'POST' })).status, 403);
    assert.equal((await preflight({ ...asked, 'Access-Control-Request-Headers': 'x-other' })).status, 403);
    const refusedToo = await put(sas(), { headers: { Origin: 'https://page.example' } });
    assert.equal(refusedToo.headers['access-control-allow-origin'], 'https://page.example');
  });
});

const bearer = (token) => ({ getToken: async () => ({ token, expiresOnTimestamp: Date.now() + kHour }) });
const kOnce = { tlsOptions: { rejectUnauthorized: false }, retryOptions: { maxTries: 1 } };

describe('Azurite with tokens of an identity', () => {
  let azurite;
  let identity;
  before(async () => {
    azurite = await startAzurite({ oauth: true, accounts: [{ name: account }] });
    await azurite.createContainer('uploads');
    identity = await startIdentityStub();
  });
  after(async () => {
    await azurite?.stop();
    await identity?.stop();
  });
  beforeEach(() => identity.clear());

  const kResource = `resource=${encodeURIComponent('https://storage.azure.com')}`;
  const kMetadata = { Metadata: 'true' };
  const get = (service, version, { path = '/metadata/identity/oauth2/token', more = '', headers = kMetadata } = {}) => request({
    port: service.port, tls: false, path: `${path}?api-version=${version}&${kResource}${more}`, headers,
  });

  async function assertTaken(token) {
    const options = { tlsOptions: { ca: readFileSync(azurite.caFile) } };
    const service = new BlobServiceClient(azurite.blobEndpoint, bearer(token), options);
    const key = await service.getUserDelegationKey(new Date(Date.now() - kHour), new Date(Date.now() + kHour));
    const query = generateBlobSASQueryParameters({
      containerName: 'uploads', blobName: 'a.txt', permissions: BlobSASPermissions.parse('cw'), version: '2023-11-03',
      expiresOn: new Date(Date.now() + kHour),
    }, key, account);
    const { pathname } = new URL(azurite.blobEndpoint);
    const stored = await request({
      port: azurite.port, method: 'PUT', path: `${pathname}/uploads/a.txt?${query}`,
      headers: { 'x-ms-blob-type': 'BlockBlob' }, body: 'hi',
    });
    assert.equal(stored.status, 201, stored.body);
    assert.equal(String(await azurite.container('uploads').read('a.txt')), 'hi');
    assert.deepEqual(identity.refused, []);
    return key;
  }

  test('of IMDS', async () => {
    const { expires_in: lifetime, access_token: token } = (await get(identity.imds, '2018-02-01')).json();
    assert.equal(lifetime, '86400');
    const key = await assertTaken(token);
    assert.deepEqual([key.signedObjectId, key.signedTenantId], [identity.system.objectId, identity.tenantId]);
    const [, { clientId, objectId, resourceId }] = identity.users;
    for (const [name, value] of Object.entries({ client_id: clientId, object_id: objectId, msi_res_id: resourceId })) {
      const named = (await get(identity.imds, '2018-02-01', { more: `&${name}=${encodeURIComponent(value)}` })).json();
      assert.equal(named.client_id, clientId);
    }
  });

  test('of App Service', async () => {
    const headers = { 'X-IDENTITY-HEADER': identity.appService.env().IDENTITY_HEADER };
    const answer = (await get(identity.appService, '2019-08-01', { path: '/msi/token', headers })).json();
    assert.deepEqual([answer.expires_in, typeof answer.expires_on], [undefined, 'string']);
    await assertTaken(answer.access_token);
  });

  test('of Arc, to whoever can read its file', async () => {
    const challenge = await get(identity.arc, '2019-11-01');
    const [, file] = /^Basic realm=(\/var\/opt\/azcmagent\/tokens\/\S+\.key)$/.exec(challenge.headers['www-authenticate']);
    const headers = { ...kMetadata, Authorization: `Basic ${readFileSync(file)}` };
    await assertTaken((await get(identity.arc, '2019-11-01', { headers })).json().access_token);
    assert.equal((await get(identity.arc, '2019-11-01', { headers })).status, 403);
  });

  const ask = (credential, { tenant = identity.tenantId, scope = 'https://storage.azure.com/.default' } = {}) => request({
    port: identity.authority.port, method: 'POST', path: `/${tenant}/oauth2/v2.0/token`,
    headers: { 'Content-Type': 'application/x-www-form-urlencoded' },
    body: new URLSearchParams({
      grant_type: 'client_credentials', client_id: identity.application.clientId, scope, ...credential,
    }).toString(),
  });
  const assertion = (text) => ({
    client_assertion: text, client_assertion_type: 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer',
  });

  test('of Entra, for a secret or an assertion', async () => {
    const answer = (await ask({ client_secret: identity.application.secret })).json();
    assert.equal(answer.expires_in, 86_400);
    const key = await assertTaken(answer.access_token);
    assert.equal(key.signedObjectId, identity.application.objectId);
    const old = identity.application.assertion;
    assert.equal((await ask(assertion(old))).status, 200);
    identity.newAssertion();
    assert.equal((await ask(assertion(old))).status, 401);
    assert.equal((await ask(assertion(identity.application.assertion))).status, 200);
  });

  const wrong = [
    ['IMDS without Metadata', () => get(identity.imds, '2018-02-01', { headers: {} })],
    ['IMDS by a proxy', () => get(identity.imds, '2018-02-01', { headers: { ...kMetadata, 'X-Forwarded-For': '10.0.0.1' } })],
    ['IMDS of another version', () => get(identity.imds, '2019-08-01')],
    ['IMDS for nobody it knows', () => get(identity.imds, '2018-02-01', { more: `&client_id=${identity.tenantId}` })],
    ['IMDS by two names', () => get(identity.imds, '2018-02-01', { more: '&client_id=a&object_id=b' })],
    ['IMDS by App Service\'s name', () => get(identity.imds, '2018-02-01', { more: '&mi_res_id=a' })],
    ['App Service without its header', () => get(identity.appService, '2019-08-01', { path: '/msi/token' }), 401],
    ['Arc with a name', () => get(identity.arc, '2019-11-01', { more: '&client_id=a' })],
    ['Arc with a wrong key',
      () => get(identity.arc, '2019-11-01', { headers: { ...kMetadata, Authorization: 'Basic x' } }), 403],
    ['Entra, another tenant', () => ask({ client_secret: identity.application.secret }, { tenant: 'other' })],
    ['Entra, another scope', () => ask({ client_secret: identity.application.secret }, { scope: 'https://storage.azure.com' })],
    ['Entra, a wrong secret', () => ask({ client_secret: 'x' }), 401],
    ['Entra, two credentials', () => ask({ client_secret: identity.application.secret, ...assertion('x') })],
    ['Entra, a resource as of old', () => ask({ client_secret: identity.application.secret, resource: 'x' })],
  ];
  for (const [what, send, expected = 400] of wrong) {
    test(`refused: ${what}`, async () => {
      assert.equal((await send()).status, expected);
      assert.equal(identity.refused.length, 1);
      assert.equal(identity.issued.length, 0);
    });
  }

  test('IMDS has to be told which, if there are several', async () => {
    const { system, users } = identity;
    identity.system = null;
    assert.equal((await get(identity.imds, '2018-02-01')).status, 400);
    identity.users = users.slice(0, 1);
    assert.equal((await get(identity.imds, '2018-02-01')).json().client_id, users[0].clientId);
    Object.assign(identity, { system, users });
  });
});

describe('Azurite with keys that change', () => {
  let azurite;
  before(async () => {
    azurite = await startAzurite({ accounts: [{ name: account }, { name: 'other', keys: ['a2V5'] }] });
    await azurite.createContainer('uploads');
  });
  after(() => azurite?.stop());

  const statusWith = (key) => new BlobServiceClient(azurite.blobEndpoint, new StorageSharedKeyCredential(account, key))
    .getContainerClient('uploads').exists().then((exists) => (exists ? 200 : 404), (error) => error.statusCode);

  for (const which of [1, 2, 2, 1]) {
    test(`key ${which} is regenerated`, async () => {
      const before = azurite.keys();
      const fresh = await azurite.regenerateKey(which);
      const old = before[which - 1];
      assert.deepEqual(azurite.keys(), before.map((key) => (key === old ? fresh : key)));
      assert.deepEqual(await Promise.all([old, ...azurite.keys()].map(statusWith)), [403, 200, 200]);
    });
  }

  test('nobody who has the other key notices', async () => {
    const [, second] = azurite.keys();
    let done = false;
    const regenerating = (async () => { for (let i = 0; i < 10; i++) await azurite.regenerateKey(1); })()
      .finally(() => { done = true; });
    do assert.deepEqual(await Promise.all([second, second, second].map(statusWith)), [200, 200, 200]); while (!done);
    await regenerating;
  });

  test('the blobs stay', async () => {
    await azurite.container('uploads').write('a.txt', 'hello');
    await azurite.regenerateKey(1);
    assert.equal(String(await azurite.container('uploads').read('a.txt')), 'hello');
    assert.deepEqual(azurite.keys('other'), ['a2V5']);
  });
});
