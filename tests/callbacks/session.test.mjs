// The list of what a user has uploaded, of an account that answers as the real one does, of one that fails, and of the emulator
// with more blobs than are ever looked at.
import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, afterEach, before, beforeEach, describe, test } from 'node:test';
import { account, startAzurite } from '../lib/azurite.mjs';
import { fail } from '../lib/azure-stub.mjs';
import { ask } from '../lib/fcgi-client.mjs';
import { startPool } from '../lib/pool.mjs';
import { registerSecret } from '../lib/secrets.mjs';
import { closed, garbage, hugeBody, hung, slow, status } from '../lib/stub-server.mjs';
import { sleep, tempDir } from '../lib/process.mjs';
import { assertPromptWhile, kAccount, signature, startWorker } from '../fcgi/support.mjs';
import { assertNoSecrets, kDeadlineMs, kMarginMs, startCallbackSite } from './support.mjs';

const kFilename = { qqfilename: encodeURIComponent('見本 & "1".txt') };
const files = (answer) => JSON.parse(answer.body);
const names = (answer) => files(answer).map(({ blobName }) => blobName);
const march = (day) => ({ modified: `Sun, ${String(day).padStart(2, '0')} Mar 2026 12:00:00 GMT` });

// spawn-fcgi has become the worker.
const memoryOf = (pid) => /VmHWM:\s+(.*)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))[1];

function useSite(options) {
  const bench = {};
  before(async () => { bench.site = await startCallbackSite({ hook: null, rule: { list: true }, ...options }); });
  after(() => bench.site?.stop());
  beforeEach(() => bench.site.azure.clear());
  afterEach(() => {
    assertNoSecrets(bench.site);
    assert.deepEqual(bench.site.azure.refused, [], 'a credential was wrong');
  });
  return bench;
}

const kToken = registerSecret('stub-token-of-the-session-tests', 'a bearer token');
const tokenFile = join(tempDir(), 'token');
writeFileSync(tokenFile, kToken, { mode: 0o600 });

for (const requests of [
  { authorization: 'sas' }, { authorization: 'shared_key' }, { authorization: 'bearer', token_file: tokenFile },
]) {
  describe(`a listing by ${requests.authorization}`, () => {
    const bench = useSite({ requests });
    before(() => bench.site.azure.trust({ account: kAccount, key: bench.site.site.key, token: kToken }));

    test('has the files of who asks, page by page, and of nobody else', async () => {
      const { azure } = bench.site;
      azure.limitPages(2);
      azure.remove('uploads/alice/a.txt');
      for (const user of ['alice', 'alice2', 'alic', 'a&b=c']) {
        for (let i = 1; i <= 5; i += 1) azure.put(`uploads/${user}/${i} & <#?%41>.txt`, { metadata: kFilename, ...march(i) });
      }
      azure.put('uploads/alice', {});
      const answer = await bench.site.list();
      assert.equal(answer.status, 200, answer.body);
      assert.deepEqual(names(answer), [5, 4, 3, 2, 1].map((i) => `${i} & <#?%41>.txt`));
      assert.ok(files(answer).every(({ name, size, more }) => name === '見本 & "1".txt' && size === 5 && !more));
      assert.equal(azure.requests.length, 3);
      assert.ok(azure.requests.every(({ url }) => new URL(url, azure.url).searchParams.get('prefix') === 'alice/'));
      const odd = await bench.site.list({ user: 'a&b=c' });
      assert.equal(files(odd).length, 5);
      const line = await answer.line();
      assert.deepEqual([line.endpoint, line.folder, line.listed, line.code, line.container, line.rule],
        ['session', 'alice/', 5, 'ok', 'uploads', 'own-folder']);
      assert.equal(line.permissions, undefined);
    });
  });
}

describe('an account that fails', () => {
  const bench = useSite();
  const unavailable = (reason, more) => ({ code: 'azure_unavailable', reason, ...more });
  const refused = (reason, more) => ({ code: 'azure_refused', reason, ...more });
  const rows = [
    ['slower than the deadline', slow(5000), unavailable('Azure did not answer in time')],
    ['hung', hung, unavailable('Azure did not answer in time')],
    ['closed', closed, unavailable('Azure cannot be reached')],
    ['garbage', garbage, refused('the endpoint does not speak HTTP')],
    ['a body that never ends', hugeBody, refused('the endpoint\'s answer is too large', { or: 'Azure did not answer in time' })],
    ['200 from something else', status(200), refused('the endpoint\'s answer is not that of a storage account')],
    ['503', fail(503, 'ServerBusy', { 'Retry-After': '7' }), unavailable('Azure is throttling us', { retryAfter: '7' })],
    ['500', fail(500, 'InternalError'), unavailable('Azure has failed')],
    ['403', fail(403, 'AuthorizationPermissionMismatch'), refused('AuthorizationPermissionMismatch')],
    ['404', fail(404, 'ContainerNotFound'), refused('ContainerNotFound')],
  ];
  for (const [what, fault, { code, reason, or, retryAfter = '1' }] of rows) {
    test(`${what}, while signatures are answered at once`, async () => {
      bench.site.azure.fault = fault;
      const answer = await assertPromptWhile(
        bench.site.socket, () => bench.site.list(), signature({ uri: `${bench.site.container}/alice/a.txt` }));
      const line = await answer.line();
      assert.ok([reason, or].includes(line.reason), line.reason);
      assert.equal(answer.status, 503);
      assert.equal(answer.headers['Retry-After'], retryAfter);
      if (line.reason === reason) {
        assert.deepEqual(JSON.parse(answer.body), { error: 'the files cannot be listed now', code });
      }
      assert.ok(answer.ms < kDeadlineMs + kMarginMs, `it took ${Math.round(answer.ms)} ms`);
    });
  }

  test('one failure is tried again', async () => {
    bench.site.azure.script(fail(500, 'InternalError'));
    assert.deepEqual(names(await bench.site.list()), ['a.txt']);
  });

  test('who may not, is not asked for', async () => {
    const answer = await bench.site.list({ user: 'bob', container: `${bench.site.container}/alice` });
    assert.deepEqual([answer.status, JSON.parse(answer.body).code], [403, 'not_allowed']);
    assert.equal(bench.site.azure.requests.length, 0);
  });
});

describe('a limit for each user', () => {
  const bench = useSite({
    rule: { list: true, limit: { requests: 2, per_seconds: 3600 } },
    limits: { store: { type: 'shared_memory', file: 'limits' } },
  });
  test('counts listings, too', async () => {
    const codes = [];
    for (let i = 0; i < 3; i += 1) codes.push((await bench.site.list()).status);
    assert.deepEqual(codes, [200, 200, 429]);
    assert.equal((await bench.site.list({ user: 'bob' })).status, 200);
  });
});

test('nobody lists anything by default', async () => {
  const site = await startCallbackSite({ hook: null });
  try {
    const answer = await site.list();
    assert.deepEqual([answer.status, JSON.parse(answer.body).code], [403, 'not_allowed']);
    assert.equal(site.azure.requests.length, 0);
  } finally {
    await site.stop();
  }
});

test('a worker for signatures only refuses, and asks nobody', async () => {
  const site = await startCallbackSite({ hook: null, rule: { list: true } });
  const pool = await startPool({
    config: site.site.file, workers: 1, dir: site.site.dir, name: 'only', args: ['--signatures-only'],
    env: { BLOBVALET_TEST_HOOK_SECRET: site.secret },
  });
  try {
    assert.equal((await site.list()).status, 200);
    const refusal = await ask(pool.socket, {
      BLOBVALET_ENDPOINT: 'session', BLOBVALET_USER: 'alice', REQUEST_METHOD: 'GET',
      QUERY_STRING: `container=${encodeURIComponent(`${site.container}/alice`)}`,
    });
    assert.deepEqual([refusal.status, JSON.parse(refusal.body).code], [500, 'misconfigured']);
  } finally {
    await pool.stop();
    await site.stop();
  }
});

describe('more blobs than are ever looked at', { timeout: 280_000 }, () => {
  const kBlobs = 10_100;
  const bench = {};
  before(async () => {
    bench.storage = await startAzurite();
    await bench.storage.createContainer('uploads');
    const container = bench.storage.container('uploads');
    for (let i = 0; i < kBlobs; i += 100) {
      await Promise.all(Array.from({ length: 100 }, (_, k) => container.write(`alice/${String(i + k).padStart(5, '0')}`, 'x')));
    }
    await container.write('alice2/a', 'x');
    const config = {
      accounts: [{ name: account, endpoint: bench.storage.blobEndpoint, credential: { type: 'shared_key', key_file: 'acmeuploads.key' } }],
      rules: [{
        name: 'own-folder', account, container: 'uploads', blobs: ['{user}/**'], methods: ['PUT', 'DELETE'], list: true,
        sas: { protocol: 'https,http' },
      }],
      session: { max_files: 1000, deadline_ms: 60_000 },
      server: { metrics_file: 'metrics' },
    };
    bench.worker = await startWorker({ config });
    bench.worker.site.writeKey(bench.storage.keys()[0]);
    bench.list = (user) => ask(bench.worker.socket, {
      BLOBVALET_ENDPOINT: 'session', BLOBVALET_USER: user, REQUEST_METHOD: 'GET', REQUEST_ID: user,
      QUERY_STRING: `container=${encodeURIComponent(`${bench.storage.blobEndpoint}/uploads/${user}`)}`,
    });
  });
  after(async () => {
    await bench.worker?.stop();
    await bench.storage?.stop();
  });

  test('10,000 are looked at in pages of 1,000, as many shown as may be, and the last says that there is more', async () => {
    let answer;
    for (let i = 0; i < 50 && answer?.status !== 200; i += 1) {       // the key that is the emulator's is read in a moment
      answer = await bench.list('alice');
      if (answer.status !== 200) await sleep(100);
    }
    assert.equal(answer.status, 200, answer.body);
    const all = files(answer);
    assert.equal(all.length, 1000);
    assert.deepEqual(all.filter(({ more }) => more), [all.at(-1)]);
    assert.ok(all.every(({ blobName }) => /^\d{5}$/.test(blobName) && blobName < '10000'));
    assert.equal(new Set(all.map(({ uuid }) => uuid)).size, 1000);
    const asked = bench.storage.requests().filter(({ comp, status: code }) => comp === 'list' && code === 200);
    assert.equal(asked.length, 10);
    const line = bench.worker.lines().filter(({ endpoint }) => endpoint === 'session').at(-1);
    assert.deepEqual([line.listed, line.reason], [1000, 'there are more blobs than session.max_blobs']);
    console.log(`${answer.body.length} bytes in ${Math.round(line.micros / 1000)} ms, ${memoryOf(bench.worker.pid)} at most`);
  });

  test('the neighbour whose name begins alike has its own', async () => {
    assert.deepEqual(names(await bench.list('alice2')), ['a']);
  });
});
