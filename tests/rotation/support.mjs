// A site whose account has two keys, and what an operator does with them.
import { execFile } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { account, startAzurite } from '../lib/azurite.mjs';
import { request } from '../lib/http.mjs';
import { blobvaletBinary } from '../lib/pool.mjs';
import { waitFor } from '../lib/process.mjs';
import { openRule, startSite } from '../lib/site.mjs';
import { fingerprintOf } from './signer.mjs';

export const kContainer = 'drop';
/// Short, so that a rotation, which waits for them twice, ends soon.
export const kLifetimeSeconds = 5;

const sas = { protocol: 'https,http', put_lifetime_seconds: kLifetimeSeconds, delete_lifetime_seconds: kLifetimeSeconds };

const writeKey = (dir, which, key) => writeFileSync(join(dir, `key${which}`), key, { mode: 0o600 });

function withTwoKeys(config, dir, storage) {
  storage.keys().forEach((key, i) => writeKey(dir, i + 1, key));
  config.accounts[0].credential = { type: 'shared_key', current: { key_file: 'key1' }, next: { key_file: 'key2' } };
  return { ...config, keys: { directory: 'keys' } };
}

/// What startSite() returns, and an operator: `keys(...args)` runs `blobvalet keys`, the others are words for a rotation.
export async function startRotationSite(options) {
  const site = await startSite({
    startStorage: () => startAzurite({ accounts: [{ name: account }] }), changeConfig: withTwoKeys,
    rules: [openRule(kContainer, { sas })], ...options,
  });
  const known = { key1: site.storage.keys()[0], key2: site.storage.keys()[1] };
  const keys = (...args) => runKeys(site, args);
  return {
    ...site, keys,
    /// All keys there have been, by name: key1, key2, new1, new2.
    known: () => known,
    /// What `keys status` says of a key.
    async status(role) {
      const { out } = await keys('status', '--json');
      return JSON.parse(out).keys.find((it) => it.key === role);
    },
    /// Gives the account a new key 1 or 2 in the emulator, without telling blobvalet.
    async regenerate(which) {
      known[`new${which}`] = await site.storage.regenerateKey(which);
      return known[`new${which}`];
    },
    /// Writes a key to where the workers read it.
    writeKey: (which, key) => writeKey(dirname(site.config), which, key),
    /// The metrics of one worker, as `{name{labels}: value}`.
    metrics: () => metricsOf(site),
    /// Waits until every worker has said that this key signs.
    async followed(key) {
      const line = `key ${fingerprintOf(key)}`;
      const workers = site.pool.pids().length + site.success.pids().length;
      const said = () => [site.pool, site.success].map((pool) => pool.output()).join('').split('\n')
        .filter((text) => text.includes('"signing_key"') && text.includes(line)).length;
      await waitFor(() => said() >= workers, { what: `${workers} workers that sign by ${line}, not ${said()}` });
    },
  };
}

/// Not by spawnSync(): the load of the same process would stop.
function runKeys(site, args) {
  return new Promise((resolve) => {
    execFile(blobvaletBinary, ['keys', ...args, '--config', site.config], (error, out, err) => {
      resolve({ code: error ? error.code : 0, out, err });
    });
  });
}

async function metricsOf(site) {
  const answer = await request({ port: Number(new URL(site.url).port), path: '/blobvalet/metrics' });
  return Object.fromEntries(answer.body.split('\n').filter((line) => line && !line.startsWith('#'))
    .map((line) => [line.slice(0, line.lastIndexOf(' ')), Number(line.slice(line.lastIndexOf(' ') + 1))]));
}

/// The name of a key's sample in metricsOf().
export const sample = (name, role, key) => `${name}{account="${account}",key="${role}",fingerprint="${fingerprintOf(key)}"}`;
