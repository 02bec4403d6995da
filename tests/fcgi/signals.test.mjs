// How a worker ends, how it takes up a new configuration, and what becomes of requests meanwhile.
import assert from 'node:assert/strict';
import { chmodSync, existsSync, mkdirSync, readFileSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, beforeEach, describe, test } from 'node:test';
import { ask, connect, requestRecords } from '../lib/fcgi-client.mjs';
import { isReleased } from '../lib/pool.mjs';
import { waitFor } from '../lib/process.mjs';
import {
  assertSigned, form, formOfSize, health, kAccount, kContainer, kEndpoint, kRule, newKey, kUnverified, siteConfig, signature,
  startSitePool, startWorker, success,
} from './support.mjs';

// What is allowed to a worker that still has something to do; systemd would wait 90 s.
const kStopBoundMs = 3000;
const kIdleStopBoundMs = 50;

/// Sends the signal, and waits for a clean end within the bound.
async function assertEnds(worker, signal = 'SIGTERM') {
  const start = performance.now();
  process.kill(worker.pid, signal);
  assert.deepEqual(await waitFor(() => worker.ended()), { code: 0, signal: null });
  const ms = performance.now() - start;
  assert.ok(ms < kStopBoundMs, `it took ${Math.round(ms)} ms`);
  assert.equal(worker.lines().at(-1).event, 'stopped');
}

/// Runs `body` with a worker that is gone afterwards, whatever happens.
const withWorker = (body, options) => async () => {
  const worker = await startWorker(options);
  try {
    await body(worker);
  } finally {
    if (!worker.ended()) await worker.stop();
  }
};

const connectMany = (socket, count) => Promise.all(Array.from({ length: count }, () => connect(socket)));

/// Milliseconds from SIGTERM to the end of a process that has nothing to do.
async function timeToEnd(options) {
  const worker = await startWorker(options);
  for (const kept of await connectMany(worker.socket, 500)) await kept.ask(health);
  const start = performance.now();
  process.kill(worker.pid, 'SIGTERM');
  assert.deepEqual(await worker.exited, { code: 0, signal: null });
  return performance.now() - start;
}

/// Sends SIGHUP and returns the lines that say what came of it.
async function reload(worker, event) {
  const before = worker.lines().length;
  process.kill(worker.pid, 'SIGHUP');
  const fresh = () => worker.lines().slice(before).filter((line) => line.event && line.event !== 'signing_key');
  await waitFor(() => fresh().length > 0);
  await ask(worker.socket, health);  // whoever answers has written its last line
  const lines = fresh();
  assert.deepEqual([...new Set(lines.map((line) => line.event))], [event]);
  return lines.map((line) => line.detail);
}

describe('the end', () => {
  for (const signal of ['SIGTERM', 'SIGUSR1', 'SIGINT']) {
    test(`${signal} ends an idle worker at once`, withWorker((worker) => assertEnds(worker, signal)));
  }

  for (const [what, args] of [['a worker', []], ['a worker that only signs', ['--signatures-only']]]) {
    test(`${what} with 500 kept connections ends within ${kIdleStopBoundMs} ms`, { skip: !isReleased }, async () => {
      const times = [];
      for (let i = 0; i < 5; i++) times.push(await timeToEnd({ args }));
      const median = times.sort((a, b) => a - b)[2];
      assert.ok(median <= kIdleStopBoundMs, `${times.map(Math.round)} ms`);
    });
  }

  test('kept idle connections are closed and delay nothing', withWorker(async (worker) => {
    const kept = await connectMany(worker.socket, 50);
    for (const connection of kept) await connection.ask(health);
    const silent = await connectMany(worker.socket, 50);
    await assertEnds(worker);
    for (const connection of [...kept, ...silent]) await connection.closed();
  }));

  test('half-sent requests delay little', withWorker(async (worker) => {
    const half = await connectMany(worker.socket, 50);
    half.forEach((connection) => connection.send(requestRecords(signature()).subarray(0, 40)));
    await ask(worker.socket, health);
    await assertEnds(worker);
  }));

  test('every request that was sent before is answered', withWorker(async (worker) => {
    const all = await connectMany(worker.socket, 100);
    for (const connection of all) await connection.ask(health);
    all.forEach((connection, i) => connection.send(
      i % 2 ? requestRecords(success(), form()) : requestRecords(signature())));
    await assertEnds(worker);
    for (const connection of all) assert.equal((await connection.answer()).status, 200);
  }));

  test('new connections that have sent their request are answered', withWorker(async (worker) => {
    await ask(worker.socket, health);
    const all = await connectMany(worker.socket, 20);
    await ask(worker.socket, health);  // so that those before are accepted
    all.forEach((connection) => connection.send(requestRecords(signature())));
    await assertEnds(worker);
    for (const connection of all) assert.equal((await connection.answer()).status, 200);
  }));

  test('a request that has begun is finished', withWorker(async (worker) => {
    const bytes = requestRecords(success(), form());
    const connection = await connect(worker.socket);
    connection.send(bytes.subarray(0, -30));
    await ask(worker.socket, health);  // by now the worker has looked at it
    process.kill(worker.pid, 'SIGTERM');
    connection.send(bytes.subarray(-30));
    assert.equal((await connection.answer()).status, 200);
    await connection.closed();
    await waitFor(() => worker.ended());
  }));

  test('a second signal changes nothing', withWorker(async (worker) => {
    for (let i = 0; i < 5; i++) process.kill(worker.pid, 'SIGTERM');
    await assertEnds(worker, 'SIGUSR1');
  }));
});

describe('SIGHUP', () => {
  let worker;
  before(async () => { worker = await startWorker(); });
  after(() => worker?.stop());
  beforeEach(async () => {  // each test begins with the plain site
    worker.site.writeKey(worker.site.key);
    worker.site.write(siteConfig());
    await reload(worker, 'reloaded');
  });

  const newRule = { name: 'drop-box', account: kAccount, container: 'drop', blobs: ['**'], methods: ['PUT'], anonymous: true };
  const dropped = signature({ user: '', uri: `${kEndpoint}/drop/x` });
  const statusOf = async (params, body) => (await ask(worker.socket, params, body)).status;

  test('a new rule takes effect, also on kept connections', async () => {
    const kept = await connect(worker.socket);
    assert.equal((await kept.ask(dropped)).status, 403);
    worker.site.write(siteConfig({ rules: [kRule, newRule] }));
    await reload(worker, 'reloaded');
    assert.equal((await kept.ask(dropped)).status, 200);
    assert.equal(await statusOf(success(form({ container: `${kEndpoint}/drop` })), form({ container: `${kEndpoint}/drop` })), 200);
    worker.site.write(siteConfig());
    await reload(worker, 'reloaded');
    assert.equal((await kept.ask(dropped)).status, 403);
    kept.close();
  });

  const bad = [
    ['no JSON', '{', /./],
    ['an empty file', '', /./],
    ['an unknown key', { ...siteConfig(), rulse: [] }, /rulse/],
    ['a rule of no account', siteConfig({ rules: [{ ...kRule, account: 'nobody' }] }), /^rules\[0\]\.account: /],
    ['no rules', siteConfig({ rules: [] }), /^rules: /],
    ['a key that is not there', siteConfig({ accounts: [{ name: kAccount, endpoint: kEndpoint, credential: { type: 'shared_key', key_file: 'none.key' } }] }),
      /^accounts\[0\]\.credential: key_file: cannot be opened: No such file/],
  ];
  for (const [what, config, reason] of bad) {
    test(`the old configuration stays, and the log says why: ${what}`, async () => {
      worker.site.write(config);
      const details = await reload(worker, 'reload_failed');
      assert.match(details[0], reason);
      assert.equal(await statusOf(signature()), 200);
      assert.equal(await statusOf(success(), form()), 200);
    });
  }

  test('every fault is named at once', async () => {
    worker.site.write({ ...siteConfig({ rules: [{ ...kRule, container: 'UP', methods: ['GET'] }] }), more: 1 });
    assert.equal((await reload(worker, 'reload_failed')).length, 3);
  });

  test('a changed key signs', async () => {
    const key = newKey();
    worker.site.writeKey(key);
    await reload(worker, 'reloaded');
    const { body } = await ask(worker.socket, signature());
    assertSigned(body, { url: `${kContainer}/alice/a.txt`, name: 'uploads/alice/a.txt', key });
  });

  const badKeys = [
    ['no base64', () => worker.site.writeKey('not a key at all!'), /key_file: holds no storage account key: 17 characters/],
    ['cut off', () => worker.site.writeKey(worker.site.key.slice(0, -3)), /key_file: holds no storage account key: 85 characters/],
    ['readable for others', () => chmodSync(join(worker.site.dir, 'acmeuploads.key'), 0o644), /key_file: has mode 0644/],
  ];
  for (const [what, spoil, reason] of badKeys) {
    test(`the old key stays when the new one is ${what}`, async () => {
      const key = join(worker.site.dir, 'acmeuploads.key');
      try {
        spoil();
        assert.match((await reload(worker, 'reload_failed'))[0], reason);
      } finally {
        chmodSync(key, 0o600);
      }
      const { body } = await ask(worker.socket, signature());
      assertSigned(body, { url: `${kContainer}/alice/a.txt`, name: 'uploads/alice/a.txt', key: worker.site.key });
      assert.ok(!worker.output().includes(worker.site.key.slice(0, 20)), 'the log holds a key');
    });
  }

  test('limits and the access log change too', async () => {
    const body = formOfSize(100_000);
    assert.equal(await statusOf(success(body), body), 413);
    worker.site.write(siteConfig({ success: { ...kUnverified, max_body_bytes: 131_072 }, server: { access_log: false, audit_log: false } }));
    await reload(worker, 'reloaded');
    const lines = worker.lines().length;
    assert.equal(await statusOf(success(body), body), 200);
    assert.equal(worker.lines().length, lines);
  });

  test('the old configuration stays, and the log says why: a directory', withWorker(async (own) => {
    rmSync(own.site.file);
    mkdirSync(own.site.file);
    assert.match((await reload(own, 'reload_failed'))[0], /blobvalet\.json: cannot be read/);
    assert.equal((await ask(own.socket, signature())).status, 200);
  }));

  test('no request is lost while it happens again and again', withWorker(async (own) => {
    const connection = await connect(own.socket);
    for (let i = 0; i < 200; i++) {
      if (i % 10 === 0) process.kill(own.pid, 'SIGHUP');
      assert.equal((await connection.ask(signature())).status, 200);
      assert.equal((await connection.ask(success(), form())).status, 200);
    }
    connection.close();
    assert.ok(own.lines().some((line) => line.event === 'reloaded'));
  }));
});

describe('keys from the environment', () => {
  const credential = { type: 'shared_key', key_env: 'BLOBVALET_TEST_KEY' };
  const config = siteConfig({ accounts: [{ name: kAccount, endpoint: kEndpoint, credential }] });
  const key = newKey();

  test('are wiped from the process, and remembered by a reload', withWorker(async (worker) => {
    const environment = readFileSync(`/proc/${worker.pid}/environ`, 'latin1');
    assert.match(environment, /BLOBVALET_TEST_KEY=/);
    assert.ok(!environment.includes(key.slice(0, 8)), 'the environment still holds the key');
    process.kill(worker.pid, 'SIGHUP');
    await waitFor(() => worker.lines().some((line) => line.event === 'reloaded'));
    const { body } = await ask(worker.socket, signature());
    assertSigned(body, { url: `${kContainer}/alice/a.txt`, name: 'uploads/alice/a.txt', key });
  }, { config, env: { BLOBVALET_TEST_KEY: key } }));
});

describe('two workers on one socket', () => {
  let pool;
  before(async () => { pool = await startSitePool({ workers: 2 }); });
  after(() => pool?.stop());

  test('kill -9 of one leaves the other serving, and another one comes', async () => {
    for (let round = 0; round < 3; round++) {
      const [victim, other] = pool.pids();
      process.kill(victim, 'SIGKILL');
      await waitFor(() => !existsSync(`/proc/${victim}`));  // until then it may still take a connection to its grave
      for (let i = 0; i < 20; i++) assert.equal((await ask(pool.socket, signature())).status, 200, `request ${i}`);
      await waitFor(() => pool.pids().length === 2, { what: 'two workers again' });
      assert.ok(pool.pids().includes(other));
    }
  });

  test('either serves alone', async () => {
    for (const stopped of pool.pids()) {
      process.kill(stopped, 'SIGSTOP');
      try {
        await waitFor(() => threadStates(stopped).every((state) => state === 'T'));
        for (let i = 0; i < 20; i++) assert.equal((await ask(pool.socket, signature())).status, 200, `request ${i}`);
      } finally {
        process.kill(stopped, 'SIGCONT');
      }
    }
  });
});

// The state stands behind the program's name, which is in brackets.
const threadStates = (pid) => readdirSync(`/proc/${pid}/task`).map((thread) =>
  readFileSync(`/proc/${pid}/task/${thread}/stat`, 'utf8').split(') ').at(-1)[0]);
