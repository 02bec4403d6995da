// The application is told later: from a store that survives whatever happens, whether it is there now or not.
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { after, afterEach, before, describe, test } from 'node:test';
import { runBlobvalet } from '../lib/command.mjs';
import { ask } from '../lib/fcgi-client.mjs';
import { tempDir, waitFor } from '../lib/process.mjs';
import { hung, status } from '../lib/stub-server.mjs';
import { assertPromptWhile, signature, startWorker } from '../fcgi/support.mjs';
import { accepted, assertNoSecrets, kDeadlineMs, kMarginMs, startCallbackSite, verdictOf } from './support.mjs';

const asynchronous = (more = {}) => ({
  hook: { mode: 'async', store: { type: 'sqlite', file: join(tempDir('blobvalet-events'), 'events.db') }, ...more },
});

function events(site, ...args) {
  const { code, out: stdout, err: stderr } = runBlobvalet(['events', '--config', site.site.file, ...args],
    { env: { BLOBVALET_TEST_HOOK_SECRET: site.secret } });
  return { code, stdout, stderr };
}

function listed(site) {
  const { code, stdout, stderr } = events(site, 'list', '--json');
  assert.equal(code, 0, stderr);
  return stdout.split('\n').filter(Boolean).map((line) => JSON.parse(line));
}

const delivered = (site, count) => waitFor(() => site.application.messages().length >= count, {
  what: `${count} deliveries`, timeoutMs: 20_000,
});
const empty = (site) => waitFor(() => listed(site).length === 0, { what: 'an empty store' });

describe('an application that is told later', () => {
  let site;
  before(async () => { site = await startCallbackSite(asynchronous({ delete_granted: true })); });
  after(() => site?.stop());
  afterEach(async () => {
    site.application.clear();
    assertNoSecrets(site);
    for (const { id } of listed(site)) events(site, 'drop', id);
  });

  test('is told', async () => {
    assert.deepEqual(verdictOf(await site.call()), accepted());
    await delivered(site, 1);
    assert.equal(site.application.messages()[0].event, 'upload_success');
    assert.equal(site.application.unsigned(), 0);
    await empty(site);
  });

  test('being down delays no callback, and nothing is lost', async () => {
    site.application.fault = status(503);
    const answer = await site.call({ uuid: '0b6b7f3e-1c5e-4a9e-9d0b-000000000001' });
    assert.deepEqual(verdictOf(answer), accepted());
    const event = await waitFor(() => listed(site).find(({ attempts }) => attempts > 0), { what: 'an event that waits' });
    assert.equal(event.state, 'retrying');
    assert.equal(event.subject, 'acmeuploads/uploads/alice/a.txt');
    assert.equal(event.last_error, 'the application answered 503');
    assert.match(events(site, 'list').stdout, /retrying/);
    site.application.clear();
    await delivered(site, 1);
    assert.equal(site.application.messages()[0].id, event.id);
    await empty(site);
    assert.ok(site.lines().some(({ event: name }) => name === 'delivery_failed'));
    assert.ok(site.lines().some(({ event: name }) => name === 'delivery_works'));
  });

  test('being hung delays no callback and no signature', async () => {
    site.application.fault = hung;
    const answers = await assertPromptWhile(site.socket, () => Promise.all(Array.from({ length: 30 }, (_, i) => {
      site.azure.put(`uploads/alice/${i}`);
      return site.call({ blob: `alice/${i}` });
    })), signature({ uri: `${site.container}/alice/a.txt` }));
    for (const answer of answers) {
      assert.deepEqual(verdictOf(answer), accepted());
      assert.ok(answer.ms < kDeadlineMs + kMarginMs, `it took ${Math.round(answer.ms)} ms`);
    }
    site.application.clear();
    await waitFor(() => new Set(site.application.messages().map(({ blob }) => blob)).size === 30, {
      what: 'all thirty', timeoutMs: 30_000,
    });
  });

  test('events of one blob come in their order', async () => {
    site.application.fault = status(500);
    const uuids = Array.from({ length: 4 }, (_, i) => `0b6b7f3e-1c5e-4a9e-9d0b-00000000010${i}`);
    for (const uuid of uuids) await site.call({ uuid });
    site.application.clear();
    await delivered(site, 4);
    assert.deepEqual(site.application.messages().map(({ uuid }) => uuid), uuids);
  });

  test('a signed DELETE is an event, too', async () => {
    for (const method of ['DELETE', 'PUT']) {
      const params = signature({ method, uri: `${site.container}/alice/a.txt`, REQUEST_ID: 'r-3' });
      assert.equal((await ask(site.socket, params)).status, 200);
    }
    await delivered(site, 1);
    const [{ event, request_id }, ...more] = site.application.messages();
    assert.deepEqual([event, request_id, more], ['delete_granted', 'r-3', []]);
    await empty(site);
  });

  test('what Azure does not have is no event', async () => {
    assert.equal((await site.call({ blob: 'alice/never' })).status, 422);
    assert.deepEqual(listed(site), []);
  });

  test('an event can be dropped', async () => {
    site.application.fault = status(500);
    await site.call();
    const { id } = await waitFor(() => listed(site)[0]);
    assert.equal(events(site, 'drop', id).code, 0);
    assert.deepEqual(listed(site), []);
    assert.equal(events(site, 'drop', id).code, 1);
  });
});

test('an event that nobody takes is dead, until an operator says otherwise', async () => {
  const site = await startCallbackSite(asynchronous({ max_attempts: 2 }));
  site.application.fault = status(400);
  await site.call();
  const isDead = ({ state }) => state === 'dead';
  const dead = await waitFor(() => listed(site).find(isDead), { what: 'a dead event', timeoutMs: 20_000 });
  assert.equal(dead.attempts, 2);
  assert.ok(site.lines().some(({ event, detail }) => event === 'event_dead' && detail.includes(dead.id)));
  site.application.clear();
  assert.equal(events(site, 'retry', 'no-such-id').code, 1);
  assert.equal(events(site, 'retry', dead.id).code, 0);
  await delivered(site, 1);
  assert.equal(site.application.messages()[0].id, dead.id);
  await empty(site);
  assertNoSecrets(site);
  await site.stop();
});

test('what a killed worker has taken, the next one delivers', async () => {
  const options = asynchronous();
  const site = await startCallbackSite(options);
  site.application.fault = hung;
  assert.equal((await site.call()).status, 200);
  process.kill(site.pid, 'SIGKILL');
  await waitFor(() => site.ended());
  assert.equal(listed(site).length, 1);
  site.application.clear();
  const next = await startWorker({ config: site.config(), env: { BLOBVALET_TEST_HOOK_SECRET: site.secret } });
  try {
    await delivered(site, 1);
    await empty(site);
  } finally {
    await next.stop();
    await site.stop();
  }
});

test('a worker ends while a delivery hangs, within its timeout', async () => {
  const site = await startCallbackSite(asynchronous());
  site.application.fault = hung;
  await site.call();
  await waitFor(() => site.application.requests.length > 0);
  const start = performance.now();
  process.kill(site.pid, 'SIGTERM');
  assert.deepEqual(await waitFor(() => site.ended()), { code: 0, signal: null });
  const ms = performance.now() - start;
  assert.ok(ms < kDeadlineMs + kMarginMs, `it took ${Math.round(ms)} ms`);
  assert.equal(listed(site).length, 1);
  await site.stop();
});
