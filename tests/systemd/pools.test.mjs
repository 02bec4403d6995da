// Both kinds of pool under a real systemd, a real nginx in front of them, from boot to stop.
import assert from 'node:assert/strict';
import { createHmac } from 'node:crypto';
import { existsSync, readdirSync, readFileSync, readlinkSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { newKey } from '../fcgi/support.mjs';
import { sleep, waitFor } from '../lib/process.mjs';
import { assertNoSecret, findSecretInFile, registerSecret } from '../lib/secrets.mjs';
import { bootGuest, kClients } from './guest.mjs';

const kEndpoints = ['signature', 'success'];
const kSockets = kEndpoints.map((endpoint) => `/run/blobvalet/${endpoint}.sock`);
const kContainer = 'https://acmeuploads.blob.core.windows.net/uploads';
const kSite = 'http://127.0.0.1';

// The commands are those which the units and /etc/default/blobvalet name.
const socketPool = {
  name: 'socket pool',
  use: '/usr/libexec/blobvalet/use-pool socket',
  units: 'blobvalet-signature.target blobvalet-success.target',
  signatureUnit: 'blobvalet-signature@.service',
  successUnit: 'blobvalet-success@.service',
  applyNumber: 'systemctl daemon-reload',
  reload: "systemctl reload 'blobvalet-signature@*.service'",
  replace: "systemctl restart 'blobvalet-signature@*.service'",
  acts: (guest) => [
    () => guest.sh(socketPool.reload),
    () => replacesEveryWorker(guest, socketPool.replace),
    () => replacesEveryWorker(guest, socketPool.replace),          // again at once, while nginx keeps connections
    () => applyNumber(guest, socketPool, 'WORKERS=6', 6),
    () => applyNumber(guest, socketPool, 'WORKERS="1"', 1),
    () => applyNumber(guest, socketPool, 'WORKERS=4', 4),
    () => applyNumber(guest, socketPool, 'WORKERS=2', 2),
    () => replacesEveryWorker(guest, 'systemctl restart blobvalet-signature.target'),
  ],
  replaceAll: "systemctl restart 'blobvalet-signature@*.service' 'blobvalet-success@*.service'",
};
const spawnPool = {
  name: 'spawn-fcgi pool',
  use: '/usr/libexec/blobvalet/use-pool spawn',
  units: 'blobvalet-signature-spawn.service blobvalet-success-spawn.service',
  signatureUnit: 'blobvalet-signature-spawn.service',
  successUnit: 'blobvalet-success-spawn.service',
  applyNumber: "systemctl restart 'blobvalet-*-spawn.service'",
  reload: 'systemctl reload blobvalet-signature-spawn.service',
  replace: '/usr/libexec/blobvalet/replace-workers blobvalet-signature-spawn.service',
  acts: (guest) => [
    () => guest.sh(spawnPool.reload),
    () => replacesEveryWorker(guest, spawnPool.replace),
  ],
};

const signaturePath = (blob) =>
  `/blobvalet/signature?${new URLSearchParams({ bloburi: `${kContainer}/${blob}`, _method: 'PUT', qqtimestamp: '1' })}`;

async function request(guest, path, ...curlArgs) {
  const output = await guest.curl('--write-out', '\n%{http_code}', ...curlArgs, kSite + path);
  const end = output.lastIndexOf('\n');
  return { body: output.slice(0, end), status: Number(output.slice(end + 1)) };
}

async function signature(guest) {
  const { status, body } = await request(guest, signaturePath('alice/a.txt'));
  assert.equal(status, 200, body);
  return new URL(body);
}

function callback(guest) {
  return request(guest, '/blobvalet/success', '--data', kForm);
}

const workersOfEach = (guest) => kEndpoints.map((endpoint) => guest.workers(endpoint).length);

const poolsOf = (guest, number) => waitFor(() => workersOfEach(guest).every((each) => each === number),
  { what: `${number} workers for each endpoint` });

async function answersAsItShould(guest) {
  const signed = await signature(guest);
  assert.equal(signed.origin + signed.pathname, `${kContainer}/alice/a.txt`);
  assert.ok(signed.searchParams.get('sig'));
  assert.equal((await request(guest, signaturePath('bob/a.txt'))).status, 403);

  const { status, body } = await callback(guest);
  assert.equal(status, 200, body);
  assert.equal(JSON.parse(body).success, true);
}

async function onlyNginxMayConnect(guest) {
  assert.equal(await guest.sh(`stat -c '%a %G' ${kSockets.join(' ')}`), '660 www-data\n660 www-data\n');
  assert.equal(await guest.sh('stat -c "%a %G" /run/blobvalet'), '2750 www-data\n');
}

function isLockedIn(guest, pid) {
  const proc = (name) => guest.path(`/proc/${pid}/${name}`);
  const status = readFileSync(proc('status'), 'utf8');
  assert.doesNotMatch(status, /^Uid:.*\t0\b/m);
  assert.match(status, /^CapBnd:\t0+$/m);
  assert.match(status, /^NoNewPrivs:\t1$/m);
  assert.match(status, /^Seccomp:\t2$/m);
  assert.match(readFileSync(proc('limits'), 'utf8'), /^Max core file size +0 +0 /m);
}

// proc(5): lo is locked, dd in no core image.
function guardsItsSecrets(guest, pid) {
  const proc = (name) => guest.path(`/proc/${pid}/${name}`);
  const flags = readFileSync(proc('smaps'), 'utf8').match(/^VmFlags:.*$/gm);
  assert.ok(flags.some((line) => line.includes(' lo ') && line.includes(' dd ')), 'some memory is locked');
  assert.equal(readFileSync(proc('coredump_filter'), 'utf8'), '00000000\n');
  assert.equal(statSync(proc('environ')).uid, 0, 'its own user cannot trace it');
  for (const name of ['cmdline', 'environ']) assertNoSecret(readFileSync(proc(name)), proc(name));
}

/// Locked in as they are, workers note together until when their SAS last.
async function notesWhatItHasSigned(guest) {
  const expiry = Date.parse((await signature(guest)).searchParams.get('se')) / 1000;
  for (let i = 0; i < 8; i++) {       // whichever worker answers
    const { body } = await request(guest, '/blobvalet/metrics');
    const [, noted] = /^blobvalet_signed_until_timestamp_seconds\{account="acmeuploads",[^}]*\} (\d+)$/m.exec(body) ?? [];
    assert.ok(Number(noted) >= expiry, body);
  }
}

/// And what they have counted: any of them knows of all, in both pools.
async function countTogether(guest) {
  const { body } = await request(guest, '/blobvalet/metrics');
  const value = (sample) => Number(body.split('\n').find((line) => line.startsWith(`${sample} `))?.split(' ').at(-1));
  assert.equal(value('blobvalet_metrics_shared'), 1, body);
  assert.equal(value('blobvalet_workers{duty="signatures"}'), guest.workers('signature').length);
  assert.equal(value('blobvalet_workers{duty="all"}'), guest.workers('success').length);
}

const hasNetwork = (guest, pid) => (
  readlinkSync(guest.path(`/proc/${pid}/ns/net`)) === readlinkSync(guest.path('/proc/1/ns/net')));

async function areLockedIn(guest) {
  for (const pid of kEndpoints.flatMap(guest.workers)) {
    isLockedIn(guest, pid);
    guardsItsSecrets(guest, pid);
  }
  assert.match(await guest.sh("systemctl show --property=MemorySwapMax 'blobvalet-*.service'"), /^(MemorySwapMax=0\n+)+$/);
  assert.deepEqual(guest.workers('signature').filter((pid) => hasNetwork(guest, pid)), []);
  assert.deepEqual(guest.workers('success').filter((pid) => !hasNetwork(guest, pid)), []);
}

/// Runs command lines in the place of a worker: locked in as `unit` says, and as `dropIn` adds. What each printed.
async function inPlaceOf(guest, unit, commands, dropIn = []) {
  const shipped = readFileSync(guest.path(`/usr/lib/systemd/system/${unit}`), 'utf8');
  const lines = shipped.slice(shipped.indexOf('[Service]')).replace(/^\[Install\][^]*/m, '').split('\n')
    .filter((line) => !/^(#|\s|Type=|Sockets=|Standard|Exec|Restart)/.test(line));
  writeFileSync(guest.path('/run/probe'), commands.map((command) => `(${command})\nprintf '%s' '${kNext}'\n`).join(''));
  writeFileSync(guest.path('/run/systemd/system/blobvalet-probe.service'), [
    ...lines, 'Type=oneshot', 'ExecStart=/bin/sh /run/probe', 'StandardOutput=truncate:/run/probe.out', 'StandardError=inherit',
    ...dropIn, ''].join('\n'));
  await guest.sh('systemctl daemon-reload; systemctl start blobvalet-probe');
  return readFileSync(guest.path('/run/probe.out'), 'utf8').split(kNext).slice(0, -1);
}
const kNext = '=== next ===';

const curl = (...args) => `curl --silent --max-time 5 --write-out '%{http_code} %{exitcode}\\n' ${args.join(' ')} 2>&1 || true`;
const kTcp = curl(`${kSite}/application`);
const kUnix = curl('--unix-socket /run/application.sock', `${kSite}/application`);
const socketOf = (family) => `perl -MSocket -e 'print socket(my $s, ${family}, SOCK_STREAM, 0) ? "made" : $!'`;

async function hasNoNetwork(guest, { signatureUnit: unit }) {
  const [inet, inet6, tcp, file] = await inPlaceOf(guest, unit, [
    socketOf('AF_INET'), socketOf('AF_INET6'), kTcp, 'touch /var/lib/blobvalet/probe || true']);
  for (const socket of [inet, inet6]) assert.match(socket, /^Address family not supported/);
  assert.equal(tcp, '000 7\n');
  assert.match(file, /No such file|Read-only|Permission denied/);
}

async function reachesAzureAndTheApplication(guest, unit) {
  const count = 'cat /etc/ssl/certs/ca-certificates.crt /usr/share/misc/magic.mgc | wc -c';
  const [tcp, unix, netlink, name, bytes] = await inPlaceOf(guest, unit, [
    kTcp, kUnix, 'perl -MSocket -e \'print socket(my $s, 16, SOCK_RAW, 0) ? "made" : $!\'', 'getent ahosts localhost', count]);
  for (const answer of [tcp, unix]) assert.equal(answer, 'accepted200 0\n');
  assert.match(netlink, /^Address family not supported/);
  assert.match(name, /^127\.0\.0\.1 /m);
  assert.equal(bytes, await guest.sh(count));
}

async function mayJoinTheGroupOfTheApplication(guest, unit) {
  await guest.sh('chgrp www-data /run/application.sock && chmod 0660 /run/application.sock');
  try {
    assert.deepEqual(await inPlaceOf(guest, unit, [kUnix]), ['000 7\n']);
    assert.deepEqual(await inPlaceOf(guest, unit, [kUnix], ['SupplementaryGroups=www-data']), ['accepted200 0\n']);
  } finally {
    await guest.sh('chmod 0666 /run/application.sock');
  }
}

async function keepsEvents(guest, unit) {
  assert.equal(await guest.sh('stat -c "%a %U %G" /var/lib/blobvalet'), '700 blobvalet blobvalet\n');
  const write = 'umask; echo x > /var/lib/blobvalet/probe && stat -c "%a %U" /var/lib/blobvalet/probe; rm /var/lib/blobvalet/probe';
  const [written, elsewhere] = await inPlaceOf(guest, unit, [write, 'touch /var/lib/probe /etc/blobvalet/probe || true']);
  assert.equal(written, '0077\n600 blobvalet\n');
  assert.match(elsewhere, /Read-only[^]*Read-only/);
}

/// The signature as "Create a service SAS" (learn.microsoft.com) has it, for version 2023-11-03.
function isSignedWith(key, { pathname, searchParams: query }) {
  const q = (name) => query.get(name) ?? '';
  const text = [q('sp'), '', q('se'), `/blob/acmeuploads${pathname}`, '', '', q('spr'), q('sv'), 'b', '', '', '', '', '', '', ''];
  return q('sig') === createHmac('sha256', Buffer.from(key, 'base64')).update(text.join('\n')).digest('base64');
}

/// The files below `dir` that hold a secret.
const filesWithSecrets = (dir) => readdirSync(dir, { withFileTypes: true }).flatMap((entry) => {
  const path = join(dir, entry.name);
  if (entry.isDirectory()) return filesWithSecrets(path);
  return entry.isFile() && findSecretInFile(path, { signatures: true }) ? [path] : [];
});

/// Does what the shipped example says about encrypted credentials, with another key than before.
async function signsWithAnEncryptedKey(guest, pool) {
  const plain = '/etc/blobvalet/acmeuploads.key';
  const before = registerSecret(readFileSync(guest.path(plain), 'utf8'), 'the key in a file');
  assert.ok(isSignedWith(before, await signature(guest)));
  assert.deepEqual(filesWithSecrets(guest.written), [join(guest.written, plain)], 'the search finds it');

  const key = newKey();
  const example = guest.path('/etc/systemd/system/blobvalet-.service.d/credentials.conf');
  // A guest has no TPM. The key comes by a pipe and never is in a file.
  await guest.sh(`printf %s '${key}' | systemd-creds encrypt --with-key=host --name=acmeuploads.key - ${plain}.cred 2>&1`);
  rmSync(guest.path(plain));
  writeFileSync(example, readFileSync(example, 'utf8').replace(/^LoadCredential=.*\n/m, '').replace('#LoadCredentialEncrypted=', 'LoadCredentialEncrypted='));
  await guest.sh(`systemctl daemon-reload && ${pool.replaceAll}`);
  await poolsOf(guest, 2);
  await answersAsItShould(guest);
  assert.ok(isSignedWith(key, await signature(guest)));
  assert.deepEqual(filesWithSecrets(guest.written), []);
}

/// Lets the machine's identity sign in place of the account key, which is removed, while clients are asking.
async function signsWithoutAnAccountKey(guest, cloud) {
  rmSync(guest.path('/etc/systemd/system/blobvalet-.service.d'), { recursive: true });
  writeFileSync(guest.path('/etc/default/blobvalet-keys'), Object.entries(cloud.env).map(([name, value]) => `${name}=${value}\n`).join(''));
  writeFileSync(guest.path('/etc/blobvalet/azure.pem'), cloud.ca);
  const file = guest.path('/etc/blobvalet/blobvalet.json');
  const config = JSON.parse(readFileSync(file, 'utf8'));
  Object.assign(config.accounts[0], {
    endpoint: cloud.endpoint, aliases: ['https://acmeuploads.blob.core.windows.net'], ca_file: 'azure.pem',
    credential: { type: 'managed_identity' },
  });
  await guest.sh('systemctl daemon-reload; rm -f /etc/blobvalet/acmeuploads.key*; systemctl restart blobvalet-keys');
  writeFileSync(file, JSON.stringify(config));
  await allSay(guest, async () => (await signature(guest)).searchParams.get('skoid') === cloud.oid, 'the identity signs');
  await answersAsItShould(guest);
  assert.equal(await guest.sh('cd /run/blobvalet && stat -c "%a %U %n" keys keys/*.delegation-key'),
    '700 blobvalet keys\n400 blobvalet keys/acmeuploads.delegation-key\n');
  assert.equal(await guest.sh('stat -f -c %T /run/blobvalet/keys'), 'tmpfs\n');
  assert.deepEqual(filesWithSecrets(guest.written), []);
}

/// The one process that renews keys is locked in like a worker, and missed by nobody for a while.
async function renewsKeysInOnePlace(guest) {
  const [renewer, ...more] = keyRenewers(guest);
  assert.deepEqual(more, []);
  isLockedIn(guest, renewer);
  await noRequestFails(guest, async () => {
    await guest.sh(`kill -9 ${renewer}`);
    await waitFor(() => ![renewer, undefined].includes(keyRenewers(guest)[0]), { what: 'another one in its place' });
  });
  await noRequestFails(guest, () => replacesEveryWorker(guest, socketPool.replace));
  assert.ok((await signature(guest)).searchParams.get('skoid'), 'new workers sign with the key that is there');
}

/// A faulty file harms neither workers nor whoever renews keys, also if they are new: they go on with the last sound one.
async function goesOnWithTheLastSoundFile(guest) {
  const file = guest.path('/etc/blobvalet/blobvalet.json');
  const sound = readFileSync(file, 'utf8');
  const health = async () => JSON.parse((await request(guest, '/blobvalet/health')).body);
  const { configuration } = await health();
  await noRequestFails(guest, async () => {
    writeFileSync(file, sound.replace('"rules"', '"rulez"'));
    await allSay(guest, async () => (await health()).status === 'warning', 'health tells');
    await replacesEveryWorker(guest, socketPool.replace);
    // Whoever starts while nobody renews keys still knows it, since systemd holds the lock meanwhile.
    await guest.sh(`kill -9 ${keyRenewers(guest)[0]}`);
    await waitFor(() => keyRenewers(guest).length === 0, { intervalMs: 5, what: 'nobody renews keys' });
    await replacesEveryWorker(guest, socketPool.replace);
    await waitFor(() => keyRenewers(guest).length === 1, { what: 'another one renews keys' });
    await guest.sh('systemctl restart blobvalet-keys');
    await replacesEveryWorker(guest, socketPool.replace);
  });
  const told = await health();
  assert.equal(told.configuration, configuration);
  assert.match(told.problems.join(), /rulez: is not a known key/);
  writeFileSync(file, sound);
  await allSay(guest, async () => (await health()).status === 'ok', 'all is well again');
}

const keyRenewers = (guest) => guest.workers('keys');

async function hasToldNoSecret(guest) {
  assertNoSecret(await guest.sh('journalctl --no-pager --output=cat'), 'the journal');
}

const kForm = String(new URLSearchParams({
  blob: 'alice/a.txt', uuid: 'f9a922bd-3007-4393-a76e-925fc009639c', name: 'a.txt', container: kContainer,
}));

let answered = 0;      // signatures of a pool, none of which failed

/// Does something to a pool while clients are asking for signatures, or are posting callbacks; what they have seen.
async function underLoad(guest, act, endpoint = 'signature') {
  const load = endpoint === 'signature'
    ? await guest.load(signaturePath('alice/a.txt')) : await guest.load('/blobvalet/success', kForm);
  try {
    await act();
    const seen = await load.finish();
    if (endpoint === 'signature' && Object.keys(seen.failures).length === 0) answered += seen.asked;
    return seen;
  } finally {
    await load.stop();
  }
}

async function noRequestFails(guest, act) {
  assert.deepEqual((await underLoad(guest, act)).failures, {});
}

async function returnsAfterKill(guest, t) {
  const [victim, ...others] = guest.workers('signature');
  let tookMs;
  const { failures } = await underLoad(guest, async () => {
    const killedAt = performance.now();
    await guest.sh(`kill -9 ${victim}`);
    const workers = await waitFor(() => {
      const now = guest.workers('signature');
      return !now.includes(victim) && now.length > others.length && now;
    }, { timeoutMs: 2000, intervalMs: 5, what: 'another worker in place of the killed one' });
    tookMs = performance.now() - killedAt;
    assert.deepEqual(workers.filter((pid) => others.includes(pid)), others);
  });
  assert.deepEqual(failures, {});
  t.diagnostic(`${Math.round(tookMs)} ms to the next worker`);
}

// nginx tries three times, and keeps connections for 200 ms (conf.d/blobvalet.conf).
const kBetweenKillsMs = 300;

/// Kills workers at random, one after the other.
async function killsWorkers(guest, endpoint, times) {
  for (let i = 0; i < times; i++) {
    const before = guest.workers(endpoint);
    const victim = before[Math.floor(Math.random() * before.length)];
    await guest.sh(`kill -9 ${victim}`);
    await waitFor(() => {
      const now = guest.workers(endpoint);
      return now.length === before.length && !now.includes(victim);
    }, { intervalMs: 5, what: 'another worker in place of the killed one' });
    await sleep(kBetweenKillsMs);
  }
}

/// nginx repeats what is lost with a worker; a callback that dies three times is told to come again.
async function losesNothingToKills(guest, t) {
  const kills = 6;
  const gets = await underLoad(guest, () => killsWorkers(guest, 'signature', kills));
  assert.deepEqual(gets.failures, {});
  const posts = await underLoad(guest, () => killsWorkers(guest, 'success', kills), 'success');
  const { '503 bad_gateway 1': lost = 0, ...others } = posts.failures;
  assert.deepEqual(others, {});
  assert.ok(lost <= kills * kClients, `${lost} lost, ${kClients} under way at each kill`);
  t.diagnostic(`${kills} kills each: 0 of ${gets.asked} signatures failed, ${lost} of ${posts.asked} callbacks`);
}

/// A debugger makes the event loop stand still. What nginx has asked that worker is asked again, so that nobody notices.
async function replacesWhoHangs(guest, t) {
  const [victim] = guest.workers('signature');
  const startedAt = performance.now();
  const { failures } = await underLoad(guest, async () => {
    await guest.sh(`timeout 20 gdb --batch --pid=${victim} --eval-command='handle SIGALRM nostop noprint pass' \
      --eval-command='call (unsigned)sleep(60)' > /dev/null 2>&1 || true`);
    await waitFor(() => guest.workers('signature').length === 2 && !guest.workers('signature').includes(victim),
      { intervalMs: 5, what: 'another worker in place of the one that hangs' });
    t.diagnostic(`${Math.round(performance.now() - startedAt)} ms from its last sign of life to the next worker`);
  });
  assert.deepEqual(failures, {});
}

/// The journal finds lines by their fields, and MESSAGE is the line.
async function isFoundInTheJournal(guest) {
  const config = guest.path('/etc/blobvalet/blobvalet.json');
  const before = readFileSync(config, 'utf8');
  const find = async (...fields) => (await guest.sh(`journalctl --lines=50 --output=json ${fields.join(' ')}`)).trim().split('\n').map((line) => JSON.parse(line));
  writeFileSync(config, before.replace('"access_log": false', '"access_log": true'));
  try {
    await waitFor(async () => {
      await signature(guest);
      return (await find('BLOBVALET_USER=alice', 'BLOBVALET_RULE=own-folder')).length >= 4;
    }, { what: 'lines are written' });
    await request(guest, signaturePath('bob/a.txt'));
    await callback(guest);
    const rows = [
      [['BLOBVALET_ENDPOINT=signature', 'BLOBVALET_CODE=ok'], '6', { user: 'alice', blob: 'alice/a.txt', status: 200 }],
      [['BLOBVALET_CODE=not_allowed', 'BLOBVALET_BLOB=bob/a.txt'], '5', { user: 'alice', status: 403 }],
      [['BLOBVALET_ENDPOINT=success'], '6', { user: 'alice', rule: 'own-folder' }],
    ];
    for (const [fields, priority, expected] of rows) {
      const line = await waitFor(async () => (await find(...fields)).at(-1));
      const message = JSON.parse(line.MESSAGE);
      for (const [name, value] of Object.entries(expected)) assert.equal(message[name], value);
      assert.equal(message.request_id, line.BLOBVALET_REQUEST_ID);
      assert.deepEqual([line.PRIORITY, line.SYSLOG_IDENTIFIER, line._TRANSPORT], [priority, 'blobvalet', 'journal']);
      assert.equal((await find(`BLOBVALET_REQUEST_ID=${line.BLOBVALET_REQUEST_ID}`)).length, 1);
    }
    const started = await find('BLOBVALET_EVENT=started');
    assert.ok(started.every(({ PRIORITY, _COMM }) => PRIORITY === '6' && _COMM === 'blobvalet'));
  } finally {
    writeFileSync(config, before);
  }
}

const kMany = 100_000;

/// All that an operator does to a pool while it serves, until so many were answered in its life.
async function failsNoneOfMany(guest, acts, t) {
  let turns = 0;
  do {
    await noRequestFails(guest, async () => { for (const act of acts) await act(); });
    turns += 1;
  } while (answered < kMany);
  t.diagnostic(`0 of ${answered} requests failed, ${turns} turns`);
}

async function applyNumber(guest, pool, line, expected) {
  writeFileSync(guest.path('/etc/default/blobvalet'), `${line}\n`);
  await guest.sh(pool.applyNumber);
  await poolsOf(guest, expected);
  await answersAsItShould(guest);
  // Still: it was not a number on the way to another one.
  assert.deepEqual(workersOfEach(guest), [expected, expected]);
}

async function readsConfigurationAgain(guest, pool) {
  const workers = guest.workers('signature');
  const config = guest.path('/etc/blobvalet/blobvalet.json');
  const before = readFileSync(config, 'utf8');
  const reloadWith = async (text, version) => {
    writeFileSync(config, text);
    await guest.sh(pool.reload);
    await allSay(guest, async () => (await signature(guest)).searchParams.get('sv') === version, `all sign with ${version}`);
  };
  await reloadWith(before.replace('2023-11-03', '2022-11-02'), '2022-11-02');
  await reloadWith(before, '2023-11-03');
  assert.deepEqual(guest.workers('signature'), workers);
}

/// Waits until whoever is asked answers that way: each of eight requests gets to any of the workers.
const allSay = (guest, isSo, what) => waitFor(async () => {
  for (let i = 0; i < 8; i++) if (!await isSo()) return false;
  return true;
}, { what });

async function replacesEveryWorker(guest, command) {
  const before = guest.workers('signature');
  await guest.sh(command);
  await waitFor(() => guest.workers('signature').length === before.length, { what: 'as many workers as before' });
  assert.deepEqual(guest.workers('signature').filter((pid) => before.includes(pid)), []);
}

/// By the one command, under load; nginx says 503 for the moment in which there is no socket.
async function takesOver(guest, pool, from, t) {
  let tookMs;
  const { asked, failures } = await underLoad(guest, async () => {
    const startedAt = performance.now();
    await guest.sh(pool.use);
    tookMs = performance.now() - startedAt;
    await poolsOf(guest, 2);
  });
  t.diagnostic(`${Math.round(tookMs)} ms, of ${asked} requests failed: ${JSON.stringify(failures)}`);
  assert.deepEqual(Object.keys(failures).filter((what) => what !== 'not 200'), []);
  assert.equal(await guest.sh(`systemctl is-enabled ${pool.units}`), 'enabled\nenabled\n');
  assert.equal(await guest.sh(`systemctl is-enabled ${from.units} || true`), 'disabled\ndisabled\n');
  await answersAsItShould(guest);
  assert.match(await guest.sh(`systemctl is-active ${pool.units}`), /^active\nactive\n$/);
  assert.match(await guest.sh(`systemctl is-active ${from.units} || true`), /^inactive\ninactive\n$/);
}

async function leavesNothing(guest, pool) {
  await guest.sh(`systemctl stop ${pool.units}`);
  // Sockets and keys go when nothing needs them any more, a moment after the workers.
  await waitFor(() => !kSockets.some((socket) => existsSync(guest.path(socket))), { what: 'no socket' });
  await waitFor(() => guest.processes().length === 0, { what: 'no process' });
  await waitFor(async () => await guest.sh('systemctl list-units --no-legend "blobvalet*"') === '', { what: 'no unit' });
}

const skip = process.env.BLOBVALET_SKIP_BOOT === '1' && 'BLOBVALET_SKIP_BOOT=1';

test('pools under systemd', { skip, timeout: 240_000 }, async (t) => {
  const guest = await bootGuest();
  let hasFailed = false;  // then the guest is in no state that a later step could build on
  const step = (name, body) => t.test(name, async (step) => {
    if (hasFailed) return step.skip('an earlier step failed');
    try {
      await body(step);
    } catch (error) {
      hasFailed = true;
      error.message += `\n${await guest.sh('journalctl --no-pager --lines=40; tail -n 20 /var/log/nginx/error.log')}`;
      throw error;
    }
  });

  const life = async (pool) => {
    answered = 0;
    const inPool = (name, body) => step(`${pool.name}: ${name}`, body);
    await inPool('answers through nginx', () => answersAsItShould(guest));
    await inPool('only nginx may connect', () => onlyNginxMayConnect(guest));
    await inPool('workers are locked in', () => areLockedIn(guest));
    await inPool('a signature worker has no network and keeps nothing', () => hasNoNetwork(guest, pool));
    await inPool('notes what it has signed', () => notesWhatItHasSigned(guest));
    await inPool('workers count together', () => countTogether(guest));
    await inPool('a callback worker reaches Azure and the application', () =>
      reachesAzureAndTheApplication(guest, pool.successUnit));
    await inPool('a callback worker may join the group of the application', () =>
      mayJoinTheGroupOfTheApplication(guest, pool.successUnit));
    await inPool('a callback worker keeps events', () => keepsEvents(guest, pool.successUnit));
    await inPool('a killed worker returns, the others are left alone', (t) => returnsAfterKill(guest, t));
    await inPool('reads its configuration again', () => noRequestFails(guest, () => readsConfigurationAgain(guest, pool)));
    await inPool('is found in the journal', () => isFoundInTheJournal(guest));
    await inPool('kills lose nothing', (t) => losesNothingToKills(guest, t));
    await inPool('a worker that hangs is replaced', (t) => replacesWhoHangs(guest, t));
    await inPool('no request of many fails, whatever is done to it', (t) => failsNoneOfMany(guest, pool.acts(guest), t));
  };

  try {
    await step('systemd finds no fault with any unit', async () => {
      const units = 'cd /usr/lib/systemd/system && ls | grep ^blobvalet- | grep -v "[.]d$"';
      assert.equal(await guest.sh(`${units} | xargs systemd-analyze verify --man=no 2>&1`), '');
    });

    await step('socket pool: is there after boot', () => poolsOf(guest, 2));
    await step('socket pool: takes a key that is encrypted on the disk', () => signsWithAnEncryptedKey(guest, socketPool));
    await life(socketPool);
    await step('socket pool: says how it is', async () => {
      const shown = await guest.sh("systemctl show --property=StatusText --property=WatchdogUSec --value 'blobvalet-*@*' blobvalet-keys");
      const worker = (seconds) => `\n${seconds}\nconfiguration [0-9a-f]{16}, [0-9]+ requests, [0-9]+ connections, 0 callbacks under way\n`;
      for (const [seconds, count] of [['4s', 2], ['30s', 2]]) assert.equal(shown.match(new RegExp(worker(seconds), 'g'))?.length, count, shown);
      assert.match(shown, /^1min\nrenews keys of 0 accounts$/m);
    });
    await step('socket pool: a number that is none counts as 2', async () => {
      await applyNumber(guest, socketPool, 'WORKERS=many', 2);
      const upheld = await guest.sh('systemctl show --property=Upholds --value blobvalet-signature.target');
      assert.deepEqual(upheld.trim().split(' ').sort(), ['blobvalet-signature@1.service', 'blobvalet-signature@2.service']);
    });
    await step('socket pool: its socket stays open when the target restarts', async () => {
      const socket = guest.path('/run/blobvalet/signature.sock');
      const before = statSync(socket).ino;
      await replacesEveryWorker(guest, 'systemctl restart blobvalet-signature.target');
      assert.equal(statSync(socket).ino, before);
    });

    writeFileSync(guest.path('/etc/default/blobvalet'), 'WORKERS=2\n');
    await step('the spawn-fcgi pool takes over from the socket pool', (t) => takesOver(guest, spawnPool, socketPool, t));
    await life(spawnPool);
    await step('spawn-fcgi pool: its number changes', async () => {
      for (const number of [4, 1, 2]) await applyNumber(guest, spawnPool, `WORKERS=${number}`, number);
    });

    await step('the socket pool takes over from the spawn-fcgi pool', (t) => takesOver(guest, socketPool, spawnPool, t));
    const cloud = await guest.cloud();
    try {
      await step('socket pool: signs without an account key', () => signsWithoutAnAccountKey(guest, cloud));
      await step('socket pool: one process renews keys', () => renewsKeysInOnePlace(guest));
      await step('socket pool: goes on with the last sound file', () => goesOnWithTheLastSoundFile(guest));
    } finally {
      await cloud.stop();
    }
    await step('socket pool: leaves nothing when stopped', () => leavesNothing(guest, socketPool));
    await step('spawn-fcgi pool: starts by itself', async () => {
      await guest.sh(`systemctl start ${spawnPool.units}`);
      await poolsOf(guest, 2);
      await answersAsItShould(guest);
    });
    await step('spawn-fcgi pool: leaves nothing when stopped', () => leavesNothing(guest, spawnPool));
    await step('no secret is in the journal', () => hasToldNoSecret(guest));
  } finally {
    await guest.stop();
  }
});
