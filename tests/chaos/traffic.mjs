// Fine Uploader in Chromium: several pages and users, whole files and chunks, cancel, delete, retry; every other page with
// blobvalet.js.
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { launchBrowser, openContext } from '../lib/browser.mjs';
import { sleep, waitFor } from '../lib/process.mjs';

const kPartSize = 100_000;
const kMostAtOnce = 6;
const kSettleMs = 90_000;
const kForgottenMs = 15_000;
// nginx closes idle connections when it is reloaded, and a browser may be about to use one: no server can prevent that.
const kClosed = ['net::ERR_SOCKET_NOT_CONNECTED', 'net::ERR_CONNECTION_CLOSED', 'net::ERR_CONNECTION_RESET'];

const script = fileURLToPath(new URL('page.js', import.meta.url));
const kHowChunks = [{ enabled: false }, ...[false, true].map((concurrent) => ({
  enabled: true, partSize: kPartSize, minFileSize: kPartSize + 1, concurrent: { enabled: concurrent },
}))];

/// Starts a page for each of `users` (null: nobody) at each account; `{settle(), verify(), stop()}`.
export async function startTraffic({ site, judge, random, cookies, users = ['alice', 'bob', null] }) {
  const browser = await launchBrowser();
  const traffic = { site, judge, stopping: false, finished: new Map(), cancelled: new Set(), pages: [] };
  const open = Object.keys(site.accounts).flatMap((account) => users.map((user) => ({ account, user })));
  for (const [i, who] of open.entries()) traffic.pages.push(await openPage(traffic, browser, { ...who, random: random.fork(), cookie: cookies[who.user], i }));
  const running = traffic.pages.map((it) => drive(traffic, it));
  return {
    /// Adds nothing more, and waits for what is under way.
    async settle() {
      traffic.stopping = true;
      await Promise.all(running);
      for (const it of traffic.pages) await settle(traffic, it);
    },
    verify: () => verify(traffic),
    stop: () => browser.close(),
  };
}

async function openPage({ site, judge }, browser, { account, user, random, cookie, i }) {
  const context = await openContext(browser);
  if (cookie) await context.addCookies([cookie]);
  const page = await context.newPage();
  watch(page, judge);
  const container = user ? `uploads/${user}` : 'drop';
  const naming = random.pick(['filename', 'uuid']);
  const options = {
    request: { endpoint: `${site.accounts[account].base}/${container}` },
    signature: { endpoint: '/blobvalet/signature' }, uploadSuccess: { endpoint: '/blobvalet/success' },
    blobProperties: { name: naming }, deleteFile: { enabled: true },
    chunking: random.pick(kHowChunks), retry: { enableAuto: true, maxAutoAttempts: 12, autoAttemptDelay: 1 },
  };
  const start = async () => {
    await page.goto(`${site.origins.site}/test/`);
    await page.addScriptTag({ content: readFileSync(script, 'utf8') });
    if (i % 2) await page.addScriptTag({ url: '/blobvalet/blobvalet.js' });
    await page.evaluate((it) => startTraffic(it), options);
  };
  await start();
  return {
    page, start, busyAt: Date.now(), random, account, i, naming, container: container.split('/')[0], prefix: user ? `${user}/` : '',
    open: new Set(), retries: new Map(),
  };
}

// What the page was answered, whatever Fine Uploader makes of it.
function watch(page, judge) {
  const isOurs = (url) => url.includes('/blobvalet/');
  page.on('request', (request) => {
    if (request.url().includes('/blobvalet/success')) judge.callbackSent(uuidOf(request));
  });
  page.on('requestfailed', (request) => {
    const { errorText } = request.failure();
    if (!isOurs(request.url()) || errorText === 'net::ERR_ABORTED') return;
    if (judge.active.has('nginx reloaded') && kClosed.includes(errorText)) return judge.count('pages: connections closed by a reload');
    judge.violate('no answer at all, in a page', { errorText });
  });
  page.on('response', async (response) => {
    if (!isOurs(response.url())) return;
    const body = await response.text().catch(() => null);
    if (body === null) return judge.count('pages: answers that could not be read');
    judge.count('pages: requests');
    if (response.status() >= 400) judge.error({ status: response.status(), headers: response.headers(), body });
    else if (response.url().includes('/blobvalet/success')) judge.callbackAnswered(uuidOf(response.request()), body);
  });
}

const uuidOf = (request) => new URLSearchParams(request.postData() ?? '').get('uuid');

async function drive(traffic, it) {
  for (let n = 0; !traffic.stopping; n++) {
    if (it.open.size < kMostAtOnce) await addFile(traffic, it, n);
    await take(traffic, it);
    await sleep(200 + it.random.int(900));
  }
}

async function addFile({ judge }, { page, random, open, i }, n) {
  const size = random.chance(0.5) ? 1 + random.int(60_000) : 150_000 + random.int(700_000);
  const name = `page ${i} file ${n} ü.bin`;
  const seed = random.int(2 ** 31);
  const cancels = random.chance(0.08);
  const id = await page.evaluate(async ([args, cancel]) => {
    addSeeded(...args);
    const added = uploader.getUploads().at(-1).id;
    if (cancel !== null) setTimeout(() => cancelIfUnderWay(added), cancel);
    return added;
  }, [[name, size, seed], cancels ? random.int(400) : null]);
  open.add(id);
  judge.count('uploads begun');
}

async function take(traffic, it) {
  const { judge } = traffic;
  const { news, isBusy } = await it.page.evaluate(() => ({ news: happened.splice(0), isBusy: pending.signer + pending.store > 0 }));
  for (const what of news) {
    judge.count(`uploads ${what.what}`);
    await kReactions[what.what]?.(traffic, it, what);
  }
  if (news.length || isBusy || it.open.size === 0) it.busyAt = Date.now();
  else if (Date.now() - it.busyAt > kForgottenMs) await startAgain(traffic, it);
}

// All requests are answered, and yet Fine Uploader does not go on: without blobvalet.js each whole file that is cancelled while
// it is sent takes one of its three connections for ever, and it throws when a block of several under way is refused by the
// store. A user would load the page again.
async function startAgain({ judge }, it) {
  judge.count('uploads that Fine Uploader forgot', it.open.size);
  judge.count('pages loaded again');
  it.open.clear();
  it.busyAt = Date.now();
  await waitFor(() => it.start().then(() => true), { what: 'the page again' });
}

const kReactions = {
  async finished({ finished, stopping }, it, { id, uuid, name, size, seed }) {
    it.open.delete(id);
    const blob = it.prefix + (it.naming === 'uuid' ? `${uuid}.bin` : name);
    finished.set(uuid, { account: it.account, container: it.container, name: blob, size, seed });
    if (stopping || !it.random.chance(0.15)) return;
    finished.get(uuid).deleting = true;
    await it.page.evaluate((which) => uploader.deleteFile(which), id);
  },
  cancelled({ cancelled }, { open }, { id, uuid }) {
    open.delete(id);
    cancelled.add(uuid);
  },
  async failed({ judge }, it, { id }) {
    const tries = it.retries.get(id) ?? 0;
    it.retries.set(id, tries + 1);
    const again = tries < 3 && await it.page.evaluate((which) => uploader.retry(which), id);
    if (again) return judge.count('uploads retried by hand');
    it.open.delete(id);
    return judge.count('uploads given up');
  },
  deleted({ finished }, _, { uuid }) { finished.get(uuid).deleted = true; },
};

async function settle(traffic, it) {
  await waitFor(async () => {
    await take(traffic, it);
    return it.open.size === 0;
  }, { what: 'no upload under way', timeoutMs: kSettleMs, intervalMs: 300 })
    .catch(() => traffic.judge.violate('uploads that never end', { page: it.i, open: it.open.size }));
}

// What a client was told is stored has to be there, byte for byte; what was deleted must not.
// Fine Uploader removes what was cancelled, even if it says success in the same moment.
async function verify({ site, judge, finished, cancelled }) {
  for (const [uuid, { account, container, name, size, seed, deleting, deleted }] of finished) {
    const bytes = await site.accounts[account].read(container, name).catch(() => null);
    if (deleted && bytes) judge.violate('a deleted blob that is there', { name });
    if (deleted) judge.count('uploads verified as deleted');
    else if (bytes && sha256(bytes) === sha256(contentOf(size, seed))) judge.count('uploads verified byte for byte');
    else if (cancelled.has(uuid) && !bytes) judge.count('uploads finished and cancelled at once');
    else if (deleting && !bytes) judge.count('uploads deleted, answer lost');
    else judge.violate('an upload that differs', { account, name, size, found: bytes?.length ?? null });
  }
}

const sha256 = (bytes) => createHash('sha256').update(bytes).digest('hex');

// The same bytes as in page.js.
const kPool = Buffer.from(pseudoRandom(4 << 20).buffer);

function pseudoRandom(bytes) {
  const words = new Uint32Array(bytes / 4);
  for (let i = 0, word = 1; i < words.length; i += 1) {
    word = (Math.imul(word, 1664525) + 1013904223) >>> 0;
    words[i] = word;
  }
  return words;
}

function contentOf(size, seed) {
  const start = seed % (kPool.length - size);
  return kPool.subarray(start, start + size);
}
