// A rotation of both account keys while people upload, in the order that Azure documents ("Manually rotate access keys",
// learn.microsoft.com): sign with key 2, regenerate key 1, sign with key 1, regenerate key 2. Nobody may notice.
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { account } from '../lib/azurite.mjs';
import { launchBrowser, openContext } from '../lib/browser.mjs';
import { sleep, waitFor } from '../lib/process.mjs';
import { addFile, chunks, eventsOf, startUploader, uploaderOptions } from '../browser/support.mjs';
import { startLoad } from './load.mjs';
import { kContainer, sample, startRotationSite } from './support.mjs';

const kLeastUploads = 100;
const kLeastSignatures = 60;   // by each key
const kWaitMs = 30_000;
// Azure itself says AuthenticationFailed.
const kRefused = /: current: Azure answered 403 AuthorizationFailure; .* \(emulators say so of a wrong key\)\n/;

/// Lets key `which` (1 is `current`, 2 is `next`) have a new value as soon as `keys status` says that nobody needs the old one.
async function replaceKey(site, which, t) {
  const role = which === 1 ? 'current' : 'next';
  const ready = await waitFor(async () => {
    const key = await site.status(role);
    assert.equal(key.in_use, false);
    return Date.parse(key.regenerate_after) <= Date.now() && key;
  }, { timeoutMs: kWaitMs, intervalMs: 300, what: `SAS of ${role} expired` });
  t.diagnostic(`key ${which}: last SAS until ${ready.signed_until}, regenerated at ${new Date().toISOString()}`);
  assert.ok(Date.parse(ready.signed_until) <= Date.now());
  site.writeKey(which, await site.regenerate(which));
  assert.equal((await waitFor(async () => { const key = await site.status(role); return key.azure === 'works' && key; })).fault, undefined);
}

const signedBy = (load, key) => waitFor(() => (load.tally.signatures[key] ?? 0) >= kLeastSignatures,
  { timeoutMs: kWaitMs, what: `${kLeastSignatures} signatures by ${key}` });

async function switchTo(site, role, key) {
  const { code, out, err } = await site.keys('switch', account, '--to', role);
  assert.deepEqual([code, err], [0, '']);
  assert.match(out, new RegExp(`^${account}: ${role} signs from now on`));
  await site.followed(key);
  assert.equal((await site.metrics())[sample('blobvalet_signing_key_info', role, key)], 1);
}

/// Uploads files in chunks by Fine Uploader until `isDone()`; how many, each of which went well.
async function uploadByBrowser(browser, site, isDone) {
  const context = await openContext(browser);
  const page = await context.newPage();
  await page.goto(`${site.origins.site}/test/`);
  await startUploader(page, uploaderOptions(site, kContainer, { chunking: chunks(200_000) }));
  let files = 0;
  while (!isDone()) {
    await addFile(page, `browser-${files}.bin`, 1_500_000);
    await eventsOf(page, 'onComplete', ++files);
  }
  const events = await page.evaluate(() => events);
  await context.close();
  assert.deepEqual(events.filter(({ name }) => name === 'onError' || name === 'onAutoRetry'), []);
  assert.deepEqual([...new Set(events.filter(({ name }) => name === 'onComplete').map(({ args }) => args[2].success))], [true]);
  return files;
}

describe('a rotation of both keys', { timeout: 180_000 }, () => {
  let site;
  let browser;
  before(async () => {
    site = await startRotationSite();
    browser = await launchBrowser();
  });
  after(async () => {
    await browser?.close();
    await site?.stop();
  });

  test('no upload fails, and every key is used in its turn', async (t) => {
    const start = performance.now();
    const { key1, key2 } = site.known();
    await site.followed(key1);
    const load = startLoad(site, { container: kContainer, keys: site.known });
    let done = false;
    const pages = uploadByBrowser(browser, site, () => done);
    pages.catch(() => {});  // whoever waits for it below hears of it
    try {
      await signedBy(load, 'key1');
      await switchTo(site, 'next', key2);
      await signedBy(load, 'key2');
      await replaceKey(site, 1, t);
      const { new1 } = site.known();
      await switchTo(site, 'current', new1);
      await signedBy(load, 'new1');
      await replaceKey(site, 2, t);
      await waitFor(() => load.tally.uploads >= kLeastUploads, { timeoutMs: kWaitMs, what: `${kLeastUploads} uploads` });
      const { code, out } = await site.keys('status');
      t.diagnostic(out);
      assert.equal(code, 0);
      const metrics = await site.metrics();
      assert.equal(metrics[sample('blobvalet_signing_key_info', 'current', new1)], 1);
      assert.ok(metrics[sample('blobvalet_signed_until_timestamp_seconds', 'current', new1)] > Date.now() / 1000);
      assert.equal(metrics.blobvalet_reload_failed, 0);
    } finally {
      done = true;
      await load.stop();
    }
    const files = await pages;
    const seconds = (performance.now() - start) / 1000;
    t.diagnostic(`${JSON.stringify(load.tally)}, ${files} files by a browser, ${seconds.toFixed(1)} s`);
    assert.deepEqual(load.failures, []);
    assert.ok(files >= 3, `only ${files} files by a browser`);
    assert.deepEqual(Object.keys(load.tally.signatures).sort(), ['key1', 'key2', 'new1']);
  });
});

// Without this nobody would know that the test above can fail.
describe('a key that is regenerated while it signs', { timeout: 60_000 }, () => {
  let site;
  before(async () => { site = await startRotationSite(); });
  after(() => site?.stop());

  test('uploads fail until the workers have the new one, and status says so', async () => {
    const load = startLoad(site, { container: kContainer, keys: site.known, clients: 3 });
    try {
      await waitFor(() => load.tally.uploads >= 5);
      assert.deepEqual(load.failures, []);
      const fresh = await site.regenerate(1);
      await waitFor(() => load.failures.length > 10);
      assert.deepEqual([...new Set(load.failures.map(({ status }) => status))].filter((it) => it !== 503), [403]);
      const { code, out } = await site.keys('status');
      assert.equal(code, 1);
      assert.match(out, kRefused);

      site.writeKey(1, fresh);
      await site.followed(fresh);
      await sleep(1_000);        // whatever was signed before has been sent by now
      const before = load.failures.length;
      const { uploads } = load.tally;
      await waitFor(() => load.tally.uploads > uploads + 10);
      assert.equal(load.failures.length, before);
    } finally {
      await load.stop();
    }
  });

  test('it is never switched to', async () => {
    await site.regenerate(2);
    const { code, out, err } = await site.keys('switch', account);
    assert.deepEqual([code, out], [1, '']);
    assert.match(err, /next: Azure answered 403 AuthorizationFailure; .*\nNothing was changed/);
    assert.equal((await site.status('current')).in_use, true);
  });
});
