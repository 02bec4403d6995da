// Signatures per second side by side: blobvalet, constant answers, and nginx alone, behind the same nginx.
//
// Figures of one run are only good for its ratios: the machine's other work, wrk included, weighs on all alike. So
// the candidates take turns of a second each, and what counts is the median of the ratios within each round. On a
// busy machine even those waver, but the ratios of CPU time hardly do.
import { loadavg } from 'node:os';
import {
  ask, checkSignature, childrenOf, cpuSeconds, median, runLoad, startResponders, startSite, startWorkers,
  typicalAnswer, writeConfigurations,
} from './stack.mjs';

const rounds = Number(process.argv[2] ?? 4);
const connectionCounts = [8, 32, 128];
const kSeconds = 1;

const candidates = [
  { name: 'one', title: 'blobvalet, 1 worker', kind: 'kept', workers: 1 },
  { name: 'two', title: 'blobvalet, 2 workers', kind: 'kept', workers: 2 },
  { name: 'logging', title: 'blobvalet, 1 worker, access log', kind: 'kept', workers: 1, accessLog: true },
  { name: 'loop', title: 'constant answer, same loop, 1 worker', kind: 'kept', workers: 1, program: 'loop' },
  { name: 'stock', title: 'constant answer, stock libfcgi, 4 workers', kind: 'stock', workers: 4 },
  { name: 'nginx', title: 'constant answer, nginx itself', kind: 'nginx' },
];
const ratios = [
  ['one', 'stock'], ['two', 'stock'], ['one', 'loop'], ['logging', 'one'], ['two', 'one'], ['one', 'nginx'],
];

const configurations = writeConfigurations();
const { dir } = configurations;
const blobs = Array.from({ length: 20 }, (_, i) => `alice/${'x'.repeat(i)} ${i} ü#?%+&.jpg`);

async function startCandidate(candidate, bodyBytes) {
  const { name, kind, workers, program, accessLog } = candidate;
  if (kind === 'nginx') return { pids: () => [], stop() {} };
  if (kind === 'stock') return startResponders({ dir, name, workers, bodyBytes });
  const config = accessLog ? configurations.logging : configurations.quiet;
  return startWorkers({ dir, name, config, workers, program, env: { BENCH_BODY_BYTES: String(bodyBytes) } });
}

/// One turn: `{rate, p50, p99, cpu}`.
async function measure({ pool, name }, nginx, scheme, connections) {
  const pids = [...childrenOf(nginx.pid), ...pool.pids()];
  const before = cpuSeconds(pids);
  const port = scheme === 'http' ? nginx.httpPort : nginx.httpsPort;
  const result = await runLoad({ url: `${scheme}://127.0.0.1:${port}/${name}`, connections, seconds: kSeconds });
  const per100k = (cpuSeconds(pids) - before) / result.requests * 100_000;
  return { rate: result.requests / result.seconds, p50: result.p50, p99: result.p99, cpu: per100k };
}

function print(scheme, connections, turns) {
  console.log(`\n${scheme}, ${connections} connections`.padEnd(46) + 'requests/s   p50 ms   p99 ms   CPU s per 100,000');
  for (const { name, title } of candidates) {
    const of = (field) => median(turns[name].map((turn) => turn[field]));
    console.log(`  ${title.padEnd(42)}${of('rate').toFixed(0).padStart(11)}${of('p50').toFixed(2).padStart(9)}`
      + `${of('p99').toFixed(2).padStart(9)}${of('cpu').toFixed(2).padStart(20)}`);
  }
  const ratio = (field) => ([a, b]) => `${a}/${b} ${median(
    turns[a].map((turn, i) => turn[field] / turns[b][i][field])).toFixed(2)}`;
  console.log(`  ratios of requests/s: ${ratios.map(ratio('rate')).join('   ')}`);
  console.log(`  ratios of CPU time:   ${ratios.map(ratio('cpu')).join('   ')}`);
}

const bodyBytes = typicalAnswer(configurations.quiet).length;
for (const candidate of candidates) candidate.pool = await startCandidate(candidate, bodyBytes);
const nginx = await startSite({ dir, routes: candidates, bodyBytes });
const signing = candidates.filter(({ kind, program }) => kind === 'kept' && !program);
const checkAll = async () => {
  for (const { name } of signing) {
    for (const blob of blobs) checkSignature(await ask(nginx.httpsPort, name, blob), blob);
  }
};
try {
  await checkAll();
  const results = {};
  for (let round = 0; round < rounds; round += 1) {
    for (const scheme of ['http', 'https']) {
      for (const connections of connectionCounts) {
        for (const candidate of candidates) {
          const cell = (results[`${scheme} ${connections}`] ??= {});
          (cell[candidate.name] ??= []).push(await measure(candidate, nginx, scheme, connections));
        }
      }
    }
  }
  await checkAll();
  console.log(`answers of ${bodyBytes} bytes, medians of ${rounds} rounds, load average ${loadavg()[0].toFixed(1)}; `
    + `${signing.length * blobs.length} signatures recomputed before and after`);
  for (const [cell, turns] of Object.entries(results)) print(...cell.split(' '), turns);
} finally {
  await nginx.stop();
  for (const { pool } of candidates) await pool.stop();
}
