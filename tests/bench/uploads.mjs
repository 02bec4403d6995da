// What signing costs an upload by the real client: Fine Uploader 5.16 in Chromium sends to Azurite, with the stock page and with
// blobvalet.js, from the signer's own site and from another one with a custom header, which has a preflight for each signature.
// Counted are signature requests and preflights by nginx's log, and CPU of nginx and of the worker from when the file is added.
//
// The peers answer as many requests as the stock page made for the large file, three at a time as Fine Uploader does, by TLS.
import { existsSync, mkdirSync, readFileSync, readdirSync, symlinkSync, writeFileSync } from 'node:fs';
import https from 'node:https';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { account, key, startAzurite } from '../lib/azurite.mjs';
import { launchBrowser, openContext } from '../lib/browser.mjs';
import { plainSite, startNginx } from '../lib/nginx.mjs';
import { sleep, tempDir } from '../lib/process.mjs';
import {
  ask, checkSignature, childrenOf, median, startNodePeer, startSite, startWorkers, writeConfigurations,
} from './stack.mjs';

const { values: options } = parseArgs({
  options: { bytes: { type: 'string', default: String(2 ** 30) }, files: { type: 'string', default: '100' } },
});
const kPartBytes = 4_000_000;               // Fine Uploader's default is 2 MB; 4 MB is what a site with large files has
const kSmallBytes = 1_000_000;
const kUploadTimeoutMs = 600_000;
const kAtOnce = 3;                          // Fine Uploader's connections
const kPeerRuns = 5;
const helper = process.env.BENCH_HELPER ?? fileURLToPath(new URL('../../nginx/blobvalet.js', import.meta.url));
const modules = fileURLToPath(new URL('../node_modules', import.meta.url));

/// CPU time so far in ms, of all threads, by the scheduler's clock: hundreds of signatures are less than a tick of /proc/PID/stat.
const cpuMs = (pids) => pids.flatMap((pid) => readdirSync(`/proc/${pid}/task`).map((task) => `/proc/${pid}/task/${task}/schedstat`))
  .reduce((sum, file) => sum + Number(readFileSync(file, 'utf8').split(' ')[0]) / 1e6, 0);

async function startUploadSite(storage) {
  const dir = tempDir();
  const config = join(dir, 'blobvalet.json');
  writeFileSync(join(dir, 'account.key'), key, { mode: 0o600 });
  writeFileSync(config, JSON.stringify({
    accounts: [{ name: account, endpoint: storage.blobEndpoint, credential: { type: 'shared_key', key_file: 'account.key' } }],
    sas: { protocol: 'https,http' },
    rules: [{ name: 'drop', account, container: 'drop', blobs: ['**'], methods: ['PUT'], anonymous: true }],
    server: { access_log: false },
  }));
  mkdirSync(join(dir, 'www'));
  symlinkSync(join(modules, 'fine-uploader/azure.fine-uploader/azure.fine-uploader.core.js'), join(dir, 'www/fine-uploader.js'));
  symlinkSync(helper, join(dir, 'www/blobvalet.js'));
  const page = (more) => `<!doctype html><link rel="icon" href="data:,"><script src="/fine-uploader.js"></script>${more}`;
  writeFileSync(join(dir, 'www/stock.html'), page(''));
  writeFileSync(join(dir, 'www/helper.html'), page('<script src="/blobvalet.js"></script>'));
  const pool = await startWorkers({ dir, name: 'signature', config, workers: 1, args: ['--signatures-only'] });
  const nginx = await startNginx({
    dir, customHeaders: ['X-Csrf-Token'], signatureSocket: pool.socket, files: { 'blobvalet/origins.map': '"~^https://app\\.localhost:" 1;\n' },
    render: plainSite(`
      server_name app.localhost;
      root ${dir}/www;
      set $blobvalet_user "";
      include snippets/blobvalet-errors.conf;
      location = /blobvalet/signature { include snippets/blobvalet-signature.conf; }`),
  });
  const origins = ['localhost', 'app.localhost'].map((host) => `https://${host}:${nginx.httpsPort}`);
  await storage.allowOrigins(origins);
  const pids = () => [...childrenOf(nginx.pid), ...pool.pids()];
  return { nginx, pids, origins, async stop() { await nginx.stop(); await pool.stop(); } };
}

/// Runs in the page: uploads `count` files of `bytes` each; the names of those that failed.
function uploadInPage({ endpoint, signature, customHeaders, partBytes, bytes, count }) {
  const bytesOfBlock = new Uint8Array(1_000_000).map((_, i) => i % 251);
  const block = new Blob([bytesOfBlock]);
  const parts = Array.from({ length: Math.ceil(bytes / block.size) }, (_, i) => block.slice(0, Math.min(block.size, bytes - i * block.size)));
  return new Promise((resolve) => {
    const uploader = new qq.azure.FineUploaderBasic({
      request: { endpoint }, signature: { endpoint: signature, customHeaders }, blobProperties: { name: 'uuid' },
      chunking: { enabled: true, partSize: partBytes, minFileSize: partBytes + 1, concurrent: { enabled: true } },
      callbacks: { onAllComplete: (succeeded, failed) => resolve({ succeeded: succeeded.length, failed: failed.length }) },
    });
    uploader.addFiles(Array.from({ length: count }, (_, i) => new File(parts, `${i}.bin`)));
  });
}

const requestsIn = (log, method) => log.split(`"${method} /blobvalet/signature`).length - 1;

/// Uploads from a fresh page; `{signatures, preflights, cpu, seconds}`.
async function upload(site, storage, browser, { page: name, isForeign, bytes, count }) {
  const context = await openContext(browser);
  const page = await context.newPage();
  page.setDefaultTimeout(kUploadTimeoutMs);
  const [own, foreign] = site.origins;
  await page.goto(`${isForeign ? foreign : own}/${name}.html`);
  await page.evaluate((it) => fetch(`${it}/stock.html`, { mode: 'no-cors' }).then(() => {}), own);  // the handshake is not the signature's
  const [before, log, start] = [cpuMs(site.pids()), site.nginx.accessLog(), Date.now()];
  const outcome = await page.evaluate(uploadInPage, {
    endpoint: `${storage.blobEndpoint}/drop`, signature: `${isForeign ? own : ''}/blobvalet/signature`,
    customHeaders: isForeign ? { 'X-Csrf-Token': '1' } : {}, partBytes: kPartBytes, bytes, count,
  });
  const cpu = cpuMs(site.pids()) - before;
  const seconds = (Date.now() - start) / 1000;
  const news = site.nginx.accessLog().slice(log.length);
  await context.close();
  if (outcome.succeeded !== count || outcome.failed > 0) throw new Error(`uploads failed: ${JSON.stringify(outcome)}`);
  return { signatures: requestsIn(news, 'GET'), preflights: requestsIn(news, 'OPTIONS'), cpu, seconds };
}

// --- peers ----------------------------------------------------------------------------------------------------

const peers = [
  { name: 'blobvalet', title: 'blobvalet', kind: 'kept' },
  { name: 'lua', title: 'LuaJIT and OpenSSL in nginx', kind: 'lua' },
  { name: 'njs', title: 'njs in nginx', kind: 'njs' },
  { name: 'bare', title: 'Node.js alone', kind: 'proxy', program: 'bare.mjs' },
  { name: 'express', title: 'Express and the SDK', kind: 'proxy', program: 'sdk.mjs' },
];

/// Asks for `count` signatures, checks each, and returns what CPU time in ms it took, handshakes not counted.
async function measurePeer({ name, pool }, nginx, count) {
  const pids = [...childrenOf(nginx.pid), ...pool.pids()];
  const agent = new https.Agent({ keepAlive: true, maxSockets: kAtOnce });
  const askFor = async (blob) => checkSignature(await ask(nginx.httpsPort, name, blob, agent), blob);
  await Promise.all(Array.from({ length: kAtOnce }, (_, i) => askFor(`alice/first ${i}`)));
  const before = cpuMs(pids);
  const blobs = Array.from({ length: count }, (_, i) => `alice/${i}.bin`);
  const askOnAndOn = async () => { for (let blob = blobs.pop(); blob; blob = blobs.pop()) await askFor(blob); };
  await Promise.all(Array.from({ length: kAtOnce }, askOnAndOn));
  const cpu = cpuMs(pids) - before;
  agent.destroy();
  return cpu;
}

/// CPU in ms that each peer takes for `count` answers: the median of some runs, handshakes and warm-up before.
async function measurePeers(count) {
  const { dir, quiet } = writeConfigurations();
  for (const peer of peers) {
    if (peer.kind === 'proxy') peer.pool = await startNodePeer(peer);
    else if (peer.kind === 'kept') peer.pool = await startWorkers({ dir, name: peer.name, config: quiet, workers: 1 });
    else peer.pool = { pids: () => [], stop() {} };
  }
  const nginx = await startSite({ dir, routes: peers });
  try {
    for (const peer of peers) await measurePeer(peer, nginx, count);
    for (let run = 0; run < kPeerRuns; run += 1) {
      for (const peer of peers) (peer.runs ??= []).push(await measurePeer(peer, nginx, count));
    }
  } finally {
    await nginx.stop();
    for (const { pool } of peers) await pool.stop();
  }
  return peers.map(({ name, title, runs }) => ({ name, title, cpu: median(runs) }));
}

// --- all of it ------------------------------------------------------------------------------------------------

const bytes = Number(options.bytes);
const jobs = [
  { title: `1 file of ${(bytes / 2 ** 20).toFixed(0)} MiB in parts of 4 MB`, bytes, count: 1, isLarge: true },
  { title: `${options.files} files of 1 MB`, bytes: kSmallBytes, count: Number(options.files) },
];
const pages = existsSync(helper) ? ['stock', 'helper'] : ['stock'];

async function measureUploads() {
  const rows = [];
  const browser = await launchBrowser();
  try {
    for (const job of jobs) {
      for (const isForeign of [false, true]) {
        for (const page of pages) rows.push({ job, page, isForeign, ...await measureUpload(browser, { ...job, page, isForeign }) });
      }
    }
  } finally {
    await browser.close();
  }
  return rows;
}

// A store of its own for each, which is gone afterwards, since it is all in memory.
async function measureUpload(browser, job) {
  const storage = await startAzurite();
  let site;
  try {
    await storage.createContainer('drop');
    site = await startUploadSite(storage);
    await sleep(500);
    return await upload(site, storage, browser, job);
  } finally {
    await site?.stop();
    await storage.stop();
  }
}

const line = (texts) => console.log(texts[0].padEnd(64) + texts.slice(1).map((it) => String(it).padStart(13)).join(''));
const rows = await measureUploads();
line(['upload to Azurite by Fine Uploader 5.16', 'signatures', 'preflights', 'CPU ms', 'seconds']);
for (const { job, page, isForeign, signatures, preflights, cpu, seconds } of rows) {
  const where = isForeign ? 'another site, custom header' : 'same site';
  line([`${job.title}, ${where}, ${page === 'helper' ? 'blobvalet.js' : 'stock'}`, signatures, preflights, cpu.toFixed(2), seconds.toFixed(1)]);
}
const large = (page) => rows.find((row) => row.job.isLarge && row.page === page && !row.isForeign);
const asked = large('stock').signatures;
console.log();
line([`the same ${asked} signatures, three at a time`, 'CPU ms', ...(large('helper') ? ['blobvalet.js'] : [])]);
for (const { title, cpu } of await measurePeers(asked)) {
  line([title, cpu.toFixed(2), ...(large('helper') ? [`${(cpu / large('helper').cpu).toFixed(0)} x less`] : [])]);
}
