// Rate limits that many workers, and several machines, share.
import assert from 'node:assert/strict';
import { readFileSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { startRedis } from '../events/redis.mjs';
import { form, kContainer, kEndpoint, kRule, signature, siteConfig, success, writeSite } from '../fcgi/support.mjs';
import { ask, connect } from '../lib/fcgi-client.mjs';
import { request } from '../lib/http.mjs';
import { plainSite, startNginx } from '../lib/nginx.mjs';
import { startPool } from '../lib/pool.mjs';
import { freePort, sleep, tempDir, waitFor } from '../lib/process.mjs';

const running = [];
after(async () => { while (running.length) await running.pop().stop(); });
const start = async (server) => { running.push(await server); return running.at(-1); };

const kHour = 3600;
const limited = (requests, more = {}) => ({ ...kRule, limit: { requests, per_seconds: kHour, ...more } });
const drop = (requests) => ({
  ...limited(requests), name: 'drop-box', container: 'drop', blobs: ['**'], methods: ['PUT'], anonymous: true,
});
const inMemory = { store: { type: 'shared_memory', file: 'limits' } };
const config = (rule, limits = inMemory) => siteConfig({ rules: [rule, drop(5)], limits });

const startSite = (site, more = {}) => startPool({ config: site.file, dir: site.dir, workers: 4, ...more });
const statuses = (answers) => answers.reduce((counts, { status }) => ({ ...counts, [status]: (counts[status] ?? 0) + 1 }), {});

/// So many requests at the same time, each on a connection of its own, so that all workers take part.
const atOnce = async (socket, count, params = signature()) => (
  statuses(await Promise.all(Array.from({ length: count }, () => ask(socket, params)))));

const logged = (pool) => pool.output().split('\n').filter((line) => line.startsWith('{')).map((line) => JSON.parse(line));
const noticesOf = (pool, event) => logged(pool).filter((line) => line.event === event);

test('four workers share one budget for each user, exactly', async () => {
  const site = writeSite(config(limited(100)));
  const pool = await start(startSite(site));
  assert.deepEqual(await atOnce(pool.socket, 300), { 200: 100, 429: 200 });
  assert.deepEqual(await atOnce(pool.socket, 150, signature({ user: 'bob' })), { 200: 100, 429: 50 });
  assert.ok(new Set(logged(pool).filter(({ endpoint }) => endpoint).map(({ user }) => user)).size === 2);

  const refused = logged(pool).find(({ code }) => code === 'rate_limited');
  assert.equal(refused.status, 429);
  assert.equal(refused.user, 'alice');
  assert.equal(refused.rule, kRule.name);
  assert.match(refused.reason, /limit/);
});

test('callbacks count together with signatures, and may be repeated', async () => {
  const site = writeSite(config(limited(3)));
  const pool = await start(startSite(site));
  const report = () => ask(pool.socket, success(), form());
  assert.equal((await ask(pool.socket, signature())).status, 200);
  assert.equal((await ask(pool.socket, signature({ method: 'DELETE' }))).status, 200);
  assert.equal((await report()).status, 200);
  const answer = await report();
  assert.equal(answer.status, 429);
  assert.deepEqual(answer.json(), { error: 'too many requests; try again later', code: 'rate_limited', success: false });
  const wait = Number(answer.headers['Retry-After']);
  assert.ok(wait > 1100 && wait <= 1200, `Retry-After: ${wait}`);
});

test('whoever is nobody is an address', async () => {
  const site = writeSite(config(limited(3)));
  const pool = await start(startSite(site));
  const from = (address) => signature({ user: '', uri: `${kEndpoint}/drop/a.txt`, REMOTE_ADDR: address });
  assert.deepEqual(await atOnce(pool.socket, 8, from('203.0.113.7')), { 200: 5, 429: 3 });
  assert.deepEqual(await atOnce(pool.socket, 8, from('203.0.113.8')), { 200: 5, 429: 3 });
  assert.deepEqual(await atOnce(pool.socket, 4, from('2001:db8:0:1::1')), { 200: 4 });
  assert.deepEqual(await atOnce(pool.socket, 4, from('2001:db8:0:1:2::2')), { 200: 1, 429: 3 });
});

test('killed, restarted, reloaded: budgets stay', async () => {
  const site = writeSite(config(limited(40)));
  let pool = await start(startSite(site));
  assert.deepEqual(await atOnce(pool.socket, 20), { 200: 20 });
  const victims = pool.pids();
  for (const pid of victims) process.kill(pid, 'SIGKILL');
  await waitFor(() => pool.pids().filter((pid) => !victims.includes(pid)).length === 4, { what: 'new workers' });
  assert.deepEqual(await atOnce(pool.socket, 10), { 200: 10 });
  await pool.stop();
  pool = await start(startSite(site));
  assert.deepEqual(await atOnce(pool.socket, 5), { 200: 5 });
  for (const pid of pool.pids()) process.kill(pid, 'SIGHUP');
  await waitFor(() => noticesOf(pool, 'reloaded').length >= 4, { what: 'reloads' });
  assert.deepEqual(await atOnce(pool.socket, 20), { 200: 5, 429: 15 });

  const file = join(site.dir, 'limits');
  assert.equal(statSync(file).mode & 0o777, 0o600);
  assert.ok(!readFileSync(file).includes('alice'), 'it names nobody');
});

test('budgets fill again', async () => {
  const site = writeSite(config({ ...kRule, limit: { requests: 10, per_seconds: 2, burst: 2 } }));
  const pool = await start(startSite(site));
  assert.deepEqual(await atOnce(pool.socket, 4), { 200: 2, 429: 2 });
  const { headers } = await ask(pool.socket, signature());
  assert.equal(headers['Retry-After'], '1');
  await sleep(450);
  assert.equal((await ask(pool.socket, signature())).status, 200);
});

test('without its file all is allowed, or nothing', async () => {
  for (const [when, expected] of [['allow', { 200: 8 }], ['refuse', { 503: 8 }]]) {
    const site = writeSite(config(limited(3), { store: { type: 'shared_memory', file: 'no/such/limits' }, when_unavailable: when }));
    const pool = await start(startSite(site));
    assert.deepEqual(await atOnce(pool.socket, 8), expected);
    assert.match(noticesOf(pool, 'limits_unavailable')[0].detail, /no\/such\/limits: No such file/);
  }
});

test('by way of nginx: 429 as JSON with Retry-After, which a page of another site may read', async () => {
  const site = writeSite(config(limited(2)));
  const signing = await start(startSite(site, { args: ['--signatures-only'] }));
  const reporting = await start(startSite(site, { name: 'success' }));
  const origin = 'https://app.example.com';
  const nginx = await start(startNginx({
    dir: tempDir(), origins: [origin], signatureSocket: signing.socket, successSocket: reporting.socket,
    render: plainSite('set $blobvalet_user alice; include snippets/blobvalet.conf;'),
  }));
  const go = (path, more) => request({ port: nginx.httpsPort, path, headers: { Origin: origin, ...more?.headers }, ...more });
  const path = `/blobvalet/signature?${new URLSearchParams({ bloburi: `${kContainer}/alice/a.txt`, _method: 'PUT' })}`;
  const callback = {
    method: 'POST', body: form(), headers: { Origin: origin, 'Content-Type': 'application/x-www-form-urlencoded' },
  };
  assert.equal((await go(path)).status, 200);
  assert.equal((await go('/blobvalet/success', callback)).status, 200, 'both pools of a machine share budgets');
  for (const [answer, more] of [[await go(path), {}], [await go('/blobvalet/success', callback), { success: false }]]) {
    assert.equal(answer.status, 429);
    assert.deepEqual(answer.json(), { error: 'too many requests; try again later', code: 'rate_limited', ...more });
    assert.ok(Number(answer.headers['retry-after']) > 1700, answer.headers['retry-after']);
    assert.equal(answer.headers['access-control-allow-origin'], origin);
    assert.equal(answer.headers['cache-control'], 'no-store');
  }
});

test('two machines share budgets by Redis; it dies and comes back', async () => {
  const dir = tempDir();
  const port = await freePort();
  let redis = await start(startRedis({ dir, port }));
  // One pool signs only and has the server's socket, the other one does everything and goes by TCP.
  const stores = [{ unix_socket: redis.socket }, { host: '127.0.0.1', port }];
  const sites = stores.map((place) => writeSite(config(limited(100), { store: { type: 'redis', timeout_ms: 1000, ...place } })));
  const pools = [
    await start(startSite(sites[0], { args: ['--signatures-only'] })), await start(startSite(sites[1], { workers: 2 })),
  ];
  const both = async (count, params) => {
    const outcomes = await Promise.all(pools.map(({ socket }) => atOnce(socket, count, params)));
    return outcomes.reduce((sum, each) => {
      for (const [status, times] of Object.entries(each)) sum[status] = (sum[status] ?? 0) + times;
      return sum;
    }, {});
  };
  assert.deepEqual(await both(120), { 200: 100, 429: 140 });

  // Kept connections, as nginx's, carry one request after the other.
  const connection = await connect(pools[0].socket);
  for (let i = 0; i < 50; i++) assert.equal((await connection.ask(signature({ user: 'carol' }))).status, 200);
  connection.close();

  await redis.stop();
  const begin = performance.now();
  assert.deepEqual(await both(60), { 200: 120 }, 'all is allowed, as configured by default');
  assert.ok(performance.now() - begin < 5000, 'and nobody waits');
  for (const pool of pools) {
    assert.match(noticesOf(pool, 'limits_unavailable')[0].detail, /^Redis at (.*redis\.sock|127\.0\.0\.1:\d+): /);
    assert.ok(noticesOf(pool, 'limits_unavailable').length <= 4, 'once for each worker');
    assert.ok(logged(pool).some(({ code, reason }) => code === 'ok' && /store of rate limits/.test(reason)));
  }

  redis = await start(startRedis({ dir, port }));
  await waitFor(async () => {
    await Promise.all(pools.map(({ socket }) => atOnce(socket, 20, signature({ user: 'dave' }))));
    return pools.every((pool) => noticesOf(pool, 'limits_available').length > 0);
  }, { what: 'Redis is asked again' });
  const after = await both(40);
  assert.ok(after[429] > 0, `what had been used is still used: ${JSON.stringify(after)}`);
});

test('Redis hangs: nobody waits for long, and what needs no budget is answered at once', async () => {
  const dir = tempDir();
  const redis = await start(startRedis({ dir }));
  const refuses = { store: { type: 'redis', unix_socket: redis.socket, timeout_ms: 100 }, when_unavailable: 'refuse' };
  const pool = await start(startSite(writeSite(config(limited(1000), refuses)), { workers: 1 }));
  assert.deepEqual(await atOnce(pool.socket, 10), { 200: 10 });
  process.kill(redis.pid, 'SIGSTOP');
  try {
    const begin = performance.now();
    const outcome = await atOnce(pool.socket, 200);
    assert.deepEqual(outcome, { 503: 200 });
    assert.ok(performance.now() - begin < 3000);
    const answer = await ask(pool.socket, signature());
    assert.deepEqual(answer.json(), { error: 'uploads are not possible now; try again later', code: 'limits_unavailable' });
    assert.equal(answer.headers['Retry-After'], '1');
    assert.equal((await ask(pool.socket, { BLOBVALET_ENDPOINT: 'health', REQUEST_METHOD: 'GET' })).status, 200);
  } finally {
    process.kill(redis.pid, 'SIGCONT');
  }
  await waitFor(async () => (await ask(pool.socket, signature())).status === 200, { what: 'Redis is asked again' });
  rmSync(dir, { recursive: true, force: true });
});
