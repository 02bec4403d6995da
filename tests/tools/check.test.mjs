// What `blobvalet check` says beyond faults: what is weak, in the configuration, its files and nginx.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { chmodSync, chownSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { before, describe, test } from 'node:test';
import { kRule, siteConfig, writeSite } from '../fcgi/support.mjs';
import { runBlobvalet as run } from '../lib/command.mjs';
import { dumpNginx, layOut, plainSite, sampleSite } from '../lib/nginx.mjs';
import { blobvaletBinary } from '../lib/pool.mjs';
import { tempDir } from '../lib/process.mjs';
import { registerSecret } from '../lib/secrets.mjs';

const strong = (more) => siteConfig({ success: {}, ...more });
const weak = strong({ sas: { put_lifetime_seconds: 7200 } });
const check = (site, ...args) => run(['check', '--config', site.file, ...args]);
const shell = (script, ...args) => spawnSync('sh', ['-c', script, blobvaletBinary, ...args], { encoding: 'utf8' });
const codes = ({ out }) => JSON.parse(out).warnings.map(({ code }) => code);

describe('warnings', () => {
  test('none: ok, exit code 0, also where they count', () => {
    const site = writeSite(strong());
    for (const args of [[], ['--strict']]) {
      assert.deepEqual(check(site, '--nginx', 'none', ...args), { code: 0, out: `${site.file}: ok\n`, err: '' });
    }
  });

  test('one: said on standard error, with its code and what to do, and exit code 0', () => {
    const site = writeSite(weak);
    const { code, out, err } = check(site, '--nginx', 'none');
    assert.deepEqual([code, out], [0, `${site.file}: ok, with 1 warning\n`]);
    assert.match(err, /^warning: rules\[0\]\.sas\.put_lifetime_seconds: .*\(long_lifetime\); set it to .*\n$/);
  });

  test('--strict: exit code 1', () => assert.equal(check(writeSite(weak), '--nginx', 'none', '--strict').code, 1));

  test('--json: one object', () => {
    const site = writeSite(weak);
    const { code, out, err } = check(site, '--nginx', 'none', '--json');
    assert.deepEqual([code, err], [0, '']);
    const { configuration, ok, faults, warnings, nginx } = JSON.parse(out);
    assert.deepEqual([configuration, ok, faults, nginx], [site.file, true, [], 'not looked at: not wanted']);
    assert.deepEqual(warnings.map((it) => Object.keys(it)), [['code', 'field', 'what', 'mend']]);
    assert.equal(check(site, '--nginx', 'none', '--json', '--strict').code, 1);
  });

  test('faults come with the warnings, and decide the exit code', () => {
    const site = writeSite(weak);
    chmodSync(join(site.dir, 'acmeuploads.key'), 0o644);
    const { code, out } = check(site, '--nginx', 'none', '--json');
    const { ok, faults, warnings } = JSON.parse(out);
    assert.deepEqual([code, ok, faults.map(({ field }) => field), warnings.length],
      [4, false, ['accounts[0].credential: key_file'], 1]);
  });

  test('of a configuration that is no configuration, faults alone', () => {
    const { code, out } = check(writeSite('{'), '--json');
    assert.deepEqual([code, JSON.parse(out).faults.length, JSON.parse(out).warnings], [4, 1, []]);
  });
});

describe('files', () => {
  const bearer = strong({
    accounts: [{ ...strong().accounts[0], requests: { authorization: 'bearer', token_file: 'token' } }],
  });
  const modes = [
    ['closed to all others', { file: 0o600, dir: 0o700 }, []],
    ['readable, but out of reach', { file: 0o644, dir: 0o700 }, []],
    ['readable by all', { file: 0o644, dir: 0o755 }, ['config_readable']],
    ['readable by its group', { file: 0o640, dir: 0o755 }, []],
    ['writable by its group', { file: 0o660, dir: 0o755 }, ['config_writable']],
    ['writable by all', { file: 0o622, dir: 0o700 }, ['config_writable']],
    ['a directory that its group can write', { file: 0o640, dir: 0o770 }, ['directory_writable']],
    ['a directory that all can write', { file: 0o640, dir: 0o777 }, ['directory_writable']],
    ['a directory such as /tmp', { file: 0o640, dir: 0o1777 }, []],
    ['a token that all can read', { config: bearer, file: 0o640, dir: 0o755, token: 0o644 }, ['secret_readable']],
    ['a token that others can write', { config: bearer, file: 0o640, dir: 0o755, token: 0o620 }, ['secret_writable']],
    ['a token of its own user', { config: bearer, file: 0o640, dir: 0o755, token: 0o600 }, []],
  ];
  for (const [what, { config = strong(), file, dir, token }, expected] of modes) {
    test(what, () => {
      const site = writeSite(config);
      if (token) {
        writeFileSync(join(site.dir, 'token'), registerSecret('a token for nobody at all'));
        chmodSync(join(site.dir, 'token'), token);
      }
      chmodSync(site.file, file);
      chmodSync(site.dir, dir);
      const result = check(site, '--nginx', 'none', '--json');
      chmodSync(site.dir, 0o700);
      assert.deepEqual(codes(result), expected);
    });
  }
});

describe('owners of files', { skip: process.getuid() !== 0 && 'only root can give files away' }, () => {
  const kNobody = 65534;
  for (const [what, target, expected] of [['the configuration', (site) => site.file, 'config_writable'], ['its directory', (site) => site.dir, 'directory_writable']]) {
    test(`somebody else owns ${what}`, () => {
      const site = writeSite(strong());
      chmodSync(site.file, 0o640);
      assert.deepEqual(codes(check(site, '--nginx', 'none', '--json')), []);
      chownSync(target(site), kNobody, 0);
      const { out } = check(site, '--nginx', 'none', '--json');
      assert.deepEqual(JSON.parse(out).warnings.map(({ code, what: why }) => [code, /belongs to user 65534/.test(why)]), [[expected, true]]);
    });
  }
});

describe('nginx', () => {
  const site = writeSite(strong({ cors: { origins: ['https://www.example.com'] } }));
  const body = 'set $blobvalet_user ""; include snippets/blobvalet.conf;';
  let shipped;
  before(async () => {
    shipped = dumpNginx(await layOut({ render: plainSite(body), origins: ['https://www.example.com'] }));
  });

  const checkDump = (text, ...args) => {
    const file = join(site.dir, 'nginx.txt');
    writeFileSync(file, text);
    return check(site, '--nginx', file, '--json', ...args);
  };

  test('the shipped files as nginx prints them', () => {
    const { out } = checkDump(shipped);
    assert.deepEqual(JSON.parse(out).warnings, []);
    assert.equal(JSON.parse(out).nginx, 'looked at');
  });

  test('the same by standard input', () => {
    const { status, stdout } = shell(`cat "$1" | "$0" check --config "$2" --nginx - --json`, join(site.dir, 'nginx.txt'), site.file);
    assert.equal(status, 0);
    assert.equal(JSON.parse(stdout).nginx, 'looked at');
  });

  for (const name of ['anonymous', 'auth_basic', 'auth_request', 'limit_req']) {
    test(`the shipped sample ${name} is not weak`, async () => {
      const own = writeSite(strong({ cors: { origins: ['https://uploads.example.com'] } }));
      const file = join(own.dir, 'nginx.txt');
      writeFileSync(file, dumpNginx(await layOut({ render: sampleSite(name) })));
      assert.deepEqual(JSON.parse(check(own, '--nginx', file, '--json').out).warnings, []);
    });
  }

  const changes = [
    ['a smaller body', ['client_max_body_size 64k', 'client_max_body_size 32k'], 'body_limit'],
    ['a larger body', ['client_max_body_size 64k', 'client_max_body_size 1m'], 'body_limit'],
    ['short request lines', ['large_client_header_buffers 2 64k', 'large_client_header_buffers 4 8k'], 'header_buffers'],
    ['no patience', ['fastcgi_read_timeout 10s', 'fastcgi_read_timeout 2s'], 'read_timeout'],
    ['few connections', ['worker_connections 512', 'worker_connections 128'], 'worker_connections'],
    ['no kept connections', ['fastcgi_keep_conn on', 'fastcgi_keep_conn off'], 'no_keepalive'],
    ['a user by a header', ['set $blobvalet_user "";', 'set $blobvalet_user $http_x_user;'], 'identity_from_request'],
    ['a user without a password', ['set $blobvalet_user "";', 'set $blobvalet_user $remote_user;'], 'identity_unchecked'],
    ['a page that is not listed', ['"https://www.example.com" 1;', '"https://other.example.com" 1;'], 'origin_not_listed'],
    ['any page', ['"https://www.example.com" 1;', '"~^https://" 1; "https://www.example.com" 1;'], 'wildcard_origin'],
    ['no blobvalet', ['include snippets/blobvalet.conf;', ''], 'no_snippet'],
  ];
  for (const [what, [from, to], code] of changes) {
    test(what, () => {
      const changed = shipped.replaceAll(from, to);
      assert.notEqual(changed, shipped);
      const own = checkDump(changed);
      assert.deepEqual([...new Set(codes(own))], [code]);
      assert.equal(own.code, 0);
      assert.equal(checkDump(changed, '--strict').code, 1);
    });
  }

  const unusable = [
    ['no such file', ['--nginx', '/nonexistent/nginx.txt'], /cannot be read/],
    ['no dump', ['--nginx', site.file], /this is not what nginx -T prints/],
  ];
  for (const [what, args, reason] of unusable) {
    test(`exit code 1: ${what}`, () => {
      const { code, err } = check(site, ...args);
      assert.equal(code, 1);
      assert.match(err, /^--nginx: /);
      assert.match(err, reason);
    });
  }

  /// A program of the name of nginx in front of the real one.
  const nginxThatSays = (text, code = 0) => {
    const bin = tempDir();
    writeFileSync(join(bin, 'dump'), text);
    writeFileSync(join(bin, 'nginx'), `#!/bin/sh\n[ "$*" = -T ] && cat ${bin}/dump\nexit ${code}\n`, { mode: 0o755 });
    return { env: { PATH: `${bin}:${process.env.PATH}` } };
  };
  const found = [
    ['with blobvalet: it is looked at', () => [shipped.replace('client_max_body_size 64k', 'client_max_body_size 1m')], 'looked at', ['body_limit']],
    ['without blobvalet: it is not', () => ['# configuration file /etc/nginx/nginx.conf:\nhttp { }\n'],
      'not looked at: the nginx of this machine does not use blobvalet', []],
    ['that may not read its own files: it is not', () => [shipped, 1],
      'not looked at: nginx -T does not work here; give what it prints by --nginx', []],
  ];
  for (const [what, args, nginx, expected] of found) {
    test(`nginx on this machine ${what}`, () => {
      const result = run(['check', '--config', site.file, '--json'], nginxThatSays(...args()));
      assert.deepEqual([JSON.parse(result.out).nginx, codes(result)], [nginx, expected]);
    });
  }

  test('without a word from nginx, what it would tell is left out', () => {
    const { out } = run(['check', '--config', site.file, '--json'], { env: { PATH: '/nonexistent' } });
    assert.match(JSON.parse(out).nginx, /^not looked at: /);
  });
});

test('a rule for nobody in particular is weak in several ways at once', () => {
  const site = writeSite(strong({
    rules: [{ ...kRule, blobs: ['**'], methods: ['PUT'], anonymous: true, verify: { enabled: false } }],
    sas: { put_lifetime_seconds: 86400, protocol: 'https,http' },
    success: { hook: { url: 'http://app.example.com/', secret_file: 'acmeuploads.key' } },
  }));
  assert.deepEqual(codes(check(site, '--nginx', 'none', '--json')).sort(), [
    'anonymous_everything', 'http_hook', 'http_protocol', 'long_lifetime', 'no_delete', 'verify_disabled',
  ]);
});
