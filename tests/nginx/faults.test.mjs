// Workers that die, hang or are not there: what nginx repeats, what it answers, and that it always answers in time.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect } from 'node:net';
import { test } from 'node:test';
import { plainSite } from '../lib/nginx.mjs';
import { freePort, sleep, waitFor } from '../lib/process.mjs';
import { startStack } from './stack.mjs';

// Where hardly anything is on its way to a client that does not read.
const slowPort = await freePort();
const { nginx, echo, ask } = await startStack({
  render: plainSite(`
    listen 127.0.0.1:${slowPort} sndbuf=8k;
    set $blobvalet_user "";
    error_page 401 403 404 413 500 502 503 504 /page.html;
    fastcgi_intercept_errors on;
    include snippets/blobvalet.conf;
    location = /page.html { return 200 "the site's own page"; }
  `),
});

const get = { path: '/blobvalet/signature' };
const post = { path: '/blobvalet/success', method: 'POST', body: 'a=b' };
const session = { path: '/blobvalet/session' };
const health = { path: '/blobvalet/health' };
const ready = { path: '/blobvalet/readyz' };
const send = ({ path, ...how }, query) => ask(`${path}?${query}`, how);
const arrivals = (query) => echo.requests.filter((request) => request.query === query).length;

const repeated = [
  { name: 'a signature', request: get, status: 200, arrivals: 2 },
  { name: 'a callback', request: post, status: 200, arrivals: 2 },
  { name: 'a session', request: session, status: 200, arrivals: 2 },
  { name: 'not a health check', request: health, status: 503, arrivals: 1 },
];
for (const { name, request, status, arrivals: expected } of repeated) {
  test(`repeated when a worker dies: ${name}`, async () => {
    const query = `die=once&of=${encodeURIComponent(name)}`;
    assert.equal((await send(request, query)).status, status);
    assert.equal(arrivals(query), expected);
  });
}

const gone = { error: 'The upload service is not available. Please try again in a moment.', code: 'bad_gateway' };
const late = { error: 'The upload service did not answer in time. Please try again in a moment.', code: 'gateway_timeout' };
const faults = [
  { name: 'every worker dies on a signature', request: get, query: 'die=1', status: 503, body: gone },
  { name: 'every worker dies on a callback', request: post, query: 'die=1', status: 503, body: { ...gone, success: false } },
  { name: 'a slow signature', request: get, query: 'sleep=15000', status: 503, body: late },
  { name: 'every worker dies on a session', request: session, query: 'die=1', status: 503, body: gone },
  { name: 'a slow session', request: session, query: 'sleep=15000', status: 503, body: late },
  { name: 'a slow callback', request: post, query: 'sleep=15000', status: 503, body: { ...late, success: false } },
];
// The work of a callback may take that long; signing never does.
const lateDeaths = [
  { name: 'a worker dies late on a callback: repeated', request: post, status: 200, arrivals: 2 },
  { name: 'a worker dies late on a signature: not repeated', request: get, status: 503, arrivals: 1 },
];
test('answers when workers fail', { concurrency: true }, async (t) => {
  const silent = t.test('a client that sends no body is let go', async () => {
    const started = Date.now();
    const socket = connect(nginx.httpPort, '127.0.0.1');
    socket.write('POST /blobvalet/success HTTP/1.1\r\nHost: localhost\r\nContent-Length: 10\r\n\r\n');
    await once(socket.resume(), 'close');
    assert.ok(Date.now() - started < 15_000);
  });
  const dead = lateDeaths.map(({ name, request, status, arrivals: expected }) => t.test(name, async () => {
    const query = `die=once&sleep=5500&of=${status}`;
    assert.equal((await send(request, query)).status, status);
    assert.equal(arrivals(query), expected);
  }));
  await Promise.all(faults.map(({ name, request, query, status, body }) => t.test(name, async () => {
    const started = Date.now();
    const answer = await send(request, `${query}&of=${status}`);
    const seconds = (Date.now() - started) / 1000;
    assert.equal(answer.status, status);
    assert.deepEqual(answer.json(), body);
    assert.equal(answer.headers['content-type'], 'application/json');
    assert.equal(answer.headers['cache-control'], 'no-store');
    assert.equal(answer.headers['retry-after'], '1');
    assert.ok(seconds < 15, `answered after ${seconds} s: one timeout, not one for each try`);
  })).concat(silent, dead));
});

test('what no worker survives is asked three times, not more', () => {
  assert.equal(arrivals('die=1&of=503'), 9, 'one signature, one callback, one session');
});

test('what a slow worker was asked is not asked again', () => {
  assert.equal(arrivals('sleep=15000&of=503'), 3, 'one signature, one callback, one session');
});

for (const status of [400, 401, 403, 404, 405, 413, 415, 500, 502, 503, 504]) {
  test(`a worker's own ${status} passes untouched, whatever error pages the site has`, async () => {
    const answer = await send(get, `status=${status}`);
    assert.equal(answer.status, status);
    assert.equal(answer.json().params.length, 9);
  });
}

const closed = [
  { name: 'goes on with a callback', request: post, answered: true },
  { name: 'goes on with a callback whose worker dies', request: post, query: 'die=once&', answered: true },
  { name: 'leaves a signature that nobody waits for', request: get, answered: false },
  { name: 'leaves a session that nobody waits for', request: session, answered: false },
];
for (const { name, request, query: more = '', answered } of closed) {
  test(`when the page is closed, nginx ${name}`, async () => {
    const query = `${more}sleep=1000&closed=${answered}`;
    const page = new AbortController();
    const pending = send({ ...request, signal: page.signal }, query);
    await waitFor(() => arrivals(query) === 1);
    page.abort();
    await assert.rejects(pending, { name: 'AbortError' });
    const isIn = (list) => list.some((one) => one.query === query);
    await waitFor(() => isIn(echo.answered) || (!more && isIn(echo.abandoned)));
    assert.equal(isIn(echo.answered), answered);
  });
}

for (const { name, request } of [{ name: 'signatures', request: get }, { name: 'callbacks', request: post }]) {
  test(`one connection serves many ${name}`, async () => {
    const before = echo.accepted();
    for (let i = 0; i < 20; i++) await send(request, `a=${i}`);
    assert.ok(echo.accepted() - before <= 2, 'but for one which nginx closes in the meantime');
  });
}

// The control shows that such a client would hold a worker, were there no room for its answer.
for (const { name, request, isTaken } of [
  { name: 'the longest session answer is taken from the worker', request: session, isTaken: true },
  { name: 'an answer that long elsewhere is not', request: get, isTaken: false },
]) {
  test(`when a client does not read, ${name}`, async () => {
    const query = `bytes=${(1 << 20) - 2_000}&taken=${isTaken}`;
    const client = connect(slowPort, '127.0.0.1').pause();
    client.write(`GET ${request.path}?${query} HTTP/1.1\r\nHost: localhost\r\n\r\n`);
    await waitFor(() => echo.answered.some((one) => one.query === query));
    if (isTaken) await waitFor(() => echo.unsent() === 0, { what: 'an answer that was taken' });
    else await sleep(1000);
    assert.equal(echo.unsent() === 0, isTaken);
    client.destroy();
    await waitFor(() => echo.unsent() === 0);
  });
}

test('without any pool: 503 at once, and as before when it is back', async () => {
  await echo.stop();
  const started = Date.now();
  for (const request of [get, post, session, health, ready]) {
    const answer = await send(request, 'a=b');
    assert.equal(answer.status, 503);
    assert.deepEqual(answer.json(), request === post ? { ...gone, success: false } : gone);
  }
  assert.ok(Date.now() - started < 2000);
  await echo.start();
  assert.equal((await send(get, 'a=b')).status, 200);
  assert.match(nginx.errorLog(), /signature\.sock failed/);
});
