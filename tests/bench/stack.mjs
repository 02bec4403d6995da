// What the measurements share: a configuration, pools, one nginx with the shipped files, wrk, and the check of signatures.
import { execFileSync, spawn } from 'node:child_process';
import { webcrypto } from 'node:crypto';
import { mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import {
  BlobSASPermissions, generateBlobSASQueryParameters, SASProtocol, StorageSharedKeyCredential,
} from '@azure/storage-blob';
import { request } from '../lib/http.mjs';
import { plainSite, startNginx } from '../lib/nginx.mjs';
import { startPool } from '../lib/pool.mjs';
import { freePort, startProcess, tempDir, waitFor } from '../lib/process.mjs';

export { median } from './median.mjs';

const build = process.env.BENCH_BUILD ?? fileURLToPath(new URL('../../build/release', import.meta.url));
export const binaries = {
  blobvalet: join(build, 'fcgi/blobvalet'),
  responder: join(build, 'tests/bench/constant_responder'),
  loop: join(build, 'tests/bench/constant_loop'),
  threads: join(build, 'tests/bench/threads_detach'),
  openLoop: join(build, 'tests/bench/open_loop'),
};
const account = 'acme';
const container = `https://${account}.blob.core.windows.net/uploads/`;
const key = Buffer.alloc(64, 'k').toString('base64');
/// For what peers sign: an account's key, a container, and the protocols that a SAS allows.
const kSigner = { key, account, container: 'uploads', prefix: container, protocol: 'https' };
const peers = fileURLToPath(new URL('peers/', import.meta.url));
globalThis.crypto ??= webcrypto;        // the SDK takes it for granted, Node.js 18 does not have it
const credential = new StorageSharedKeyCredential(account, key);

/// A directory with configurations, whose paths are returned beside it: `{dir, quiet, logging, write(name, more)}`.
export function writeConfigurations() {
  const dir = tempDir('blobvalet-bench');
  writeFileSync(join(dir, 'acme.key'), key, { mode: 0o600 });
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

/// What `blobvalet sign` says for a blob, alice's.
export const signedBy = (config, blob) => execFileSync(binaries.blobvalet, [
  'sign', '--config', config, '--user', 'alice', '--method', 'PUT', '--blob-uri', container + blob,
], { encoding: 'utf8' }).trim();

/// A URI as the check takes it.
export const signedExample = (blob) => signedBy(writeConfigurations().quiet, blob);

/// A signed URI as long as the average one: the random names of names.lua have 20 letters.
export const typicalAnswer = (config) => signedBy(config, `alice/${'x'.repeat(20)}1234.jpg`);

/// Starts `workers` processes of blobvalet or of constant_loop; what they log goes nowhere.
export function startWorkers({ dir, name, config, workers, program = 'blobvalet', args, env, tcp }) {
  symlinkSync('/dev/null', join(dir, `${name}.log`));
  return startPool({ binary: binaries[program], config, workers, dir, name, args, env, tcp });
}

/// A pool of `workers` constant_responders: stock ones, or with `threads` those which detach connections.
export const startResponders = ({ dir, name, workers, bodyBytes, threads }) => startPlainPool({
  dir, name, workers, command: [binaries.responder, String(bodyBytes), ...(threads ? [String(threads)] : [])],
});

/// A pool of `workers` threads_detach: blobvalet's own App in libfcgi's threads.
export const startThreads = ({ dir, name, workers, config, threads }) => startPlainPool({
  dir, name, workers, command: [binaries.threads, config, String(threads)],
});

async function startPlainPool({ dir, name, workers, command }) {
  const pool = startProcess('spawn-fcgi', [
    '-s', join(dir, `${name}.sock`), '-M', '0660', '-n', '--',
    '/usr/bin/multiwatch', '-f', String(workers), '-s', 'TERM', '--', ...command,
  ]);
  const pids = () => childrenOf(pool.pid);
  await waitFor(() => pids().length === workers, { what: `${workers} responders` });
  return { pids, stop: pool.stop };
}

/// Starts `peers/PROGRAM` for Node.js, as it is deployed: for production, on a port behind nginx.
export async function startNodePeer({ program, signer = kSigner }) {
  const port = await freePort();
  const server = startProcess(process.execPath, [join(peers, program), String(port)], {
    env: { BENCH_SIGNER: JSON.stringify(signer), NODE_ENV: 'production' },
  });
  await waitFor(() => server.ended() ?? request({ port, tls: false, path: '/' }), { what: program });
  if (server.ended()) throw new Error(`${program} did not start:\n${server.output()}`);
  return { port, pids: () => [server.pid], stop: () => server.stop('SIGTERM') };
}

/// One nginx with a location `/NAME` for each of `routes`: `{name, kind, tcp}` with kind `kept` (the shipped files, but
/// for the socket's name, or its address in `tcp`), `stock` (the same without kept connections),
/// `proxy` (a server on `pool.port`), `lua`, `njs` (signed by nginx itself) or `nginx` (a constant answer).
export function startSite({ dir, routes, bodyBytes }) {
  const shipped = (file) => readFileSync(new URL(`../../nginx/${file}`, import.meta.url), 'utf8');
  const common = shipped('snippets/blobvalet-common.conf');
  const snippet = shipped('snippets/blobvalet-signature.conf');
  const conf = shipped('conf.d/blobvalet.conf');
  const upstream = /^upstream blobvalet_signature \{[^}]*\}/m.exec(conf)[0];
  const poolByMethod = /^map \$arg__method \$blobvalet_signature_pool \{[^}]*\}/m.exec(conf)[0];
  const files = { 'snippets/bench-stock-common.conf': replace(common, 'fastcgi_keep_conn on', 'fastcgi_keep_conn off') };
  const locations = routes.map(({ name, kind, tcp, pool }) => {
    if (kind === 'nginx') return `location = /${name} { ${constantAnswer(bodyBytes)} }`;
    if (['lua', 'njs', 'proxy'].includes(kind)) return peerLocation(name, { kind, pool });
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
    dir: site, files, workers: 1, connections: 4096, ...modulesFor(routes),
    render: plainSite(`
      access_log off;
      set $blobvalet_user alice;
      include snippets/blobvalet-errors.conf;
      location = /status { stub_status; }
      ${locations.join('\n')}`),
  });
}

const kTypeOfAnswer = 'default_type "text/plain; charset=utf-8";';
const kProxy = 'proxy_http_version 1.1; proxy_set_header Connection ""; proxy_set_header Host $host;';

/// The location `/NAME` of a peer that signs: by nginx itself, or on `pool.port`.
export function peerLocation(name, { kind, pool, signer = kSigner }) {
  if (kind === 'lua') return `location = /${name} { ${kTypeOfAnswer} content_by_lua_block { answer() } }`;
  if (kind === 'njs') return `location = /${name} { ${kTypeOfAnswer} ${njsVariables(signer)} js_content sign.answer; }`;
  return `location = /${name} { ${kProxy} proxy_pass http://bench_${name}; }`;
}

const resourceOf = (signer) => `/blob/${signer.account}/${signer.container}/`;
const njsVariables = (signer) => Object.entries({
  key: signer.key, prefix: signer.prefix, resource: resourceOf(signer), protocol: signer.protocol,
}).map(([name, value]) => `set $bench_${name} "${value}";`).join(' ');

/// What startNginx() needs for the locations of `peers`. Whoever loads a module pays for it, so only those that somebody needs.
export function modulesFor(all, signer = kSigner) {
  const has = (wanted) => all.some(({ kind }) => kind === wanted);
  const about = [signer.key, signer.prefix, resourceOf(signer), signer.protocol].map((it) => `"${it}"`).join(', ');
  const lua = `lua_package_path "${peers}?.lua;;"; init_worker_by_lua_block { answer = require("sign").new(${about}) }`;
  const upstreams = all.filter(({ kind }) => kind === 'proxy')
    .map(({ name, pool }) => `upstream bench_${name} { server 127.0.0.1:${pool.port}; keepalive 128; }`);
  return {
    modules: [...(has('lua') ? ['ndk_http_module', 'ngx_http_lua_module'] : []), ...(has('njs') ? ['ngx_http_js_module'] : [])],
    http: [
      ...(has('lua') ? [lua] : []), ...(has('njs') ? [`js_path "${peers}"; js_import sign from sign.js;`] : []), ...upstreams,
    ].join('\n'),
  };
}

const constantAnswer = (bytes) => `
  ${kTypeOfAnswer}
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
  if (result.refused > 0 || result.broken > 0 || result.requests === 0) throw new Error(`${options.url}: ${JSON.stringify(result)}`);
  return result;
}

export const ask = (port, name, blob, agent) => request({
  port, agent, path: `/${name}?_method=PUT&bloburi=${encodeURIComponent(container + blob)}&qqtimestamp=1`,
});

/// Throws unless `answer` is the URI of `blob`, signed as the official SDK signs the same blob, permissions, times, protocol and
/// version, and allows what a PUT needs for no longer than a quarter of an hour.
export function checkSignature(answer, blob) {
  const fail = (what) => { throw new Error(`${what}: ${answer.status} ${answer.body}`); };
  if (answer.status !== 200) fail('refused');
  const uri = new URL(answer.body);
  if (uri.origin + decodeURIComponent(uri.pathname) !== container + blob) fail(`signed another blob than ${blob}`);
  const got = uri.searchParams;
  const seconds = (Date.parse(got.get('se')) - Date.now()) / 1000;
  if (got.get('sp') !== 'cw' || !(seconds > 840 && seconds <= 901)) fail('another grant than was asked for');
  const expected = generateBlobSASQueryParameters({
    containerName: 'uploads', blobName: blob, permissions: BlobSASPermissions.parse('cw'), version: got.get('sv'),
    startsOn: got.has('st') ? new Date(got.get('st')) : undefined, expiresOn: new Date(got.get('se')),
    protocol: got.get('spr') === 'https' ? SASProtocol.Https : undefined,
  }, credential);
  const sorted = (params) => [...params].map((pair) => pair.join('=')).sort().join('&');
  if (sorted(got) !== sorted(new URLSearchParams(expected.toString()))) fail(`not what the SDK signs (${expected})`);
}

/// Asks for signatures at `rate` a second, whatever the answers do: `{requests, p50, p99, max, errors}` in ms.
export function runOpenLoop({ port, name, rate, connections, seconds, pauseMs = 0 }) {
  const path = `/${name}?_method=PUT&bloburi=${encodeURIComponent(`${container}alice/open`)}`;
  const child = spawn(binaries.openLoop, [port, path, rate, connections, seconds, pauseMs].map(String));
  let output = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk) => { output += chunk; });
  return new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (code) => {
      if (code !== 0) return reject(new Error(`open_loop failed: ${output}`));
      const result = JSON.parse(output);
      return result.errors > 0 ? reject(new Error(`${name}: ${output}`)) : resolve(result);
    });
  });
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
