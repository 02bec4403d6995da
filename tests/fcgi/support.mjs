// A site of one account and one rule, a pool or a single worker that serves it, and the requests that nginx would
// send to it.
import assert from 'node:assert/strict';
import { createHmac, randomBytes } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { ask } from '../lib/fcgi-client.mjs';
import { blobvaletBinary, startPool } from '../lib/pool.mjs';
import { startProcess, tempDir, waitFor } from '../lib/process.mjs';
import { registerSecret } from '../lib/secrets.mjs';

export const kAccount = 'acmeuploads';
export const kEndpoint = `https://${kAccount}.blob.core.windows.net`;
export const kContainer = `${kEndpoint}/uploads`;
export const kUuid = '0b6b7f3e-1c5e-4a9e-9d0b-8f1f2b3c4d5e';

export const kRule = {
  name: 'own-folder', account: kAccount, container: 'uploads', blobs: ['{user}/**'], methods: ['PUT', 'DELETE'],
};

/// There is no Azure behind these suites.
export const kUnverified = { verify: { enabled: false } };

export const siteConfig = (more = {}) => ({
  accounts: [{ name: kAccount, endpoint: kEndpoint, credential: { type: 'shared_key', key_file: 'acmeuploads.key' } }],
  rules: [kRule],
  success: kUnverified,
  keys: { directory: 'keys' },
  ...more,
  server: { metrics_file: 'metrics', ...more.server },
});

export const newKey = () => registerSecret(randomBytes(64).toString('base64'), 'an account key');

/// Writes configuration and key to a fresh directory; `{dir, file, key, write(config), writeKey(key)}`.
export function writeSite(config = siteConfig()) {
  const dir = tempDir('blobvalet-fcgi');
  const site = {
    dir,
    file: join(dir, 'blobvalet.json'),
    key: newKey(),
    write: (changed) => writeFileSync(site.file, typeof changed === 'string' ? changed : JSON.stringify(changed)),
    writeKey: (key) => writeFileSync(join(dir, 'acmeuploads.key'), key, { mode: 0o600 }),
  };
  site.write(config);
  site.writeKey(site.key);
  return site;
}

/// A pool for a site of its own; what startPool() returns, and `site`.
export async function startSitePool({ config, workers = 1 } = {}) {
  const site = writeSite(config);
  return { ...await startPool({ config: site.file, workers, dir: site.dir }), site };
}

/// One worker that nobody starts again, so that a test can see how it ends; what startProcess() returns, and
/// `socket`, `site` and `lines()`, its log.
export async function startWorker({ config, ...more } = {}) {
  return startWorkerOf(writeSite(config), more);
}

/// The same for a site that there is already, by whose name for the worker its files are told from those of others.
export async function startWorkerOf(site, { name = 'worker', args = [], env, log } = {}) {
  const socket = join(site.dir, `${name}.sock`);
  const worker = startProcess('spawn-fcgi', [
    '-s', socket, '-M', '0660', '-n', '--', blobvaletBinary, 'serve', '--config', site.file, ...args,
  ], { env, log: log ?? join(site.dir, `${name}.log`) });
  const lines = () => logLines(worker.output());
  await waitFor(() => worker.ended() ?? ask(socket, health), { what: 'a first answer' }).catch(() => worker.stop());
  if (worker.ended()) throw new Error(`the worker did not start:\n${worker.output()}`);
  return { ...worker, socket, site, lines };
}

/// Every whole line of a log, each of which has to be JSON.
export const logLines = (text) => text.split('\n').slice(0, -1).map((line) => JSON.parse(line));

export const health = { BLOBVALET_ENDPOINT: 'health', REQUEST_METHOD: 'GET' };

export const signature = ({ user = 'alice', method = 'PUT', uri = `${kContainer}/${user}/a.txt`, ...more } = {}) => ({
  BLOBVALET_ENDPOINT: 'signature', BLOBVALET_USER: user, REQUEST_METHOD: 'GET',
  QUERY_STRING: `bloburi=${encodeURIComponent(uri)}&_method=${method}`, ...more,
});

export const form = (fields = {}) => new URLSearchParams(
  { blob: 'alice/a.txt', uuid: kUuid, name: 'a.txt', container: kContainer, ...fields }).toString();

/// A form of exactly `size` bytes, filled up by a field of the page's own.
export const formOfSize = (size) => {
  const start = `${form()}&note=`;
  return start + 'x'.repeat(size - start.length);
};

export const success = (body = form(), more = {}) => ({
  BLOBVALET_ENDPOINT: 'success', BLOBVALET_USER: 'alice', REQUEST_METHOD: 'POST',
  CONTENT_TYPE: 'application/x-www-form-urlencoded', CONTENT_LENGTH: String(Buffer.byteLength(body)), ...more,
});

/// Asserts that `uri` is `url` with a service SAS of exactly these values, and a signature by `key`. The fields and
/// their order are those of "Create a service SAS" (learn.microsoft.com) for version 2023-11-03.
export function assertSigned(uri, { url, name, key, permissions = 'cw' }) {
  const [path, query] = uri.split('?');
  const { sig, se, ...rest } = Object.fromEntries(new URLSearchParams(query));
  assert.equal(path, url);
  assert.match(se, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/);
  assert.deepEqual(rest, { sv: '2023-11-03', sr: 'b', sp: permissions, spr: 'https' });
  const text = [
    permissions, '', se, `/blob/${kAccount}/${name}`, '', '', 'https', '2023-11-03', 'b', '', '', '', '', '', '', '',
  ].join('\n');
  assert.equal(sig, createHmac('sha256', Buffer.from(key, 'base64')).update(text).digest('base64'));
  return new Date(se);
}

const kBoundMs = 1000;

/// Asserts that a healthy request, such as a signature, is answered within the bound. On a busy machine one is late now
/// and then; a worker that stalls is late twice.
export async function assertPrompt(socket, healthy = signature()) {
  if (await timeToAnswer(socket, healthy) < kBoundMs) return;
  const ms = await timeToAnswer(socket, healthy);
  assert.ok(ms < kBoundMs, `two healthy requests were late, one by ${Math.round(ms)} ms`);
}

/// Calls `abuse`, and asserts that requests are answered promptly meanwhile.
export async function assertPromptWhile(socket, abuse, healthy) {
  let done = false;
  const abusing = Promise.resolve(abuse()).finally(() => { done = true; });
  do await assertPrompt(socket, healthy); while (!done);
  return abusing;
}

async function timeToAnswer(socket, healthy) {
  const start = performance.now();
  assert.equal((await ask(socket, healthy)).status, 200);
  return performance.now() - start;
}
