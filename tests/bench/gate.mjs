// Whether blobvalet's event loop, with its gate before libfcgi, is worth having: beside the same App in libfcgi's own threads (a
// connection for each request, detached), and beside constant answers by both.
//
// First speed: within each round the candidates take turns of a second each, in another order every time, and what counts is
// the median of the ratios within rounds. Then what each makes of peers that stall or are malformed.
import { once } from 'node:events';
import { cpus, loadavg } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { begin, connect, kType, nameValuePairs, pairLength, record, requestRecords, stream } from '../lib/fcgi-client.mjs';
import { sleep } from '../lib/process.mjs';
import {
  ask, checkSignature, childrenOf, median, runLoad, startResponders, startSite, startThreads, startWorkers, typicalAnswer,
  writeConfigurations,
} from './stack.mjs';
import { measureTurn, shuffle } from './turns.mjs';

const { values: options } = parseArgs({
  options: {
    rounds: { type: 'string', default: '7' },
    threads: { type: 'string', default: '4' },        // of a worker that has threads
    quick: { type: 'boolean', default: false },       // that it works, figures are worth nothing
  },
});
const rounds = options.quick ? 1 : Number(options.rounds);
const threads = Number(options.threads);
const connectionCounts = options.quick ? [8] : [8, 32, 256];
const kSeconds = 1;
const kStalled = 64;
const kHealthyRequests = options.quick ? 1 : 2;

const { dir, quiet } = writeConfigurations();
const bodyBytes = typicalAnswer(quiet).length;

const candidates = [
  { name: 'gate', title: 'blobvalet: loop and gate', kind: 'kept', signs: true,
    start: (name) => startWorkers({ dir, name, config: quiet, workers: 1, args: ['--signatures-only'] }) },
  { name: 'threads', title: `the same, ${threads} threads and Detach`, kind: 'stock', signs: true,
    start: (name) => startThreads({ dir, name, config: quiet, workers: 1, threads }) },
  { name: 'processes', title: 'the same, 2 processes and Detach', kind: 'stock', signs: true,
    start: (name) => startThreads({ dir, name, config: quiet, workers: 2, threads: 1 }) },
  { name: 'loop', title: 'constant: loop and gate', kind: 'kept',
    start: (name) => startWorkers({
      dir, name, config: quiet, workers: 1, program: 'loop', env: { BENCH_BODY_BYTES: String(bodyBytes) },
    }) },
  { name: 'detach', title: `constant: ${threads} threads and Detach`, kind: 'stock',
    start: (name) => startResponders({ dir, name, workers: 1, bodyBytes, threads }) },
];
const signers = candidates.filter(({ signs }) => signs);

/// All turns of a candidate at `connections`, one a round, in `turns[name]`.
const cells = connectionCounts.map((connections) => ({ connections, turns: {} }));

async function runRound(nginx) {
  for (const { connections, turns } of cells) {
    for (const { name, pool } of shuffle(candidates)) {
      const url = `http://127.0.0.1:${nginx.httpPort}/${name}`;
      const turn = await measureTurn([...childrenOf(nginx.pid), ...pool.pids()], () => (
        runLoad({ url, connections, seconds: kSeconds })));
      (turns[name] ??= []).push(turn);
    }
  }
}

async function checkAll(nginx) {
  for (const { name } of signers) {
    const blob = `alice/${Math.random()} ü#?%.jpg`;
    checkSignature(await ask(nginx.httpsPort, name, blob), blob);
  }
}

const params = {
  REQUEST_METHOD: 'GET', BLOBVALET_ENDPOINT: 'signature', BLOBVALET_USER: 'alice',
  QUERY_STRING: '_method=PUT&bloburi=https%3A%2F%2Facme.blob.core.windows.net%2Fuploads%2Falice%2Fa.jpg',
};
const whole = requestRecords(params);
/// What makes libfcgi 2.4.2 abort: see tests/fcgi/malformed.test.mjs.
const kFatal = [
  Buffer.concat([begin(), stream(kType.params, Buffer.concat([pairLength(0x40000000, true), pairLength(0x3fffffff, true)]))]),
  Buffer.concat([record(kType.getValues, nameValuePairs(Array(8).fill(['FCGI_MPXS_CONNS', ''])), { id: 0 }), whole]),
];

const kHarm = [
  { title: `${kStalled} idle connections`, bytes: Buffer.alloc(0), count: kStalled },
  { title: `${kStalled} half-sent requests`, bytes: whole.subarray(0, -20), count: kStalled },
  { title: 'a length beyond 2^31', bytes: kFatal[0], count: 1 },
  { title: 'eight FCGI_GET_VALUES', bytes: kFatal[1], count: 1 },
];

/// One healthy request by nginx: `{status, ms}`.
async function askHealthily(nginx, name) {
  const start = performance.now();
  const { status } = await ask(nginx.httpsPort, name, 'alice/healthy.jpg');
  return { status, ms: performance.now() - start };
}

/// What becomes of healthy requests while harmful peers are connected, and of the workers: `{statuses, ms, deaths}`, with the
/// longest of the times.
async function sufferFrom({ bytes, count }, { name, pool }, nginx) {
  const before = pool.pids();
  const peers = [];
  try {
    while (peers.length < count) peers.push((await connect(join(dir, `${name}.sock`))).send(bytes));
    await sleep(200);
    const answers = [];
    while (answers.length < kHealthyRequests) answers.push(await askHealthily(nginx, name));
    const alive = new Set(pool.pids());
    return {
      statuses: [...new Set(answers.map(({ status }) => status))], ms: Math.max(...answers.map(({ ms }) => ms)),
      deaths: before.filter((pid) => !alive.has(pid)).length,
    };
  } finally {
    peers.forEach((peer) => peer.close());
    await Promise.all(peers.map(({ socket }) => socket.closed || once(socket, 'close')));
    await sleep(200);
  }
}

const kColumns = [['requests/s', 'rate', 0], ['p50 ms', 'p50', 2], ['p99 ms', 'p99', 2], ['max ms', 'max', 1], ['CPU s/100k', 'cpu', 2]];
const kWidth = 13;
const row = (who, cells) => console.log(`  ${who.padEnd(38)}${cells.map((it) => it.padStart(kWidth)).join('')}`);

function print({ connections, turns }) {
  const ratio = (name, field) => median(turns.gate.map((turn, i) => turn[field] / turns[name][i][field])).toFixed(2);
  console.log(`\nhttp, ${connections} connections`);
  row('', [...kColumns.map(([column]) => column), 'gate is', 'its p99 is', 'its CPU is']);
  for (const { name, title } of candidates) {
    const values = kColumns.map(([, field, digits]) => median(turns[name].map((turn) => turn[field])).toFixed(digits));
    row(title, [...values, ...['rate', 'p99', 'cpu'].map((field) => `${ratio(name, field)} x`)]);
  }
}

let nginx;
try {
  for (const candidate of candidates) candidate.pool = await candidate.start(candidate.name);
  nginx = await startSite({ dir, routes: candidates, bodyBytes });
  await checkAll(nginx);
  for (let round = 0; round < rounds; round += 1) await runRound(nginx);
  await checkAll(nginx);
  console.log(`${options.quick ? 'QUICK: figures are worth nothing. ' : ''}Answers of ${bodyBytes} bytes, one nginx process, `
    + `${cpus().length} cores, medians of ${rounds} rounds, load average ${loadavg()[0].toFixed(1)}. Signatures like the SDK's.`);
  cells.forEach(print);
  console.log(`\nHealthy requests meanwhile: status, the longest time, workers that died`);
  for (const harm of options.quick ? kHarm.slice(1, 3) : kHarm) {
    console.log(harm.title);
    for (const candidate of signers) {
      const { statuses, ms, deaths } = await sufferFrom(harm, candidate, nginx);
      row(candidate.title, [statuses.join(' '), `${ms.toFixed(0)} ms`, String(deaths)]);
    }
  }
} finally {
  await nginx?.stop();
  for (const { pool } of candidates) await pool?.stop();
}
