// What signatures lose while Azure and the site's application hang: signatures per second and their p99, undisturbed and
// with 500 callbacks outstanding all the time, with two pools as shipped and with one pool for both.
//
// Two equal stacks, each with an nginx of its own, are measured at the same moment, and one of them has the callbacks. So
// the machine's other work, and that of whoever posts the callbacks, weighs on both alike. What counts is the median of
// the ratios of all turns; in the second half the stacks change places. Azure and the application hang as long as they
// are let: Azure's silence is accepted, so that the application is asked as well. Whoever is told to try again does so
// at once, which is worse than any page: those wait.
import { spawn } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { loadavg } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { request } from '../lib/http.mjs';
import { plainSite, startNginx } from '../lib/nginx.mjs';
import { sleep, tempDir, waitFor } from '../lib/process.mjs';
import { hung, startStubServer } from '../lib/stub-server.mjs';
import { childrenOf, cpuSeconds, median, runLoad, startWorkers } from './stack.mjs';

const turns = Number(process.argv[2] ?? 10);
const kCallbacks = 500;
const kSignatureConnections = 32;
const kSeconds = 2;
const kSpreadMs = 2000;

const azure = await startStubServer({ answer: hung });
const application = await startStubServer({ answer: hung });
const container = `${azure.url}/uploads/`;

function writeConfiguration(dir) {
  const file = join(dir, 'blobvalet.json');
  writeFileSync(join(dir, 'acme.key'), Buffer.alloc(64, 'k').toString('base64'), { mode: 0o600 });
  writeFileSync(join(dir, 'hook.secret'), 's'.repeat(40), { mode: 0o600 });
  writeFileSync(file, JSON.stringify({
    accounts: [{ name: 'acme', endpoint: azure.url, credential: { type: 'shared_key', key_file: 'acme.key' } }],
    rules: [{
      name: 'own', account: 'acme', container: 'uploads', blobs: ['{user}/**'], methods: ['PUT', 'DELETE'],
      sas: { protocol: 'https,http' },
    }],
    success: {
      verify: { on_azure_failure: 'accept' },
      hook: { url: `${application.url}/uploads`, secret_file: 'hook.secret' },
    },
    server: { access_log: false, audit_log: false, metrics_file: 'metrics' },
  }));
  return file;
}

/// Pools and an nginx with the shipped files: `{nginx, signers(), stop()}`.
async function startStack(pools) {
  const dir = tempDir('blobvalet-bench');
  const config = writeConfiguration(dir);
  const [signature, success = signature] = await Promise.all(
    pools.map(({ name, workers, args }) => startWorkers({ dir, config, name, workers, args })));
  const nginx = await startNginx({
    dir: join(dir, 'nginx'), signatureSocket: signature.socket, successSocket: success.socket, connections: 4096,
    render: plainSite(`
      access_log off;
      location = /status { stub_status; }
      set $blobvalet_user alice;
      include snippets/blobvalet.conf;`),
  });
  return {
    nginx, signers: signature.pids,
    async stop() {
      await nginx.stop();
      await Promise.all([...new Set([signature, success])].map((pool) => pool.stop()));
    },
  };
}

const url = ({ nginx }, endpoint) => `http://127.0.0.1:${nginx.httpPort}/blobvalet/${endpoint}`;

/// Keeps 500 callbacks outstanding until `stop()`, which waits until all of them have an answer.
async function startCallbacks(stack) {
  const form = new URLSearchParams({
    blob: 'alice/a.txt', uuid: '0b6b7f3e-1c5e-4a9e-9d0b-8f1f2b3c4d5e', name: 'a.txt', container: container.slice(0, -1),
  });
  const wrk = spawn('wrk', [
    '-t1', `-c${kCallbacks}`, '-d10m', '--timeout', '20s', '-s', fileURLToPath(new URL('callbacks.lua', import.meta.url)),
    url(stack, 'success'), '--', String(form), String(kSpreadMs), String(kCallbacks),
  ], { stdio: 'ignore' });
  const ended = new Promise((resolve) => wrk.once('close', resolve));
  await waitFor(async () => await outstanding(stack) >= kCallbacks, { what: `${kCallbacks} callbacks outstanding` });
  await sleep(kSpreadMs);  // by now every one of the first has had its answer, and posted once more
  return async () => {
    wrk.kill('SIGINT');
    await ended;
    await waitFor(async () => azure.open() + application.open() + await outstanding(stack) === 0, {
      what: 'no callback outstanding', timeoutMs: 20_000,
    });
  };
}

/// How many requests nginx waits for, but for this one.
async function outstanding({ nginx }) {
  const { body } = await request({ port: nginx.httpPort, tls: false, path: '/status' });
  return Number(/Writing: (\d+)/.exec(body)[1]) - 1;
}

/// Samples until `done` is settled; the mean. At most all of the signatures' connections are among them.
async function meanOutstanding(stack, done) {
  const samples = [];
  let over = false;
  done.finally(() => { over = true; }).catch(() => {});
  for (; !over; await sleep(100)) samples.push(await outstanding(stack));
  return samples.reduce((sum, n) => sum + n, 0) / samples.length;
}

/// One turn of one stack: `{rate, p50, p99, signerCpu, nginxCpu, outstanding}`.
async function measure(stack) {
  const [signers, nginx] = [stack.signers(), childrenOf(stack.nginx.pid)];
  const before = [cpuSeconds(signers), cpuSeconds(nginx)];
  const load = runLoad({ url: url(stack, 'signature'), connections: kSignatureConnections, seconds: kSeconds, into: container });
  const [result, mean] = await Promise.all([load, meanOutstanding(stack, load)]);
  const per100k = (pids, used) => (cpuSeconds(pids) - used) / result.requests * 100_000;
  return {
    rate: result.requests / result.seconds, p50: result.p50, p99: result.p99,
    signerCpu: per100k(signers, before[0]), nginxCpu: per100k(nginx, before[1]),
    outstanding: Math.max(0, mean - kSignatureConnections),
  };
}

/// Measures both stacks at once while `disturbed` has the callbacks; adds to the results.
async function compare(disturbed, undisturbed, results) {
  const stop = await startCallbacks(disturbed);
  for (let turn = 0; turn < turns; turn += 1) {
    const [with500, without] = await Promise.all([measure(disturbed), measure(undisturbed)]);
    results.disturbed.push(with500);
    results.undisturbed.push(without);
    loads.push(loadavg()[0]);
  }
  await stop();
}

const kColumns = [
  ['requests/s', 'rate', 0], ['p50 ms', 'p50', 2], ['p99 ms', 'p99', 2], ['signers: CPU s per 100,000', 'signerCpu', 2],
  ['nginx: CPU s per 100,000', 'nginxCpu', 2], ['callbacks outstanding', 'outstanding', 0],
];

function print(title, { disturbed, undisturbed }) {
  console.log(`\n${title.padEnd(36)}undisturbed   disturbed   ratio   middle half of the ratios`);
  for (const [name, field, digits] of kColumns) {
    const [before, after] = [undisturbed, disturbed].map((all) => median(all.map((turn) => turn[field])).toFixed(digits));
    const ratios = disturbed.map((turn, i) => turn[field] / undisturbed[i][field]).sort((a, b) => a - b);
    const quarter = Math.floor(ratios.length / 4);
    const half = [ratios[quarter], ratios[ratios.length - 1 - quarter]].map((ratio) => ratio.toFixed(2));
    console.log(`  ${name.padEnd(34)}${before.padStart(11)}${after.padStart(12)}`
      + (field === 'outstanding' ? '' : `${median(ratios).toFixed(2).padStart(8)}   ${half.join(' to ')}`));
  }
}

const layouts = [
  {
    title: 'two pools, 1 and 2 workers',
    pools: [{ name: 'signature', workers: 1, args: ['--signatures-only'] }, { name: 'success', workers: 2 }],
  },
  { title: 'one pool of 2 workers', pools: [{ name: 'both', workers: 2 }] },
];
const loads = [];
try {
  for (const { title, pools } of layouts) {
    const results = { disturbed: [], undisturbed: [] };
    const [one, other] = [await startStack(pools), await startStack(pools)];
    try {
      await compare(one, other, results);
      await compare(other, one, results);
      print(title, results);
    } finally {
      await Promise.all([one.stop(), other.stop()]);
    }
  }
  console.log(`\nmedians of ${2 * turns} turns of ${kSeconds} s with ${kSignatureConnections} connections; `
    + `load average ${Math.min(...loads).toFixed(1)} to ${Math.max(...loads).toFixed(1)}`);
} finally {
  await azure.stop();
  await application.stop();
}
