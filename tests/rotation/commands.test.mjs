// `blobvalet keys status` and `keys switch`: output, exit codes, and what they do to the configuration file.
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { chmodSync, mkdirSync, readFileSync, readdirSync, renameSync, statSync, symlinkSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, beforeEach, describe, test } from 'node:test';
import { account, newKey, startAzurite } from '../lib/azurite.mjs';
import { ask } from '../lib/fcgi-client.mjs';
import { blobvaletBinary, startPool } from '../lib/pool.mjs';
import { freePort, tempDir, waitFor } from '../lib/process.mjs';
import { kRule, signature } from '../fcgi/support.mjs';
import { startMachine } from '../identity/support.mjs';
import { fingerprintOf } from './signer.mjs';

const kLifetimeSeconds = 900;

function run(args, env = {}) {
  return new Promise((resolve) => {
    execFile(blobvaletBinary, args, { env: { ...process.env, ...env } }, (error, out, err) => {
      resolve({ code: error ? error.code : 0, out, err });
    });
  });
}

let azurite;
before(async () => { azurite = await startAzurite({ accounts: [{ name: account }] }); });
after(() => azurite?.stop());

/// A directory with configuration and keys, `keys(...args)` to run the command, and what it needs. `credential` replaces the
/// two keys, `endpoint` the emulator.
function newSite({ credential, endpoint = azurite.blobEndpoint, layout = 2 } = {}) {
  const dir = tempDir('blobvalet-keys');
  const file = join(dir, 'blobvalet.json');
  const [key1, key2] = azurite.keys();
  const writeKey = (name, key) => writeFileSync(join(dir, name), key, { mode: 0o600 });
  writeKey('one.key', key1);
  writeKey('two.key', key2);
  const config = {
    accounts: [{
      name: account, endpoint,
      credential: credential ?? { type: 'shared_key', current: { key_file: 'one.key' }, next: { key_file: 'two.key' } },
    }],
    sas: { protocol: 'https,http', put_lifetime_seconds: kLifetimeSeconds },
    rules: [{ ...kRule, account }],
    success: { verify: { enabled: false } },
    keys: { directory: 'keys' },
  };
  writeFileSync(file, typeof layout === 'string' ? layout : JSON.stringify(config, null, layout));
  return {
    dir, file, key1, key2, config, writeKey, text: () => readFileSync(file, 'utf8'),
    keys: (...args) => run(['keys', ...args, '--config', file]),
    async status(...args) {
      const { out } = await run(['keys', 'status', '--json', ...args, '--config', file]);
      return Object.fromEntries(JSON.parse(out).keys.map((key) => [key.key, key]));
    },
  };
}

describe('keys status', () => {
  test('a table, what Azure says, and what to do next', async () => {
    const site = newSite();
    const { code, out, err } = await site.keys('status');
    assert.deepEqual([code, err], [0, '']);
    const lines = out.split('\n');
    assert.match(lines[0], /^account +key +fingerprint +in use +source +Azure +SAS until$/);
    assert.match(lines[1], new RegExp(`^${account} +current +${fingerprintOf(site.key1)} +yes +file one\\.key +works +at most `));
    assert.match(lines[2], new RegExp(`^${account} +next +${fingerprintOf(site.key2)} +no +file two\\.key +works +at most `));
    assert.match(lines[3], new RegExp(`^${account}: current signs; next must not be regenerated in Azure before .*15 min 1 s\\)$`));
    assert.match(lines[4], /^ledger: none can be read here/);
    for (const secret of [site.key1, site.key2, 'sig=', 'SharedKey']) assert.ok(!out.includes(secret));
  });

  test('--json says the same, in the order of the configuration', async () => {
    const site = newSite();
    const { code, out } = await site.keys('status', '--json');
    assert.equal(code, 0);
    const report = JSON.parse(out);
    assert.equal(report.ledger, false);
    assert.ok(Math.abs(report.clock_skew_seconds) <= 1);
    assert.deepEqual(report.keys.map(({ key, in_use: inUse, source, name, azure }) => [key, inUse, source, name, azure]), [
      ['current', true, 'file', 'one.key', 'works'], ['next', false, 'file', 'two.key', 'works'],
    ]);
  });

  test('what workers have signed', async () => {
    const site = newSite();
    const pool = await startPool({ config: site.file, dir: site.dir, workers: 2 });
    try {
      await waitFor(async () => JSON.parse((await site.keys('status', '--json', '--offline')).out).ledger, { what: 'a ledger' });
      assert.equal((await site.status()).current.signed_until_is_bound, true, 'a young ledger does not know what was before');
      // As if the pool ran for a while, and nobody had switched a moment ago.
      utimesSync(site.file, 0, 0);
      const ledger = join(site.dir, 'keys/ledger');
      const bytes = readFileSync(ledger);
      bytes.writeBigInt64LE(BigInt(Math.floor(Date.now() / 1000) - 2 * kLifetimeSeconds), 8);
      writeFileSync(ledger, bytes, { flag: 'r+' });
      assert.equal((await site.status()).current.signed_until, null);
      const { status, body } = await ask(pool.socket, signature({ uri: `${azurite.blobEndpoint}/uploads/alice/a.txt` }));
      assert.equal(status, 200, body);
      const { current, next } = await site.status();
      assert.equal(current.signed_until, new URL(body).searchParams.get('se'));
      assert.equal(current.signed_until_is_bound, false);
      assert.equal(next.signed_until, null);
      assert.ok(Date.parse(next.regenerate_after) <= Date.now());
      const { out } = await site.keys('status');
      assert.match(out, new RegExp(`${account}: current signs; next may be regenerated in Azure now, or take over: blobvalet keys switch ${account}\n$`));
    } finally {
      await pool.stop();
    }
  });

  const noKey = async (site, name) => { site.writeKey(name, newKey()); };
  for (const [what, change, code, role, azure, line] of [
    ['the key in use is not of this account', (site) => noKey(site, 'one.key'), 1, 'current', 'refused', /: current: Azure answered 403/],
    ['the other one is not of this account', (site) => noKey(site, 'two.key'), 0, 'next', 'refused', /: next: Azure answered 403/],
    ['the key in use is none', (site) => site.writeKey('one.key', 'no key'), 1, 'current', 'not_asked', /: current: holds no storage account key/],
    ['others could read it', (site) => chmodSync(join(site.dir, 'one.key'), 0o644), 1, 'current', 'not_asked', /: current: has mode 0644/],
  ]) {
    test(`exit code ${code}: ${what}`, async () => {
      const site = newSite();
      await change(site);
      const { code: found, out } = await site.keys('status');
      assert.equal(found, code, out);
      assert.match(out, line);
      assert.equal((await site.status())[role].azure, azure);
    });
  }

  test('a key of the workers\' environment only hides nothing else', async () => {
    const credential = { type: 'shared_key', current: { key_env: 'BLOBVALET_TEST_KEY' }, next: { key_credential: 'two.key' } };
    const site = newSite({ credential });
    const bare = await site.keys('status');
    assert.equal(bare.code, 1);
    assert.match(bare.out, /: current: the environment has no variable of this name\n/);
    assert.match(bare.out, /: next: needs a systemd unit with LoadCredential=two\.key:<file>\n/);
    const full = await run(['keys', 'status', '--config', site.file], { BLOBVALET_TEST_KEY: site.key1, CREDENTIALS_DIRECTORY: site.dir });
    assert.equal(full.code, 0, full.out);
    assert.match(full.out, /yes +environment BLOBVALET_TEST_KEY +works .*\n.*no +credential two\.key +works /);
  });

  test('--offline asks nobody, and without an answer nothing is known', async () => {
    const site = newSite({ endpoint: `http://127.0.0.1:${await freePort()}/${account}` });
    const { code, out } = await site.keys('status');
    assert.equal(code, 1);
    assert.match(out, /: current: Azure cannot be reached\n/);
    assert.equal((await site.status()).next.azure, 'unknown');
    const offline = await site.keys('status', '--offline');
    assert.equal(offline.code, 0);
    assert.equal((await site.status('--offline')).next.azure, 'not_asked');
  });

  test('exit code 4: a faulty configuration, and 2: wrong usage', async () => {
    const site = newSite({ layout: '{' });
    const { code, out, err } = await site.keys('status');
    assert.deepEqual([code, out], [4, '']);
    assert.match(err, /^line 1, column 2: /);
    assert.equal((await site.keys('switch', account)).code, 4);
    for (const args of [[], ['switch'], ['switch', account, '--to', 'last'], ['status', account], ['stat']]) {
      assert.equal((await site.keys(...args)).code, 2, args.join(' '));
    }
  });
});

describe('keys status of an identity', () => {
  let machine;
  before(async () => { machine = await startMachine(); });
  after(() => machine?.stop());
  const status = (...args) => run(['keys', 'status', ...args, '--config', machine.file]);

  test('there is no key before the first is fetched', async () => {
    const { code, out } = await status();
    assert.equal(code, 1);
    assert.match(out, /user delegation +none +yes +identity +not asked .*\n.*: user delegation: there is no user delegation key yet\n/);
  });

  test('one that Azure takes, and one that it does not', async () => {
    assert.equal((await machine.renewOnce()).code, 0);
    const { code, out } = await status();
    assert.equal(code, 0, out);
    assert.match(out, /user delegation +[0-9a-f]{16} +yes +identity +works .*\n.*: user delegation: valid until /);
    machine.azure.distrustDelegations();
    const refused = await status();
    assert.equal(refused.code, 1);
    assert.match(refused.out, /: user delegation: Azure answered 403 AuthenticationFailed; it is no key of this account\n/);
  });

  test('there is nothing to switch to', async () => {
    const { code, err } = await run(['keys', 'switch', machine.config.accounts[0].name, '--config', machine.file]);
    assert.equal(code, 1);
    assert.match(err, /an identity fetches this account's keys/);
  });
});

describe('keys switch', () => {
  let site;
  beforeEach(() => { site = newSite(); });

  test('there and back: the file differs by one value', async () => {
    const original = site.text();
    const there = await site.keys('switch', account);
    assert.deepEqual([there.code, there.err], [0, '']);
    assert.match(there.out, new RegExp(`^${account}: next signs from now on; workers follow within a second\n`
      + `${account}: SAS signed by current are valid until at most .*, 15 min from now\n$`));
    const expected = original.replace('"key_file": "two.key"\n        }\n', '"key_file": "two.key"\n        },\n        "use": "next"\n');
    assert.notEqual(expected, original);
    assert.equal(site.text(), expected);
    assert.equal((await site.keys('switch', account, '--to', 'current')).code, 0);
    assert.equal(site.text(), expected.replace('"use": "next"', '"use": "current"'));
    assert.deepEqual(readdirSync(site.dir).sort(), ['blobvalet.json', 'one.key', 'two.key']);
  });

  test('owner and mode stay, and so does a link', async () => {
    mkdirSync(join(site.dir, 'real'));
    renameSync(site.file, join(site.dir, 'real/blobvalet.json'));
    symlinkSync('real/blobvalet.json', site.file);
    chmodSync(join(site.dir, 'real/blobvalet.json'), 0o640);
    assert.equal((await site.keys('switch', account)).code, 0);
    assert.equal(statSync(join(site.dir, 'real/blobvalet.json')).mode & 0o777, 0o640);
    assert.match(readFileSync(join(site.dir, 'real/blobvalet.json'), 'utf8'), /"use": "next"/);
    assert.equal(site.text(), readFileSync(join(site.dir, 'real/blobvalet.json'), 'utf8'));
  });

  test('the one that signs already', async () => {
    const before = site.text();
    assert.deepEqual(await site.keys('switch', account, '--to', 'current'), { code: 0, out: `${account}: current signs already\n`, err: '' });
    assert.equal(site.text(), before);
  });

  async function assertRefused(args, reason) {
    const before = site.text();
    const { code, out, err } = await site.keys('switch', ...args);
    assert.deepEqual([code, out], [1, '']);
    assert.match(err, reason);
    assert.equal(site.text(), before);
  }
  const kUntouched = '\nNothing was changed; --force does it nevertheless\\.\n$';

  test('refused: no such account', () => assertRefused(['other'], /^other: the configuration has no account of this name\n$/));

  test('refused: one key only', async () => {
    site = newSite({ credential: { type: 'shared_key', key_file: 'one.key' } });
    await assertRefused([account], /this account has one key only/);
  });

  test('refused: a key that does not work; --force does it nevertheless', async () => {
    site.writeKey('two.key', newKey());
    await assertRefused([account], new RegExp(`^${account}: next: Azure answered 403 .*${kUntouched}`));
    assert.equal((await site.keys('switch', account, '--force')).code, 0);
    assert.match(site.text(), /"use": "next"/);
  });

  test('refused: a key that is none', async () => {
    site.writeKey('two.key', 'no key');
    await assertRefused([account], new RegExp(`^${account}: next: holds no storage account key.*${kUntouched}`));
  });

  test('refused: nobody can be asked', async () => {
    site = newSite({ endpoint: `http://127.0.0.1:${await freePort()}/${account}` });
    await assertRefused([account], new RegExp(`^${account}: next: Azure cannot be reached${kUntouched}`));
  });

  test('workers follow', async () => {
    const pool = await startPool({ config: site.file, dir: site.dir, workers: 2 });
    try {
      assert.equal((await site.keys('switch', account)).code, 0);
      const line = `next key ${fingerprintOf(site.key2)}`;
      await waitFor(() => pool.output().split(line).length === 3, { what: `two workers that sign by ${line}` });
    } finally {
      await pool.stop();
    }
  });
});
