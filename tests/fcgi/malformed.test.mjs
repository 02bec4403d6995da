// What no web server sends. The worker closes such a connection, lives on, and answers the next request.
import assert from 'node:assert/strict';
import { after, afterEach, before, test } from 'node:test';
import {
  ask, begin, connect, kType, nameValuePairs, pairLength, record, requestRecords, stream,
} from '../lib/fcgi-client.mjs';
import { isReleased } from '../lib/pool.mjs';
import { resources, waitFor } from '../lib/process.mjs';
import { form, signature, startSitePool, success } from './support.mjs';

let pool;
let worker;
let healthy;
before(async () => {
  pool = await startSitePool();
  worker = pool.pids();
  await ask(pool.socket, signature());
  await ask(pool.socket, success(), form());
  healthy = resources(worker[0]);
});
after(() => pool?.stop());
afterEach(async () => {
  assert.equal((await ask(pool.socket, signature())).status, 200);
  assert.deepEqual(pool.pids(), worker, 'the worker died');
  await waitFor(() => resources(worker[0]).descriptors <= healthy.descriptors, { what: 'the worker to close what it opened' });
});

const kSmallestBlock = 24;  // bytes: what a connection would lose at least, by glibc's malloc

const params = (content, options) => stream(kType.params, content, options);
const stdin = (content, options) => stream(kType.stdin, content, options);
const join = (...parts) => Buffer.concat(parts);
const pairs = nameValuePairs(signature());
const good = requestRecords(signature());
const lengths = (name, value) => join(pairLength(name, true), pairLength(value, true));
const manyPairs = (count) => params(Buffer.from('\x01\x01ab'.repeat(count), 'latin1'));

// An empty record whose padding is something else.
const hiding = (type, padding) => join(Buffer.from([1, type, 0, 1, 0, 0, padding.length, 0]), padding);

const malformed = [
  // The header, and the order of records.
  ['an HTTP request', Buffer.from('GET / HTTP/1.1\r\nHost: localhost\r\n\r\n')],
  ['a TLS greeting', Buffer.from('160301020001000001fc0303', 'hex')],
  ['zeros', Buffer.alloc(64)],
  ['version 0', begin({ version: 0 })],
  ['version 2', begin({ version: 2 })],
  ['version 2 later on', join(begin(), record(kType.params, pairs, { version: 2 }))],
  ['request id 0', join(begin({ id: 0 }), params(pairs, { id: 0 }), stdin('', { id: 0 }))],
  ['an authorizer', begin({ role: 2 })],
  ['a filter', begin({ role: 3 })],
  ['no role', begin({ role: 0 })],
  ['a BEGIN of 7 bytes', record(kType.begin, Buffer.from([0, 1, 1, 0, 0, 0, 0]))],
  ['a BEGIN of 9 bytes', record(kType.begin, Buffer.from([0, 1, 1, 0, 0, 0, 0, 0, 0]))],
  ['an empty BEGIN', record(kType.begin)],
  ['two BEGINs', join(begin(), begin())],
  ['PARAMS first', params(pairs)],
  ['STDIN first', stdin('')],
  ['STDIN before PARAMS', join(begin(), stdin(''), params(pairs))],
  ['STDIN amid PARAMS', join(begin(), record(kType.params, pairs), stdin(''))],
  ['PARAMS after their end', join(begin(), params(pairs), params(pairs))],
  ['an END', join(begin(), record(kType.end, Buffer.alloc(8)))],
  ['an answer', join(begin(), record(kType.stdout, 'x'))],
  ['DATA in place of STDIN', join(begin(), params(pairs), record(kType.data, 'x'))],
  ['an unknown type', join(begin(), record(200))],
  ['ABORT first', record(kType.abort)],
  ['ABORT amid a request', join(begin(), record(kType.abort))],
  ['ABORT amid a body', join(begin(), params(nameValuePairs(success())), record(kType.stdin, 'x'), record(kType.abort))],
  ['PARAMS of another request', join(begin(), params(pairs, { id: 2 }))],
  ['STDIN of another request', join(begin(), params(pairs), stdin('', { id: 2 }))],
  ['a second request behind the first', join(good, good)],
  ['one byte behind a request', join(good, Buffer.from([1]))],
  ['FCGI_GET_VALUES', record(kType.getValues, nameValuePairs({ FCGI_MAX_CONNS: '' }), { id: 0 })],
  // Known names five times or more, with a record behind: a stack buffer of stock libfcgi overflows.
  ['FCGI_GET_VALUES that crash libfcgi', join(
    record(kType.getValues, nameValuePairs(Array(8).fill(['FCGI_MPXS_CONNS', ''])), { id: 0 }), good)],
  ['the same, hidden in the padding of an empty record', join(begin(), record(kType.params, pairs), hiding(
    kType.params, record(kType.getValues, nameValuePairs(Array(6).fill(['FCGI_MPXS_CONNS', ''])), { id: 0 })), stdin(''))],
  ['FCGI_GET_VALUES amid a request', join(begin(), record(kType.getValues, '', { id: 0 }))],

  // Parameters.
  // A name and a value whose lengths add up to more than 2^31-1: stock libfcgi aborts.
  ['lengths that crash libfcgi', join(begin(), params(lengths(0x40000000, 0x3fffffff)))],
  ['the largest lengths', join(begin(), params(lengths(0x7fffffff, 0x7fffffff)))],
  ['a sum that is 0 in 32 bits', join(begin(), params(lengths(0x7fffffff, 1)))],
  ['a name longer than the limit', join(begin(), params(lengths(65_537, 0)))],
  ['a value that is not there', join(begin(), params(join(lengths(1, 60_000), Buffer.from('a'))))],
  ['a name that is not there', join(begin(), params(Buffer.from([5, 0])))],
  ['half a length', join(begin(), params(Buffer.from([0x80, 0, 0])))],
  ['a name\'s length alone', join(begin(), params(Buffer.from([3])))],
  ['a NUL in a value', join(begin(), params(nameValuePairs({ BLOBVALET_USER: 'alice\0bob' })))],
  ['a NUL in a name', join(begin(), params(nameValuePairs({ 'BLOBVALET_USER\0': 'alice' })))],
  ['257 pairs', join(begin(), manyPairs(257))],
  ['100,000 pairs', join(begin(), manyPairs(100_000))],
  ['4 MiB of parameters', join(begin(), params(nameValuePairs({ A: 'x'.repeat(4 << 20) })))],
];
for (const [what, bytes] of malformed) {
  test(`closed: ${what}`, async () => {
    const connection = await connect(pool.socket);
    connection.send(bytes);
    await connection.closed({ timeoutMs: 1500 });  // sooner than a request that is only incomplete
    assert.equal(connection.socket.bytesRead, 0);
  });
}

// Well-formed so far; they end by their deadline, all at once.
const unfinished = [
  ['a header alone', begin().subarray(0, 8)],
  ['a BEGIN alone', begin()],
  ['no end of PARAMS', join(begin(), record(kType.params, pairs))],
  ['no STDIN', join(begin(), params(pairs))],
  ['half a body', join(begin(), params(nameValuePairs(success())), record(kType.stdin, form(), { length: 1000 }))],
  ['no end of STDIN', join(begin(), params(nameValuePairs(success())), record(kType.stdin, form()))],
  ['padding that never comes',
    join(begin(), params(nameValuePairs(success())), record(kType.stdin, form(), { padding: 200 }).subarray(0, -1))],
];
test('closed: what never ends', async () => {
  await Promise.all(unfinished.map(async ([what, bytes]) => {
    const connection = await connect(pool.socket);
    connection.send(bytes);
    await connection.closed({ timeoutMs: 10_000 }).catch(() => assert.fail(`still open: ${what}`));
    assert.equal(connection.socket.bytesRead, 0, what);
  }));
});

// As a web server may cut a request, however unusual.
const wellFormed = [
  ['records of one byte', requestRecords(signature(), '', { size: 1 })],
  ['a callback in records of one byte', requestRecords(success(), form(), { size: 1 })],
  ['padding everywhere', requestRecords(success(), form(), { size: 100, padding: 255 })],
  ['the largest id', requestRecords(signature(), '', { id: 65_535 })],
  ['four-byte lengths for short texts', join(begin(), params(join(...Object.entries(signature()).map(([name, value]) =>
    join(lengths(name.length, value.length), Buffer.from(name + value))))), stdin(''))],
  ['256 pairs', join(begin(), params(join(pairs, Buffer.from('\x01\x01ab'.repeat(252), 'latin1'))), stdin(''))],
  ['an empty name', join(begin(), params(join(Buffer.from([0, 1]), Buffer.from('x'), pairs)), stdin(''))],
  ['unknown flags', Buffer.from(good).fill(0xff, 10, 11)],
];
for (const [what, bytes] of wellFormed) {
  test(`answered: ${what}`, async () => {
    const connection = await connect(pool.socket);
    connection.send(bytes);
    const answer = await connection.answer();
    assert.equal(answer.status, 200);
    assert.equal(answer.id, bytes.readUInt16BE(2));
    connection.close();
  });
}

test('answered: a request that arrives in two parts, cut anywhere', async () => {
  const callback = requestRecords(success(), form(), { size: 200, padding: 3 });
  for (let at = 1; at < callback.length; at += 7) {
    const connection = await connect(pool.socket);
    connection.send(callback.subarray(0, at));
    await ask(pool.socket, signature());  // by now the worker has looked at the first part
    connection.send(callback.subarray(at));
    assert.equal((await connection.answer()).status, 200, `cut at ${at}`);
    connection.close();
  }
});

test('answered: a peer that has closed its side already', async () => {
  const connection = await connect(pool.socket);
  connection.send(good).endWriting();
  assert.equal((await connection.answer()).status, 200);
  await connection.closed();
});

const kCallback = requestRecords(success(), form());

async function sendDamagedRequests(count, random) {
  for (let sent = 0; sent < count; sent += 20) {
    await Promise.all(Array.from({ length: 20 }, () => sendDamaged(damage(kCallback, random))));
  }
}

test('survived: a thousand damaged requests', () => sendDamagedRequests(1000, randomNumbers(20260301)));

// A heap grows by chance for a while, less and less; a leak adds its bytes to every round. A sanitizer keeps what is freed.
test('no memory is lost, whatever is sent', { skip: !isReleased }, async () => {
  const random = randomNumbers(20260302);
  const kDamaged = 1000;
  const abuse = async () => {
    for (const [, bytes] of malformed) {
      for (let i = 0; i < 10; i++) await sendDamaged(bytes);
    }
    await sendDamagedRequests(kDamaged, random);
    return resources(worker[0]).residentKib;
  };
  const resident = [await abuse()];
  for (let round = 1; round <= 6; round++) resident.push(await abuse());
  const grown = resident.slice(1).map((kib, i) => kib - resident[i]);
  const lost = Math.min(...grown) * 1024 / (10 * malformed.length + kDamaged);
  assert.ok(lost < kSmallestBlock, `each round added memory: ${grown.join(', ')} KiB`);
});

async function sendDamaged(bytes) {
  const connection = await connect(pool.socket);
  connection.send(bytes).endWriting();
  await connection.closed();
  connection.close();
}

/// Some bytes changed, some left out.
function damage(bytes, random) {
  const damaged = Buffer.from(bytes);
  for (let i = random(4); i >= 0; i--) damaged[random(damaged.length)] = random(256);
  const from = random(damaged.length);
  return random(2) ? damaged : join(damaged.subarray(0, from), damaged.subarray(from + random(20)));
}

/// Numerical Recipes' generator: the same damage in every run.
function randomNumbers(seed) {
  let state = seed;
  return (below) => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
}
