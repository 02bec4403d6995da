// Peers that hold connections, send slowly or not at all, or do not read. Everybody else is still answered at once.
import assert from 'node:assert/strict';
import { after, afterEach, before, test } from 'node:test';
import { ask, begin, connect, kType, record, requestRecords } from '../lib/fcgi-client.mjs';
import { resources, sleep, waitFor } from '../lib/process.mjs';
import {
  assertPrompt, assertPromptWhile, form, formOfSize, health, signature, kUnverified, siteConfig, startSitePool, success,
} from './support.mjs';

const kMany = 2000;

let pool;
let worker;
let healthy;
before(async () => {
  pool = await startSitePool({ config: siteConfig({ success: { ...kUnverified, max_body_bytes: 131_072 } }) });
  worker = pool.pids();
  await ask(pool.socket, health);  // now it accepts, and the listen queue will not fill up
  await ask(pool.socket, success(), form());
  healthy = resources(worker[0]);
});
after(() => pool?.stop());
afterEach(async () => {
  await assertPrompt(pool.socket);
  assert.deepEqual(pool.pids(), worker, 'the worker died');
  await waitFor(() => openDescriptors() <= healthy.descriptors, { what: 'the worker to close what it opened' });
});

/// `count` connections, each of which has sent `bytes`; no more at once than the listen queue takes.
async function connectMany(count, bytes) {
  const all = [];
  while (all.length < count) {
    const some = await Promise.all(Array.from({ length: Math.min(100, count - all.length) }, () => connect(pool.socket)));
    some.forEach((connection) => connection.send(bytes));
    all.push(...some);
  }
  return all;
}

const openDescriptors = () => resources(worker[0]).descriptors;

const callback = requestRecords(success(), form());
const held = [
  ['idle', Buffer.alloc(0)],
  ['that sent one byte', Buffer.from([1])],
  ['that sent half a request', requestRecords(signature()).subarray(0, -20)],
  ['that sent half a body', callback.subarray(0, -60)],
];
for (const [what, bytes] of held) {
  test(`${kMany} connections ${what} stop nobody`, async () => {
    const all = await assertPromptWhile(pool.socket, () => connectMany(kMany, bytes));
    await assertPromptWhile(pool.socket, () => sleep(200));
    await assertPromptWhile(pool.socket, () => all.forEach((connection) => connection.close()));
  });
}

test('idle connections are kept, and answered when they ask at last', async () => {
  const all = await connectMany(kMany, Buffer.alloc(0));
  await sleep(2500);  // longer than a request may take that has begun
  assert.ok(openDescriptors() > kMany, `${openDescriptors()}`);
  assert.equal(resources(worker[0]).threads, healthy.threads, 'connections own threads');
  for (let i = 0; i < kMany; i += 20) assert.equal((await all[i].ask(signature())).status, 200);
  all.forEach((connection) => connection.close());
});

test('half-sent requests end by their deadline, however they drip', async () => {
  const start = performance.now();
  const bytes = requestRecords(signature());
  const all = await connectMany(20, Buffer.alloc(0));
  const drip = setInterval(() => all.forEach((connection, i) => connection.socket.write(bytes.subarray(i, i + 1))), 200);
  try {
    await Promise.all(all.map((connection) => connection.closed()));
  } finally {
    clearInterval(drip);
  }
  const ms = performance.now() - start;
  assert.ok(ms > 1500 && ms < 6000, `closed after ${Math.round(ms)} ms`);
  assert.deepEqual(all.map((connection) => connection.socket.bytesRead), all.map(() => 0));
});

test('a request that drips but arrives in time is answered', async () => {
  const connection = await connect(pool.socket);
  for (let at = 0; at < callback.length; at += 50) {
    connection.send(callback.subarray(at, at + 50));
    await sleep(10);
  }
  assert.equal((await connection.answer()).status, 200);
  connection.close();
});

test('the largest body is answered, in whatever pieces it comes', async () => {
  const body = formOfSize(131_072);
  const bytes = requestRecords(success(body), body);
  for (const size of [4096, 40_000, 100_000, bytes.length]) {
    const connection = await connect(pool.socket);
    for (let at = 0; at < bytes.length; at += size) {
      connection.send(bytes.subarray(at, at + size));
      await ask(pool.socket, health);  // by now the worker has looked at it
    }
    assert.equal((await connection.answer()).status, 200, `in pieces of ${size}`);
    connection.close();
  }
});

test('endless bodies stop nobody, and nobody reads them for ever', async () => {
  const start = Buffer.concat([requestRecords(success('', { CONTENT_LENGTH: '1000000000' })).subarray(0, -8), record(kType.stdin, 'x'.repeat(60_000))]);
  const more = record(kType.stdin, 'x'.repeat(60_000));
  const before = openDescriptors();
  const all = await connectMany(10, start);
  const pour = (connection) => {
    while (!connection.socket.destroyed && connection.socket.writableLength < 1e6 && connection.socket.write(more));
  };
  all.forEach((connection) => connection.socket.on('drain', () => pour(connection)));
  await assertPromptWhile(pool.socket, async () => {
    all.forEach(pour);
    const answers = await Promise.all(all.map((connection) => connection.answer()));
    assert.deepEqual(answers.map(({ status }) => status), all.map(() => 413));
    await waitFor(() => openDescriptors() < before + 5, { what: 'the worker to close, though bodies still come' });
  });
  all.forEach((connection) => connection.close());
});

test('peers that vanish at any moment harm nobody', async () => {
  await assertPromptWhile(pool.socket, async () => {
    for (let round = 0; round < 20; round++) {
      const all = await connectMany(50, requestRecords(round % 2 ? success() : health, round % 2 ? form() : ''));
      all.forEach((connection) => connection.close());
    }
  });
});

test('a storm of connections that begin and close harms nobody', async () => {
  await assertPromptWhile(pool.socket, async () => {
    for (let round = 0; round < 20; round++) {
      (await connectMany(100, begin())).forEach((connection) => connection.close());
    }
  });
});
