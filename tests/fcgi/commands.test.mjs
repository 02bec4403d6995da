// What an operator types: arguments, output, and exit codes.
import assert from 'node:assert/strict';
import { chmodSync, readFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { runBlobvalet as run } from '../lib/command.mjs';
import { ask } from '../lib/fcgi-client.mjs';
import { tempDir } from '../lib/process.mjs';
import {
  assertSigned, kAccount, kContainer, kEndpoint, kRule, newKey, siteConfig, signature, startSitePool, writeSite,
} from './support.mjs';

const kVectors = fileURLToPath(new URL('../vectors/sas-vectors.json', import.meta.url));

const site = writeSite();
const alice = `${kContainer}/alice/a.txt`;
const sign = (...args) => run(['sign', '--config', site.file, ...args]);
const put = (uri, ...more) => sign('--user', 'alice', '--method', 'PUT', '--blob-uri', uri, ...more);

describe('the program', () => {
  test('--version', () => {
    const { code, out, err } = run(['--version']);
    assert.deepEqual([code, err], [0, '']);
    assert.match(out, /^blobvalet \d+\.\d+\.\d+\n$/);
  });

  test('--help names every command and exit code', () => {
    const { code, out, err } = run(['--help']);
    assert.deepEqual([code, err], [0, '']);
    for (const word of ['serve', 'check', 'sign', 'cors', 'doctor', 'bench', '--config', '--version']) assert.ok(out.includes(word), word);
    for (const word of ['0 success', '1 failure', '2 wrong usage', '3 refused', '4 faulty configuration']) assert.ok(out.includes(word), word);
  });

  for (const command of ['serve', 'check', 'sign', 'cors', 'doctor', 'bench']) {
    test(`${command} --help`, () => {
      const { code, out } = run([command, '--help']);
      assert.equal(code, 0);
      assert.ok(out.includes('--config'));
    });
  }

  const misuse = [
    ['no command, nothing to serve', []],
    ['an unknown command', ['sing']],
    ['an unknown option', ['check', '--confg', site.file]],
    ['two commands', ['check', 'serve']],
    ['an option without its value', ['check', '--config']],
    ['serve without a listening socket', ['serve', '--config', site.file]],
    ['sign without a method', ['sign', '--config', site.file, '--blob-uri', alice]],
    ['sign without an address', ['sign', '--config', site.file, '--method', 'PUT']],
    ['sign at no time', ['sign', '--config', site.file, '--method', 'PUT', '--blob-uri', alice, '--at', 'noon']],
    ['sign at a day that is not', ['sign', '--config', site.file, '--method', 'PUT', '--blob-uri', alice, '--at', '2026-02-30T12:00:00Z']],
    ['a value for patterns without a name', ['sign', '--config', site.file, '--method', 'PUT', '--blob-uri', alice, '--var', 'acme']],
    ['vectors and a request', ['sign', '--vectors', kVectors, '--method', 'PUT']],
  ];
  for (const [what, args] of misuse) {
    test(`exit code 2: ${what}`, () => {
      const { code, out, err } = run(args);
      assert.deepEqual([code, out], [2, '']);
      assert.notEqual(err, '');
    });
  }

  test('exit code 2: serve on a connected socket', async () => {
    // node's pipes are socket pairs: sockets that do not listen.
    assert.equal(run(['serve', '--config', site.file], { stdin: 'pipe' }).code, 2);
  });
});

describe('check', () => {
  test('a good configuration', () => {
    const { file } = writeSite(siteConfig({ success: {} }));
    assert.deepEqual(run(['check', '--config', file]), { code: 0, out: `${file}: ok\n`, err: '' });
  });

  const withKey = (credential) => siteConfig({ accounts: [{ name: kAccount, endpoint: kEndpoint, credential }] });
  const kApplication = { type: 'client_secret', tenant_id: 'example.com', client_id: '01234567-89ab-cdef-0123-456789abcdef' };
  const faulty = [
    ['no JSON', '{', 1],
    ['an unknown key', { ...siteConfig(), extra: 1 }, 1, /^extra: /m],
    ['nothing', {}, 2],
    ['a wrong type', siteConfig({ server: { threads: 'many' } }), 1, /^server\.threads: /m],
    ['three faults', siteConfig({ server: { threads: 0 }, success: { max_fields: 1 }, blob_names: 'x' }), 3, /^server\.threads: /m],
    ['a rule of no account', siteConfig({ rules: [{ ...kRule, account: 'nobody' }] }), 1, /^rules\[0\]\.account: /m],
    ['a key file that is not there', withKey({ type: 'shared_key', key_file: 'none.key' }), 1, /^accounts\[0\]\.credential: key_file: cannot be opened: /m],
    ['a variable that is not there', withKey({ type: 'shared_key', key_env: 'BLOBVALET_NONE' }), 1, /^accounts\[0\]\.credential: key_env: /m],
    ['a client secret that is not there', withKey({ ...kApplication, secret_file: 'none' }), 1, /^accounts\[0\]\.credential\.secret_file: cannot be opened: /m],
    ['a credential outside systemd', withKey({ type: 'shared_key', key_credential: 'acme' }), 1, /^accounts\[0\]\.credential: key_credential: needs a systemd unit/m],
  ];
  for (const [what, config, count, text = /./] of faulty) {
    test(`exit code 4: ${what}`, () => {
      const { file } = writeSite(config);
      const { code, out, err } = run(['check', '--config', file], { env: { CREDENTIALS_DIRECTORY: undefined } });
      assert.deepEqual([code, out], [4, '']);
      assert.equal(err.trimEnd().split('\n').filter((line) => !line.startsWith('warning: ')).length, count, err);
      assert.match(err, text);
    });
  }

  test('a client secret that only the unit of its own has is none of this command\'s business', () => {
    const { file } = writeSite(withKey({ ...kApplication, secret_credential: 'entra' }));
    assert.equal(run(['check', '--config', file], { env: { CREDENTIALS_DIRECTORY: undefined } }).code, 0);
  });

  test('exit code 4: no such file', () => {
    const { code, err } = run(['check', '--config', '/nonexistent/blobvalet.json']);
    assert.equal(code, 4);
    assert.match(err, /^\/nonexistent\/blobvalet\.json: cannot be read: No such file or directory\n$/);
  });

  test('exit code 4: a directory', () => {
    assert.equal(run(['check', '--config', tempDir()]).code, 4);
  });

  test('no fault shows a byte of a key, wherever it was pasted', () => {
    const key = newKey();
    const places = [
      withKey({ type: 'shared_key', key }),
      withKey({ type: 'shared_key', key_file: key }),
      withKey({ type: 'shared_key', key_env: key }),
      withKey({ type: 'shared_key', key_credential: key }),
      withKey({ type: key }),
      withKey(key),
      { ...siteConfig(), rules: [{ ...kRule, name: key }] },
      { ...siteConfig(), sas: { version: key } },
    ];
    for (const config of places) {
      const { code, out, err } = run(['check', '--config', writeSite(config).file]);
      assert.equal(code, 4, JSON.stringify(config));
      assert.ok(!(out + err).includes(key.slice(0, 12)), err);
    }
  });

  for (const [mode, code] of [[0o600, 0], [0o400, 0], [0o640, 0], [0o604, 4], [0o620, 4], [0o602, 4], [0o644, 4], [0o660, 4]]) {
    test(`exit code ${code}: a key file of mode ${mode.toString(8)}`, () => {
      const other = writeSite();
      chmodSync(join(other.dir, 'acmeuploads.key'), mode);
      assert.equal(run(['check', '--config', other.file]).code, code);
    });
  }

  test('keys from the environment and from systemd', () => {
    const dir = writeSite().dir;  // its key file can be a credential
    const env = { BLOBVALET_TEST_KEY: newKey(), CREDENTIALS_DIRECTORY: dir };
    for (const credential of [{ key_env: 'BLOBVALET_TEST_KEY' }, { key_credential: 'acmeuploads.key' }]) {
      const { file } = writeSite(withKey({ type: 'shared_key', ...credential }));
      assert.equal(run(['check', '--config', file], { env }).code, 0);
    }
  });
});

describe('sign', () => {
  test('a signed address, and nothing else', () => {
    const { code, out, err } = put(alice, '--at', '2026-03-01T12:00:00Z');
    assert.deepEqual([code, err], [0, '']);
    assert.ok(out.endsWith('\n') && out.indexOf('\n') === out.length - 1);
    const expiry = assertSigned(out.trim(), { url: alice, name: 'uploads/alice/a.txt', key: site.key });
    assert.equal(expiry.toISOString(), '2026-03-01T12:15:00.000Z');
  });

  test('to delete', () => {
    const { out } = sign('--user', 'alice', '--method', 'DELETE', '--blob-uri', alice, '--at', '2026-03-01T12:00:00Z');
    const expiry = assertSigned(out.trim(), { url: alice, name: 'uploads/alice/a.txt', key: site.key, permissions: 'd' });
    assert.equal(expiry.toISOString(), '2026-03-01T12:05:00.000Z');
  });

  test('names are taken as they are', () => {
    const name = 'alice/a b+c%41&d=e#f?ä😀.txt';
    const { out } = put(`${kContainer}/${name}`);
    assertSigned(out.trim(), { url: `${kContainer}/alice/a%20b%2Bc%2541%26d%3De%23f%3F%C3%A4%F0%9F%98%80.txt`, name: `uploads/${name}`, key: site.key });
  });

  test('without a time, now', () => {
    const start = Math.floor(Date.now() / 1000);
    const expiry = assertSigned(put(alice).out.trim(), { url: alice, name: 'uploads/alice/a.txt', key: site.key }) / 1000;
    assert.ok(expiry >= start + 900 && expiry <= Date.now() / 1000 + 900);
  });

  test('values for patterns and the client\'s address', () => {
    const other = writeSite(siteConfig({
      rules: [{ ...kRule, blobs: ['{tenant}/{user}/*'], sas: { bind_client_ip: true } }],
    }));
    const { out } = run(['sign', '--config', other.file, '--user', 'alice', '--method', 'PUT',
      '--blob-uri', `${kContainer}/acme/alice/a`, '--var', 'tenant=acme', '--remote-addr', '192.0.2.7']);
    assert.equal(new URL(out.trim()).searchParams.get('sip'), '192.0.2.7');
  });

  const refused = [
    ['somebody else\'s folder', [`${kContainer}/bob/a`], 'not_allowed', /no pattern matches the name/],
    ['another account', ['https://other.blob.core.windows.net/uploads/alice/a'], 'unknown_endpoint'],
    ['a way up', [`${kContainer}/alice/../bob/a`], 'bad_blob_name'],
    ['another container', [`${kEndpoint}/private/alice/a`], 'not_allowed', /no rule for this container/],
  ];
  for (const [what, args, code, reason] of refused) {
    test(`exit code 3: ${what}`, () => {
      const result = put(...args);
      assert.equal(result.code, 3);
      assert.equal(JSON.parse(result.out).code, code);
      if (reason) assert.match(result.err, reason);
    });
  }

  test('exit code 3: nobody, and an unknown verb', () => {
    assert.equal(JSON.parse(sign('--method', 'PUT', '--blob-uri', alice).out).code, 'login_required');
    const { code, out } = sign('--user', 'alice', '--method', 'GET', '--blob-uri', alice);
    assert.deepEqual([code, JSON.parse(out).code], [3, 'bad_method']);
  });

  test('exit code 4: a faulty configuration', () => {
    const { file } = writeSite('{');
    const { code, out } = run(['sign', '--config', file, '--method', 'PUT', '--blob-uri', alice]);
    assert.deepEqual([code, out], [4, '']);
  });
});

describe('sign --vectors', () => {
  test('all pass', () => {
    assert.deepEqual(run(['sign', '--vectors', kVectors]), { code: 0, out: '96 passed, 0 failed\n', err: '' });
  });

  test('exit code 1: one that differs is named', () => {
    const changed = writeSite();
    changed.write(readFileSync(kVectors, 'utf8').replace('"signature": "3g8poh', '"signature": "4g8poh'));
    const { code, out } = run(['sign', '--vectors', changed.file]);
    assert.deepEqual([code, out], [1, 'svc-001: signature\n95 passed, 1 failed\n']);
  });

  test('exit code 1: no such file', () => {
    const { code, err } = run(['sign', '--vectors', '/nonexistent/vectors.json']);
    assert.equal(code, 1);
    assert.match(err, /^\/nonexistent\/vectors\.json: /);
  });
});

describe('serve', () => {
  let pool;
  before(async () => { pool = await startSitePool(); });
  after(() => pool?.stop());

  test('answers what sign prints for the same second', async () => {
    for (const [method, lifetime] of [['PUT', 900], ['DELETE', 300]]) {
      const uri = `${kContainer}/alice/dir/ä b%.txt`;
      const served = (await ask(pool.socket, signature({ uri, method }))).body;
      const expiry = new Date(new URL(served).searchParams.get('se'));
      const at = new Date(expiry - lifetime * 1000).toISOString().replace('.000', '');
      const { out } = run(['sign', '--config', pool.site.file, '--user', 'alice', '--method', method, '--blob-uri', uri, '--at', at]);
      assert.equal(out, `${served}\n`);
    }
  });

  test('is what a listening socket on fd 0 means, and ends with 4 on a faulty configuration', async () => {
    const server = createServer();
    await new Promise((resolve) => server.listen(join(tempDir(), 'listening.sock'), resolve));
    const { file } = writeSite('{');
    const { code, err } = run(['--config', file], { stdin: server._handle.fd });
    server.close();
    assert.equal(code, 4);
    assert.equal(JSON.parse(err.split('\n')[0]).event, 'bad_configuration');
  });
});
