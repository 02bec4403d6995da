// A machine with an identity: who hands out its tokens, its storage account, `blobvalet keys renew`, and workers.
import assert from 'node:assert/strict';
import { readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { startAzureStub } from '../lib/azure-stub.mjs';
import { newKey } from '../lib/azurite.mjs';
import { makeCertificate } from '../lib/certificate.mjs';
import { ask } from '../lib/fcgi-client.mjs';
import { request } from '../lib/http.mjs';
import { startIdentityStub } from '../lib/identity-stub.mjs';
import { blobvaletBinary } from '../lib/pool.mjs';
import { startProcess, tempDir, waitFor } from '../lib/process.mjs';
import { registerSecret } from '../lib/secrets.mjs';
import { health, kAccount, kRule, kUnverified, logLines, signature } from '../fcgi/support.mjs';

/// How long something may take that takes a moment on a machine which has nothing else to do.
export const kPatienceMs = 20_000;

let certificate;

/// Starts the stubs for one machine. `credential` is the account's, or a function of the identity stub that returns it, `env`
/// likewise what the environment of `keys renew` says of identities (default: where IMDS is). `account`, `rule` and `keys` are
/// added to the configuration.
///
/// What it returns has the stubs `identity` and `azure`, the configuration `file`, `write(config)`, `startRenewal()`,
/// `renewOnce()`, `startWorker()`, `keyRequests()`, `status()` of the keys, `keyFile`, `fetchedAt()` and `stop()`.
export async function startMachine({
  credential = { type: 'managed_identity' }, env = ({ imds }) => imds.env(), account = {}, rule = {}, keys = {}, system, users,
} = {}) {
  certificate ??= makeCertificate();
  const dir = tempDir('blobvalet-identity');
  const identity = await startIdentityStub({ certificate, system, users });
  const azure = await startAzureStub({ tls: certificate });
  azure.trust({ account: kAccount, key: newKey() });
  registerSecret(identity.application.secret, 'the client secret');
  for (const { objectId } of [identity.system, ...identity.users, identity.application]) {
    azure.trustIdentity({ oid: objectId, tid: identity.tenantId });
  }
  const describe = (value) => (typeof value === 'function' ? value(identity, dir) : value);
  const running = [];
  const machine = {
    dir, identity, azure, file: join(dir, 'blobvalet.json'), keyFile: join(dir, 'keys', `${kAccount}.delegation-key`),
    config: {
      accounts: [{
        name: kAccount, endpoint: azure.url, ca_file: certificate.file, credential: describe(credential), ...account,
      }],
      rules: [{ ...kRule, ...rule }], success: kUnverified, keys: { directory: 'keys', ...keys },
      server: { metrics_file: 'metrics' },
    },
    write: (config) => writeFileSync(machine.file, typeof config === 'string' ? config : JSON.stringify(config)),
    status: () => JSON.parse(readFileSync(join(dir, 'keys/status.json'), 'utf8')),
    keyRequests: () => azure.requests.filter(({ method }) => method === 'POST'),
    fetchedAt: () => statSync(machine.keyFile).mtimeMs,
    async stop() {
      // At once: who waits for an answer ends when the connection does.
      await Promise.all([...running.filter((it) => !it.ended()), identity, azure].map((it) => it.stop()));
    },
  };
  machine.write(machine.config);

  const run = (name, command, args, more) => {
    const started = startProcess(command, args, { log: join(dir, name), ...more });
    running.push(started);
    return Object.assign(started, { lines: () => logLines(started.output()) });
  };
  const renewal = (name, args, { config = machine.file, ...more }) => run(
    name, blobvaletBinary, ['keys', 'renew', '--config', config, ...args], { ...more, env: { ...describe(env), ...more.env } });
  let count = 0;
  return Object.assign(machine, {
    /// The daemon; what startProcess() returns, and `lines()`, its log. It may not be through with its first renewal.
    startRenewal: (more = {}) => renewal(`renew-${++count}.log`, [], more),
    /// `keys renew --once`, to its end: `{code, output}`.
    async renewOnce(more = {}) {
      const once = renewal(`once-${++count}.log`, ['--once'], more);
      const { code } = await once.exited;
      return { code, output: once.output() };
    },
    /// A worker on a socket of its own that has answered `first`, with `socket`, `sign(more)`, `health()` and `lines()`.
    async startWorker({ args = [], first = health, ...more } = {}) {
      const socket = join(dir, `worker-${++count}.sock`);
      const worker = run(`worker-${count}.log`, 'spawn-fcgi', [
        '-s', socket, '-n', '--', blobvaletBinary, 'serve', '--config', machine.file, ...args,
      ], more);
      const isReady = async () => worker.ended() ?? await ask(socket, first);
      await waitFor(isReady, { what: 'a first answer', timeoutMs: kPatienceMs, intervalMs: 1 });
      if (worker.ended()) throw new Error(`the worker did not start:\n${worker.output()}`);
      return Object.assign(worker, { socket }, talk(machine, socket));
    },
  });
}

/// What can be asked of the worker or pool behind a socket.
export const talk = ({ azure }, socket) => ({
  sign: (more = {}) => ask(socket, signature({ uri: `${azure.url}/uploads/alice/a.txt`, ...more })),
  async health() {
    const answer = await ask(socket, health);
    return { code: answer.status, ...answer.json() };
  },
});

/// Uses a signature as a browser would, and asserts that Azure takes it; the parameters of the SAS.
export async function assertTaken({ azure }, answer) {
  assert.equal(answer.status, 200, answer.body);
  const { pathname, search, searchParams } = new URL(answer.body);
  const { status, body } = await request({
    port: azure.port, method: 'PUT', path: pathname + search, headers: { 'x-ms-blob-type': 'BlockBlob' }, body: 'hi',
  });
  assert.equal(status, 201, body);
  assert.deepEqual(azure.refused, []);
  return Object.fromEntries(searchParams);
}

/// Asserts that the worker cannot sign, says so as it should, and that its health is red with such a problem.
export async function assertNoKey(worker, problem) {
  const { status, headers, body } = await worker.sign();
  assert.equal(status, 503, body);
  assert.deepEqual([JSON.parse(body).code, headers['Retry-After']], ['key_unavailable', '5']);
  const { code, status: verdict, problems } = await worker.health();
  assert.deepEqual([code, verdict], [503, 'failing']);
  assert.ok(problems.some((it) => problem.test(it)), `${problem} is not in ${JSON.stringify(problems)}`);
}

/// Waits until health is so: 200 and `ok`, or as `expected` says. Its problems.
export async function healthBecomes(worker, expected = { code: 200, status: 'ok' }) {
  let last;
  const isSo = async () => {
    last = await worker.health();
    return Object.entries(expected).every(([name, value]) => last[name] === value);
  };
  await waitFor(isSo, { what: JSON.stringify(expected), timeoutMs: kPatienceMs })
    .catch((error) => { throw new Error(`${error.message}: ${JSON.stringify(last)}`); });
  return last.problems;
}

/// Waits until the worker signs, and returns the answer.
export const signs = (worker, more) => waitFor(async () => {
  const answer = await worker.sign(more);
  return answer.status === 200 && answer;
}, { what: 'a signature', timeoutMs: kPatienceMs });

/// The details of all lines of a log about this event.
export const details = (process, event) => process.lines().filter((line) => line.event === event).map(({ detail }) => detail);

/// Waits until there are `count` of them.
export const logs = (process, event, count = 1) => waitFor(
  () => details(process, event).length >= count && details(process, event),
  { what: `${event} in the log`, timeoutMs: kPatienceMs });
