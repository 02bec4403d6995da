// The shipped drop-ins under a real systemd: workers on TCP that have no network, and limits inside the sandbox.
import assert from 'node:assert/strict';
import { readFileSync, readlinkSync, writeFileSync } from 'node:fs';
import { test } from 'node:test';
import { waitFor } from '../lib/process.mjs';
import { bootGuest } from './guest.mjs';
import { signaturePath } from '../cluster/support.mjs';

const kExamples = '/usr/share/doc/blobvalet/examples';
const kSite = 'http://127.0.0.1';

/// Runs the commands that stand in the head of an example, but for editors: the addresses stay those of the example.
async function asItSays(guest, example) {
  const directory = `${kExamples}/${example.slice(0, example.lastIndexOf('/'))}`;
  const commands = readFileSync(guest.path(`${kExamples}/${example}`), 'utf8').split('\n')
    .map((line) => /^# {3}(\S.*)$/.exec(line)?.[1]).filter((line) => line && !line.startsWith('editor '));
  assert.ok(commands.length > 0, example);
  for (const command of commands) await guest.sh(`cd ${directory} && ${command}`);
}

async function ask(guest, path, ...options) {
  const output = await guest.curl('--write-out', '\n%{http_code}', ...options, kSite + path);
  const end = output.lastIndexOf('\n');
  return { body: output.slice(0, end), status: Number(output.slice(end + 1)) };
}

function configure(guest, change) {
  const file = guest.path('/etc/blobvalet/blobvalet.json');
  const config = JSON.parse(readFileSync(file, 'utf8'));
  change(config);
  writeFileSync(file, JSON.stringify(config));
}

const limited = (name, requests) => ({
  name, account: 'acmeuploads', container: 'uploads', blobs: ['{user}/**'], methods: ['PUT', 'DELETE'],
  limit: { requests, per_seconds: 3600 },
});

/// How many of so many signatures are given, and callbacks taken.
async function count(guest, times) {
  const counts = {};
  for (let i = 0; i < times; i++) {
    const { status } = i % 4 === 3
      ? await ask(guest, '/blobvalet/success', '--data', String(new URLSearchParams({
        blob: 'alice/a.txt', uuid: 'f9a922bd-3007-4393-a76e-925fc009639c', name: 'a',
        container: 'https://acmeuploads.blob.core.windows.net/uploads' })))
      : await ask(guest, signaturePath());
    counts[status] = (counts[status] ?? 0) + 1;
  }
  return counts;
}

const answers = (guest) => waitFor(async () => (await ask(guest, signaturePath('bob'))).status === 403, { what: 'workers answer' });

const networkOf = (guest, pid) => readlinkSync(guest.path(`/proc/${pid}/ns/net`));

test('the drop-ins', { skip: process.env.BLOBVALET_SKIP_BOOT === '1', timeout: 180_000 }, async (t) => {
  const guest = await bootGuest();
  t.after(guest.stop);

  await t.test('limits in shared memory, in the sandbox of both pools', async () => {
    configure(guest, (config) => { config.rules = [limited('memory', 10)]; });
    await guest.sh("systemctl restart 'blobvalet-signature@*.service' 'blobvalet-success@*.service'");
    await answers(guest);
    assert.deepEqual(await count(guest, 16), { 200: 10, 429: 6 });
    await guest.sh("systemctl restart 'blobvalet-signature@*.service' 'blobvalet-success@*.service'");
    await answers(guest);
    assert.deepEqual(await count(guest, 4), { 429: 4 });
  });

  await t.test('TCP sockets, and three machines for nginx, of which one is there', async () => {
    for (const host of [11, 12, 13]) await guest.sh(`ip address add 10.0.0.${host}/32 dev lo`);
    configure(guest, (config) => {
      config.rules = [limited('tcp', 10)];
      config.server.allow_from = ['10.0.0.0/24'];
    });
    await asItSays(guest, 'systemd/signature-tcp.conf');
    await asItSays(guest, 'systemd/success-tcp.conf');
    await asItSays(guest, 'nginx/machines.conf');
    await answers(guest);
    assert.deepEqual(await count(guest, 16), { 200: 10, 429: 6 });
    const sockets = await guest.sh('ss -Hltn');
    for (const address of ['10.0.0.11:9000 ', '10.0.0.11:9001 ']) assert.ok(sockets.includes(address), sockets);
    for (const pid of guest.workers('signature')) assert.notEqual(networkOf(guest, pid), networkOf(guest, 1), 'no network');
    assert.match(await guest.sh("journalctl -u 'blobvalet-signature@*' -g listening -o cat"), /"detail":"10\.0\.0\.11:9000"/);
  });

  await t.test('limits in Redis, for signature workers that have no network', async () => {
    await guest.sh('systemd-run --quiet --unit=limits-redis -p User=redis -p RuntimeDirectory=limits-redis '
      + '-p RuntimeDirectoryMode=0750 redis-server --port 0 --save "" --unixsocket /run/limits-redis/redis.sock --unixsocketperm 770');
    await guest.sh('until [ -S /run/limits-redis/redis.sock ]; do sleep 0.05; done');
    configure(guest, (config) => {
      config.rules = [limited('redis', 10)];
      config.limits = { store: { type: 'redis', unix_socket: '/run/limits-redis/redis.sock', timeout_ms: 1000 }, when_unavailable: 'refuse' };
    });
    await asItSays(guest, 'systemd/signature-redis.conf');
    await guest.sh('install -D -m 0644 /etc/systemd/system/blobvalet-signature@.service.d/redis.conf '
      + '/etc/systemd/system/blobvalet-success@.service.d/redis.conf');
    await guest.sh("sed -i /^RestrictAddressFamilies/d /etc/systemd/system/blobvalet-success@.service.d/redis.conf");
    await guest.sh("systemctl daemon-reload && systemctl restart 'blobvalet-success@*.service'");
    await answers(guest);
    assert.deepEqual(await count(guest, 16), { 200: 10, 429: 6 });
    for (const pid of guest.workers('signature')) assert.notEqual(networkOf(guest, pid), networkOf(guest, 1), 'no network');
  });

  await t.test('the spawn-fcgi pool by TCP', async () => {
    configure(guest, (config) => {
      config.rules = [limited('spawn', 10)];
      delete config.limits;
    });
    await asItSays(guest, 'systemd/signature-spawn-tcp.conf');
    await answers(guest);
    assert.deepEqual(await count(guest, 3), { 200: 3 });
    assert.equal(await guest.sh('systemctl is-active blobvalet-signature-spawn.service'), 'active\n');
    await guest.sh('systemctl is-active blobvalet-signature.socket && exit 1 || true');
  });
});
