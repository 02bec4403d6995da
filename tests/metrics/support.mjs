// A site whose figures are watched: nginx with the shipped files, both pools, `keys renew` for an account with an identity,
// stand-ins for Azure and the application, and clients that keep count of what they are answered.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { Agent } from 'node:http';
import { join } from 'node:path';
import { startApplicationStub } from '../lib/application-stub.mjs';
import { request } from '../lib/http.mjs';
import { plainSite, startNginx } from '../lib/nginx.mjs';
import { startPool } from '../lib/pool.mjs';
import { waitFor } from '../lib/process.mjs';
import { registerSecret } from '../lib/secrets.mjs';
import { kAccount } from '../fcgi/support.mjs';
import { startMachine } from '../identity/support.mjs';

export const kUuid = '0b6b7f3e-1c5e-4a9e-9d0b-8f1f2b3c4d5e';
const kHookDeadlineMs = 5000;

export const rule = (name, container, more) => ({
  name, account: kAccount, container, blobs: ['**'], methods: ['PUT'], anonymous: true, ...more,
});
export const kRules = [
  rule('own-folder', 'uploads', { blobs: ['{user}/**'], methods: ['PUT', 'DELETE'], anonymous: false }),
  rule('drop-box', 'drop'),
  rule('pictures', 'pictures', { verify: { max_bytes: 1000 } }),
];

/// Starts one. `hook` is added to the application's, `workers` are those of each pool. What it returns has
/// - `machine`, `application`, `nginx`, `pools`, the configuration `config(changes)` and `write(config)`;
/// - `sign(options)` and `call(options)`, requests of a page, which are counted;
/// - `counted`, how often each `endpoint status code` was answered;
/// - `metrics()`, the parsed figures (see parse), and `scrape()`, their text; `probe(name)`, another endpoint for monitoring.
export async function startMeteredSite({ hook = {}, workers = 2 } = {}) {
  const machine = await startMachine();
  const secret = registerSecret(randomBytes(24).toString('hex'), 'the hook secret');
  const application = await startApplicationStub({ secret });
  writeFileSync(join(machine.dir, 'application.secret'), secret, { mode: 0o600 });
  const config = (changes = {}) => ({
    ...machine.config, rules: kRules, server: { metrics_file: 'metrics', threads: 8, access_log: false },
    success: {
      verify: { deadline_ms: kHookDeadlineMs },
      hook: {
        url: application.url, secret_file: 'application.secret', timeout_ms: kHookDeadlineMs,
        ...hook.mode !== 'async' && { retries: 0 }, ...hook,
      },
    },
    ...changes,
  });
  machine.write(config());
  machine.startRenewal();
  const running = [machine, application];
  const stop = async () => {
    for (const it of running.reverse()) await it.stop();
  };
  try {
    await waitFor(() => machine.fetchedAt() && machine.status().unreachable, { what: 'a key, and word from Azure' });
    const pool = { config: machine.file, dir: machine.dir, workers };
    const pools = { signature: await startPool({ ...pool, name: 'signature', args: ['--signatures-only'] }) };
    running.push(pools.signature);
    pools.success = await startPool({ ...pool, name: 'success' });
    running.push(pools.success);
    const nginx = await startNginx({
      dir: machine.dir, signatureSocket: pools.signature.socket, successSocket: pools.success.socket,
      connections: 2048,
      render: plainSite('set $blobvalet_user $http_x_test_user; include snippets/blobvalet.conf;'),
    });
    running.push(nginx);
    return { machine, application, nginx, pools, config, write: machine.write, stop, ...clients(machine, nginx) };
  } catch (error) {
    await stop();
    throw error;
  }
}

function clients(machine, nginx) {
  const agent = new Agent({ keepAlive: true, maxSockets: 16 });
  const ask = (path, more = {}) => request({ port: nginx.httpPort, tls: false, agent, path: `/blobvalet/${path}`, ...more });
  const counted = new Map();
  const count = (endpoint, answer) => {
    const code = answer.status === 200 ? 'ok' : answer.json().code;
    const key = `${endpoint} ${answer.status} ${code}`;
    counted.set(key, (counted.get(key) ?? 0) + 1);
    return { status: answer.status, code };
  };
  const container = (name) => `${machine.azure.url}/${name}`;
  return {
    counted,
    async sign({ user = 'alice', to = `uploads/${user}/a.txt`, method = 'PUT' } = {}) {
      const query = `bloburi=${encodeURIComponent(container(to))}&_method=${method}`;
      return count('signature', await ask(`signature?${query}`, { headers: { 'X-Test-User': user } }));
    },
    async call({ user = 'alice', to = 'drop', blob = 'a.txt' } = {}) {
      const body = new URLSearchParams({ blob, uuid: kUuid, name: 'a.txt', container: container(to) }).toString();
      const headers = { 'X-Test-User': user, 'Content-Type': 'application/x-www-form-urlencoded' };
      return count('success', await ask('success', { method: 'POST', headers, body }));
    },
    scrape: async () => assertOk(await ask('metrics')).body,
    metrics: async () => parse(assertOk(await ask('metrics')).body),
    async probe(name) {
      const answer = await ask(name);
      return { code: answer.status, ...answer.json() };
    },
  };
}

function assertOk(answer) {
  assert.equal(answer.status, 200, answer.body);
  return answer;
}

/// Samples of Prometheus' text as a Map from `name{label="value",...}` to a number.
export const parse = (text) => new Map(text.split('\n').filter((line) => line && !line.startsWith('#')).map((line) => {
  const space = line.lastIndexOf(' ');
  return [line.slice(0, space), Number(line.slice(space + 1))];
}));

/// The sum of a metric's samples that hold all of these labels.
export const sum = (samples, name, ...labels) => [...samples]
  .filter(([sample]) => sample.split('{')[0] === name && labels.every((label) => sample.includes(label)))
  .reduce((total, [, value]) => total + value, 0);

/// The requests of pages that the workers have counted, as clients count them: `endpoint status code`.
export const countedBy = (samples) => new Map([...samples].flatMap(([sample, value]) => {
  const [, endpoint, status, code] = /^blobvalet_requests_total\{endpoint="(.*)",status="(.*)",code="(.*)"\}$/.exec(sample) ?? [];
  return ['signature', 'success'].includes(endpoint) ? [[`${endpoint} ${status} ${code}`, value]] : [];
}));

/// `promtool` with these arguments and standard input; what it prints, or an error if it complains.
export function promtool(args, input = '', cwd = undefined) {
  const { status, stdout, stderr } = spawnSync('promtool', args, { input, cwd, encoding: 'utf8', timeout: 60_000 });
  if (status !== 0) throw new Error(`promtool ${args.join(' ')}: ${stdout}${stderr}`);
  return stdout + stderr;
}
