// `blobvalet doctor` on a whole site: sound, and broken at each link in turn.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { chmodSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:https';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { accept, say } from '../lib/application.mjs';
import { account, newKey, startAzurite } from '../lib/azurite.mjs';
import { runBlobvaletBeside } from '../lib/command.mjs';
import { makeClock, whyNoFakeTime } from '../lib/faketime.mjs';
import { request } from '../lib/http.mjs';
import { dumpNginx } from '../lib/nginx.mjs';
import { freePort, tempDir } from '../lib/process.mjs';
import { registerSecret } from '../lib/secrets.mjs';
import { kRules, openRule, startSite } from '../lib/site.mjs';

const kLinks = [
  'configuration', 'key', 'clock', 'socket', 'workers', 'nginx', 'tls', 'site_cors', 'account_cors', 'signature', 'container',
  'upload', 'stored', 'callback', 'hook', 'delete',
];
const kStrangersPage = 'https://unlisted.example.com';

let site;
let dir;
let dump;
let cookie;
before(async () => {
  site = await startSite({
    rules: [
      ...kRules,
      openRule('texts', { verify: { content_types: ['text/plain'] } }),
      openRule('no-delete', { methods: ['PUT'] }),
      openRule('gone'),
      { name: 'listed', account, container: 'listed', blobs: ['{user}/files/**'], methods: ['PUT', 'DELETE'], list: true },
    ],
    success: { hook: {} },
    startStorage: async () => {
      const storage = await startAzurite();
      return { ...storage, createContainer: (name, access) => (name === 'gone' ? undefined : storage.createContainer(name, access)) };
    },
  });
  dir = site.nginx.dir;
  dump = join(tempDir(), 'nginx.txt');
  writeFileSync(dump, dumpNginx(site.nginx));
  const login = await request({ port: Number(new URL(site.url).port), method: 'POST', path: '/login?user=alice' });
  cookie = join(tempDir(), 'cookie');
  writeFileSync(cookie, registerSecret(login.headers['set-cookie'][0].split(';')[0], 'the session'), { mode: 0o600 });
});
after(() => site?.stop());

/// What a doctor is told by whoever knows the site; `more` takes the place of single options.
function options(more = {}) {
  const all = {
    config: site.config, url: site.url, 'ca-file': join(dir, 'tls/uploads.example.com.crt'), origin: site.origins.page,
    user: 'alice', cookie: `@${cookie}`, nginx: dump, ...more,
  };
  return Object.entries(all).filter(([, value]) => value !== undefined).flatMap(([name, value]) => [`--${name}`, value]);
}

async function examine(more, { env, flags = [] } = {}) {
  const { code, out, err } = await runBlobvaletBeside(['doctor', ...options(more), '--json', ...flags], { env });
  assert.equal(err, '');
  const { ok, links } = JSON.parse(out);
  assert.equal(code, ok ? 0 : 1, out);
  for (const { link, state, mend } of links) assert.equal(state === 'fails', mend !== undefined, link);
  return links;
}

const stateOf = (links, name) => links.find(({ link }) => link === name).state;
const failing = (links) => links.filter(({ state }) => state === 'fails');

async function assertNothingLeft() {
  for (const name of ['uploads', 'drop', 'texts', 'no-delete']) assert.deepEqual(await site.storage.container(name).names(), []);
}

describe('a sound site', () => {
  test('every link is ok, and nothing is left behind', async () => {
    const links = await examine();
    assert.deepEqual(links.map(({ link, state }) => `${link} ${state}`), kLinks.map((link) => `${link} ok`));
    await assertNothingLeft();
    const { event } = site.application.messages.at(-1);
    assert.match(JSON.stringify(event), /alice\/blobvalet-doctor-[0-9a-f-]{36}\.png/);
  });

  test('where earlier uploads are listed, the test blob is among them', async () => {
    const links = await examine({ rule: 'listed' });
    const expected = [...kLinks.slice(0, -1), 'session', 'delete'];
    assert.deepEqual(links.map(({ link, state }) => `${link} ${state}`), expected.map((link) => `${link} ok`));
    assert.deepEqual(await site.storage.container('listed').names(), []);
  });

  test('as text: a line for each link', async () => {
    const { code, out } = await runBlobvaletBeside(['doctor', ...options()]);
    assert.equal(code, 0);
    assert.deepEqual(out.trimEnd().split('\n').map((line) => line.split(/ +/).slice(0, 2).join(' ')), kLinks.map((link) => `${link} ok`));
  });

  test('nobody, where a rule is for everybody', async () => {
    const links = await examine({ user: undefined, cookie: undefined });
    assert.deepEqual(failing(links), []);
  });

  test('a header in place of the cookie', async () => {
    const header = join(tempDir(), 'header');
    writeFileSync(header, `Cookie: ${readFileSync(cookie, 'utf8')}\n`, { mode: 0o600 });
    assert.deepEqual(failing(await examine({ cookie: undefined, header: `@${header}` })), []);
  });

  test('a file of one\'s own', async () => {
    const file = join(tempDir(), 'a.txt');
    writeFileSync(file, 'hello');
    assert.deepEqual(failing(await examine({ rule: 'texts', file, 'content-type': 'text/plain' })), []);
    await assertNothingLeft();
  });

  test('--no-callback: the application hears nothing', async () => {
    const before = site.application.messages.length;
    const links = await examine({}, { flags: ['--no-callback'] });
    assert.deepEqual([stateOf(links, 'callback'), stateOf(links, 'hook'), stateOf(links, 'delete')], ['not tested', 'not tested', 'ok']);
    assert.equal(site.application.messages.length, before);
  });

  test('without a URL, what needs none', async () => {
    const links = await examine({ url: undefined });
    assert.deepEqual(links.filter(({ state }) => state === 'ok').map(({ link }) => link),
      ['configuration', 'key', 'clock', 'socket', 'workers', 'nginx', 'account_cors']);
    assert.deepEqual(failing(links), []);
  });

  test('a key that only the workers have: what they sign tells whether it is good', async () => {
    const config = changedConfig((it) => ({
      ...it, accounts: [{ ...it.accounts[0], credential: { type: 'shared_key', key_env: 'BLOBVALET_ONLY_WORKERS_HAVE_IT' } }],
    }));
    const links = await examine({ config });
    assert.deepEqual(links.filter(({ state }) => state === 'not tested').map(({ link }) => link), ['key', 'stored']);
    assert.deepEqual(failing(links), []);
    await assertNothingLeft();
  });

  test('a rule without DELETE: cleaned up all the same', async () => {
    const links = await examine({ rule: 'no-delete' });
    assert.equal(stateOf(links, 'delete'), 'not tested');
    assert.deepEqual(failing(links), []);
    await assertNothingLeft();
  });
});

// --- what can break -------------------------------------------------------------------------------------------

const write = (name, text) => {
  const file = join(tempDir(), name);
  writeFileSync(file, text);
  return file;
};

/// The workers' configuration, changed; its key stands beside it.
function changedConfig(change, key) {
  const file = write('blobvalet.json', JSON.stringify(change(JSON.parse(readFileSync(site.config, 'utf8')))));
  writeFileSync(join(file, '../account.key'), key ?? readFileSync(join(site.config, '../account.key')), { mode: 0o600 });
  writeFileSync(join(file, '../application.secret'), readFileSync(join(site.config, '../application.secret')), { mode: 0o600 });
  return file;
}

const changedDump = (...changes) => write('nginx.txt', changes.reduce((text, [from, to]) => text.replaceAll(from, to), readFileSync(dump, 'utf8')));
const signatureSocket = () => join(dir, 'signature.sock');

/// A server on a port of its own with the certificate that openssl makes with these arguments, run by `before`.
async function serveWith(before, ...args) {
  const [certificate, keyFile] = ['crt', 'key'].map((name) => join(tempDir(), name));
  const [command, ...rest] = [
    ...before, 'openssl', 'req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-subj', '/CN=test',
    '-keyout', keyFile, '-out', certificate, ...args,
  ];
  execFileSync(command, rest, { stdio: 'pipe' });
  const port = await freePort();
  const server = createServer({ cert: readFileSync(certificate), key: readFileSync(keyFile) }).listen(port, '127.0.0.1');
  return { server, url: `https://localhost:${port}`, certificate, stop: () => { server.close(); server.closeAllConnections(); } };
}

let server;
let mode;
const serverWith = (...args) => ({
  async make() { server = await serveWith(...args); return { url: server.url, 'ca-file': server.certificate }; },
  mend: () => server.stop(),
});

/// Each `{make(), mend()}`: `make` breaks something and returns options in place of the usual ones.
const breakages = [
  ['a faulty configuration', 'configuration', /^rules\[0\]\.account: /, {
    make: () => ({ config: changedConfig((config) => ({ ...config, rules: [{ ...config.rules[0], account: 'nobody' }] })) }),
  }],
  ['no configuration', 'configuration', /cannot be read/, { make: () => ({ config: '/nonexistent/blobvalet.json' }) }],
  ['a key of another account', 'key', /Azure answered 403/, { advice: /portal's Access keys/, make: () => ({ config: changedConfig((config) => config, newKey()) }) }],
  ['a key that all can read', 'key', /has mode 0644/, {
    make() {
      const config = changedConfig((it) => it);
      chmodSync(join(config, '../account.key'), 0o644);
      return { config };
    },
  }],
  ['an account that cannot be reached', 'key', /cannot be reached/, {
    advice: /endpoint.*firewall/,
    make: () => ({ config: changedConfig((config) => ({ ...config, accounts: [{ ...config.accounts[0], endpoint: `http://127.0.0.1:9/${account}` }] })) }),
  }],
  ['no socket', 'socket', /No such file/, { make: () => ({ socket: '/nonexistent/signature.sock' }) }],
  ['a file in the place of the socket', 'socket', /is no socket/, { make: () => ({ socket: dump }) }],
  ['a socket that nginx may not use', 'socket', /has mode 0600 and belongs to .* so www-data cannot connect/, {
    make() {
      mode = statSync(signatureSocket()).mode;
      chmodSync(signatureSocket(), 0o600);
      return { 'nginx-user': 'www-data' };
    },
    mend: () => chmodSync(signatureSocket(), mode),
  }],
  ['a directory that nginx may not enter', 'socket', /has mode 0700 and belongs to .* so www-data cannot enter/, {
    make() {
      mode = statSync(signatureSocket()).mode;
      chmodSync(signatureSocket(), 0o666);
      return { 'nginx-user': 'www-data', socket: signatureSocket() };
    },
    mend: () => chmodSync(signatureSocket(), mode),
  }],
  ['no such user', 'socket', /no user/, { make: () => ({ 'nginx-user': 'nobody-of-this-name' }) }],
  ['dead workers', 'workers', /Connection refused/, {
    async make() { await site.pool.stop(); return {}; },
    mend: () => site.pool.start(),
  }],
  ['workers that hang', 'workers', /no answer in time/, {
    make() { site.success.pids().forEach((pid) => process.kill(pid, 'SIGSTOP')); return {}; },
    mend: () => site.success.pids().forEach((pid) => process.kill(pid, 'SIGCONT')),
  }],
  ['workers with another configuration', 'workers', /the workers run configuration \w+, the file and its keys are \w+/, {
    make: () => ({ config: changedConfig((config) => ({ ...config, server: { threads: 3 } })) }),
  }],
  ['a site without the snippet', 'nginx', /no location passes requests/, { make: () => ({ nginx: changedDump(['BLOBVALET_ENDPOINT', 'OTHER']), socket: signatureSocket() }) }],
  ['nginx that does not run', 'nginx', /does not run/, { make: () => ({ nginx: changedDump([`pid ${dir}/nginx.pid`, `pid ${dir}/none.pid`]) }) }],
  ['nobody at the URL', 'tls', /no TLS connection/, { async make() { return { url: `https://localhost:${await freePort()}` }; } }],
  ['a certificate that nobody vouches for', 'tls', /nobody vouches/, { make: () => ({ 'ca-file': undefined }) }],
  ['a certificate for another name', 'tls', /is for other\.example\.com, not for localhost/,
    serverWith([], '-days', '30', '-addext', 'subjectAltName=DNS:other.example.com')],
  ['an expired certificate', 'tls', /expired on Jan .* 2020/,
    serverWith(['faketime', '2020-01-01'], '-days', '1', '-addext', 'subjectAltName=DNS:localhost')],
  ['a site that lacks the page\'s origin', 'site_cors', /pages of https:\/\/unlisted\.example\.com may not ask/, { make: () => ({ origin: kStrangersPage }) }],
  ['nobody logged in', 'signature', /vouches for nobody/, { make: () => ({ cookie: undefined }) }],
  ['somebody else logged in', 'signature', /no rule of the workers/, { make: () => ({ user: 'bob' }) }],
  ['an account that lacks the page\'s origin', 'account_cors', /does not let pages of .* PUT: the answer is 403/, {
    async make() { await site.storage.allowOrigins([kStrangersPage]); return {}; },
    mend: () => site.storage.allowOrigins([site.origins.page]),
  }],
  ['no container', 'container', /has no container gone/, { make: () => ({ rule: 'gone' }) }],
  ['a callback that is refused', 'callback', /content_type_not_allowed/, { make: () => ({ rule: 'texts' }) }],
  ['the application is down', 'hook', /does not answer/, {
    async make() { await site.application.goDown(); return {}; },
    mend: () => site.application.goUp(),
  }],
  ['the application refuses', 'hook', /refuses the test blob/, {
    make() { site.application.answers.splice(0, 1, say(403, { error: 'no' })); return {}; },
    mend: () => site.application.answers.splice(0, 1, accept),
  }],
];

describe('a broken site', () => {
  for (const [what, link, detail, { make, mend = () => {}, advice = /./ }] of breakages) {
    test(`${what}: ${link}`, async () => {
      const more = await make();
      try {
        const links = await examine(more);
        const [first] = failing(links);
        assert.ok(first, JSON.stringify(links, null, 1));
        assert.equal(first.link, link, JSON.stringify(links, null, 1));
        assert.match(first.detail, detail);
        assert.match(first.mend, advice);
      } finally {
        await mend();
      }
      await assertNothingLeft();
    });
  }

  test('a clock that is wrong: clock', { skip: whyNoFakeTime() || false }, async () => {
    const clock = makeClock();
    clock.set(600);
    const links = await examine({}, { env: clock.env });
    assert.equal(failing(links)[0].link, 'clock');
    assert.match(failing(links)[0].detail, /this machine is (59\d|60\d) s ahead of Azure/);
  });

  test('what makes no sense any more is not tested, and says why', async () => {
    const links = await examine({ 'ca-file': undefined });
    for (const name of ['site_cors', 'signature', 'container', 'upload', 'stored', 'callback', 'hook', 'delete']) {
      const { state, detail } = links.find((it) => it.link === name);
      assert.equal(state, 'not tested', name);
      assert.match(detail, /^see \w+$/, name);
    }
  });

  test('well again in the end', async () => assert.deepEqual(failing(await examine()), []));
});

test('a password in a file goes to the site as HTTP Basic, with each request that needs a login', async () => {
  const { server: fake, url, certificate, stop } = await serveWith([], '-days', '30', '-addext', 'subjectAltName=DNS:localhost');
  const seen = [];
  fake.on('request', ({ method, url: path, headers }, response) => {
    seen.push([method, path.split('?')[0], headers.authorization]);
    response.writeHead(method === 'OPTIONS' ? 403 : 401).end();
  });
  const password = registerSecret('not the password of anybody');
  const links = await examine({
    url, 'ca-file': certificate, cookie: undefined, 'password-file': write('password', `${password}\n`), nginx: 'none', socket: signatureSocket(),
    'nginx-user': 'root',
  });
  stop();
  assert.deepEqual(seen, [
    ['OPTIONS', '/blobvalet/signature', undefined],
    ['GET', '/blobvalet/signature', `Basic ${Buffer.from(`alice:${password}`).toString('base64')}`],
  ]);
  assert.deepEqual(failing(links).map(({ link }) => link), ['site_cors', 'signature']);
  assert.match(links.find(({ link }) => link === 'signature').mend, /does not accept this login/);
  assert.equal(stateOf(links, 'nginx'), 'not tested');
});

describe('exit code 2', () => {
  const misuse = [
    ['a URL that is none', { url: 'www.example.com' }],
    ['a value without a name', { var: 'acme' }],
    ['a header that is none', { header: 'X-Session' }],
    ['a file that is not there', { cookie: '@/nonexistent/cookie' }],
    ['a password of nobody', { user: undefined, 'password-file': '/dev/null' }],
    ['a type without a file', { 'content-type': 'text/plain' }],
  ];
  for (const [what, more] of misuse) {
    test(what, async () => {
      const { code, out } = await runBlobvaletBeside(['doctor', ...options(more)]);
      assert.deepEqual([code, out], [2, '']);
    });
  }
});
