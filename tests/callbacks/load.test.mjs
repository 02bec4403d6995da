// Many callbacks at once while Azure hangs: what they may take, what everybody else gets, and how a worker ends, or takes
// up a new configuration, meanwhile.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { ask } from '../lib/fcgi-client.mjs';
import { waitFor } from '../lib/process.mjs';
import { hung, slow } from '../lib/stub-server.mjs';
import { assertPromptWhile, signature } from '../fcgi/support.mjs';
import { accepted, assertNoSecrets, kMarginMs, startCallbackSite, unavailable, verdictOf } from './support.mjs';

const kDeadlineMs = 4000;
const kLongestWaitMs = 2000;
const kThreads = 16;
const kHung = { verify: { deadline_ms: kDeadlineMs, on_azure_failure: 'accept' }, hook: null };

const withSite = (options, body) => async () => {
  const site = await startCallbackSite(options);
  try {
    await body(site);
    assertNoSecrets(site);
  } finally {
    await site.stop();
  }
};

const callMany = (site, count) => Promise.all(Array.from({ length: count }, () => site.call()));
const healthy = (site) => signature({ uri: `${site.container}/alice/a.txt` });
const hasAsked = (site, count) => waitFor(() => site.azure.requests.length >= count, { what: `${count} questions at Azure` });

/// Asserts that every one was answered: `believed` after Azure's whole deadline, all others by a prompt "try again".
function assertShared(answers, believed) {
  const busy = answers.filter(({ status }) => status === 503);
  assert.equal(answers.length - busy.length, believed);
  for (const answer of busy) {
    assert.deepEqual(verdictOf(answer), unavailable('busy'));
    assert.equal(answer.headers['Retry-After'], '1');
    assert.ok(answer.ms < kLongestWaitMs + kMarginMs / 2, `told to try again after ${Math.round(answer.ms)} ms`);
  }
  for (const answer of answers.filter(({ status }) => status === 200)) {
    assert.deepEqual(verdictOf(answer), accepted(false));
    assert.ok(answer.ms < kDeadlineMs + kMarginMs, `it took ${Math.round(answer.ms)} ms`);
  }
}

describe('Azure hangs', () => {
  test('60 callbacks get a bounded share of the threads, the rest is told to try again in time', withSite(kHung, async (site) => {
    site.azure.fault = hung;
    assertShared(await assertPromptWhile(site.socket, () => callMany(site, 60), healthy(site)), kThreads);
    assert.equal(site.azure.requests.length, kThreads);
  }));

  test('the share is configured', withSite({ ...kHung, server: { threads: 3 } }, async (site) => {
    site.azure.fault = hung;
    assertShared(await assertPromptWhile(site.socket, () => callMany(site, 20), healthy(site)), 3);
  }));

  test('beyond a queue of 256 they are told at once', withSite(kHung, async (site) => {
    site.azure.fault = hung;
    const answers = await assertPromptWhile(site.socket, () => callMany(site, 400), healthy(site));
    assertShared(answers, kThreads);
    const atOnce = answers.filter(({ ms }) => ms < kLongestWaitMs - 100).length;
    assert.ok(atOnce >= 400 - kThreads - 256, `${atOnce} were told at once`);
  }));

  test('callbacks work again as soon as Azure does', withSite(kHung, async (site) => {
    site.azure.fault = hung;
    await callMany(site, 60);
    site.azure.clear();
    for (const answer of await callMany(site, 60)) assert.deepEqual(verdictOf(answer), accepted());
  }));
});

describe('the end', () => {
  /// Sends SIGTERM while callbacks wait; how long the worker took, once it is seen that all were answered.
  async function endWhile(site, count) {
    const calls = callMany(site, count);
    await hasAsked(site, Math.min(count, kThreads));
    const start = performance.now();
    process.kill(site.pid, 'SIGTERM');
    const answers = await calls;
    assert.deepEqual(await waitFor(() => site.ended()), { code: 0, signal: null });
    assert.equal(site.lines().at(-1).event, 'stopped');
    return { answers, ms: performance.now() - start };
  }

  test('SIGTERM: callbacks that wait for a hung Azure are answered first, in time', withSite(kHung, async (site) => {
    site.azure.fault = hung;
    const { answers, ms } = await endWhile(site, 60);
    assertShared(answers, kThreads);
    assert.ok(ms < kDeadlineMs + kMarginMs, `it took ${Math.round(ms)} ms`);
  }));

  test('SIGTERM: nothing is lost while Azure is slow', withSite({ hook: null }, async (site) => {
    site.azure.fault = slow(300);
    const { answers } = await endWhile(site, 40);
    for (const answer of answers) assert.deepEqual(verdictOf(answer), accepted());
  }));

  test('SIGKILL leaves nothing behind but an answer that is missing', withSite(kHung, async (site) => {
    site.azure.fault = hung;
    const call = assert.rejects(site.call(), /without an answer/);
    await hasAsked(site, 1);
    process.kill(site.pid, 'SIGKILL');
    await call;
    await waitFor(() => site.ended());
  }));
});

describe('SIGHUP', () => {
  async function reload(site) {
    const seen = site.lines().length;
    process.kill(site.pid, 'SIGHUP');
    await waitFor(() => site.lines().slice(seen).some(({ event }) => event === 'reloaded'), { what: 'a reload' });
  }

  test('callbacks that wait keep the rules of their time, new ones have the new', withSite({ hook: null }, async (site) => {
    site.azure.script(slow(600));
    const waiting = site.call();
    await hasAsked(site, 1);
    site.site.write(site.config({ verify: { content_types: ['image/*'] } }));
    await reload(site);
    assert.equal((await site.call()).json().code, 'content_type_not_allowed');
    assert.deepEqual(verdictOf(await waiting), accepted());
  }));

  const patient = { hook: null, verify: { deadline_ms: 1000 } };
  test('a longer deadline does not hold for those that wait', withSite(patient, async (site) => {
    site.azure.fault = hung;
    const waiting = site.call();
    await hasAsked(site, 1);
    site.site.write(site.config({ verify: { deadline_ms: 20_000 } }));
    await reload(site);
    const { status, ms } = await waiting;
    assert.equal(status, 503);
    assert.ok(ms < 1000 + kMarginMs, `it took ${Math.round(ms)} ms`);
  }));

  test('another application is asked at once', withSite({}, async (site) => {
    await site.call();
    site.site.write(site.config({ hook: { url: `${site.application.url}/v2` } }));
    await reload(site);
    await site.call();
    assert.deepEqual(site.application.requests.map(({ url }) => url), ['/uploads?from=blobvalet', '/v2']);
  }));

  test('nothing is lost while it happens again and again', withSite({}, async (site) => {
    site.azure.fault = slow(20);
    const calls = callMany(site, 100);
    for (let i = 0; i < 5; i++) await reload(site);
    for (const answer of await calls) assert.deepEqual(verdictOf(answer), accepted());
    assert.equal((await ask(site.socket, healthy(site))).status, 200);
  }));
});
