// Signatures per second by one and two workers, on a unix socket and by TCP, with and without rate limits; and what
// counting costs alone. As in signatures.mjs candidates take turns. On a busy machine CPU time still tells something, and of
// the rates the best, which other programs have disturbed least.
import { execFileSync } from 'node:child_process';
import { cpus, loadavg } from 'node:os';
import { fileURLToPath } from 'node:url';
import { startRedis } from '../events/redis.mjs';
import { freePort, tempDir } from '../lib/process.mjs';
import {
  ask, checkSignature, childrenOf, cpuSeconds, median, runLoad, startSite, startWorkers, writeConfigurations,
} from './stack.mjs';

const rounds = Number(process.argv[2] ?? 5);
const kConnections = 64;
const kSeconds = 1;

const { dir, quiet, write } = writeConfigurations();
const redis = await startRedis({ dir: tempDir() });
const never = { requests: 1_000_000, per_seconds: 1 };  // a limit that nobody reaches
const inMemory = write('memory', { limit: never, limits: { store: { type: 'shared_memory', file: '/dev/shm/blobvalet-bench' } } });
const inRedis = write('redis', { limit: never, limits: { store: { type: 'redis', unix_socket: redis.socket } } });
const tcp = async () => ({ address: '127.0.0.1', port: await freePort() });
const candidates = [
  { name: 'one', title: '1 worker, unix socket', workers: 1 },
  { name: 'two', title: '2 workers, unix socket', workers: 2 },
  { name: 'tcp', title: '1 worker, TCP', workers: 1, tcp: await tcp() },
  { name: 'tcptwo', title: '2 workers, TCP', workers: 2, tcp: await tcp() },
  { name: 'memory', title: '1 worker, unix socket, limit in shared memory', workers: 1, config: inMemory },
  { name: 'redis', title: '1 worker, unix socket, limit in Redis', workers: 1, config: inRedis },
].map((candidate) => ({ kind: 'kept', config: quiet, ...candidate }));

async function measure({ name, pool }, nginx) {
  const nginxPids = childrenOf(nginx.pid);
  const before = [cpuSeconds(nginxPids), cpuSeconds(pool.pids())];
  const result = await runLoad({ url: `http://127.0.0.1:${nginx.httpPort}/${name}`, connections: kConnections, seconds: kSeconds });
  const per100k = (seconds) => seconds / result.requests * 100_000;
  const nginxCpu = per100k(cpuSeconds(nginxPids) - before[0]);
  const workerCpu = per100k(cpuSeconds(pool.pids()) - before[1]);
  return { rate: result.requests / result.seconds, p99: result.p99, workerCpu, cpu: nginxCpu + workerCpu };
}

let nginx;
try {
  for (const candidate of candidates) candidate.pool = await startWorkers({ dir, ...candidate, args: ['--signatures-only'] });
  nginx = await startSite({ dir, routes: candidates, bodyBytes: 1 });
  for (const { name } of candidates) checkSignature(await ask(nginx.httpsPort, name, 'alice/a.jpg'), 'alice/a.jpg');
  const turns = {};
  for (let round = 0; round < rounds; round += 1) {
    for (const candidate of candidates) (turns[candidate.name] ??= []).push(await measure(candidate, nginx));
  }
  console.log(`${kConnections} connections, one nginx process, ${cpus().length} cores, medians of ${rounds} rounds, `
    + `load average ${loadavg()[0].toFixed(1)}`);
  console.log(''.padEnd(48) + 'requests/s   best of them   p99 ms   CPU s per 100,000: workers   with nginx   CPU against the first');
  for (const { name, title } of candidates) {
    const of = (field) => median(turns[name].map((turn) => turn[field]));
    const best = Math.max(...turns[name].map(({ rate }) => rate));
    const cpu = median(turns[name].map((turn, i) => turn.cpu / turns.one[i].cpu)).toFixed(2);
    console.log(`${title.padEnd(48)}${of('rate').toFixed(0).padStart(10)}${best.toFixed(0).padStart(15)}${of('p99').toFixed(2).padStart(9)}`
      + `${of('workerCpu').toFixed(2).padStart(29)}${of('cpu').toFixed(2).padStart(13)}${cpu.padStart(20)} x`);
  }
} finally {
  await nginx?.stop();
  for (const { pool } of candidates) await pool?.stop();
}
const cost = fileURLToPath(new URL('../../build/release/tests/bench/limit_cost', import.meta.url));
console.log(execFileSync(cost, ['/dev/shm', redis.socket], { encoding: 'utf8' }).trim());
await redis.stop();
execFileSync('rm', ['-f', '/dev/shm/blobvalet-bench', '/dev/shm/limits']);
