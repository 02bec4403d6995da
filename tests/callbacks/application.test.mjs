// What a callback's answer is for everything that the site's application may say, or fail to say, and what it is told.
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { after, afterEach, before, beforeEach, describe, test } from 'node:test';
import { isSignedHook } from '../lib/application-stub.mjs';
import { makeCertificate } from '../lib/certificate.mjs';
import { ask } from '../lib/fcgi-client.mjs';
import { tempDir } from '../lib/process.mjs';
import {
  closed, closedInBody, closedInHeaders, garbage, hugeBody, hugeHeaders, hung, hungInBody, hungInHeaders,
  redirect, slow, startStubServer, status,
} from '../lib/stub-server.mjs';
import { kAccount, kUuid, signature } from '../fcgi/support.mjs';
import {
  accepted, assertNoSecrets, callWhileSigning, kBlob, kCookie, kDeadlineMs, kMarginMs, refused, startCallbackSite, unavailable,
  verdictOf,
} from './support.mjs';

const down = unavailable('hook_unavailable');
const no = refused(403, 'hook_refused');
const json = { 'Content-Type': 'application/json' };

/// What a row promises: the verdict, what the log says, and that the answer came in time.
async function assertAnswer(answer, expected, { reason, hookStatus, error, atMostMs = kDeadlineMs } = {}) {
  assert.deepEqual(verdictOf(answer), expected, answer.body);
  assert.ok(answer.ms < atMostMs + kMarginMs, `it took ${Math.round(answer.ms)} ms`);
  if (answer.status === 503) assert.equal(answer.headers['Retry-After'], '1');
  if (error) assert.equal(answer.json().error, error);
  const line = await answer.line();
  assert.equal(line.code, expected.code ?? 'ok');
  if (reason) assert.equal(line.reason, reason);
  if (hookStatus !== undefined) assert.equal(line.hook_status, hookStatus);
}

const silent = { reason: 'the application did not answer in time', hookStatus: 0 };
const gone = { reason: 'the application cannot be reached', hookStatus: 0 };
const untrusted = { reason: 'the application\'s certificate is not trusted', hookStatus: 0 };
const tooLarge = { reason: 'the application\'s answer is too large', hookStatus: 0 };
const noJson = { reason: 'the application\'s answer is not a JSON object', hookStatus: 200 };
const failed = (hookStatus) => ({ reason: 'the application answered with an error', hookStatus });

/// What leaves the application without an answer that can be used.
const faults = [
  ['slower than the timeout', slow(5000), silent],
  ['hung before the answer', hung, silent],
  ['hung in the middle of the headers', hungInHeaders, silent],
  ['hung in the middle of the body', hungInBody, silent],
  ['closed before the answer', closed, gone],
  ['closed in the middle of the headers', closedInHeaders, gone],
  ['closed in the middle of the body', closedInBody, gone],
  ['garbage', garbage, { reason: 'the application does not speak HTTP', hookStatus: 0 }],
  ['408', status(408), failed(408)],
  ['429', status(429, { 'Retry-After': '2' }), failed(429)],
  ['500', status(500, {}, '<html>Fatal error</html>'), failed(500)],
  ['502', status(502), failed(502)],
  ['503, Retry-After: 7', status(503, { 'Retry-After': '7' }), failed(503)],
  ['503, Retry-After: a date', status(503, { 'Retry-After': 'Sun, 01 Mar 2037 12:00:00 GMT' }), failed(503)],
  ['304', status(304), failed(304)],
  ['800 KB of headers', hugeHeaders, tooLarge],
  ['a body of 10 MiB, announced', hugeBody(true), tooLarge],
  ['a body of 10 MiB, in chunks', hugeBody(false), tooLarge],
  ['200 without a body', status(200), noJson],
  ['no JSON', status(200, json, '{"success":'), noJson],
  ['JSON that is no object', status(200, json, '[1]'), noJson],
  ['JSON behind a warning', status(200, json, 'Warning: deprecated\n{}'), noJson],
  ['JSON nested too deeply', status(200, json, `{"a":${'['.repeat(500)}${']'.repeat(500)}}`), noJson],
  ['no UTF-8', status(200, json, Buffer.from('{"a":"\xff"}', 'latin1')), noJson],
];

describe('a site that asks its application', () => {
  let site;
  let elsewhere;
  before(async () => {
    elsewhere = await startStubServer({ answer: status(200, json, '{}') });
    site = await startCallbackSite();
  });
  after(async () => {
    await site?.stop();
    await elsewhere?.stop();
  });
  beforeEach(() => {
    site.azure.clear();
    site.application.clear();
    site.application.says(200, {});
  });
  afterEach(() => {
    assertNoSecrets(site);
    assert.equal(elsewhere.connections(), 0, 'somebody followed a redirect');
  });

  for (const [what, fault, more] of faults) {
    test(`no usable answer: ${what}`, async () => {
      site.application.fault = fault;
      await assertAnswer(await callWhileSigning(site), down, more);
    });
  }

  for (const code of [301, 302, 303, 307, 308]) {
    test(`no usable answer: ${code}`, async () => {
      site.application.fault = redirect(code, `${elsewhere.url}/uploads`);
      await assertAnswer(await callWhileSigning(site), down, failed(code));
    });
  }

  const answers = [
    ['200 {}', [200, {}], accepted()],
    ['201 {}', [201, {}], accepted()],
    ['204', [204, ''], accepted()],
    ['200 and an error', [200, { error: 'no room' }], no, { error: 'no room' }],
    ['200 and success false', [200, { success: false }], no],
    ['401', [401, ''], no, { hookStatus: 401 }],
    ['403 and a reason', [403, { error: 'not yours' }], no, { error: 'not yours', hookStatus: 403 }],
    ['404 and a page', [404, '<h1>Not found</h1>'], no, { hookStatus: 404 }],
    ['409, and retries may help', [409, { error: 'wait', preventRetry: false }], { ...no, preventRetry: undefined }],
    ['422 and reset', [422, { error: 'again', reset: true }], { ...no, preventRetry: undefined, reset: true }],
    ['500 and a reason', [500, { error: 'database is down' }], down, { error: 'database is down' }],
    ['503 and a reason', [503, { error: 'maintenance', preventRetry: true }], down, { error: 'maintenance' }],
  ];
  for (const [what, [code, body], expected, more] of answers) {
    test(`answer: ${what}`, async () => {
      site.application.says(code, body);
      await assertAnswer(await site.call(), expected, more);
    });
  }

  test('slow is not failed', async () => {
    site.application.fault = slow(200);
    await assertAnswer(await callWhileSigning(site), accepted());
  });

  test('what the application adds reaches the page, but for what is ours or dangerous', async () => {
    site.application.says(200, '{"id":7,"tags":["a"],"thumbnailUrl":"/t.png",'
      + '"verified":false,"code":"x","__proto__":{"admin":1}}');
    const answer = (await site.call()).json();
    assert.deepEqual(answer, { success: true, error: null, verified: true, thumbnailUrl: '/t.png', id: 7, tags: ['a'] });
  });

  test('it is told what was uploaded, signed', async () => {
    await site.call({ 'order[id]': '7', 'order[note]': 'für' }, { REQUEST_ID: 'r-1' });
    const [request] = site.application.requests;
    assert.ok(isSignedHook(request, site.secret));
    assert.ok(!isSignedHook(request, `${site.secret}x`));
    assert.ok(!isSignedHook({ ...request, body: request.body.replace('alice', 'bobby') }, site.secret));
    assert.deepEqual([request.method, request.url], ['POST', '/uploads?from=blobvalet']);
    assert.equal(request.headers['content-type'], 'application/json');
    const { id, time, etag, last_modified, ...body } = JSON.parse(request.body);
    assert.match(id, /^[0-9a-f]{32}$/);
    assert.ok(Math.abs(Date.now() - new Date(time)) < 60_000);
    assert.equal(etag, site.azure.blob(kBlob).etag);
    assert.ok(last_modified);
    assert.deepEqual(body, {
      event: 'upload_success', user: 'alice', account: kAccount, container: 'uploads', blob: 'alice/a.txt', uuid: kUuid,
      name: 'a.txt', size: 5, content_type: 'text/plain', url: `${site.azure.url}/uploads/alice/a.txt`, request_id: 'r-1',
      params: { order: { id: '7', note: 'für' } }, verified: true,
    });
  });

  test('a repeated callback has the same id, another blob another one', async () => {
    for (let i = 0; i < 2; i++) await site.call();
    site.azure.put(kBlob);
    await site.call();
    const [first, second, third] = site.application.messages().map(({ id }) => id);
    assert.equal(second, first);
    assert.notEqual(third, first);
  });

  test('it is not asked about what Azure does not have', async () => {
    await site.call({ blob: 'alice/never' });
    assert.equal(site.application.requests.length, 0);
  });

  test('no cookie is forwarded unless the site says so', async () => {
    await site.call();
    assert.equal(site.application.requests[0].headers.cookie, undefined);
  });

  test('one connection serves many callbacks', async () => {
    for (let i = 0; i < 20; i++) assert.equal((await site.call()).status, 200);
    assert.ok(site.application.connections() <= 1, `${site.application.connections()} connections for 20 callbacks`);
  });
});

describe('a site that believes when its application fails', () => {
  let site;
  before(async () => { site = await startCallbackSite({ hook: { on_failure: 'accept' } }); });
  after(() => site?.stop());
  beforeEach(() => site.application.clear());
  afterEach(() => assertNoSecrets(site));

  for (const [what, fault, more] of faults.filter(([what]) => /^(hung|closed|garbage|500|no JSON|a body)/.test(what))) {
    test(`accepted: ${what}`, async () => {
      site.application.fault = fault;
      await assertAnswer(await callWhileSigning(site), accepted(), more);
    });
  }

  test('a no is a no', async () => {
    site.application.says(403, { error: 'not yours' });
    await assertAnswer(await site.call(), no);
  });
});

/// Runs `body` with a site that is gone afterwards, and has told no secrets.
const withSite = (options, body) => async () => {
  const site = await startCallbackSite(options);
  try {
    await body(site);
    assertNoSecrets(site);
  } finally {
    await site.stop();
  }
};

describe('the way to the application', () => {
  test('nobody there', withSite({}, async (site) => {
    await site.application.stop();
    await assertAnswer(await callWhileSigning(site), down, gone);
  }));

  test('tried again within the timeout', withSite({ hook: { retries: 2, timeout_ms: 3000 } }, async (site) => {
    site.application.script(closed, status(503, { 'retry-after-ms': '50' }));
    await assertAnswer(await site.call(), accepted(), { atMostMs: 3000 });
    assert.equal(site.application.requests.length, 3);
    assert.equal(new Set(site.application.messages().map(({ id }) => id)).size, 1);
    site.application.fault = hung;
    await assertAnswer(await callWhileSigning(site), down, { ...silent, atMostMs: 3000 });
  }));

  const certificate = makeCertificate();
  test('a certificate that nobody vouches for', withSite({ application: { tls: certificate } }, async (site) => {
    await assertAnswer(await callWhileSigning(site), down, untrusted);
    assert.equal(site.application.requests.length, 0);
  }));

  const trusting = ({ file }) => ({ application: { tls: certificate }, hook: { ca_file: file } });
  test('a certificate of ca_file', withSite(trusting(certificate), async (site) => {
    await assertAnswer(await site.call(), accepted());
    assert.equal(site.application.messages().length, 1);
  }));

  test('another certificate than that of ca_file', withSite(trusting(makeCertificate()), async (site) => {
    await assertAnswer(await site.call(), down, untrusted);
  }));

  const unixSocket = join(tempDir(), 'app.sock');
  test('a unix socket', withSite({ application: { unixSocket }, hook: { unix_socket: unixSocket } }, async (site) => {
    await assertAnswer(await site.call(), accepted());
    assert.equal(site.application.messages().length, 1);
    assert.equal(site.application.requests[0].headers.host, 'localhost');
    await site.application.stop();
    await assertAnswer(await site.call(), down, gone);
  }));

  const forwarding = { hook: { forward_headers: ['Cookie', 'accept-language'] } };
  test('the headers that are listed are forwarded', withSite(forwarding, async (site) => {
    await site.call({}, { HTTP_ACCEPT_LANGUAGE: 'de', HTTP_X_OTHER: 'no', HTTP_AUTHORIZATION: 'Basic no' });
    const [{ headers }] = site.application.requests;
    assert.equal(headers.cookie, kCookie);
    assert.equal(headers['accept-language'], 'de');
    assert.equal(headers['x-other'], undefined);
    assert.equal(headers.authorization, undefined);
    await site.call({}, { HTTP_COOKIE: 'a=1\r\nX-Injected: yes' });
    assert.equal(site.application.requests[1].headers['x-injected'], undefined);
  }));
});

describe('a delete', () => {
  let site;
  before(async () => { site = await startCallbackSite({ hook: { delete_granted: true } }); });
  after(() => site?.stop());
  beforeEach(() => {
    site.application.clear();
    site.application.says(200, {});
  });
  afterEach(() => assertNoSecrets(site));
  const sign = (method) => ask(site.socket, signature({ method, uri: `${site.container}/alice/a.txt`, REQUEST_ID: 'r-2' }));

  test('is announced before it is signed', async () => {
    assert.equal((await sign('DELETE')).status, 200);
    const [{ event, blob, user, request_id }] = site.application.messages();
    assert.deepEqual([event, blob, user, request_id], ['delete_granted', 'alice/a.txt', 'alice', 'r-2']);
  });

  test('is not signed if the application refuses, or is silent', async () => {
    site.application.says(403, { error: 'keep it' });
    const no = await sign('DELETE');
    assert.deepEqual([no.status, no.json().code, no.json().error], [403, 'hook_refused', 'keep it']);
    site.application.fault = hung;
    const silence = await sign('DELETE');
    assert.deepEqual([silence.status, silence.json().code], [503, 'hook_unavailable']);
    assert.ok(!no.body.includes('sig=') && !silence.body.includes('sig='));
  });

  test('an upload is announced to nobody', async () => {
    assert.equal((await sign('PUT')).status, 200);
    assert.equal(site.application.requests.length, 0);
  });
});
