// What signing costs an upload by the real client: Fine Uploader 5.16 in Chromium sends to Azurite, with the stock page and with
// blobvalet.js, from the signer's own site and from another one with a custom header, which has a preflight for each signature.
// Each server has answered some signatures before, as on a site in use: the first one of a process is no measure of the others.
// Counted are signature requests and preflights by nginx's log, and CPU of nginx and of the worker from when the file is added.
//
// The peers of `signatures` answer the stock page's requests for the same large file.
import { existsSync, mkdirSync, readFileSync, readdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { account, key, startAzurite } from '../lib/azurite.mjs';
import { launchBrowser, openContext } from '../lib/browser.mjs';
import { plainSite, startNginx } from '../lib/nginx.mjs';
import { sleep, tempDir } from '../lib/process.mjs';
import {
  childrenOf, median, modulesFor, peerLocation, startNodePeer, startWorkers,
} from './stack.mjs';

const { values: options } = parseArgs({
  options: {
    bytes: { type: 'string', default: String(2 ** 30) },
    files: { type: 'string', default: '100' },
    rounds: { type: 'string', default: '3' },           // of what is compared: the large file, from the signer's own site
  },
});
const kPartBytes = 4_000_000;               // Fine Uploader's default
const kSmallBytes = 1_000_000;
const kUploadTimeoutMs = 600_000;
const peers = [
  { name: 'lua', title: 'LuaJIT and OpenSSL in nginx', kind: 'lua' },
  { name: 'njs', title: 'njs in nginx', kind: 'njs' },
  { name: 'bare', title: 'Node.js alone', kind: 'proxy', program: 'bare.mjs' },
  { name: 'express', title: 'Express and the SDK', kind: 'proxy', program: 'sdk.mjs' },
];
const helper = process.env.BENCH_HELPER ?? fileURLToPath(new URL('../../nginx/blobvalet.js', import.meta.url));
const modules = fileURLToPath(new URL('../node_modules', import.meta.url));

/// CPU time so far in ms, of all threads, by the scheduler's clock: hundreds of signatures are less than a tick of /proc/PID/stat.
const cpuMs = (pids) => pids.flatMap((pid) => readdirSync(`/proc/${pid}/task`).map((task) => `/proc/${pid}/task/${task}/schedstat`))
  .reduce((sum, file) => sum + Number(readFileSync(file, 'utf8').split(' ')[0]) / 1e6, 0);

/// The page's site, where `peer`, or blobvalet if there is none, answers for /sign: `{nginx, cpu(), origins, stop()}`.
async function startUploadSite(storage, peer) {
  const dir = tempDir();
  writePages(dir);
  const signer = { key, account, container: 'drop', prefix: `${storage.blobEndpoint}/drop/`, protocol: 'https,http' };
  const pool = await (peer ? startPeer(peer, signer) : startBlobvalet(dir, storage));
  const routes = peer ? [{ ...peer, name: 'sign', pool }] : [];
  const location = peer ? peerLocation('sign', { ...peer, pool, signer })
    : 'location = /sign { include snippets/blobvalet-signature.conf; }';
  const nginx = await startNginx({
    dir, customHeaders: ['X-Csrf-Token'], signatureSocket: join(dir, 'signature.sock'), ...modulesFor(routes, signer),
    files: { 'blobvalet/origins.map': '"~^https://app\\.localhost:" 1;\n' },
    render: plainSite(`
      server_name app.localhost;
      root ${dir}/www;
      set $blobvalet_user "";
      include snippets/blobvalet-errors.conf;
      ${location}`),
  });
  const origins = ['localhost', 'app.localhost'].map((host) => `https://${host}:${nginx.httpsPort}`);
  await storage.allowOrigins(origins);
  const cpu = () => ({ nginx: cpuMs(childrenOf(nginx.pid)), signer: cpuMs(pool.pids()) });
  return { nginx, cpu, origins, async stop() { await nginx.stop(); await pool.stop(); } };
}

function startPeer({ kind, program }, signer) {
  return kind === 'proxy' ? startNodePeer({ program, signer }) : { pids: () => [], stop() {} };
}

function startBlobvalet(dir, storage) {
  const config = join(dir, 'blobvalet.json');
  writeFileSync(join(dir, 'account.key'), key, { mode: 0o600 });
  writeFileSync(config, JSON.stringify({
    accounts: [{ name: account, endpoint: storage.blobEndpoint, credential: { type: 'shared_key', key_file: 'account.key' } }],
    sas: { protocol: 'https,http' },
    rules: [{ name: 'drop', account, container: 'drop', blobs: ['**'], methods: ['PUT'], anonymous: true }],
    server: { access_log: false },
  }));
  return startWorkers({ dir, name: 'signature', config, workers: 1, args: ['--signatures-only'] });
}

function writePages(dir) {
  const www = (name) => join(dir, 'www', name);
  mkdirSync(www(''));
  symlinkSync(join(modules, 'fine-uploader/azure.fine-uploader/azure.fine-uploader.core.js'), www('fine-uploader.js'));
  symlinkSync(helper, www('blobvalet.js'));
  const page = (more) => `<!doctype html><link rel="icon" href="data:,"><script src="/fine-uploader.js"></script>${more}`;
  writeFileSync(www('stock.html'), page(''));
  writeFileSync(www('helper.html'), page('<script src="/blobvalet.js"></script>'));
}

/// Runs in the page: uploads `count` files of `bytes` each; the names of those that failed.
function uploadInPage({ endpoint, signature, customHeaders, partBytes, bytes, count }) {
  const bytesOfBlock = new Uint8Array(1_000_000).map((_, i) => i % 251);
  const block = new Blob([bytesOfBlock]);
  const parts = Array.from({ length: Math.ceil(bytes / block.size) }, (_, i) => block.slice(0, Math.min(block.size, bytes - i * block.size)));
  return new Promise((resolve) => {
    const uploader = new qq.azure.FineUploaderBasic({
      request: { endpoint }, signature: { endpoint: signature, customHeaders }, blobProperties: { name: (id) => new qq.Promise().success(`alice/${uploader.getUuid(id)}`) },
      chunking: { enabled: true, partSize: partBytes, minFileSize: partBytes + 1, concurrent: { enabled: true } },
      callbacks: { onAllComplete: (succeeded, failed) => resolve({ succeeded: succeeded.length, failed: failed.length }) },
    });
    uploader.addFiles(Array.from({ length: count }, (_, i) => new File(parts, `${i}.bin`)));
  });
}

/// Runs in the page, without what would need a preflight.
async function warmUp(url) {
  for (let i = 0; i < 50; i++) await fetch(url, { mode: 'no-cors' });
}

const requestsIn = (log, method) => log.split(`"${method} /sign?`).length - 1;

/// Uploads from a fresh page; `{signatures, preflights, nginx, signer, seconds}`, of these two the CPU time in ms.
async function upload(site, storage, browser, { page: name, isForeign, bytes, count }) {
  const context = await openContext(browser);
  const page = await context.newPage();
  page.setDefaultTimeout(kUploadTimeoutMs);
  const [own, foreign] = site.origins;
  await page.goto(`${isForeign ? foreign : own}/${name}.html`);
  await page.evaluate((it) => fetch(`${it}/stock.html`, { mode: 'no-cors' }).then(() => {}), own);  // the handshake is not the signature's
  await page.evaluate(warmUp, `${isForeign ? own : ''}/sign?${new URLSearchParams({ bloburi: `${storage.blobEndpoint}/drop/alice/warm`, _method: 'PUT' })}`);
  const [before, log, start] = [site.cpu(), site.nginx.accessLog(), Date.now()];
  const outcome = await page.evaluate(uploadInPage, {
    endpoint: `${storage.blobEndpoint}/drop`, signature: `${isForeign ? own : ''}/sign`,
    customHeaders: isForeign ? { 'X-Csrf-Token': '1' } : {}, partBytes: kPartBytes, bytes, count,
  });
  const after = site.cpu();
  const seconds = (Date.now() - start) / 1000;
  const news = site.nginx.accessLog().slice(log.length);
  await context.close();
  if (outcome.succeeded !== count || outcome.failed > 0) throw new Error(`uploads failed: ${JSON.stringify(outcome)}`);
  return {
    signatures: requestsIn(news, 'GET'), preflights: requestsIn(news, 'OPTIONS'),
    nginx: after.nginx - before.nginx, signer: after.signer - before.signer, seconds,
  };
}

// --- all of it ------------------------------------------------------------------------------------------------

const bytes = Number(options.bytes);
const jobs = [
  { title: `1 file of ${(bytes / 2 ** 20).toFixed(0)} MiB in parts of 4 MB`, bytes, count: 1, isLarge: true },
  { title: `${options.files} files of 1 MB`, bytes: kSmallBytes, count: Number(options.files) },
];
const pages = existsSync(helper) ? ['stock', 'helper'] : ['stock'];

const variants = (job) => [false, true].flatMap((isForeign) => pages.map((page) => ({ ...job, page, isForeign })));
const plan = [
  ...jobs.flatMap(variants), ...peers.map((peer) => ({ ...jobs[0], page: 'stock', isForeign: false, peer })),
];

const isCompared = ({ isLarge, isForeign }) => isLarge && !isForeign;

/// The plan's rows with the medians of their rounds.
async function measureUploads() {
  const runs = new Map(plan.map((job) => [job, []]));
  const browser = await launchBrowser();
  try {
    for (let round = 0; round < Number(options.rounds); round += 1) {
      for (const job of plan.filter((it) => round === 0 || isCompared(it))) runs.get(job).push(await measureUpload(browser, job));
    }
  } finally {
    await browser.close();
  }
  return [...runs].map(([job, all]) => ({ ...job, ...mediansOf(all) }));
}

const mediansOf = (all) => Object.fromEntries(Object.keys(all[0]).map((field) => [field, median(all.map((it) => it[field]))]));

// A store of its own for each, which is gone afterwards, since it is all in memory.
async function measureUpload(browser, { peer, ...job }) {
  const storage = await startAzurite();
  let site;
  try {
    await storage.createContainer('drop');
    site = await startUploadSite(storage, peer);
    await sleep(500);
    return await upload(site, storage, browser, job);
  } finally {
    await site?.stop();
    await storage.stop();
  }
}

const rows = await measureUploads();
const ours = rows.find(({ page, isForeign }) => page === 'helper' && !isForeign);
const line = ([first, ...rest]) => console.log(first.padEnd(92) + rest.map((it) => String(it).padStart(12)).join(''));

const cpuOf = ({ nginx, signer }) => nginx + signer;

function printRow({ title, page, isForeign, peer, isLarge, ...of }) {
  const how = page === 'helper' ? 'blobvalet.js' : 'stock page';
  const where = isForeign ? 'another site, custom header' : 'same site';
  const against = ours && isCompared({ isLarge, isForeign }) ? `${(cpuOf(of) / cpuOf(ours)).toFixed(1)} x` : '';
  line([`${title}, ${where}, ${how}, ${peer?.title ?? 'blobvalet'}`, of.signatures, of.preflights, cpuOf(of).toFixed(2),
    of.nginx.toFixed(2), of.signer.toFixed(2), of.seconds.toFixed(1), against]);
}

line(['Fine Uploader 5.16 in Chromium to Azurite', 'signatures', 'preflights', 'CPU ms', 'of nginx', 'of signer', 'seconds', 'CPU ratio']);
rows.forEach(printRow);
