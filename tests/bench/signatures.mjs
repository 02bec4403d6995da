// Signatures per second side by side, behind the same nginx: blobvalet, what people use instead, and constant answers.
//
// Figures of one run are only good for its ratios: the machine's other work, wrk included, weighs on all alike. So within
// each round the candidates take turns of a second each, in another order every time, and what counts is the median of the
// ratios within rounds. On a busy machine even those waver, but the ratios of CPU time hardly do.
import { writeFileSync } from 'node:fs';
import { cpus, loadavg } from 'node:os';
import { parseArgs } from 'node:util';
import { drawSignatures } from './plot.mjs';
import {
  ask, checkSignature, childrenOf, median, rssKib, runLoad, runOpenLoop, startNodePeer, startResponders, startSite, startWorkers,
  typicalAnswer, writeConfigurations,
} from './stack.mjs';
import { measureTurn, residentMemory, shuffle } from './turns.mjs';

const { values: options } = parseArgs({
  options: {
    rounds: { type: 'string', default: '4' },
    quick: { type: 'boolean', default: false },       // few, and several at once: that it works, figures are worth nothing
    plot: { type: 'string' },
  },
});
const rounds = options.quick ? 1 : Number(options.rounds);
const connectionCounts = options.quick ? [8] : [8, 32, 128, 256];
const kSeconds = 1;
const kCheckedBlobs = options.quick ? 20 : 200;
const kAtOnce = options.quick ? 5 : 1;
const kCheckedUnderLoad = 5;              // of each candidate in each turn

const blobvalet = (workers, more) => ({
  name: `blobvalet${workers}`, title: `blobvalet, ${workers} worker${workers > 1 ? 's' : ''}`, kind: 'kept', workers, signs: true, ...more,
});
const candidates = [
  blobvalet(1), blobvalet(2), blobvalet(3), blobvalet(4),
  blobvalet(1, { name: 'logging', title: 'blobvalet, 1 worker, access log', accessLog: true }),
  { name: 'lua', title: 'LuaJIT and OpenSSL in nginx', kind: 'lua', signs: true },
  { name: 'njs', title: 'njs in nginx', kind: 'njs', signs: true },
  { name: 'bare', title: 'Node.js alone', kind: 'proxy', program: 'bare.mjs', signs: true },
  { name: 'express', title: 'Express and the SDK', kind: 'proxy', program: 'sdk.mjs', signs: true },
  { name: 'loop', title: 'constant, same loop, 1 worker', kind: 'kept', workers: 1, program: 'loop' },
  { name: 'detach', title: 'constant, 4 threads and Detach', kind: 'stock', workers: 1, threads: 4 },
  { name: 'stock', title: 'constant, stock libfcgi, 4 workers', kind: 'stock', workers: 4 },
  { name: 'nginx', title: 'constant, nginx itself', kind: 'nginx' },
];
const kLight = ['blobvalet1', 'bare', 'express', 'loop', 'stock', 'nginx'];
const kLightLoads = [
  { title: 'light load, 1,000/s', rate: 1000, connections: 32 },
  { title: 'light load, 300/s with pauses, 16 connections', rate: 300, connections: 16, pauseMs: 400 },
];

const configurations = writeConfigurations();
const { dir } = configurations;
const bodyBytes = typicalAnswer(configurations.quiet).length;
const blobs = Array.from({ length: kCheckedBlobs }, (_, i) => `alice/${'x'.repeat(i % 40)} ${i} ü#?%+&é漢.jpg`);
let checked = 0;
let checkedUnderLoad = 0;

function startCandidate({ name, kind, workers, program, threads, accessLog }) {
  if (kind === 'proxy') return startNodePeer({ program });
  if (kind === 'stock') return startResponders({ dir, name, workers, bodyBytes, threads });
  if (kind !== 'kept') return { pids: () => [], stop() {} };
  const config = accessLog ? configurations.logging : configurations.quiet;
  return startWorkers({ dir, name, config, workers, program, env: { BENCH_BODY_BYTES: String(bodyBytes) } });
}

const check = async (nginx, { name }, blob) => checkSignature(await ask(nginx.httpsPort, name, blob), blob);

/// Every answer of one pass through all of the names, of each candidate that signs.
async function checkAll(nginx) {
  for (const candidate of candidates.filter(({ signs }) => signs)) {
    for (const blob of blobs) await check(nginx, candidate, blob);
    checked += blobs.length;
  }
}

async function checkUnderLoad(nginx, candidate) {
  if (!candidate.signs) return;
  await new Promise((resolve) => setTimeout(resolve, 300));
  for (let i = 0; i < kCheckedUnderLoad; i += 1) {
    await check(nginx, candidate, `alice/${Math.random()} während.jpg`);
    checkedUnderLoad += 1;
  }
}

/// One turn: what measureTurn() says, and `rss`, the workers' memory in MiB.
async function measure(candidate, nginx, { scheme, connections }) {
  const { pool, name } = candidate;
  const port = scheme === 'http' ? nginx.httpPort : nginx.httpsPort;
  const turn = await measureTurn([...childrenOf(nginx.pid), ...pool.pids()], async () => {
    const [result] = await Promise.all([
      runLoad({ url: `${scheme}://127.0.0.1:${port}/${name}`, connections, seconds: kSeconds }), checkUnderLoad(nginx, candidate),
    ]);
    return result;
  });
  return { ...turn, rss: residentMemory(pool) };
}

/// The same of an open loop, whose rate is what it asks for.
async function measureLight({ pool, name }, nginx, load) {
  const seconds = options.quick ? 1 : 3;
  const turn = await measureTurn([...childrenOf(nginx.pid), ...pool.pids()], async () => (
    { ...await runOpenLoop({ port: nginx.httpPort, name, seconds, ...load }), seconds }));
  return { ...turn, rss: residentMemory(pool) };
}

const loadCells = ['http', 'https'].flatMap((scheme) => connectionCounts.map((connections) => ({
  title: `${scheme}, ${connections} connections`, of: candidates, run: (it, nginx) => measure(it, nginx, { scheme, connections }),
})));
const lightCells = kLightLoads.map(({ title, ...load }) => ({
  title, of: candidates.filter(({ name }) => kLight.includes(name)), run: (it, nginx) => measureLight(it, nginx, load),
}));
const cells = [...loadCells, ...lightCells];

/// `cell.turns[name]` are the turns of a candidate, one a round.
async function runRound(nginx) {
  for (const cell of cells) {
    cell.turns ??= {};
    const turn = async (it) => { (cell.turns[it.name] ??= []).push(await cell.run(it, nginx)); };
    const order = shuffle(cell.of);
    while (order.length) await Promise.all(order.splice(0, kAtOnce).map(turn));
  }
}

const kColumns = [
  ['requests/s', 'rate', 0], ['p50 ms', 'p50', 2], ['p99 ms', 'p99', 2], ['max ms', 'max', 1],
  ['CPU s/100k', 'cpu', 2], ['workers MiB', 'rss', 1],
];
const kWidth = 13;

function print({ title, of, turns }) {
  const ratio = (name, field) => median(turns.blobvalet1.map((turn, i) => turn[field] / turns[name][i][field])).toFixed(2);
  const header = [...kColumns.map(([column]) => column), '1 worker is', 'its CPU is'];
  console.log(`\n${title.padEnd(46)}${header.map((it) => it.padStart(kWidth)).join('')}`);
  for (const { name, title: who } of of) {
    const values = kColumns.map(([, field, digits]) => median(turns[name].map((turn) => turn[field])).toFixed(digits));
    const all = [...values, `${ratio(name, 'rate')} x`, `${ratio(name, 'cpu')} x`];
    console.log(`  ${who.padEnd(44)}${all.map((it) => it.padStart(kWidth)).join('')}`);
  }
}

function printAll(nginx) {
  console.log(`${options.quick ? 'QUICK: figures are worth nothing. ' : ''}Answers of ${bodyBytes} bytes, one nginx process, `
    + `${cpus().length} cores, medians of ${rounds} rounds, load average ${loadavg()[0].toFixed(1)}.`);
  console.log(`Signatures like the SDK's: ${checked} before and after, ${checkedUnderLoad} under load. Errors: 0.`);
  cells.forEach(print);
  const nginxMib = childrenOf(nginx.pid).reduce((sum, pid) => sum + rssKib(pid), 0) / 1024;
  console.log(`\nnginx's process, with the modules of all candidates: ${nginxMib.toFixed(1)} MiB`);
}

/// The README's table: rates and CPU of one worker against each, and what each takes and how long it lets wait.
function printMarkdown() {
  const value = (from, name, field, digits) => median(from.turns[name].map((turn) => turn[field])).toFixed(digits);
  const against = (from, name, field) => median(from.turns.blobvalet1.map((turn, i) => turn[field] / from.turns[name][i][field])).toFixed(2);
  const [few, many] = [loadCells[1], loadCells[3]];
  const [fewTls, manyTls] = [loadCells[5], loadCells[7]];
  console.log(`\n| | one worker's rate against it: ${[few, many, fewTls, manyTls].map(({ title }) => title.replace(' connections', '')).join(' | ')}`
    + ' | its CPU, s for 100,000 | its p99 / max at 256, ms | its workers, MiB |\n|---|--:|--:|--:|--:|--:|--:|--:|');
  for (const { name, title } of candidates) {
    const ratios = [few, many, fewTls, manyTls].map((from) => `${against(from, name, 'rate')} ×`);
    const waits = `${value(many, name, 'p99', 0)} / ${value(many, name, 'max', 0)}`;
    console.log(`| ${[title, ...ratios, value(few, name, 'cpu', 2), waits, value(few, name, 'rss', 0)].join(' | ')} |`);
  }
}

/// What the picture shows, from the turns.
function draw(file) {
  const value = (from, name, field) => median(from.turns[name].map((turn) => turn[field]));
  const cell = (title) => cells.find((it) => it.title === title);
  const [many, most] = [connectionCounts.at(-2) ?? connectionCounts[0], connectionCounts.at(-1)];
  const panel = (title, from, field, digits) => ({
    title, digits, values: candidates.map(({ name, title: who, signs }) => ({ who, signs, name, value: value(from, name, field) })),
  });
  writeFileSync(file, drawSignatures([
    panel(`requests/s, http, ${many} connections`, cell(`http, ${many} connections`), 'rate', 0),
    panel(`CPU seconds for 100,000, http, ${many} connections`, cell(`http, ${many} connections`), 'cpu', 1),
    panel(`p99 in ms, TLS, ${most} connections`, cell(`https, ${most} connections`), 'p99', 0),
  ]));
}

let nginx;
try {
  for (const candidate of candidates) candidate.pool = await startCandidate(candidate);
  nginx = await startSite({ dir, routes: candidates, bodyBytes });
  await checkAll(nginx);
  for (let round = 0; round < rounds; round += 1) await runRound(nginx);
  await checkAll(nginx);
  printAll(nginx);
  if (!options.quick) printMarkdown();
  if (options.plot) draw(options.plot);
} finally {
  await nginx?.stop();
  for (const { pool } of candidates) await pool?.stop();
}
