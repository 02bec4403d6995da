// What both measurements share: a configuration, pools, one nginx with the shipped files, and wrk.
import { execFileSync, spawn } from 'node:child_process';
import { createHmac } from 'node:crypto';
import { mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { request } from '../lib/http.mjs';
import { plainSite, startNginx } from '../lib/nginx.mjs';
import { startPool } from '../lib/pool.mjs';
import { startProcess, tempDir, waitFor } from '../lib/process.mjs';

const build = process.env.BENCH_BUILD ?? fileURLToPath(new URL('../../build/release', import.meta.url));
const binaries = {
  blobvalet: join(build, 'fcgi/blobvalet'),
  responder: join(build, 'tests/bench/constant_responder'),
  loop: join(build, 'tests/bench/constant_loop'),
};
const account = 'acme';
const container = `https://${account}.blob.core.windows.net/uploads/`;
const key = Buffer.alloc(64, 'k');

/// A directory with configurations, whose paths are returned beside it: `{dir, quiet, logging, write(name, more)}`.
export function writeConfigurations() {
  const dir = tempDir('blobvalet-bench');
  writeFileSync(join(dir, 'acme.key'), key.toString('base64'), { mode: 0o600 });
  const write = (name, { accessLog = false, limit, limits } = {}) => {
    const file = join(dir, `${name}.json`);
    writeFileSync(file, JSON.stringify({
      accounts: [{
        name: account, endpoint: new URL(container).origin, credential: { type: 'shared_key', key_file: 'acme.key' },
      }],
      rules: [{ name: 'own', account, container: 'uploads', blobs: ['{user}/**'], methods: ['PUT', 'DELETE'], limit }],
      server: { access_log: accessLog, audit_log: accessLog, metrics_file: 'metrics', allow_from: ['127.0.0.1'] },
      limits,
    }));
    return file;
  };
  return { dir, quiet: write('quiet'), logging: write('logging', { accessLog: true }), write };
}

/// A signed URI as long as the average one: the random names of names.lua have 20 letters.
export const typicalAnswer = (config) => execFileSync(binaries.blobvalet, [
  'sign', '--config', config, '--user', 'alice', '--method', 'PUT', '--blob-uri', `${container}alice/${'x'.repeat(20)}1234.jpg`,
], { encoding: 'utf8' }).trim();

/// Starts `workers` processes of blobvalet or of constant_loop; what they log goes nowhere.
export function startWorkers({ dir, name, config, workers, program = 'blobvalet', args, env, tcp }) {
  symlinkSync('/dev/null', join(dir, `${name}.log`));
  return startPool({ binary: binaries[program], config, workers, dir, name, args, env, tcp });
}

/// A stock pool of `workers` constant_responders.
export async function startResponders({ dir, name, workers, bodyBytes }) {
  const pool = startProcess('spawn-fcgi', [
    '-s', join(dir, `${name}.sock`), '-M', '0660', '-n', '--',
    '/usr/bin/multiwatch', '-f', String(workers), '-s', 'TERM', '--', binaries.responder, String(bodyBytes),
  ]);
  const pids = () => childrenOf(pool.pid);
  await waitFor(() => pids().length === workers, { what: `${workers} responders` });
  return { pids, stop: pool.stop };
}

/// One nginx with a location `/NAME` for each of `routes`: `{name, kind, tcp}` with kind `kept` (the shipped files, but
/// for the socket's name, or its address in `tcp`), `stock` (the same without kept connections) or `nginx` (no responder at all).
export function startSite({ dir, routes, bodyBytes }) {
  const shipped = (file) => readFileSync(new URL(`../../nginx/${file}`, import.meta.url), 'utf8');
  const common = shipped('snippets/blobvalet-common.conf');
  const snippet = shipped('snippets/blobvalet-signature.conf');
  const conf = shipped('conf.d/blobvalet.conf');
  const upstream = /^upstream blobvalet_signature \{[^}]*\}/m.exec(conf)[0];
  const poolByMethod = /^map \$arg__method \$blobvalet_signature_pool \{[^}]*\}/m.exec(conf)[0];
  const files = { 'snippets/bench-stock-common.conf': replace(common, 'fastcgi_keep_conn on', 'fastcgi_keep_conn off') };
  const locations = routes.map(({ name, kind, tcp }) => {
    if (kind === 'nginx') return `location = /${name} { ${constantAnswer(bodyBytes)} }`;
    const ownSocket = tcp ? replace(upstream, /unix:\S+/g, `${tcp.address}:${tcp.port}`)
      : replace(replace(upstream, '/run/blobvalet/', `${dir}/`), 'signature.sock', `${name}.sock`);
    const ownUpstream = replace(ownSocket, 'blobvalet_signature', `bench_${name}`)
      + replace(poolByMethod, 'blobvalet_signature', `bench_${name}`);
    files[`conf.d/bench-${name}.conf`] = kind === 'stock' ? replace(ownUpstream, /^ *keepalive.*;/gm, '') : ownUpstream;
    const ownSnippet = replace(snippet, '$blobvalet_signature_pool', `$bench_${name}_pool`);
    files[`snippets/bench-${name}.conf`] = kind === 'stock'
      ? replace(ownSnippet, 'snippets/blobvalet-common.conf', 'snippets/bench-stock-common.conf') : ownSnippet;
    return `location = /${name} { include snippets/bench-${name}.conf; }`;
  });
  const site = join(dir, 'nginx');
  mkdirSync(site);
  return startNginx({
    dir: site, files, workers: 1,
    render: plainSite(`
      access_log off;
      set $blobvalet_user alice;
      include snippets/blobvalet-errors.conf;
      location = /status { stub_status; }
      ${locations.join('\n')}`),
  });
}

const constantAnswer = (bytes) => `
  default_type "text/plain; charset=utf-8";
  add_header Vary Origin always;
  add_header Cache-Control no-store always;
  add_header X-Content-Type-Options nosniff always;
  return 200 "${'x'.repeat(bytes)}";`;

function replace(text, from, to) {
  const replaced = text.replaceAll(from, to);
  if (replaced === text) throw new Error(`nothing to replace: ${from}`);
  return replaced;
}

/// Runs wrk, which asks for signatures of blobs in the container `into`; `{summary, stop()}`, where `summary` is a promise of what names.lua prints.
export function startLoad({ url, connections, seconds, longestName = 40, into = container }) {
  const wrk = spawn('wrk', [
    '-t1', `-c${connections}`, `-d${seconds}s`, '--timeout', '10s', '-s', fileURLToPath(new URL('names.lua', import.meta.url)),
    url, '--', new URL(url).pathname, encodeURIComponent(into), String(longestName),
  ]);
  let output = '';
  for (const stream of [wrk.stdout, wrk.stderr]) stream.on('data', (chunk) => { output += chunk; });
  const summary = new Promise((resolve, reject) => {
    wrk.once('error', reject);
    wrk.once('close', () => {
      const line = /^\{.*\}$/m.exec(output);
      if (line) resolve(JSON.parse(line[0]));
      else reject(new Error(`wrk failed:\n${output}`));
    });
  });
  return { summary, stop: () => wrk.kill('SIGINT') };
}

export async function runLoad(options) {
  const result = await startLoad(options).summary;
  if (result.refused > 0 || result.broken > 0) throw new Error(`${options.url}: ${JSON.stringify(result)}`);
  return result;
}

export const ask = (port, name, blob) => request({
  port, path: `/${name}?_method=PUT&bloburi=${encodeURIComponent(container + blob)}&qqtimestamp=1`,
});

/// Throws unless `answer` is the signed URI of `blob`: computed once more, by the recipe of version 2023-11-03.
export function checkSignature(answer, blob) {
  const fail = (what) => { throw new Error(`${what}: ${answer.status} ${answer.body}`); };
  if (answer.status !== 200) fail('refused');
  const uri = new URL(answer.body);
  const q = (name) => uri.searchParams.get(name) ?? '';
  const path = decodeURIComponent(uri.pathname);
  if (uri.origin + path !== container + blob) fail(`signed another blob than ${blob}`);
  const text = [
    q('sp'), q('st'), q('se'), `/blob/${account}${path}`, '', '', q('spr'), q('sv'), q('sr'), '', '', '', '', '', '', '',
  ].join('\n');
  if (q('sig') !== createHmac('sha256', key).update(text).digest('base64')) fail('wrong signature');
}

export const childrenOf = (pid) => readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').split(' ').filter(Boolean).map(Number);

/// User and system time of the processes so far, all their threads together.
export function cpuSeconds(pids) {
  const kTicksPerSecond = 100;
  const ticks = pids.map((pid) => {
    const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1].split(' ');
    return Number(fields[11]) + Number(fields[12]);
  });
  return ticks.reduce((sum, n) => sum + n, 0) / kTicksPerSecond;
}

export const rssKib = (pid) => Number(/^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))[1]);

export function median(numbers) {
  const sorted = [...numbers].sort((a, b) => a - b);
  const middle = Math.floor(sorted.length / 2);
  return sorted.length % 2 === 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}
