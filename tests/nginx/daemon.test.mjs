// The shipped files in front of the real pool: what a browser gets from nginx and blobvalet together.
import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { request } from '../lib/http.mjs';
import { plainSite, startNginx } from '../lib/nginx.mjs';
import { startPool } from '../lib/pool.mjs';
import { sleep, tempDir, waitFor } from '../lib/process.mjs';
import { basic, corsOf, sampleFiles } from './stack.mjs';

const dir = tempDir();
const endpoint = 'https://acmeuploads.blob.core.windows.net';
const config = join(dir, 'blobvalet.json');
writeFileSync(join(dir, 'acmeuploads.key'), Buffer.alloc(64, 7).toString('base64'), { mode: 0o600 });
writeFileSync(config, JSON.stringify({
  accounts: [{ name: 'acmeuploads', endpoint, credential: { type: 'shared_key', key_file: 'acmeuploads.key' } }],
  rules: [
    { name: 'own-folder', account: 'acmeuploads', container: 'uploads', blobs: ['{user}/**'], methods: ['PUT', 'DELETE'] },
    { name: 'tenant', account: 'acmeuploads', container: 'tenants', blobs: ['{tenant}/**'], methods: ['PUT'], anonymous: true },
    { name: 'drop-box', account: 'acmeuploads', container: 'drop', blobs: ['**'], methods: ['PUT'], anonymous: true },
  ],
  success: { verify: { enabled: false } },      // there is no Azure here
  server: { metrics_file: 'metrics' },
}));

const kWorkers = 2;
const pools = { signature: await startPool({
  config, dir, workers: kWorkers, name: 'signature', args: ['--signatures-only'],
}) };
after(() => pools.signature.stop());
pools.success = await startPool({ config, dir, workers: kWorkers, name: 'success' });
after(() => pools.success.stop());

const listed = 'https://app.example.com';
const nginx = await startNginx({
  dir, origins: [listed], files: sampleFiles({ alice: 'wonderland', bob: 'builder' }),
  signatureSocket: pools.signature.socket, successSocket: pools.success.socket, workers: 2,
  render: plainSite(`
    set $blobvalet_user "";
    include snippets/blobvalet.conf;
    location = /members/sign {
        set $blobvalet_user $remote_user;
        include snippets/blobvalet-signature.conf;
        auth_basic "Uploads";
        auth_basic_user_file blobvalet.htpasswd;
    }
    location = /members/done {
        set $blobvalet_user $remote_user;
        include snippets/blobvalet-success.conf;
        auth_basic "Uploads";
        auth_basic_user_file blobvalet.htpasswd;
    }
    location = /acme/sign {
        include snippets/blobvalet-signature.conf;
        fastcgi_param BLOBVALET_VAR_TENANT acme;
    }
    location = /user-twice { include snippets/blobvalet-signature.conf; fastcgi_param BLOBVALET_USER alice; }
    location = /tenant-twice {
        include snippets/blobvalet-signature.conf;
        fastcgi_param BLOBVALET_VAR_TENANT acme;
        fastcgi_param BLOBVALET_VAR_TENANT globex;
    }
    location = /endpoint-twice { include snippets/blobvalet-signature.conf; fastcgi_param BLOBVALET_ENDPOINT health; }
    location = /no-such-endpoint {
        include snippets/blobvalet-common.conf;
        fastcgi_param BLOBVALET_ENDPOINT other;
        fastcgi_pass blobvalet_signature;
    }
  `),
});
after(nginx.stop);

const ask = (path, { tls = true, ...how } = {}) => (
  request({ port: tls ? nginx.httpsPort : nginx.httpPort, tls, path, ...how }));
const signing = (blob, { method = 'PUT', container = 'drop', path = '/blobvalet/signature' } = {}) => (
  `${path}?bloburi=${encodeURIComponent(`${endpoint}/${container}/${blob}`)}&_method=${method}&qqtimestamp=1`);
const callback = (blob, container = 'drop') => new URLSearchParams({
  blob, uuid: 'f9a922bd-3007-4393-a76e-925fc009639c', name: blob, container: `${endpoint}/${container}`,
}).toString();
const kForm = 'application/x-www-form-urlencoded; charset=UTF-8';
const report = (blob, { container, path = '/blobvalet/success', headers = {}, tls } = {}) => (
  ask(path, { tls, method: 'POST', body: callback(blob, container), headers: { 'Content-Type': kForm, ...headers } }));
const as = (user, password) => ({ Authorization: basic(user, password) });

test('a signature is the bare URI', async () => {
  const answer = await ask(signing('a.txt'), { headers: { Origin: listed } });
  assert.equal(answer.status, 200);
  assert.match(answer.body, /^https:\/\/acmeuploads\.blob\.core\.windows\.net\/drop\/a\.txt\?[^#\s"]+$/);
  assert.equal(answer.headers['content-type'], 'text/plain; charset=utf-8');
  assert.equal(answer.headers['content-length'], String(answer.body.length));
  assert.equal(answer.headers['cache-control'], 'no-store');
  assert.equal(answer.headers['x-content-type-options'], 'nosniff');
  assert.equal(answer.headers.vary, 'Origin');
  assert.equal(corsOf(answer)['allow-origin'], listed);
});

test('a callback is JSON', async () => {
  const answer = await report('a.txt');
  assert.equal(answer.status, 200);
  assert.deepEqual(answer.json(), { success: true, error: null });
  assert.match(answer.headers['content-type'], /^application\/json/);
  assert.equal(answer.headers['cache-control'], 'no-store');
  assert.equal(answer.headers.vary, 'Origin');
});

const own = `https://localhost:${nginx.httpsPort}`;
const callbackOrigins = [
  { name: 'none', headers: {}, status: 200 },
  { name: 'a listed one', headers: { Origin: listed }, status: 200 },
  { name: 'the same', headers: { Origin: own }, status: 200 },
  { name: 'another', headers: { Origin: 'https://evil.com' }, status: 403 },
  { name: 'null', headers: { Origin: 'null' }, status: 403 },
  { name: 'a listed one with something behind', headers: { Origin: `${listed}.evil.com` }, status: 403 },
  { name: 'the same without TLS', headers: { Origin: own.replace('https', 'http') }, status: 403 },
  { name: 'the same on another port', headers: { Origin: 'https://localhost' }, status: 403 },
  { name: 'another, called listed by the client', headers: { Origin: 'https://evil.com', 'BLOBVALET-ORIGIN': listed }, status: 403 },
];
for (const { name, headers, status } of callbackOrigins) {
  test(`a callback with an origin: ${name}`, async () => {
    const answer = await report('a.txt', { headers });
    assert.equal(answer.status, status);
    if (status === 200) return;
    const { code, success, preventRetry } = answer.json();
    assert.deepEqual({ code, success, preventRetry }, { code: 'origin_not_allowed', success: false, preventRetry: true });
    assert.deepEqual(corsOf(answer), {});
  });
}

const people = [
  { name: 'alice in her folder', blob: 'alice/a.txt', headers: as('alice', 'wonderland'), status: 200 },
  { name: 'bob in his folder', blob: 'bob/a.txt', headers: as('bob', 'builder'), status: 200 },
  { name: 'bob in her folder', blob: 'alice/a.txt', headers: as('bob', 'builder'), status: 403 },
  { name: 'alice beside her folder', blob: 'alice2/a.txt', headers: as('alice', 'wonderland'), status: 403 },
  { name: 'alice with a wrong password', blob: 'alice/a.txt', headers: as('alice', 'builder'), status: 401 },
  { name: 'alice who says she is bob', blob: 'bob/a.txt', headers: { ...as('alice', 'wonderland'), 'BLOBVALET-USER': 'bob' }, status: 403 },
  { name: 'nobody', blob: 'alice/a.txt', headers: {}, status: 401 },
];
for (const { name, blob, headers, status } of people) {
  test(`who may what: ${name}`, async () => {
    const signed = await ask(signing(blob, { container: 'uploads', path: '/members/sign' }), { headers });
    assert.equal(signed.status, status);
    const reported = await report(blob, { container: 'uploads', path: '/members/done', headers });
    assert.equal(reported.status, status);
  });
}

const forged = [
  { name: 'Authorization', headers: as('alice', 'guessed') },
  { name: 'REMOTE-USER', headers: { 'REMOTE-USER': 'alice' } },
  { name: 'BLOBVALET-USER', headers: { 'BLOBVALET-USER': 'alice' } },
];
for (const { name, headers } of forged) {
  test(`not alice by ${name} where nobody logs in`, async () => {
    const answer = await ask(signing('alice/a.txt', { container: 'uploads' }), { headers });
    assert.equal(answer.status, 403);
    assert.equal(answer.json().code, 'login_required');
  });
}

test('a tenant is who nginx says', async () => {
  const headers = { 'BLOBVALET-VAR-TENANT': 'globex' };
  const forAcme = (blob) => ask(signing(blob, { container: 'tenants', path: '/acme/sign' }), { headers });
  assert.equal((await forAcme('acme/a.txt')).status, 200);
  assert.equal((await forAcme('globex/a.txt')).status, 403);
});

for (const path of ['/user-twice', '/tenant-twice', '/endpoint-twice', '/no-such-endpoint']) {
  test(`a site which contradicts itself gets no signature: ${path}`, async () => {
    const answer = await ask(signing('a.txt', { path }));
    assert.equal(answer.status, 500);
    assert.equal(answer.json().code, 'misconfigured');
  });
}

const methods = [
  { path: '/blobvalet/signature', method: 'POST', status: 405, allow: 'GET' },
  { path: '/blobvalet/signature', method: 'PUT', status: 405, allow: 'GET' },
  { path: '/blobvalet/signature', method: 'DELETE', status: 405, allow: 'GET' },
  { path: '/blobvalet/signature', method: 'HEAD', status: 405, allow: 'GET' },
  { path: '/blobvalet/signature', method: 'PROPFIND', status: 405, allow: 'GET' },
  { path: '/blobvalet/session', method: 'POST', status: 405, allow: 'GET' },
  { path: '/blobvalet/session', method: 'HEAD', status: 405, allow: 'GET' },
  { path: '/blobvalet/success', method: 'GET', status: 405, allow: 'POST' },
  { path: '/blobvalet/success', method: 'PUT', status: 405, allow: 'POST' },
  { path: '/blobvalet/success', method: 'PATCH', status: 405, allow: 'POST' },
];
for (const { path, method, status, allow } of methods) {
  test(`${method} ${path}: ${status}`, async () => {
    const query = signing('a.txt').replace('/blobvalet/signature', path);
    const body = ['GET', 'HEAD'].includes(method) ? undefined : '';
    const answer = await ask(query, { method, body, headers: { Origin: listed } });
    assert.equal(answer.status, status);
    assert.equal(answer.headers.allow, allow);
    assert.equal(corsOf(answer)['allow-origin'], listed);
    assert.doesNotMatch(answer.body, /sig=/);
  });
}

test('OPTIONS does not sign', async () => {
  const answer = await ask(signing('a.txt'), { method: 'OPTIONS', headers: { Origin: listed } });
  assert.equal(answer.status, 204);
  assert.equal(answer.body, '');
});

const longNames = [
  { name: '1,024 letters', blob: 'a'.repeat(1024) },
  { name: '1,024 Chinese characters', blob: '文'.repeat(1024) },
  { name: '512 emoji', blob: '😀'.repeat(512) },
];
for (const { name, blob } of longNames) {
  test(`signed: a name of ${name}`, async () => {
    const answer = await ask(signing(blob));
    assert.equal(answer.status, 200);
    assert.equal(decodeURIComponent(new URL(answer.body).pathname), `/drop/${blob}`);
  });
}
const tooLongNames = [
  { name: '1,025 letters', blob: 'a'.repeat(1025) },
  { name: '1,025 Chinese characters', blob: '文'.repeat(1025) },
  { name: '2,600 Chinese characters', blob: '文'.repeat(2600) },
  { name: '4,000 Chinese characters', blob: '文'.repeat(4000), status: 414 },
];
for (const { name, blob, status = 403 } of tooLongNames) {
  test(`refused as JSON: a name of ${name}`, async () => {
    const answer = await ask(signing(blob), { headers: { Origin: listed } });
    assert.equal(answer.status, status);
    assert.equal(answer.json().code, status === 414 ? 'uri_too_long' : 'bad_blob_name');
    assert.equal(corsOf(answer)['allow-origin'], listed);
  });
}

const visitors = [
  { name: 'this machine', localAddress: '127.0.0.1', status: 200 },
  { name: 'another address', localAddress: '127.0.0.2', status: 403 },
  {
    name: 'another address that calls itself this machine', localAddress: '127.0.0.2', status: 403,
    headers: { 'X-Forwarded-For': '127.0.0.1', 'X-Real-IP': '127.0.0.1', Forwarded: 'for=127.0.0.1' },
  },
];
for (const { name, status, ...how } of visitors) {
  test(`health for ${name}`, async () => {
    const answer = await ask('/blobvalet/health', how);
    assert.equal(answer.status, status);
    if (status === 200) assert.equal(answer.json().status, 'ok');
    else assert.equal(answer.json().code, 'not_allowed');
  });
  test(`metrics for ${name}`, async () => {
    const answer = await ask('/blobvalet/metrics', how);
    assert.equal(answer.status, status);
    if (status !== 200) return assert.equal(answer.json().code, 'not_allowed');
    assert.equal(answer.headers['content-type'], 'text/plain; version=0.0.4; charset=utf-8');
    assert.match(answer.body, /^blobvalet_signing_key_info\{account="[a-z0-9]+",key="current",fingerprint="[0-9a-f]{16}"\} 1$/m);
  });
}

test('many clients at once are all served, whatever connections nginx keeps', async () => {
  for (let round = 0; round < 5; round++) {
    const answers = await Promise.all(Array.from({ length: 100 }, (_, i) => (
      i % 5 === 0 ? report(`${i}.txt`, { tls: false }) : ask(signing(`${i}.txt`), { tls: false }))));
    assert.deepEqual(statusesOf(answers), [200]);
  }
});

const endpoints = [
  { pool: 'signature', send: () => ask(signing('a.txt'), { tls: false }) },
  { pool: 'success', send: () => report('a.txt', { tls: false }) },
];
const statusesOf = (answers) => [...new Set(answers.map(({ status }) => status))];

// Each of these requests finds a connection which has just carried an answer.
for (const { pool, send } of endpoints) {
  test(`clients that ask again at once are all served: ${pool}`, async () => {
    const client = async () => {
      const answers = [];
      for (let i = 0; i < 100; i++) answers.push(await send());
      return answers;
    };
    const answers = await Promise.all(Array.from({ length: 8 }, client));
    assert.deepEqual(statusesOf(answers.flat()), [200]);
  });
}

for (const { pool, send } of endpoints) {
  test(`kill -9 of workers loses nothing: ${pool}`, async () => {
    const answers = [];
    let running = true;
    const client = async () => { while (running) answers.push(await send()); };
    const clients = Array.from({ length: 16 }, client);
    const { pids } = pools[pool];
    for (let i = 0; i < 3; i++) {
      await sleep(1500);  // beyond the upstreams' keepalive_timeout: deaths are not that frequent
      const [victim] = pids();
      process.kill(victim, 'SIGKILL');
      await waitFor(() => pids().length === kWorkers && !pids().includes(victim), { what: 'a new worker' });
    }
    running = false;
    await Promise.all(clients);
    assert.deepEqual(statusesOf(answers), [200]);
    assert.ok(answers.length > 200);
  });
}

test('a pool that is gone: 503 as JSON', async () => {
  await pools.success.stop();
  const answer = await report('a.txt', { headers: { Origin: listed } });
  assert.equal(answer.status, 503);
  assert.equal(answer.json().code, 'bad_gateway');
  assert.equal(answer.json().success, false);
  assert.equal(corsOf(answer)['allow-origin'], listed);
  assert.equal((await ask(signing('a.txt'))).status, 200, 'signatures go on');
});
