// Which pool is asked for what, and what of a browser's headers it is told.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import http2 from 'node:http2';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { startEcho } from '../lib/fcgi-echo.mjs';
import { plainSite } from '../lib/nginx.mjs';
import { tempDir } from '../lib/process.mjs';
import { startStack } from './stack.mjs';

const render = plainSite('set $blobvalet_user ""; include snippets/blobvalet.conf;');
const success = await startEcho({ socket: join(tempDir(), 'success.sock') });
after(success.stop);
const { nginx, echo: signature, ask } = await startStack({ successSocket: success.socket, render });
const pools = { signature, success };
const arrivals = (pool, query) => pools[pool].requests.filter((request) => request.query === query).length;

const routes = [
  { pool: 'success', query: '_method=DELETE' },
  { pool: 'success', query: 'bloburi=x&_method=DELETE&qqtimestamp=1' },
  { pool: 'success', query: '_method=DELETE&bloburi=x' },
  { pool: 'success', query: 'bloburi=x&_method=DELETE' },
  { pool: 'success', query: '_method=delete' },                       // refused there as well as here
  { pool: 'success', query: '_METHOD=DELETE' },
  { pool: 'success', query: '_method=DELETE&_method=PUT' },
  { pool: 'signature', query: '' },
  { pool: 'signature', query: '_method=' },
  { pool: 'signature', query: '_method' },
  { pool: 'signature', query: '_method=PUT' },
  { pool: 'signature', query: 'bloburi=x&_method=PUT&qqtimestamp=1' },
  { pool: 'signature', query: '_method=PUT&_method=DELETE' },
  { pool: 'signature', query: '_metho%64=DELETE' },
  { pool: 'signature', query: '_method=%44ELETE' },
  { pool: 'signature', query: '_method=DELETE%20' },
  { pool: 'signature', query: '_method=+DELETE' },
  { pool: 'signature', query: '_method=DELETED' },
  { pool: 'signature', query: 'x_method=DELETE' },
  { pool: 'signature', query: 'method=DELETE' },
  { pool: 'signature', query: 'bloburi=_method=DELETE' },
  { pool: 'signature', query: 'bloburi=x;_method=DELETE' },
  { pool: 'signature', query: 'bloburi=x%26_method=DELETE' },
  { pool: 'signature', query: '_method=blobvalet_success' },
];
for (const { pool, query } of routes) {
  test(`asked for a signature is the ${pool} pool: ?${query}`, async () => {
    const before = pools[pool].requests.length;
    assert.equal((await ask(`/blobvalet/signature?${query}`)).status, 200);
    const arrived = pools[pool].requests.slice(before);
    assert.deepEqual(arrived.map((request) => request.query), [query]);
    assert.equal(arrived[0].get('BLOBVALET_ENDPOINT'), 'signature');
  });
}

const others = [
  { name: 'a callback', path: '/blobvalet/success', how: { method: 'POST', body: 'a=b' }, pool: 'success' },
  { name: 'a callback that says DELETE', path: '/blobvalet/success?_method=DELETE', how: { method: 'POST', body: '' }, pool: 'success' },
  { name: 'a session', path: '/blobvalet/session?container=x', how: {}, pool: 'success' },
  { name: 'a session that says PUT', path: '/blobvalet/session?_method=PUT', how: {}, pool: 'success' },
  { name: 'health', path: '/blobvalet/health', how: {}, pool: 'signature' },
  { name: 'liveness', path: '/blobvalet/healthz', how: {}, pool: 'signature' },
  { name: 'readiness', path: '/blobvalet/readyz', how: {}, pool: 'signature' },
  { name: 'metrics', path: '/blobvalet/metrics', how: {}, pool: 'signature' },
  { name: 'health that says DELETE', path: '/blobvalet/health?_method=DELETE', how: {}, pool: 'signature' },
  { name: 'DELETE as the method of the request', path: '/blobvalet/signature?', how: { method: 'DELETE' }, pool: 'signature' },
];
for (const { name, path, how, pool } of others) {
  test(`whatever the query says, ${name} goes to the ${pool} pool`, async () => {
    const before = pools[pool].requests.length;
    assert.equal((await ask(path, how)).status, 200);
    assert.equal(pools[pool].requests.length, before + 1);
  });
}

for (const [pool, method] of [['success', 'DELETE'], ['signature', 'PUT']]) {
  const path = `/blobvalet/signature?_method=${method}`;
  test(`a signature for ${method} is asked for once more when a worker dies`, async () => {
    assert.equal((await ask(`${path}&die=once`)).status, 200);
    assert.equal(arrivals(pool, `_method=${method}&die=once`), 2);
  });
  test(`a signature for ${method} is given up when every worker dies`, async () => {
    const answer = await ask(`${path}&die=1`);
    assert.equal(answer.status, 503);
    assert.equal(answer.json().code, 'bad_gateway');
    assert.equal(arrivals(pool, `_method=${method}&die=1`), 3);
  });
  test(`one connection serves many signatures for ${method}`, async () => {
    const before = pools[pool].accepted();
    for (let i = 0; i < 20; i++) await ask(`${path}&i=${i}`);
    assert.ok(pools[pool].accepted() - before <= 2, 'but for one which nginx closes in the meantime');
  });
}

test('with a pool that hangs, the other one answers', async () => {
  const hung = Array.from({ length: 100 }, () => ask('/blobvalet/signature?_method=DELETE&sleep=2000'));
  const started = Date.now();
  const answers = await Promise.all(Array.from({ length: 50 }, () => ask('/blobvalet/signature?_method=PUT')));
  assert.deepEqual([...new Set(answers.map(({ status }) => status))], [200]);
  assert.ok(Date.now() - started < 1900);
  assert.deepEqual([...new Set((await Promise.all(hung)).map(({ status }) => status))], [200]);
});

// Both endpoints, since the application also hears of deletes.
const requests = [
  { name: 'a callback', path: '/blobvalet/success', how: { method: 'POST', body: 'a=b' } },
  { name: 'a signature for DELETE', path: '/blobvalet/signature?_method=DELETE', how: {} },
];
const secrets = { Cookie: 'session=1', 'Accept-Language': 'de', Authorization: 'Bearer x', 'X-Other': 'y' };
const kHealth = { path: '/blobvalet/health', how: {} };
const headersIn = (request) => Object.fromEntries(request.params.filter(([name]) => name.startsWith('HTTP_')));

async function arrivedAt(stack, { path, how }, headers) {
  const arrived = await stack.passed(path, { ...how, headers });
  return headersIn(arrived);
}

test('as shipped, no header reaches a worker', async (t) => {
  const stack = await startStack({ render });
  for (const row of [...requests, kHealth]) {
    await t.test(row.path, async () => assert.deepEqual(await arrivedAt(stack, row, secrets), {}));
  }
});

test('headers which the site names', async (t) => {
  const file = 'blobvalet/forwarded-headers.conf';
  const shipped = readFileSync(fileURLToPath(new URL(`../../nginx/${file}`, import.meta.url)), 'utf8');
  const examples = shipped.replace(/^# {3}(?=fastcgi_param )/gm, '');
  const stack = await startStack({ render, files: { [file]: examples } });
  const named = { HTTP_COOKIE: 'session=1', HTTP_ACCEPT_LANGUAGE: 'de' };
  for (const row of requests) {
    await t.test(`${row.name} has them, and no other`, async () => {
      assert.deepEqual(await arrivedAt(stack, row, secrets), named);
    });
    await t.test(`${row.name} without them has none`, async () => {
      assert.deepEqual(await arrivedAt(stack, row, { 'X-Other': 'y' }), {});
    });
    await t.test(`${row.name} keeps what nginx says`, async () => {
      const arrived = await stack.passed(row.path, { ...row.how, headers: { ...secrets, 'BLOBVALET-USER': 'mallory' } });
      assert.deepEqual(arrived.params.filter(([name]) => name === 'BLOBVALET_USER'), [['BLOBVALET_USER', '']]);
    });
  }
  await t.test('health has none', async () => {
    assert.deepEqual(await arrivedAt(stack, kHealth, secrets), {});
  });
  await t.test('cookies that come one by one, as in HTTP/2, arrive as one header', async () => {
    const before = stack.echo.requests.length;
    const session = http2.connect(`https://127.0.0.1:${stack.nginx.httpsPort}`, { rejectUnauthorized: false, servername: 'localhost' });
    const stream = session.request({ ':path': '/blobvalet/success', ':method': 'POST', cookie: ['a=1', 'b=2'] });
    stream.end('a=b');
    await stream.resume().toArray();
    session.close();
    assert.equal(stack.echo.requests[before].get('HTTP_COOKIE'), 'a=1; b=2');
  });
});

test('a pool that is gone takes only its own requests along', async () => {
  await success.stop();
  assert.equal((await ask('/blobvalet/signature?_method=DELETE')).status, 503);
  assert.equal((await ask('/blobvalet/signature?_method=PUT')).status, 200);
  assert.match(nginx.errorLog(), /success\.sock failed/);
});
