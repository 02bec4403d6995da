// A site with every secret that blobvalet can be given, from every place that one can come from, between an Azure and an
// application that say all they hear to whoever asks; and how to look into processes.
import assert from 'node:assert/strict';
import { execFile, execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { newKey } from '../fcgi/support.mjs';
import { freePort, startProcess, tempDir, waitFor } from '../lib/process.mjs';
import { registerSecret } from '../lib/secrets.mjs';
import { startStubServer } from '../lib/stub-server.mjs';

const run = promisify(execFile);

// --- secrets and accounts: one line each ------------------------------------------------------------------------

const newSecret = (name) => registerSecret(randomBytes(24).toString('hex'), name);

/// By the name of what holds them: a file, a variable of the environment, or a credential of systemd.
const makeSecrets = () => ({
  files: {
    'file.key': newKey(), 'next.key': newKey(), 'bearer.key': newKey(), 'token': newSecret('a bearer token'),
    'hook.secret': newSecret('the hook secret'), 'redis.password': newSecret('the password of Redis'),
  },
  variables: { BLOBVALET_TEST_KEY: newKey(), BLOBVALET_TEST_HOOK: newSecret('the hook secret') },
  credentials: { 'credential.key': newKey() },
});

const kAccounts = [
  { name: 'fileaccount', credential: { current: { key_file: 'file.key' }, next: { key_file: 'next.key' } } },
  { name: 'envaccount', credential: { key_env: 'BLOBVALET_TEST_KEY' }, requests: { authorization: 'shared_key' } },
  { name: 'credaccount', credential: { key_credential: 'credential.key' } },
  { name: 'beareraccount', credential: { key_file: 'bearer.key' }, requests: { authorization: 'bearer', token_file: 'token' } },
];

// --- the site ---------------------------------------------------------------------------------------------------

/// `{dir, file, secrets, env, azure, application, container(account), config(more), write(config), stop()}`; `env` is what
/// workers and commands are started with.
export async function startTellingSite() {
  const dir = tempDir('blobvalet-secrets');
  const secrets = makeSecrets();
  const credentials = join(dir, 'credentials');
  mkdirSync(credentials, { mode: 0o700 });
  writeAll(dir, secrets.files);
  writeAll(credentials, secrets.credentials);
  const azure = Object.fromEntries(await Promise.all(kAccounts.map(async ({ name }) => [name, await startStubServer({ answer: echo(403) })])));
  const application = await startStubServer({ answer: echo(200) });
  const site = {
    dir, secrets, azure: Object.values(azure), application,
    file: join(dir, 'blobvalet.json'),
    env: { ...secrets.variables, CREDENTIALS_DIRECTORY: credentials },
    container: (account) => `${azure[account].url}/uploads`,
    config: (more = {}) => ({
      accounts: kAccounts.map((account) => (
        { ...account, endpoint: azure[account.name].url, credential: { type: 'shared_key', ...account.credential } })),
      rules: kAccounts.map(({ name }) => ({
        name: `own-folder-${name}`, account: name, container: 'uploads', blobs: ['{user}/**'], methods: ['PUT', 'DELETE'],
      })),
      sas: { protocol: 'https,http' },
      server: { metrics_file: 'metrics' },
      ...more,
      success: {
        verify: { deadline_ms: 500, connect_timeout_ms: 400 },
        hook: {
          url: `${application.url}/uploads`, secret_env: 'BLOBVALET_TEST_HOOK', retries: 0, timeout_ms: 500,
          connect_timeout_ms: 400,
        },
        ...more.success,
      },
    }),
    write: (config) => writeFileSync(site.file, typeof config === 'string' ? config : JSON.stringify(config)),
    stop: () => Promise.all([...Object.values(azure), application].map((server) => server.stop())),
  };
  site.write(site.config());
  return site;
}

const writeAll = (dir, files) => {
  for (const [name, text] of Object.entries(files)) writeFileSync(join(dir, name), text, { mode: 0o600 });
};

export const kAccountNames = kAccounts.map(({ name }) => name);

/// Answers with all that the request said, the credential included, in its body and where headers take it.
export const echo = (code, more = {}) => (request, response) => {
  const said = JSON.stringify([request.url, request.headers]);
  const body = JSON.stringify({ error: said, code: said, message: said, success: code === 200 });
  response.writeHead(code, {
    'Content-Type': 'application/json', 'x-ms-error-code': said, 'x-ms-request-id': said, Location: request.url,
    'Content-Length': Buffer.byteLength(body), ...more,
  });
  response.end(request.method === 'HEAD' ? undefined : body);
};

/// A blob as Azure tells of it, so that the application is asked about it.
export const blob = (request, response) => {
  response.writeHead(200, {
    'Content-Length': 5, 'Content-Type': 'text/plain', ETag: '"0x8D0123456789"', 'x-ms-blob-type': 'BlockBlob',
    'Last-Modified': 'Sun, 01 Mar 2026 12:00:00 GMT',
  }).end(request.method === 'HEAD' ? undefined : 'hello');
};

/// A Redis that repeats what it is sent, as one without the command AUTH does; `{port, stop()}`.
export async function startTellingRedis() {
  const port = await freePort();
  const dir = tempDir('blobvalet-redis');
  const redis = startProcess('redis-server',
    ['--port', String(port), '--bind', '127.0.0.1', '--dir', dir, '--save', '', '--rename-command', 'AUTH', '']);
  await waitFor(() => redis.output().includes('Ready to accept'), { what: 'redis' });
  return { port, stop: redis.stop };
}

// --- processes --------------------------------------------------------------------------------------------------

/// Command line and environment of a process, and of all its threads: `[where, bytes]` each.
export const procFilesOf = (pid) => [`/proc/${pid}`, ...readdirSync(`/proc/${pid}/task`).map((id) => `/proc/${pid}/task/${id}`)]
  .flatMap((dir) => ['cmdline', 'environ', 'comm', 'status'].map((name) => [join(dir, name), readFileSync(join(dir, name))]));

/// The memory in the core image that root's gcore makes of a running process. The registers beside it are left out: they
/// hold some bytes of whatever was copied last, and nothing that a process does to itself keeps root from reading them.
export async function gcore(pid, dir) {
  const file = join(dir, 'gcore');
  await run('gcore', ['-o', file, String(pid)], { timeout: 60_000, maxBuffer: 1 << 26 });
  return Buffer.concat(segmentsOf(readFileSync(`${file}.${pid}`)));
}

// elf(5), of 64 bits.
function segmentsOf(core) {
  assert.equal(core.toString('latin1', 0, 5), '\x7fELF\x02');
  const kLoad = 1;
  const [offset, size, count] = [Number(core.readBigUInt64LE(32)), core.readUInt16LE(54), core.readUInt16LE(56)];
  return Array.from({ length: count }, (_, i) => core.subarray(offset + i * size, offset + (i + 1) * size))
    .filter((header) => header.readUInt32LE(0) === kLoad)
    .map((header) => core.subarray(Number(header.readBigUInt64LE(8)), Number(header.readBigUInt64LE(8) + header.readBigUInt64LE(32))));
}

/// The core image that the kernel left in `dir`, or null.
export function kernelCoreIn(dir) {
  const name = readdirSync(dir).find((entry) => /^core(\.\d+)?$/.test(entry));
  return name ? join(dir, name) : null;
}

/// Why the kernel writes no core image into the directory of a process that dies, or null if it does.
export function whyNoKernelCores() {
  const dir = tempDir('blobvalet-core');
  execFileSync('sh', ['-c', 'ulimit -c unlimited; sh -c \'kill -ABRT $$\'; true'], { cwd: dir, stdio: 'ignore' });
  if (kernelCoreIn(dir)) return null;
  return `no core image of a shell either; core_pattern is ${readFileSync('/proc/sys/kernel/core_pattern', 'utf8').trim()}`;
}

export const isGone = (pid) => !existsSync(`/proc/${pid}/exe`);
