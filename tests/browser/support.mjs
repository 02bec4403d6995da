// What every file of the browser suite needs: one site and one browser, a fresh page for each test, and words for
// what happens on it.
import { createHash } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, afterEach, before } from 'node:test';
import { launchBrowser, openContext } from '../lib/browser.mjs';
import { request } from '../lib/http.mjs';
import { tempDir, waitFor } from '../lib/process.mjs';
import { startSite } from '../lib/site.mjs';

export { waitFor };

const kTimeoutMs = 30_000;

/// Call it inside a describe(). The returned object has `site` as startSite() returns it, and `open()`.
export function useSite(options) {
  const stack = {};
  const contexts = [];
  before(async () => {
    stack.site = await startSite(options);
    stack.browser = await launchBrowser();
  });
  after(async () => {
    await stack.browser?.close();
    await stack.site?.stop();
  });
  afterEach(async () => { while (contexts.length) await contexts.pop().close(); });

  /// Opens Fine Uploader's page on `origin`, in a context of its own. `user` is logged in at `loginAt`.
  stack.open = async ({ user, origin = stack.site.origins.site, loginAt = origin, path = '/test/' } = {}) => {
    const context = await openContext(stack.browser);
    contexts.push(context);
    if (user) await context.addCookies([await logIn(loginAt, user)]);
    const page = await context.newPage();
    page.setDefaultTimeout(kTimeoutMs);
    await page.goto(origin + path);
    return page;
  };
  /// The same with Fine Uploader's gallery, or another of its templates, started with `options`. Without `previews` it takes
  /// the browser for one that cannot draw the files it uploads.
  stack.openGallery = async (options, { template = 'gallery', previews = true, ...where } = {}) => {
    const page = await stack.open({ ...where, path: `/test/gallery.html?${template}` });
    if (!previews) await page.evaluate(() => { qq.supportedFeatures.imagePreviews = false; });
    await startUploader(page, options);
    return page;
  };
  return stack;
}

/// Options of an uploader which sends to `target` (container, or container and prefix) and asks the signer at `origin`.
export function uploaderOptions(site, target, {
  origin = '', naming = 'filename', params = {}, signatureHeaders = {}, successHeaders = {}, ...more
} = {}) {
  return {
    request: { endpoint: `${site.storage.blobEndpoint}/${target}`, params },
    signature: { endpoint: `${origin}/blobvalet/signature`, customHeaders: signatureHeaders },
    uploadSuccess: { endpoint: `${origin}/blobvalet/success`, customHeaders: successHeaders },
    blobProperties: { name: naming },
    deleteFile: { enabled: true },
    ...more,
  };
}

/// Chunking options: by default three chunks at a time, as Fine Uploader has three connections.
export const chunks = (partSize, concurrent = true) => ({
  enabled: true, partSize, minFileSize: partSize + 1, concurrent: { enabled: concurrent },
});

export const startUploader = (page, options) => page.evaluate((it) => startUploader(it), options);

export const addFile = (page, name, size, more) => page.evaluate((args) => addFile(...args), [name, size, more]);

/// Gives files, each [name, content], to the page's file input.
export const chooseFiles = (page, ...files) => page.locator('input[type=file]').setInputFiles(files.map(writeFile));

export function writeFile([name, content]) {
  const file = join(tempDir(), name);
  writeFileSync(file, content);
  return file;
}

/// Uploads one file to its end, good or bad, and returns what onComplete got, and onError if there was one.
export async function upload(page, options, { name, size = 1000, ...more }) {
  await startUploader(page, options);
  await addFile(page, name, size, more);
  const [complete] = await eventsOf(page, 'onComplete');
  const [error] = (await page.evaluate(() => events)).filter((event) => event.name === 'onError');
  return { result: complete.args[2], error: error?.args[2], answer: error?.args[3] };
}

/// What the signer answers a callback which the page makes up by itself: `{status, ...the answer's members}`.
export const report = (page, container, blob, more) => page.evaluate(async (claim) => {
  const body = new URLSearchParams({ uuid: crypto.randomUUID(), name: 'made up.txt', ...claim });
  const answer = await fetch('/blobvalet/success', { method: 'POST', body });
  return { status: answer.status, ...await answer.json() };
}, { container, blob, ...more });

/// Waits until the event came `count` times, and returns all of that name.
export async function eventsOf(page, name, count = 1) {
  await page.waitForFunction(([event, wanted]) => events.filter((it) => it.name === event).length >= wanted,
    [name, count], { polling: 50 });
  return page.evaluate((event) => events.filter((it) => it.name === event), name);
}

/// The bytes which addFile() puts into a file of this size.
export function pattern(size) {
  const words = new Uint32Array(Math.ceil(size / 4));
  for (let i = 0, word = 1; i < words.length; i += 1) {
    word = (Math.imul(word, 1664525) + 1013904223) >>> 0;
    words[i] = word;
  }
  return Buffer.from(words.buffer, 0, size);
}

export const sha256 = (bytes) => createHash('sha256').update(bytes).digest('hex');

/// PUT and DELETE requests which reached the store for a path that ends so.
export const stored = (site, method, path) => site.storage.requests()
  .filter((request) => request.method === method && request.path.endsWith(path));

/// Lines of the workers' log about a blob, waiting until there are `count`: a line is written after its answer.
/// `signatures` and `callbacks` are those of one endpoint.
export async function answersFor(site, container, blob, count = 1) {
  const find = () => site.answers().filter((answer) => answer.container === container && answer.blob === blob);
  const answers = await waitFor(() => find().length >= count && find(), { what: `${count} answers for ${blob}` });
  const of = (endpoint) => answers.filter((answer) => answer.endpoint === endpoint);
  return { answers, signatures: of('signature'), callbacks: of('success') };
}

/// Runs `action` while these processes are stopped, so that requests to them hang.
export async function whileStopped(pids, action) {
  for (const pid of pids) process.kill(pid, 'SIGSTOP');
  try {
    return await action();
  } finally {
    for (const pid of pids) process.kill(pid, 'SIGCONT');
  }
}

/// Logs in as `user` and returns the session's cookie for the browser.
async function logIn(origin, user) {
  const { host, hostname, port } = new URL(origin);
  const { headers } = await request({ port, method: 'POST', path: `/login?user=${user}`, headers: { Host: host } });
  const [, value] = /^session=([^;]+)/.exec(headers['set-cookie'][0]);
  return { name: 'session', value, domain: hostname, path: '/', secure: true, httpOnly: true, sameSite: 'Lax' };
}
