// Whatever goes wrong, and wherever one looks afterwards: no secret and no signature, but in the answers that are made of
// them. What every process prints is searched when it is stopped, see tests/lib/process.mjs; the rest is searched here.
import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, chownSync, existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { form, health, newKey, signature, success, writeSite } from '../fcgi/support.mjs';
import { runBlobvalet } from '../lib/command.mjs';
import { ask, begin, connect, kType, nameValuePairs, record, requestRecords, stream } from '../lib/fcgi-client.mjs';
import { blobvaletBinary, startPool } from '../lib/pool.mjs';
import { sleep, startProcess, tempDir, waitFor } from '../lib/process.mjs';
import { assertNoSecret, findSecret, findSecretInFile } from '../lib/secrets.mjs';
import {
  closed, closedInBody, closedInHeaders, garbage, hugeBody, hugeHeaderLine, hugeHeaders, hung, hungInBody, hungInHeaders,
  redirect,
} from '../lib/stub-server.mjs';
import {
  blob, echo, gcore, isGone, kAccountNames, kernelCoreIn, procFilesOf, startTellingRedis, startTellingSite, whyNoKernelCores,
} from './support.mjs';

let site;
let signers;            // a pool, as an operator runs it
let workers;            // by name: single workers, which nobody starts again

before(async () => {
  site = await startTellingSite();
  signers = await startPool({ config: site.file, dir: site.dir, workers: 2, args: ['--signatures-only'], env: site.env });
  workers = { callbacks: await startWorker('callbacks'), both: await startWorker('both', ['--signatures-only']) };
});
after(async () => {
  await Promise.all([signers?.stop(), ...Object.values(workers ?? {}).map((worker) => worker.stop())]);
  await site?.stop();
});

async function startWorker(name, args = []) {
  const socket = join(site.dir, `${name}.sock`);
  const worker = startProcess('spawn-fcgi', [
    '-s', socket, '-n', '--', blobvaletBinary, 'serve', '--config', site.file, ...args,
  ], { env: site.env, cwd: tempDir(name), log: join(site.dir, `${name}.log`) });
  await waitFor(() => worker.ended() ?? ask(socket, health), { what: `${name}: a first answer` });
  assert.equal(worker.ended(), null, worker.output());
  return { ...worker, socket };
}

/// Every process that was given a secret.
const pids = () => [...signers.pids(), ...Object.values(workers).map(({ pid }) => pid)];

// --- what is asked ----------------------------------------------------------------------------------------------

const uriOf = (account, name = 'alice/a.txt') => `${site.container(account)}/${name}`;
const sign = (account, more) => signature({ uri: uriOf(account), ...more });

/// Asks for something that is refused; what is said to that.
async function refused(socket, params, body = '') {
  const answer = await ask(socket, params, body);
  assert.notEqual(answer.status, 200);
  assertNoSecret(JSON.stringify(answer), `the answer to ${JSON.stringify(params)}`);
  return answer;
}

async function call(account, fields = {}, params = {}) {
  const body = form({ container: site.container(account), ...fields });
  const answer = await ask(workers.callbacks.socket, success(body, params), body);
  assertNoSecret(JSON.stringify(answer), `the answer to a callback for ${account}`);
  return answer;
}

describe('requests', () => {
  test('what is asked rightly is signed, with each key', async () => {
    for (const account of kAccountNames) {
      for (const socket of [signers.socket, workers.callbacks.socket]) {
        const { status, body } = await ask(socket, sign(account));
        assert.equal(status, 200, body);
        assert.equal(findSecret(body), 'a signature', 'the search finds one');
        assertNoSecret(body, 'a signature', { signatures: true });
      }
    }
  });

  const signed = () => `${uriOf('fileaccount')}?sv=2023-11-03&sp=cw&sig=${encodeURIComponent(newKey())}`;
  const malformed = [
    ['nothing', () => ({ QUERY_STRING: '' })],
    ['a bad escape', () => ({ QUERY_STRING: 'bloburi=%zz&_method=PUT' })],
    ['an unknown verb', () => ({ QUERY_STRING: `bloburi=${encodeURIComponent(uriOf('envaccount'))}&_method=GET` })],
    ['somebody else\'s folder', () => sign('credaccount', { uri: uriOf('credaccount', 'bob/a.txt') })],
    ['another container', () => sign('fileaccount', { uri: uriOf('fileaccount').replace('/uploads/', '/private/') })],
    ['a way up', () => sign('fileaccount', { uri: uriOf('fileaccount', 'alice/../bob/a.txt') })],
    ['nobody', () => sign('fileaccount', { BLOBVALET_USER: '' })],
    ['a signed address in somebody else\'s folder', () => sign('fileaccount', { uri: signed().replace('/alice/', '/bob/') })],
    ['another endpoint', () => ({ ...signature(), BLOBVALET_ENDPOINT: 'keys' })],
    ['a wrong method', () => sign('fileaccount', { REQUEST_METHOD: 'POST' })],
  ];
  for (const [what, params] of malformed) {
    test(`refused: ${what}`, () => refused(signers.socket, { ...signature(), ...params() }));
  }

  test('a signed address for a name is not logged as it came', async () => {
    assert.equal((await ask(workers.both.socket, { ...sign('fileaccount', { uri: signed() }), REQUEST_ID: 'signed' })).status, 200);
    await waitFor(() => workers.both.output().includes('"request_id":"signed"'), { what: 'its line' });
  });

  const callbacks = [
    ['no form', 'x', {}],
    ['too much of it', 'x'.repeat(1 << 17), {}],
    ['another type', form(), { CONTENT_TYPE: 'application/json' }],
    ['a short body', form(), { CONTENT_LENGTH: '100000' }],
    ['another container', form({ container: 'https://example.com/uploads' }), {}],
    ['no uuid', form({ uuid: 'none' }), {}],
  ];
  for (const [what, body, params] of callbacks) {
    test(`refused: a callback with ${what}`, () => refused(workers.callbacks.socket, success(body, params), body));
  }

  const broken = [
    ['aborted', () => Buffer.concat([begin(), stream(kType.params, nameValuePairs(sign('fileaccount'))), record(kType.abort)])],
    ['cut off', () => requestRecords(sign('fileaccount')).subarray(0, 60)],
    ['of another version', () => begin({ version: 7 })],
    ['in another role', () => begin({ role: 3 })],
    ['no FastCGI at all', () => Buffer.from('GET /?sig=x HTTP/1.1\r\n\r\n')],
    ['of lying lengths', () => record(kType.begin, 'short', { length: 60_000 })],
  ];
  for (const [what, bytes] of broken) {
    test(`a request that is ${what}`, async () => {
      const said = [];
      const connection = await connect(signers.socket);
      connection.socket.on('data', (chunk) => said.push(chunk));
      connection.send(bytes());
      await sleep(30);
      connection.close();
      assertNoSecret(Buffer.concat(said), 'what was said to it');
      assert.equal((await ask(signers.socket, sign('fileaccount'))).status, 200);
    });
  }
});

// --- what Azure and the application do --------------------------------------------------------------------------

const faults = {
  ...Object.fromEntries([400, 401, 403, 404, 409, 412, 416, 429, 500, 503].map((code) => [`${code}, and repeats what it got`, echo(code)])),
  '503 until tomorrow, and repeats what it got': echo(503, { 'Retry-After': '86400' }),
  '200, and repeats what it got': echo(200),
  'a redirect': redirect(302, 'http://127.0.0.1:1/?sig=x'),
  'no answer': hung,
  'no end of headers': hungInHeaders,
  'no end of the body': hungInBody,
  'the end at once': closed,
  'the end within headers': closedInHeaders,
  'the end within the body': closedInBody,
  garbage,
  'endless headers': hugeHeaders,
  'an endless header': hugeHeaderLine,
  'an endless body': hugeBody(false),
};

describe('a callback', () => {
  for (const [what, fault] of Object.entries(faults)) {
    test(`Azure: ${what}`, async () => {
      for (const stub of site.azure) stub.fault = fault;
      await Promise.all(kAccountNames.map((account) => call(account)));
    });
  }

  for (const [what, fault] of Object.entries(faults)) {
    test(`the application: ${what}`, async () => {
      for (const stub of site.azure) stub.fault = blob;
      site.application.fault = fault;
      await Promise.all(kAccountNames.map((account) => call(account)));
    });
  }

  test('Azure and the application were told credentials', () => {
    const told = JSON.stringify([...site.azure, site.application].flatMap(({ requests }) => requests));
    for (const credential of ['sig=', 'SharedKey envaccount:', `Bearer ${site.secrets.files.token}`, 'v1=']) {
      assert.ok(told.includes(credential), credential);
    }
  });

  test('Azure and the application are gone', async () => {
    for (const stub of [...site.azure, site.application]) stub.fault = closed;
    await Promise.all(kAccountNames.map((account) => call(account)));
  });

  test('more of them than there are threads', async () => {
    for (const stub of site.azure) stub.fault = hung;
    const answers = await Promise.all(Array.from({ length: 120 }, (_, i) => call(kAccountNames[i % kAccountNames.length])));
    assert.ok(answers.some(({ body }) => JSON.parse(body).code === 'busy'), 'some were too many');
  });
});

// --- configurations and keys ------------------------------------------------------------------------------------

/// What a file may hold where an operator pasted a key: `[what, configuration]`, and 0 where nobody can see the fault.
const faulty = () => {
  const key = site.secrets.files['file.key'];
  const good = site.config();
  const withAccount = (more) => ({ ...good, accounts: [{ ...good.accounts[0], ...more }, ...good.accounts.slice(1)] });
  const withKey = (credential) => withAccount({ credential });
  const withRule = (more) => ({ ...good, rules: [{ ...good.rules[0], ...more }] });
  const withHook = (more) => ({ ...good, success: { ...good.success, hook: { ...good.success.hook, ...more } } });
  return [
    ['as the key', withKey({ type: 'shared_key', key })],
    ['as the key\'s file', withKey({ type: 'shared_key', key_file: key })],
    ['as the key\'s variable', withKey({ type: 'shared_key', key_env: key })],
    ['as the key\'s credential', withKey({ type: 'shared_key', key_credential: key })],
    ['as the type of credential', withKey({ type: key })],
    ['as the whole credential', withKey(key)],
    ['as which key signs', withKey({ ...good.accounts[0].credential, use: key })],
    ['as the account\'s name', withAccount({ name: key })],
    ['as the endpoint', withAccount({ endpoint: key })],
    ['within the endpoint', withAccount({ endpoint: `https://fileaccount.blob.core.windows.net/?sig=${key}` })],
    ['as the password of the endpoint', withAccount({ endpoint: `https://me:${key}@fileaccount.blob.core.windows.net` })],
    ['as another endpoint', withAccount({ aliases: [key] })],
    ['as the token\'s file', withAccount({ requests: { authorization: 'bearer', token_file: key } }), 0],
    ['as the kind of requests', withAccount({ requests: { authorization: key } })],
    ['as a rule\'s name', withRule({ name: key, methods: [] })],
    ['as a rule\'s account', withRule({ account: key })],
    ['as a container', withRule({ container: key })],
    ['as a pattern', withRule({ blobs: [key, '{'] })],
    ['as a method', withRule({ methods: [key] })],
    ['as permissions', withRule({ permissions: { PUT: key } })],
    ['as an unknown key', { ...good, [key]: 1 }],
    ['as an unknown key of an account', withAccount({ [key]: 1 })],
    ['as a version', { ...good, sas: { version: key } }],
    ['as an address', { ...good, sas: { ip_range: key } }],
    ['as the hook\'s secret', withHook({ secret: key })],
    ['as the hook\'s address', withHook({ url: key })],
    ['as the hook\'s password', withHook({ url: `http://me:${encodeURIComponent(key)}@127.0.0.1:1` }), 0],
    ['as the hook\'s file', withHook({ secret_env: undefined, secret_file: key })],
    ['as a header\'s name', withHook({ forward_headers: [key] })],
    ['as a number', { ...good, server: { threads: key } }],
    ['as all there is', JSON.stringify(key)],
    ['without any JSON', key],
    ['behind the JSON', `${JSON.stringify(good)}\n${key}`],
    ['without its quotes', JSON.stringify(good).replace('"file.key"', key)],
  ];
};

/// What becomes of key files: `[what, content, mode]`.
const keyFiles = () => {
  const key = site.secrets.files['file.key'];
  return [
    ['others may read', key, 0o644],
    ['others may write', key, 0o602],
    ['holds more than a key', `${key} and more`, 0o600],
    ['holds two keys', `${key}\n${key}`, 0o600],
    ['holds half a key', key.slice(0, 42), 0o600],
    ['holds a connection string', `AccountName=fileaccount;AccountKey=${key}`, 0o600],
    ['holds a key in quotes', `"${key}"`, 0o600],
    ['is too long', key.repeat(100), 0o600],
    ['is empty', '', 0o600],
  ];
};

/// Has all processes read their configuration again, and waits until each has said what came of it.
async function reload() {
  const isVerdict = /"event":"(reloaded|reload_failed)"/;
  const verdicts = (text, pid) => text.split('\n').filter((line) => isVerdict.test(line) && JSON.parse(line).pid === pid).length;
  const outputs = () => [signers, ...Object.values(workers)].map(({ output }) => output()).join('\n');
  const before = outputs();
  for (const pid of pids()) process.kill(pid, 'SIGHUP');
  await waitFor(() => pids().every((pid) => verdicts(outputs(), pid) > verdicts(before, pid)), { what: 'all have read it' });
}

describe('a configuration with a key', () => {
  after(() => site.write(site.config()));
  test('pasted into a wrong place', async (t) => {
    for (const [what, config, code = 4] of faulty()) {
      await t.test(what, async () => {
        site.write(config);
        assert.equal(runBlobvalet(['check', '--config', site.file], { env: site.env }).code, code);
        await reload();
        assert.equal((await ask(signers.socket, sign('fileaccount'))).status, 200, 'signatures go on');
        await Promise.all(kAccountNames.map((account) => call(account)));
      });
    }
  });

  test('in a file that', async (t) => {
    site.write(site.config());
    const file = join(site.dir, 'file.key');
    for (const [what, content, mode] of keyFiles()) {
      await t.test(what, async () => {
        writeFileSync(file, content);
        chmodSync(file, mode);
        assert.equal(runBlobvalet(['check', '--config', site.file], { env: site.env }).code, 4);
        await reload();
      });
    }
    writeFileSync(file, site.secrets.files['file.key']);
    chmodSync(file, 0o600);
    await reload();
    assert.equal(runBlobvalet(['check', '--config', site.file], { env: site.env }).code, 0);
  });
});

// --- commands ---------------------------------------------------------------------------------------------------

describe('commands', () => {
  let redis;
  before(async () => { redis = await startTellingRedis(); });
  after(() => redis?.stop());

  /// The configuration of a command, in a file of its own.
  const configured = (name, more) => {
    const file = join(site.dir, `${name}.json`);
    writeFileSync(file, JSON.stringify(site.config(more)));
    return ['--config', file];
  };
  const stored = (store) => ({
    success: {
      verify: { enabled: false },
      hook: { url: `${site.application.url}/uploads`, mode: 'async', secret_file: 'hook.secret', store },
    },
  });
  const inSqlite = () => configured('sqlite', stored({ type: 'sqlite', file: 'events.db' }));
  const inRedis = () => configured('redis', stored({
    type: 'redis', host: '127.0.0.1', port: redis.port, password_file: 'redis.password',
  }));
  const config = () => configured('commands');
  const put = (account, name) => ['--user', 'alice', '--method', 'PUT', '--blob-uri', uriOf(account, name)];

  test('an event that the application would not take is listed without what signed it', async () => {
    const config = inSqlite();
    const socket = join(site.dir, 'events.sock');
    site.application.fault = echo(500);
    const worker = startProcess('spawn-fcgi', ['-s', socket, '-n', '--', blobvaletBinary, 'serve', ...config],
      { env: site.env, log: join(site.dir, 'events.log') });
    try {
      await waitFor(() => ask(socket, health), { what: 'a first answer' });
      const body = form({ container: site.container('fileaccount') });
      assert.equal((await ask(socket, success(body), body)).status, 200);
      const listed = () => runBlobvalet(['events', ...config, 'list', '--json'], { env: site.env }).out;
      await waitFor(() => listed().includes('answered 500'), { what: 'a failed delivery' });
    } finally {
      await worker.stop();
    }
  });

  // Exit code, and arguments: one line each.
  const rows = [
    [0, () => ['--help']],
    [0, () => ['--version']],
    ...['serve', 'check', 'sign', 'events'].map((command) => [0, () => [command, '--help']]),
    [2, () => []],
    [2, () => ['keys?']],
    ...['serve', 'check', 'sign', 'events'].map((command) => [2, () => [command, '--unknown']]),
    [2, () => ['serve', ...config()]],
    [0, () => ['check', ...config()]],
    [4, () => ['check', '--config', '/nonexistent']],
    [0, () => ['sign', ...config(), ...put('fileaccount')]],
    [0, () => ['sign', ...config(), ...put('envaccount')]],
    [0, () => ['sign', ...config(), ...put('credaccount')]],
    [3, () => ['sign', ...config(), ...put('fileaccount', 'bob/a.txt')]],
    [3, () => ['sign', ...config(), ...put('fileaccount', 'alice/../a.txt')]],
    [2, () => ['sign', ...config(), '--method', 'PUT']],
    [2, () => ['sign', ...config(), ...put('fileaccount'), '--at', 'noon']],
    [1, () => ['sign', '--vectors', '/nonexistent']],
    [1, () => ['sign', '--vectors', join(site.dir, 'file.key')]],
    [2, () => ['events', ...config()]],
    [4, () => ['events', ...config(), 'list']],
    [0, () => ['events', ...inSqlite(), 'list']],
    [0, () => ['events', ...inSqlite(), 'list', '--json']],
    [0, () => ['events', ...inSqlite(), 'retry', '--all-dead']],
    [1, () => ['events', ...inSqlite(), 'retry', 'nobody']],
    [1, () => ['events', ...inSqlite(), 'drop', 'nobody']],
    [1, () => ['events', ...inRedis(), 'list']],
    [1, () => ['events', ...inRedis(), 'retry', '--all-dead']],
    [1, () => ['events', ...inRedis(), 'drop', 'nobody']],
  ];
  for (const [code, args] of rows) {
    test(`exit code ${code}: ${String(args).replace(/^\(\) => /, '')}`, () => {
      const { code: found, err } = runBlobvalet(args(), { env: site.env });
      assert.equal(found, code, err);
    });
  }
});

// --- processes --------------------------------------------------------------------------------------------------

/// Asks all the time, rightly and wrongly, while `act` runs.
async function underLoad(act) {
  for (const stub of [...site.azure, site.application]) stub.fault = echo(403);
  let over = false;
  const client = async (i) => {
    for (; !over; i += 1) {
      const account = kAccountNames[i % kAccountNames.length];
      await Promise.allSettled([call(account), ...Object.values(workers).map(({ socket }) => ask(socket, sign(account))),
        ask(signers.socket, sign(account))]);
    }
  };
  const clients = [0, 1, 2].map(client);
  try {
    return await act();
  } finally {
    over = true;
    await Promise.all(clients);
  }
}

const kNobody = 65534;
const asNobody = ['--reuid', String(kNobody), '--regid', String(kNobody), '--clear-groups'];
const nobodyMayOpen = (file) => spawnSync('setpriv', [...asNobody, '--', 'sh', '-c', ': < "$1"', 'sh', file]).status === 0;

describe('a process', () => {
  test('shows no secret in /proc', () => {
    for (const pid of pids()) for (const [where, bytes] of procFilesOf(pid)) assertNoSecret(bytes, where);
  });

  test('whose program is another one does: the search finds it there', () => {
    const environ = procFilesOf(signers.pid).filter(([where, bytes]) => where.endsWith('environ') && findSecret(bytes));
    assert.notEqual(environ.length, 0, 'multiwatch keeps the environment that it was started with');
  });

  test('cannot be looked into by its own user', { skip: process.getuid() !== 0 && 'only root can be another user' }, async () => {
    const { dir, file, key } = writeSite();
    for (const path of [dir, file, join(dir, 'acmeuploads.key')]) chownSync(path, kNobody, kNobody);
    const socket = join(dir, 'worker.sock');
    const worker = startProcess('setpriv', [...asNobody, '--pdeathsig', 'TERM', '--',
      'spawn-fcgi', '-s', socket, '-n', '--', blobvaletBinary, 'serve', '--config', file], { env: { UNUSED_KEY: key } });
    const other = startProcess('setpriv', [...asNobody, '--pdeathsig', 'TERM', '--', 'sleep', '60'], { env: { UNUSED_KEY: key } });
    try {
      await waitFor(() => ask(socket, health), { what: 'a first answer' });
      assert.match(worker.output(), /"event":"started"/, 'its log is not lost');
      for (const name of ['environ', 'maps', 'mem', 'auxv', 'fd/0']) {
        assert.ok(nobodyMayOpen(`/proc/${other.pid}/${name}`), `${name} of a process that is not guarded`);
        assert.ok(!nobodyMayOpen(`/proc/${worker.pid}/${name}`), name);
      }
    } finally {
      await Promise.all([worker.stop(), other.stop()]);
    }
  });

  test('has no secret in the core image that gcore takes under load', async () => {
    for (const pid of [signers.pids()[0], workers.callbacks.pid]) {
      const memory = await underLoad(async () => {
        await sleep(200);
        return gcore(pid, tempDir('blobvalet-core'));
      });
      assertNoSecret(memory, `the core image of ${pid}`);
    }
  });

  test('that is not guarded has: the search finds it there', async () => {
    const shell = spawn('sh', ['-c', 'read -r key; echo; read -r end'], { stdio: ['pipe', 'pipe', 'ignore'] });
    shell.stdin.write(`${site.secrets.files['file.key']}\n`);
    await once(shell.stdout, 'data');
    const memory = await gcore(shell.pid, tempDir('blobvalet-core'));
    shell.kill('SIGKILL');
    assert.match(findSecret(memory), /an account key/);
  });

  // AddressSanitizer would take SIGSEGV for a finding of its own.
  const dies = [process.env.ASAN_OPTIONS, 'handle_segv=0'].filter(Boolean).join(':');
  for (const signal of ['SIGABRT', 'SIGSEGV', 'SIGKILL']) {
    test(`leaves no core image when ${signal} ends it`, async (t) => {
      const why = whyNoKernelCores();
      if (why) t.diagnostic(why);
      const dir = tempDir('blobvalet-core');
      const socket = join(dir, 'worker.sock');
      const worker = startProcess('sh', ['-c', 'ulimit -c unlimited; exec "$@"', 'sh',
        'spawn-fcgi', '-s', socket, '-d', dir, '-n', '--', blobvaletBinary, 'serve', '--config', site.file,
      ], { env: { ...site.env, ASAN_OPTIONS: dies }, cwd: dir, log: join(dir, 'log') });
      await waitFor(() => ask(socket, sign('fileaccount')), { what: 'a signature' });
      process.kill(worker.pid, signal);
      await worker.exited;
      await worker.stop();
      assert.equal(kernelCoreIn(dir), null);
    });
  }

  test('that is killed is replaced, and nothing is said', async () => {
    const [victim] = signers.pids();
    await underLoad(async () => {
      process.kill(victim, 'SIGKILL');
      await waitFor(() => isGone(victim) && signers.pids().length === 2, { what: 'another worker' });
    });
    for (const pid of signers.pids()) await waitFor(() => !procFilesOf(pid).some(([, bytes]) => findSecret(bytes)), { what: 'it has read the environment' });
  });

  test('has printed something to search, and no secret', () => {
    for (const { output } of [signers, ...Object.values(workers)]) {
      assert.ok(output().length > 0);
      assertNoSecret(output(), 'a log');
    }
    assert.ok(existsSync(join(site.dir, 'events.db')));
    for (const name of ['events.db', 'events.db-wal'].filter((name) => existsSync(join(site.dir, name)))) {
      assert.equal(findSecretInFile(join(site.dir, name)), null, name);
    }
  });
});
