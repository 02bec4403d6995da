// nginx keeps its connections, and sends the next request as soon as it has read an answer.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { ask, begin, connect, kType, nameValuePairs, requestRecords, stream } from '../lib/fcgi-client.mjs';
import { assertPrompt, form, health, kContainer, signature, startSitePool, success } from './support.mjs';

let pool;
before(async () => { pool = await startSitePool(); });
after(() => pool?.stop());

test('many signatures on one connection', async () => {
  const connection = await connect(pool.socket);
  for (let i = 0; i < 500; i++) assert.equal((await connection.ask(signature())).status, 200, `request ${i}`);
  connection.close();
});

// The next callback may arrive before the event loop has the connection back from the callback's thread.
test('many callbacks on one connection', async () => {
  const connection = await connect(pool.socket);
  for (let i = 0; i < 500; i++) {
    const answer = await connection.ask(success(), form()).catch((error) => assert.fail(`callback ${i}: ${error.message}`));
    assert.equal(answer.status, 200, `callback ${i}`);
  }
  connection.close();
});

test('a body over the limit is answered although its beginning came alone', async () => {
  const body = 'x'.repeat(300_000);
  const bytes = requestRecords(success(body), body);
  const connection = await connect(pool.socket);
  connection.send(bytes.subarray(0, 30_000));
  await ask(pool.socket, health);  // by now the worker has looked at the beginning
  connection.send(bytes.subarray(30_000));
  assert.equal((await connection.answer()).status, 413);
  connection.close();
});

// The largest body that is allowed, of which all but some padding has come.
test('padding does not count as body', async () => {
  const body = `blob=${'x'.repeat(65_536 - 5)}`;
  const bytes = Buffer.concat([
    begin(), stream(kType.params, nameValuePairs(success(body))), stream(kType.stdin, body, { size: 32_768, padding: 200 }),
  ]);
  const connection = await connect(pool.socket);
  connection.send(bytes.subarray(0, -100));
  await ask(pool.socket, health);
  connection.send(bytes.subarray(-100));
  assert.equal((await connection.answer()).json().code, 'missing_parameter');
  connection.close();
});

test('a peer that does not read its answers does not stop others', async () => {
  const silent = await connect(pool.socket);
  silent.socket.pause();
  const long = requestRecords(signature({ uri: `${kContainer}/alice/${'é'.repeat(1000)}` }));
  for (let i = 0; i < 100; i++) {
    silent.send(long);
    await assertPrompt(pool.socket);
  }
  silent.close();
});
