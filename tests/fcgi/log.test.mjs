// The access log: one line of JSON for each request, fields that somebody named, and never a key or a signature.
import assert from 'node:assert/strict';
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, constants, existsSync, openSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { ask, connect, requestRecords } from '../lib/fcgi-client.mjs';
import { blobvaletBinary } from '../lib/pool.mjs';
import { tempDir, waitFor } from '../lib/process.mjs';
import {
  form, health, kContainer, kEndpoint, siteConfig, signature, startWorker, success, writeSite,
} from './support.mjs';

const kFields = [
  'time', 'request_id', 'endpoint', 'user', 'remote_addr', 'vars', 'verb', 'account', 'container', 'alias', 'blob', 'bloburi',
  'name_cut', 'rule', 'operation', 'file_size', 'file_type', 'part', 'permissions', 'starts', 'expires', 'lifetime_seconds', 'ip', 'bound', 'signature_sha256',
  'status', 'outcome', 'code', 'reason', 'micros',
];
const kAsked = {
  endpoint: 'signature', user: 'alice', verb: 'PUT', account: 'acmeuploads', container: 'uploads', blob: 'alice/a.txt',
};
const kAccepted = { ...kAsked, rule: 'own-folder', status: 200, outcome: 'ok', code: 'ok' };
const kSigned = { ...kAccepted, permissions: 'cw', lifetime_seconds: 900 };
const refusal = (status, code, reason) => ({ status, outcome: 'refused', code, ...reason && { reason } });

let worker;
let count = 0;
before(async () => { worker = await startWorker(); });
after(() => worker?.stop());

/// Asks, and returns the line that this wrote, without what differs each time.
async function lineOf(params, body) {
  const id = `request-${++count}`;
  await ask(worker.socket, [...Array.isArray(params) ? params : Object.entries(params), ['REQUEST_ID', id]], body);
  const { time, micros, request_id, expires, signature_sha256: hash, ...line } = await waitFor(() => worker.lines().find((l) => l.request_id === id));
  assert.match(time, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/);
  assert.ok(Math.abs(Date.now() - new Date(time)) < 60_000);
  if (line.permissions) {
    assert.equal(new Date(expires) - new Date(time) > (line.lifetime_seconds - 3) * 1000, true);
    assert.match(hash, /^[0-9a-f]{64}$/);
  }
  assert.ok(Number.isInteger(micros) && micros >= 0 && micros < 10_000_000);
  return line;
}

const rows = [
  ['a signature', signature(), '', kSigned],
  ['a signature to delete', signature({ method: 'DELETE' }), '', { ...kSigned, verb: 'DELETE', permissions: 'd', lifetime_seconds: 300 }],
  ['a callback', success(), form(), { ...kAccepted, endpoint: 'success' }],
  ['health', health, '', { endpoint: 'health', status: 200, outcome: 'ok', code: 'ok' }],
  ['somebody else\'s folder', signature({ uri: `${kContainer}/bob/a` }), '',
    { ...kAsked, blob: 'bob/a', ...refusal(403, 'not_allowed', 'no pattern matches the name') }],
  ['a container of no rule', signature({ uri: `${kEndpoint}/private/alice/a` }), '',
    { ...kAsked, container: 'private', blob: 'alice/a', ...refusal(403, 'not_allowed', 'no rule for this container') }],
  ['another site\'s blob', signature({ uri: 'https://other.example/uploads/alice/a' }), '',
    { endpoint: 'signature', user: 'alice', verb: 'PUT', bloburi: 'https://other.example/uploads/alice/a', ...refusal(403, 'unknown_endpoint') }],
  ['a SAS for a name', signature({ uri: `${kContainer}/bob/a?sig=abc` }), '',
    { ...kAsked, blob: 'bob/a?', name_cut: true, ...refusal(403, 'not_allowed', 'no pattern matches the name') }],
  ['a wrong method', signature({ REQUEST_METHOD: 'POST' }), '', { endpoint: 'signature', user: 'alice', ...refusal(405, 'method_not_allowed') }],
  ['a body too large', success('x'.repeat(70_000)), 'x'.repeat(70_000), { endpoint: 'success', user: 'alice', ...refusal(413, 'body_too_large') }],
  ['a user twice', [...Object.entries(signature()), ['BLOBVALET_USER', 'bob']], '',
    { endpoint: 'signature', user: 'alice', ...refusal(500, 'misconfigured', 'a BLOBVALET_ parameter came twice') }],
  ['an unknown endpoint', { ...health, BLOBVALET_ENDPOINT: 'x' }, '',
    { endpoint: 'x', ...refusal(500, 'misconfigured', 'BLOBVALET_ENDPOINT must be signature, success, session, health, live, ready or metrics') }],
  ['a user who forges lines', signature({ user: 'eve"}\n{"user":"root', uri: `${kContainer}/eve/a` }), '',
    { ...kAsked, user: 'eve"}\n{"user":"root', blob: 'eve/a', ...refusal(403, 'not_allowed', 'the user\'s name cannot be a path segment') }],
];
for (const [what, params, body, expected] of rows) {
  test(`logged: ${what}`, async () => {
    assert.deepEqual(await lineOf(params, body), expected);
  });
}

test('a user that is no UTF-8 still makes a line of JSON', async () => {
  const bytes = requestRecords({ ...health, BLOBVALET_USER: 'b?o', REQUEST_ID: 'no-utf-8' });
  bytes[bytes.indexOf('b?o') + 1] = 0xff;
  const connection = await connect(worker.socket);
  connection.send(bytes);
  await connection.answer();
  connection.close();
  const line = await waitFor(() => worker.lines().find((l) => l.request_id === 'no-utf-8'));
  assert.equal(line.user, 'b?o');
});

test('the longest names are logged, longer values cut', async () => {
  const name = '日'.repeat(1000);
  assert.equal((await lineOf(signature({ uri: `${kContainer}/alice/${name}` }))).blob, `alice/${name}`);
  assert.equal((await lineOf({ ...health, BLOBVALET_USER: 'x'.repeat(50_000) })).user, 'x'.repeat(3100));
});

// Last, so that it sees what all the others wrote.
test('no line holds a field that nobody named, a signature or a key', () => {
  const access = worker.lines().filter((line) => line.endpoint);
  assert.ok(access.length > rows.length);
  for (const line of access) {
    const order = Object.keys(line).map((field) => kFields.indexOf(field));
    assert.ok(!order.includes(-1), JSON.stringify(line));
    assert.deepEqual(order, [...order].sort((a, b) => a - b));
  }
  assert.doesNotMatch(worker.output(), /sig=|[?&]s[evpr]=/);
  assert.ok(!worker.output().includes(worker.site.key.slice(0, 20)));
});

test('neither access_log nor audit_log: only lines about the worker itself', async () => {
  const silent = await startWorker({ config: siteConfig({ server: { access_log: false, audit_log: false } }) });
  for (let i = 0; i < 5; i++) {
    await ask(silent.socket, signature());
    await ask(silent.socket, success(), form());
  }
  await silent.stop();
  assert.deepEqual(silent.lines().map((line) => line.event), ['started', 'signing_key', 'stopped']);
});

// To a worker, its standard error is the journal then; tests/systemd has a real one.
const noJournal = { skip: existsSync('/run/systemd/journal/socket') && 'this machine has a journal' };
test('where the journal is away, lines go to standard error', noJournal, async () => {
  const log = join(tempDir(), 'log');
  writeFileSync(log, '');
  const { dev, ino } = statSync(log);
  const alone = await startWorker({ log, env: { JOURNAL_STREAM: `${dev}:${ino}` } });
  await ask(alone.socket, { ...signature(), REQUEST_ID: 'alone' });
  const line = await waitFor(() => alone.lines().find((l) => l.request_id === 'alone'));
  assert.equal(line.user, 'alice');
  await alone.stop();
});

/// A worker whose standard error nobody reads; `stdio` are its descriptors.
async function startUnread(stderr) {
  const site = writeSite();
  const socket = join(site.dir, 'worker.sock');
  const child = spawn('setpriv', ['--pdeathsig', 'TERM', '--',
    'spawn-fcgi', '-s', socket, '-n', '--', blobvaletBinary, 'serve', '--config', site.file,
  ], { stdio: ['ignore', 'ignore', stderr] });
  await waitFor(() => ask(socket, health));
  return { socket, child };
}

// Far more lines than any pipe or socket buffer takes.
async function assertStillAnswers({ socket, child }) {
  const connection = await connect(socket);
  for (let i = 0; i < 2500; i++) assert.equal((await connection.ask(signature())).status, 200, `request ${i}`);
  assert.equal((await connection.ask(success(), form())).status, 200);
  const exited = once(child, 'exit');
  child.kill('SIGTERM');
  assert.deepEqual(await exited, [0, null]);
  connection.close();
}

test('a log pipe that nobody reads stops nothing', async () => {
  const fifo = join(tempDir(), 'log');
  execFileSync('mkfifo', [fifo]);
  const end = openSync(fifo, constants.O_RDWR);
  await assertStillAnswers(await startUnread(end));
  closeSync(end);
});

test('a log socket that nobody reads stops nothing', async () => {
  const unread = await startUnread('pipe');  // to node, a pipe is a socket
  unread.child.stderr.pause();
  await assertStillAnswers(unread);
  unread.child.stderr.destroy();
});
