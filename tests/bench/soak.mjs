// Many signature requests through one worker, which has to keep its size.
import { request } from '../lib/http.mjs';
import { sleep } from '../lib/process.mjs';
import { rssKib, startLoad, startSite, startWorkers, writeConfigurations } from './stack.mjs';

const total = Number(process.argv[2] ?? 1_000_000);
const kSampleEvery = 50_000;
const kWarmUpShare = 0.1;
const kAllowedGrowthKib = 256;
const kSlowestRate = 1_000;  // requests per second; bounds the run

const { dir, logging } = writeConfigurations();
const pool = await startWorkers({ dir, name: 'soak', config: logging, workers: 1, args: ['--signatures-only'] });
const nginx = await startSite({ dir, routes: [{ name: 'soak', kind: 'kept' }] });
const [worker] = pool.pids();

// The counter of nginx's stub_status counts our own questions, too.
let asked = 0;
async function answered() {
  asked += 1;
  const { body } = await request({ port: nginx.httpPort, tls: false, path: '/status' });
  return Number(/^ \d+ \d+ (\d+)/m.exec(body)[1]) - asked;
}

async function watch() {
  const samples = [];
  while (samples.length < Math.ceil(total / kSampleEvery)) {
    const requests = await answered();
    if (requests >= Math.min(kSampleEvery * (samples.length + 1), total)) {
      samples.push({ requests, rss: rssKib(worker) });
      console.log(`${String(requests).padStart(10)} requests   RSS ${String(samples.at(-1).rss).padStart(6)} KiB`);
    }
    await sleep(20);
  }
  return samples;
}

try {
  const load = startLoad({
    url: `http://127.0.0.1:${nginx.httpPort}/soak`, connections: 32, longestName: 900,
    seconds: Math.ceil(total / kSlowestRate) + 10,
  });
  const ended = load.summary.then((summary) => { throw new Error(`too slow, or failed: ${JSON.stringify(summary)}`); });
  const samples = await Promise.race([watch(), ended]);
  ended.catch(() => {});
  load.stop();
  const summary = await load.summary;
  const warm = samples.find(({ requests }) => requests >= total * kWarmUpShare);
  const growth = samples.at(-1).rss - warm.rss;
  const faults = [
    growth > kAllowedGrowthKib && `RSS grew by more than ${kAllowedGrowthKib} KiB`,
    summary.refused + summary.broken > 0 && `errors: ${JSON.stringify(summary)}`,
    pool.pids()[0] !== worker && 'the worker was replaced',
  ].filter(Boolean);
  console.log(`${summary.requests} requests, ${summary.refused + summary.broken} errors; `
    + `RSS after warm-up ${growth >= 0 ? '+' : ''}${growth} KiB`);
  for (const fault of faults) console.log(`FAILED: ${fault}`);
  process.exitCode = faults.length > 0 ? 1 : 0;
} finally {
  await nginx.stop();
  await pool.stop();
}
