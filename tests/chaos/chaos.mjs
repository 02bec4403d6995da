// A site under chaos, as a function and as the command tests/chaos/run.
import { existsSync, readdirSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { runBlobvalet } from '../lib/command.mjs';
import { sleep, tempDir, waitFor } from '../lib/process.mjs';
import { findSecretInFile, refuse } from '../lib/secrets.mjs';
import { kFaults, recovers, runFaults, watchWorkers } from './faults.mjs';
import { makeJudge } from './judge.mjs';
import { startLoad } from './load.mjs';
import { makeRandom } from './random.mjs';
import { describe, summarize } from './report.mjs';
import { startChaosSite } from './site.mjs';
import { startTraffic } from './traffic.mjs';

const kQuietMs = 120_000;
const kMostRssKb = 96 * 1024;
const kMostDescriptors = 128;
const kRequestsKept = 2_000;
const kLongMinutes = 15;          // so long a run has made each fault several times
const kLeastTimes = 3;

/// Runs it and returns the report; `violations` is empty if every invariant held.
export async function runChaos({ minutes, seed, faults = Object.keys(kFaults), log = () => {} }) {
  process.chdir(tempDir('blobvalet-chaos-cores'));          // where a core would be
  const random = makeRandom(seed);
  const judge = makeJudge();
  const site = await startChaosSite({ onEvent: (event) => judge.event(event) });
  const begun = Date.now();
  let traffic, load, workers;
  try {
    judge.delegations = site.azure.delegations;
    judge.signingKey.set(site.keys.known[0]);
    await recovers(site);
    const forgetting = setInterval(() => forget(site), 5_000);
    const cookies = Object.fromEntries(await Promise.all(['alice', 'bob', 'carol'].map(async (user) => [user, await site.login(user)])));
    workers = watchWorkers({ site, judge });
    load = startLoad({ site, judge, random: random.fork(), cookies });
    traffic = await startTraffic({ site, judge, random: random.fork(), cookies });
    const timeline = await runFaults({ until: begun + minutes * 60_000, faults, log, site, judge, random: random.fork(), workers });
    await load.stop();
    await traffic.settle();
    await becomesQuiet(site, judge);
    await traffic.verify();
    judge.finish();
    if (minutes >= kLongMinutes) judgeVariety(judge, timeline, faults);
    judgeEnd(site, judge, workers);
    if (judge.violations.length) showOddLines(site, log);
    clearInterval(forgetting);
    return {
      seed, minutes: (Date.now() - begun) / 60_000, tally: judge.tally, timeline,
      faults: summarize(timeline, judge.errors, Object.keys(kFaults)), workers: { peak: workers.peak, now: workers.now() },
      violations: judge.violations,
    };
  } finally {
    workers?.stop();
    await load?.stop();
    await traffic?.stop();
    await site.stop();                                       // searches the workers' logs for secrets
  }
}

// Stubs keep each request, bodies included.
function forget({ azure, application, identity }) {
  for (const { requests } of [azure, application, identity.imds]) {
    if (requests.length > kRequestsKept / 10) requests.splice(0, requests.length - kRequestsKept / 10);
  }
}

const listEvents = (site) => runBlobvalet(['events', 'list', '--json', '--config', site.config], { maxBuffer: 1 << 28 })
  .out.split('\n').filter(Boolean);

async function becomesQuiet(site, judge) {
  await waitFor(() => listEvents(site).length === 0, { what: 'no event waits', timeoutMs: kQuietMs, intervalMs: 1_000 })
    .catch(() => judge.violate('events that still wait', listEvents(site).slice(0, 3)));
  await sleep(500);
}

function judgeVariety(judge, timeline, faults) {
  for (const name of faults) {
    const times = timeline.filter((it) => it.faults.includes(name)).length;
    if (times < kLeastTimes) judge.violate('a fault that hardly happened', { name, times });
  }
}

// What workers say that is no line of their log: how a process died, for instance.
function showOddLines({ pool, success }, log) {
  const lines = [pool, success].flatMap((it) => it.output().split('\n'));
  [...new Set(lines.filter((line) => line && !line.startsWith('{')))].slice(0, 30).forEach((line) => log(`  worker: ${line}`));
}

function judgeEnd(site, judge, workers) {
  for (const { rssKb, descriptors } of workers.now()) {
    if (rssKb > kMostRssKb) judge.violate('a worker that grew', { rssKb });
    if (descriptors > kMostDescriptors) judge.violate('a worker with too many descriptors', { descriptors });
  }
  for (const dir of [process.cwd(), site.dir]) {
    for (const name of readdirSync(dir)) if (/^core(\.|$)/.test(name)) judge.violate('a core dump', { name });
  }
  for (const name of ['error.log', 'access.log', 'signature.log', 'success.log', 'renew.log']) {
    const file = join(site.dir, name);
    if (!existsSync(file)) { judge.violate('a log that is not there', { name }); continue; }
    try {
      refuse(findSecretInFile(file), name);
    } catch (error) {
      judge.violate('a secret in a log', { error: error.message });
    }
  }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) await main();

async function main() {
  const { values, positionals } = parseArgs({ allowPositionals: true, options: { seed: { type: 'string' }, json: { type: 'string' }, faults: { type: 'string' } } });
  const seed = Number(values.seed ?? Math.floor(Math.random() * 2 ** 31));
  const minutes = Number(positionals[0] ?? 30);
  if (!(minutes > 0) || !Number.isInteger(seed)) throw new Error('usage: run [minutes] [--seed N] [--json FILE] [--faults A,B]');
  const jsonFile = values.json && resolve(values.json);
  console.log(`seed ${seed}`);
  const report = await runChaos({ minutes, seed, faults: values.faults?.split(','), log: console.log });
  console.log(describe(report));
  if (jsonFile) writeFileSync(jsonFile, `${JSON.stringify(report, null, 2)}\n`);
  process.exit(report.violations.length ? 1 : 0);
}
