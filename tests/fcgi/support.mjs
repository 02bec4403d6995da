// A site of one account and one rule, served by a real pool, and the requests that nginx would send to it.
import { randomBytes } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { startPool } from '../lib/pool.mjs';
import { tempDir } from '../lib/process.mjs';

export const kEndpoint = 'https://acmeuploads.blob.core.windows.net';
export const kContainer = `${kEndpoint}/uploads`;
export const kUuid = '0b6b7f3e-1c5e-4a9e-9d0b-8f1f2b3c4d5e';

export const siteConfig = (more = {}) => ({
  accounts: [{ name: 'acmeuploads', endpoint: kEndpoint, credential: { type: 'shared_key', key_file: 'acmeuploads.key' } }],
  rules: [{ name: 'own-folder', account: 'acmeuploads', container: 'uploads', blobs: ['{user}/**'], methods: ['PUT', 'DELETE'] }],
  ...more,
});

/// Writes configuration and key to a fresh directory; `{dir, file, key, write(config), writeKey(key)}`.
export function writeSite(config = siteConfig()) {
  const dir = tempDir('blobvalet-fcgi');
  const site = {
    dir,
    file: join(dir, 'blobvalet.json'),
    key: randomBytes(64).toString('base64'),
    write: (changed) => writeFileSync(site.file, JSON.stringify(changed)),
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

export const health = { BLOBVALET_ENDPOINT: 'health', REQUEST_METHOD: 'GET' };

export const signature = ({ user = 'alice', method = 'PUT', uri = `${kContainer}/${user}/a.txt`, ...more } = {}) => ({
  BLOBVALET_ENDPOINT: 'signature', BLOBVALET_USER: user, REQUEST_METHOD: 'GET',
  QUERY_STRING: `bloburi=${encodeURIComponent(uri)}&_method=${method}`, ...more,
});

export const form = (fields = {}) => new URLSearchParams(
  { blob: 'alice/a.txt', uuid: kUuid, name: 'a.txt', container: kContainer, ...fields }).toString();

export const success = (body = form(), more = {}) => ({
  BLOBVALET_ENDPOINT: 'success', BLOBVALET_USER: 'alice', REQUEST_METHOD: 'POST',
  CONTENT_TYPE: 'application/x-www-form-urlencoded', CONTENT_LENGTH: String(Buffer.byteLength(body)), ...more,
});
