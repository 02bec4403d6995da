// Who a worker takes the caller for: only ever whom nginx has checked, on each of the sample sites.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { plainSite, sampleSite } from '../lib/nginx.mjs';
import { tempDir } from '../lib/process.mjs';
import { startSession } from './session.mjs';
import { basic, sampleFiles, startStack } from './stack.mjs';

const users = { alice: 'wonderland', bob: 'builder' };
const signature = '/blobvalet/signature?a=b';

// What the answers of nginx alone say; a callback's text is the same with a verdict for Fine Uploader.
const refusals = {
  401: { error: 'Please log in.', code: 'login_required' },
  403: { error: 'This is not allowed.', code: 'not_allowed' },
  500: { error: 'The server failed. Please try again later.', code: 'internal_error' },
};

// Locations for monitoring, and what the worker is told.
const monitoring = [['health', 'health'], ['healthz', 'live'], ['readyz', 'ready'], ['metrics', 'metrics']];

// Every way to call oneself "mallory" in a request.
const forgeries = [
  { name: 'nothing', headers: {} },
  { name: 'Authorization', headers: { Authorization: basic('mallory', 'x') } },
  { name: 'Authorization without a password', headers: { Authorization: basic('mallory', '') } },
  { name: 'Authorization: Bearer', headers: { Authorization: 'Bearer mallory' } },
  { name: 'REMOTE-USER', headers: { 'REMOTE-USER': 'mallory' } },
  { name: 'REMOTE_USER', headers: { REMOTE_USER: 'mallory' } },
  { name: 'X-Remote-User', headers: { 'X-Remote-User': 'mallory' } },
  { name: 'X-User', headers: { 'X-User': 'mallory' } },
  { name: 'X-Forwarded-User', headers: { 'X-Forwarded-User': 'mallory' } },
  { name: 'BLOBVALET_USER', headers: { BLOBVALET_USER: 'mallory' } },
  { name: 'BLOBVALET-USER', headers: { 'BLOBVALET-USER': 'mallory' } },
  { name: 'BLOBVALET-USER twice', headers: ['BLOBVALET-USER', 'mallory', 'BLOBVALET-USER', 'mallory'] },
  { name: 'BLOBVALET-VAR-TENANT', headers: { 'BLOBVALET-VAR-TENANT': 'mallory' } },
  { name: 'BLOBVALET-ORIGIN', headers: { 'BLOBVALET-ORIGIN': 'https://mallory' } },
  { name: 'BLOBVALET-ENDPOINT', headers: { 'BLOBVALET-ENDPOINT': 'health' } },
  { name: 'Proxy (httpoxy)', headers: { Proxy: 'http://mallory' } },
  { name: 'a cookie', headers: { Cookie: 'user=mallory; blobvalet_user=mallory; session=mallory' } },
  { name: 'the query', headers: {}, query: '&BLOBVALET_USER=mallory&user=mallory' },
];

const flat = (headers) => (Array.isArray(headers) ? headers : Object.entries(headers).flat());
const both = (headers, more) => [...flat(headers), ...flat(more)];

// The parameters nginx sends, and nothing else: no header, nothing twice.
const parameters = [
  'BLOBVALET_ENDPOINT', 'BLOBVALET_ORIGIN', 'BLOBVALET_USER', 'CONTENT_LENGTH', 'CONTENT_TYPE', 'QUERY_STRING',
  'REMOTE_ADDR', 'REQUEST_ID', 'REQUEST_METHOD',
];

function assertArrived(arrived, user, more = {}) {
  assert.ok(arrived, 'the request reached the worker');
  const expected = { BLOBVALET_USER: user, BLOBVALET_ENDPOINT: 'signature', BLOBVALET_ORIGIN: '', ...more };
  assert.deepEqual(arrived.params.map(([name]) => name).sort(), [...new Set([...parameters, ...Object.keys(more)])].sort());
  for (const [name, value] of Object.entries(expected)) assert.equal(arrived.get(name), value, name);
}

async function assertRefused(stack, path, how, status) {
  const before = stack.echo.requests.length;
  const answer = await stack.ask(path, how);
  assert.equal(answer.status, status);
  assert.deepEqual(answer.json(), refusals[status]);
  assert.equal(answer.headers['content-type'], 'application/json');
  assert.equal(answer.headers['cache-control'], 'no-store');
  assert.equal(answer.headers['x-content-type-options'], 'nosniff');
  assert.equal(stack.echo.requests.length, before, 'no worker was asked');
  return answer;
}

/// A certificate authority and clients with certificates by it, as request() takes them.
function authority(name, users) {
  const dir = tempDir();
  const make = (subject, ...options) => {
    execFileSync('openssl', ['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days', '30',
      '-subj', `/CN=${subject}`, '-keyout', `${subject}.key`, '-out', `${subject}.crt`, ...options], { cwd: dir, stdio: 'pipe' });
    return { cert: readFileSync(join(dir, `${subject}.crt`)), key: readFileSync(join(dir, `${subject}.key`)) };
  };
  const certificate = make(name).cert;
  const client = (user) => make(user, '-CA', `${name}.crt`, '-CAkey', `${name}.key`);
  return { certificate, clients: Object.fromEntries(users.map((user) => [user, client(user)])) };
}

test('anonymous site: nobody, whatever the request says', async (t) => {
  const stack = await startStack({ render: sampleSite('anonymous') });
  for (const { name, headers, query = '' } of forgeries) {
    await t.test(`with ${name}`, async () => assertArrived(await stack.passed(signature + query, { headers }), ''));
  }
});

test('auth_basic site', async (t) => {
  const stack = await startStack({ render: sampleSite('auth_basic'), files: sampleFiles(users) });

  for (const { name, headers, query = '' } of forgeries) {
    await t.test(`without a password: ${name}`, async () => {
      await assertRefused(stack, signature + query, { headers }, 401);
    });
  }
  const wrong = [
    { name: 'another password', authorization: basic('alice', 'builder') },
    { name: 'no password', authorization: basic('alice', '') },
    { name: 'capital letters in the name', authorization: basic('Alice', 'wonderland') },
    { name: 'a blank behind the name', authorization: basic('alice ', 'wonderland') },
    { name: 'an empty name', authorization: basic('', 'wonderland') },
    { name: 'no colon', authorization: `Basic ${Buffer.from('alice').toString('base64')}` },
    { name: 'no base64', authorization: 'Basic ???' },
  ];
  for (const { name, authorization } of wrong) {
    await t.test(`refused: ${name}`, async () => {
      await assertRefused(stack, signature, { headers: { Authorization: authorization } }, 401);
    });
  }
  await t.test('the browser is told how to log in', async () => {
    const answer = await assertRefused(stack, signature, {}, 401);
    assert.equal(answer.headers['www-authenticate'], 'Basic realm="Uploads"');
  });
  await t.test('a callback is told not to retry', async () => {
    const answer = await stack.ask('/blobvalet/success', { method: 'POST', body: 'a=b' });
    assert.equal(answer.status, 401);
    assert.deepEqual(answer.json(), { ...refusals[401], success: false, preventRetry: true });
  });
  for (const { name, headers, query = '' } of forgeries.filter((row) => !flat(row.headers).includes('Authorization'))) {
    await t.test(`alice stays alice: ${name}`, async () => {
      const hers = both({ Authorization: basic('alice', 'wonderland') }, headers);
      assertArrived(await stack.passed(signature + query, { headers: hers }), 'alice');
    });
  }
  await t.test('bob is bob', async () => {
    assertArrived(await stack.passed(signature, { headers: { Authorization: basic('bob', 'builder') } }), 'bob');
  });
  for (const [path, endpoint] of monitoring) {
    await t.test(`${path} needs no password`, async () => {
      assertArrived(await stack.passed(`/blobvalet/${path}`), '', { BLOBVALET_ENDPOINT: endpoint });
    });
  }
});

test('auth_request site', async (t) => {
  const session = await startSession({ users, broken: { banned: 403, crashed: 500 } });
  after(() => session.stop());
  const stack = await startStack({
    render: sampleSite('auth_request', [[/127\.0\.0\.1:9000/g, `127.0.0.1:${session.port}`]]), files: sampleFiles(users),
  });
  const alice = { Cookie: session.login('alice') };
  const revoked = { Cookie: session.login('alice') };
  session.revoke(revoked.Cookie);

  for (const { name, headers, query = '' } of forgeries) {
    await t.test(`without a session: ${name}`, async () => {
      await assertRefused(stack, signature + query, { headers }, 401);
    });
  }
  const refused = [
    { name: 'a session that was closed', headers: revoked, status: 401 },
    { name: 'an unknown session', headers: { Cookie: 'session=0' }, status: 401 },
    { name: 'an empty session', headers: { Cookie: 'session=' }, status: 401 },
    { name: 'a session that may not', headers: { Cookie: session.login('banned') }, status: 403 },
    { name: 'a failing application', headers: { Cookie: session.login('crashed') }, status: 500 },
  ];
  for (const { name, headers, status } of refused) {
    await t.test(`refused: ${name}`, () => assertRefused(stack, signature, { headers }, status));
  }
  for (const { name, headers, query = '' } of forgeries.filter((row) => !flat(row.headers).includes('Cookie'))) {
    await t.test(`alice stays alice: ${name}`, async () => {
      assertArrived(await stack.passed(signature + query, { headers: both(alice, headers) }), 'alice');
    });
  }
  await t.test('a callback has its identity and its body', async () => {
    const arrived = await stack.passed('/blobvalet/success', { method: 'POST', body: 'a=b', headers: alice });
    assertArrived(arrived, 'alice', { BLOBVALET_ENDPOINT: 'success', CONTENT_LENGTH: '3' });
    assert.equal(arrived.body, 'a=b');
  });
  await t.test('the session URL is not for clients', async () => {
    assert.equal((await stack.ask('/session', { headers: alice })).status, 404);
  });
  await t.test('a log-in through nginx opens a session', async () => {
    const form = { method: 'POST', body: 'user=bob&password=builder' };
    const [cookie] = (await stack.ask('/login', form)).headers['set-cookie'];
    assertArrived(await stack.passed(signature, { headers: { Cookie: cookie.split(';')[0] } }), 'bob');
  });
  for (const [path, endpoint] of monitoring) {
    await t.test(`${path} needs no session`, async () => {
      assertArrived(await stack.passed(`/blobvalet/${path}`), '', { BLOBVALET_ENDPOINT: endpoint });
    });
  }
  await t.test('nobody gets in while the application is down', async () => {
    await session.stop();
    await assertRefused(stack, signature, { headers: alice }, 500);
  });
});

test('limit_req site: a tenant from the name of the site', async (t) => {
  const stack = await startStack({ render: sampleSite('limit_req'), files: sampleFiles(users) });
  const authorization = { Authorization: basic('alice', 'wonderland') };
  const tenants = [
    { host: 'acme.uploads.example.com', tenant: 'acme' },
    { host: 'globex.uploads.example.com', tenant: 'globex' },
    { host: 'ACME.uploads.example.com', tenant: 'acme' },
    { host: 'uploads.example.com', tenant: '' },
    { host: 'other.uploads.example.com', tenant: '' },
    { host: 'evil.acme.uploads.example.com', tenant: '' },
    { host: 'acme.uploads.example.com.evil.com', tenant: '' },
    { host: 'acme', tenant: '' },
  ];
  for (const { host, tenant } of tenants) {
    await t.test(`${host} is ${tenant || 'nobody'}`, async () => {
      const headers = both({ Host: host, 'BLOBVALET-VAR-TENANT': 'mallory' }, authorization);
      const arrived = await stack.passed('/api/uploads/sign?a=b', { headers });
      assertArrived(arrived, 'alice', { BLOBVALET_VAR_TENANT: tenant });
    });
  }
  await t.test('the callback has it too', async () => {
    const headers = { Host: 'acme.uploads.example.com', ...authorization };
    const arrived = await stack.passed('/api/uploads/done', { method: 'POST', body: 'a=b', headers });
    assertArrived(arrived, 'alice', { BLOBVALET_ENDPOINT: 'success', BLOBVALET_VAR_TENANT: 'acme' });
  });
  await t.test('and so has the list of earlier uploads', async () => {
    const headers = { Host: 'acme.uploads.example.com', ...authorization };
    const arrived = await stack.passed('/api/uploads/files?container=x', { headers });
    assertArrived(arrived, 'alice', { BLOBVALET_ENDPOINT: 'session', BLOBVALET_VAR_TENANT: 'acme' });
  });
  await t.test('without a password there is neither', async () => {
    await assertRefused(stack, '/api/uploads/sign', { headers: { Host: 'acme.uploads.example.com' } }, 401);
  });
});

test('client certificates', async (t) => {
  const own = authority('own', ['alice', 'bob']);
  const foreign = authority('foreign', ['alice']);
  const stack = await startStack({
    files: { 'clients.crt': own.certificate },
    render: plainSite(`
      ssl_client_certificate clients.crt;
      ssl_verify_client on;
      set $blobvalet_user $ssl_client_s_dn;
      include snippets/blobvalet.conf;
    `),
  });
  for (const user of ['alice', 'bob']) {
    await t.test(user, async () => {
      const headers = { 'SSL-CLIENT-S-DN': 'CN=mallory' };
      assertArrived(await stack.passed(signature, { ...own.clients[user], headers }), `CN=${user}`);
    });
  }
  const refused = [
    { name: 'no certificate', client: {} },
    { name: 'a certificate by somebody else', client: foreign.clients.alice },
  ];
  for (const { name, client } of refused) {
    await t.test(`refused: ${name}`, async () => {
      const before = stack.echo.requests.length;
      assert.equal((await stack.ask(signature, client)).status, 400);
      assert.equal(stack.echo.requests.length, before, 'no worker was asked');
    });
  }
});

// Why snippets/blobvalet.conf warns: this is what the mistake looks like.
test('$remote_user without auth_basic in the same server is what the client says', async () => {
  const stack = await startStack({
    files: sampleFiles(users),
    render: plainSite(`
      set $blobvalet_user $remote_user;
      include snippets/blobvalet.conf;
      location / { auth_basic "Uploads"; auth_basic_user_file blobvalet.htpasswd; }
    `),
  });
  const headers = { Authorization: basic('alice', 'guessed') };
  assert.equal((await stack.ask('/', { headers })).status, 401);
  assertArrived(await stack.passed(signature, { headers }), 'alice');
});
