// What a callback's answer is for everything that Azure may say, or fail to say: shapes of the real service where the
// emulator differs, and faults on the way.
import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, afterEach, before, beforeEach, describe, test } from 'node:test';
import { fail } from '../lib/azure-stub.mjs';
import { makeCertificate } from '../lib/certificate.mjs';
import { tempDir } from '../lib/process.mjs';
import { registerSecret } from '../lib/secrets.mjs';
import {
  closed, closedInHeaders, garbage, hugeBody, hugeHeaderLine, hugeHeaders, hung, hungInHeaders, redirect,
  slow, startStubServer, status,
} from '../lib/stub-server.mjs';
import {
  accepted, assertNoSecrets, callWhileSigning, kBlob, kDeadlineMs, kMarginMs, refused, startCallbackSite, unavailable,
  uploadAgain, verdictOf,
} from './support.mjs';

const kPng = Buffer.from('89504e470d0a1a0a0000000d49484452000000010000000108060000001f15c489', 'hex');
const retryAfter = (value) => ({ 'Retry-After': value });

/// What a row promises: the verdict, the log's reason, and that the answer came in time.
async function assertAnswer(answer, expected, { reason, retryAfter, action, atMostMs = kDeadlineMs } = {}) {
  assert.deepEqual(verdictOf(answer), expected, answer.body);
  assert.ok(answer.ms < atMostMs + kMarginMs, `it took ${Math.round(answer.ms)} ms`);
  const line = await answer.line();
  if (reason) assert.equal(line.reason, reason);
  if (action) assert.equal(line.action, action);
  if (retryAfter) {
    const seconds = Number(answer.headers['Retry-After']);
    assert.ok(seconds >= retryAfter[0] && seconds <= retryAfter[1], `Retry-After: ${seconds}`);
  } else if (answer.status === 503) {
    assert.equal(answer.headers['Retry-After'], '1');
  }
  assert.equal(line.status, answer.status);
  assert.equal(line.code, expected.code ?? 'ok');
}

describe('a site that refuses what it cannot check', () => {
  let site;
  let elsewhere;
  before(async () => {
    elsewhere = await startStubServer({ answer: status(200) });
    site = await startCallbackSite({ hook: null });
  });
  after(async () => {
    await site?.stop();
    await elsewhere?.stop();
  });
  beforeEach(() => {
    site.azure.clear();
    site.azure.put(kBlob);
  });
  afterEach(() => {
    assertNoSecrets(site);
    assert.equal(elsewhere.connections(), 0, 'somebody followed a redirect');
  });

  const silent = { expected: unavailable('azure_unavailable'), reason: 'Azure did not answer in time' };
  const gone = { expected: unavailable('azure_unavailable'), reason: 'Azure cannot be reached' };
  const failed = { expected: unavailable('azure_unavailable'), reason: 'Azure has failed' };
  const throttled = { expected: unavailable('azure_unavailable'), reason: 'Azure is throttling us' };
  const redirected = (code) => (...exchange) => redirect(code, `${elsewhere.url}/${kBlob}`)(...exchange);
  const noAzure = (reason) => ({ expected: unavailable('azure_refused'), reason });
  const faults = [
    ['slow', slow(200), { expected: accepted() }],
    ['slower than the deadline', slow(5000), silent],
    ['hung before the answer', hung, silent],
    ['hung in the middle of the headers', hungInHeaders, silent],
    ['closed before the answer', closed, gone],
    ['closed in the middle of the headers', closedInHeaders, gone],
    ['garbage', garbage, noAzure('the endpoint does not speak HTTP')],
    ['200 from something else', status(200, { 'Content-Length': 5 }),
      noAzure('the endpoint\'s answer is not that of a storage account')],
    ['204', status(204), noAzure('Azure refused our request')],
    ['408', fail(408, 'RequestTimeout'), failed],
    ['429', fail(429, 'TooManyRequests'), throttled],
    ['429, Retry-After: 3', fail(429, 'TooManyRequests', retryAfter('3')), { ...throttled, retryAfter: [3, 3], atMostMs: 0 }],
    ['500 InternalError', fail(500, 'InternalError'), failed],
    ['500 OperationTimedOut', fail(500, 'OperationTimedOut'), failed],
    ['502', status(502), failed],
    ['504', status(504), failed],
    ['503 ServerBusy', fail(503, 'ServerBusy'), throttled],
    ['503, Retry-After: 7', fail(503, 'ServerBusy', retryAfter('7')), { ...throttled, retryAfter: [7, 7], atMostMs: 0 }],
    ['503, Retry-After: a year', fail(503, 'ServerBusy', retryAfter('31536000')),
      { ...throttled, retryAfter: [60, 60], atMostMs: 0 }],
    ['503, Retry-After: no number', fail(503, 'ServerBusy', retryAfter('soon')), throttled],
    ...[301, 302, 303, 307, 308].map((code) => [`${code}`, redirected(code), noAzure('Azure refused our request')]),
    ['800 KB of headers', hugeHeaders, noAzure('the endpoint\'s answer is too large')],
    ['a header line of 1 MiB', hugeHeaderLine, noAzure('the endpoint\'s answer is too large')],
    ['304', status(304), noAzure('Azure refused our request')],
    ...[
      [400, 'InvalidHeaderValue'], [401, 'InvalidAuthenticationInfo'], [401, 'NoAuthenticationInformation'],
      [403, 'AuthenticationFailed'], [403, 'AuthorizationFailure'], [403, 'AuthorizationPermissionMismatch'],
      [403, 'AuthorizationProtocolMismatch'], [403, 'AuthorizationSourceIPMismatch'], [403, 'AccountIsDisabled'],
      [403, 'InsufficientAccountPermissions'], [403, 'KeyBasedAuthenticationNotPermitted'], [409, 'BlobArchived'],
      [409, 'BlobImmutableDueToPolicy'],
    ].map(([code, name]) => [`${code} ${name}`, fail(code, name), { ...noAzure(name), atMostMs: 0 }]),
    ['403 with a code of no list', fail(403, 'sig=SomethingNew'), noAzure('Azure refused our request')],
    ['404 BlobNotFound', fail(404, 'BlobNotFound'), { expected: uploadAgain('blob_not_found') }],
    ['404 ContainerNotFound', fail(404, 'ContainerNotFound'), { expected: uploadAgain('blob_not_found') }],
    ['404 ResourceNotFound', fail(404, 'ResourceNotFound'), { expected: uploadAgain('blob_not_found') }],
  ];
  for (const [what, fault, { expected, ...more }] of faults) {
    test(`Azure: ${what}`, async () => {
      site.azure.fault = fault;
      await assertAnswer(await callWhileSigning(site), expected, more);
    });
  }

  test('Azure: 503, Retry-After: a date', async () => {
    site.azure.fault = fail(503, 'ServerBusy', retryAfter(new Date(Date.now() + 20_000).toUTCString()));
    const expected = { reason: 'Azure is throttling us', retryAfter: [17, 20], atMostMs: 0 };
    await assertAnswer(await callWhileSigning(site), unavailable('azure_unavailable'), expected);
  });

  const cured = [
    ['one 500', [fail(500, 'InternalError')]],
    ['503 and 429', [
      fail(503, 'ServerBusy', { 'x-ms-retry-after-ms': '50' }), fail(429, 'TooManyRequests', { 'retry-after-ms': '50' }),
    ]],
    ['a connection that closes', [closed]],
  ];
  for (const [what, faults] of cured) {
    test(`tried again within the deadline: ${what}`, async () => {
      site.azure.script(...faults);
      await assertAnswer(await site.call(), accepted());
      assert.equal(site.azure.requests.length, faults.length + 1);
    });
  }

  test('what Azure refuses is asked once', async () => {
    site.azure.fault = fail(403, 'AuthenticationFailed');
    await site.call();
    assert.equal(site.azure.requests.length, 1);
  });

  const blobs = [
    ['a page blob', { kind: 'PageBlob' }, refused(422, 'blob_type_not_allowed')],
    ['an append blob', { kind: 'AppendBlob' }, refused(422, 'blob_type_not_allowed')],
    ['a copy under way', { copyStatus: 'pending' }, refused(422, 'copy_incomplete')],
    ['a copy that failed', { copyStatus: 'failed' }, refused(422, 'copy_incomplete')],
    ['a copy that was aborted', { copyStatus: 'aborted' }, refused(422, 'copy_incomplete')],
    ['a copy that is complete', { copyStatus: 'success' }, accepted()],
    ['a blob without MD5', { md5: null }, accepted()],
    ['an empty blob', { content: '' }, accepted()],
  ];
  for (const [what, properties, expected] of blobs) {
    test(`the blob is ${what}`, async () => {
      site.azure.put(kBlob, properties);
      await assertAnswer(await site.call(), expected, { atMostMs: 0 });
    });
  }

  test('the MD5 that the page claims', async () => {
    site.azure.put(kBlob, { content: 'hello' });
    const { md5 } = site.azure.blob(kBlob);
    assert.deepEqual(verdictOf(await site.call({ 'Content-MD5': md5 })), accepted());
    const other = md5.replace(/^./, (c) => (c === 'A' ? 'B' : 'A'));
    assert.deepEqual(verdictOf(await site.call({ 'Content-MD5': other })), uploadAgain('md5_mismatch'));
    site.azure.put(kBlob, { md5: null });
    assert.deepEqual(verdictOf(await site.call({ 'Content-MD5': md5 })), uploadAgain('md5_mismatch'));
  });

  test('a repeated callback gets the same answer, whatever came between', async () => {
    const first = await site.call();
    site.azure.fault = fail(500, 'InternalError');
    assert.equal((await site.call()).status, 503);
    site.azure.clear();
    const second = await site.call();
    assert.deepEqual([second.status, second.body], [first.status, first.body]);
    assert.equal(second.json().error, null);
  });

  test('the ETag in the log is the blob\'s, quotes and all', async () => {
    const { etag, size, content_type } = await (await site.call()).line();
    assert.deepEqual({ etag, size, content_type }, { etag: site.azure.blob(kBlob).etag, size: 5, content_type: 'text/plain' });
  });

  test('one connection serves many callbacks', async () => {
    for (let i = 0; i < 20; i++) assert.equal((await site.call()).status, 200);
    assert.ok(site.azure.connections() <= 1, `${site.azure.connections()} connections for 20 callbacks`);
  });

  test('every question has had the right credential', () => assert.deepEqual(site.azure.refused, []));
});

describe('a site that believes when Azure fails', () => {
  let site;
  before(async () => { site = await startCallbackSite({ hook: null, verify: { on_azure_failure: 'accept' } }); });
  after(() => site?.stop());
  beforeEach(() => site.azure.clear());
  afterEach(() => assertNoSecrets(site));

  const rows = [
    ['hung', hung, accepted(false)],
    ['closed', closed, accepted(false)],
    ['500', fail(500, 'InternalError'), accepted(false)],
    ['503, Retry-After: 7', fail(503, 'ServerBusy', { 'Retry-After': '7' }), accepted(false)],
    ['403 AuthenticationFailed', fail(403, 'AuthenticationFailed'), unavailable('azure_refused')],
    ['garbage', garbage, unavailable('azure_refused')],
    ['too many headers', hugeHeaders, unavailable('azure_refused')],
    ['404 BlobNotFound', fail(404, 'BlobNotFound'), uploadAgain('blob_not_found')],
  ];
  for (const [what, fault, expected] of rows) {
    test(`Azure: ${what}`, async () => {
      site.azure.fault = fault;
      const answer = await callWhileSigning(site);
      await assertAnswer(answer, expected);
      if (expected.status === 200) assert.ok((await answer.line()).reason, 'the log says why');
    });
  }

  test('a blob that breaks a rule is still refused', async () => {
    site.azure.put(kBlob, { kind: 'PageBlob' });
    assert.deepEqual(verdictOf(await site.call()), refused(422, 'blob_type_not_allowed'));
  });
});

describe('an Azure that is not there', () => {
  test('connection refused', async () => {
    const site = await startCallbackSite({ hook: null });
    await site.azure.stop();
    await assertAnswer(await callWhileSigning(site), unavailable('azure_unavailable'), { reason: 'Azure cannot be reached' });
    assertNoSecrets(site);
    await site.stop();
  });

  test('a certificate that nobody vouches for', async () => {
    const site = await startCallbackSite({ hook: null, azure: { tls: makeCertificate() } });
    await assertAnswer(await callWhileSigning(site), unavailable('azure_refused'), {
      reason: 'the certificate of the account\'s endpoint is not trusted', atMostMs: 0,
    });
    assert.equal(site.azure.requests.length, 0);
    assertNoSecrets(site);
    await site.stop();
  });
});

describe('the content is looked at', () => {
  let site;
  before(async () => {
    site = await startCallbackSite({ hook: null, verify: { magic: true, content_types: ['image/*'], on_violation: 'delete' } });
  });
  after(() => site?.stop());
  beforeEach(() => {
    site.azure.clear();
    site.azure.put(kBlob, { type: 'image/png', content: kPng });
  });
  afterEach(() => {
    assertNoSecrets(site);
    assert.deepEqual(site.azure.refused, []);
  });
  /// The HEAD is answered as usual, and what comes next by the fault.
  const later = (fault) => (request, response, answer) => (request.method === 'HEAD' ? answer : fault)(request, response, answer);

  test('what it says it is', async () => assertAnswer(await site.call(), accepted()));

  test('something else, which is deleted', async () => {
    site.azure.put(kBlob, { type: 'image/png', content: '<!DOCTYPE html><html><script>alert(1)</script></html>' });
    await assertAnswer(await site.call(), refused(422, 'content_mismatch'), { action: 'deleted' });
    assert.equal(site.azure.blob(kBlob), undefined);
  });

  const reads = [
    ['hung', hung, unavailable('azure_unavailable')],
    ['412 ConditionNotMet: another blob by now', fail(412, 'ConditionNotMet'), unavailable('busy')],
    ['404 BlobNotFound: gone by now', fail(404, 'BlobNotFound'), unavailable('busy')],
    ['403 AuthenticationFailed, as XML', fail(403, 'AuthenticationFailed'), unavailable('azure_refused')],
    ['409 BlobArchived', fail(409, 'BlobArchived'), unavailable('azure_refused')],
    ['a body of 10 MiB, announced', hugeBody(true), unavailable('azure_refused')],
    ['a body of 10 MiB, in chunks', hugeBody(false), unavailable('azure_refused')],
  ];
  for (const [what, fault, expected] of reads) {
    test(`reading: ${what}`, async () => {
      site.azure.fault = later(fault);
      await assertAnswer(await callWhileSigning(site), expected);
      assert.ok(site.azure.blob(kBlob), 'the blob has been deleted');
    });
  }

  const deletions = [
    ['409 SnapshotsPresent', fail(409, 'SnapshotsPresent'), 'not_deleted'],
    ['409 BlobImmutableDueToPolicy', fail(409, 'BlobImmutableDueToPolicy'), 'not_deleted'],
    ['412 LeaseIdMissing', fail(412, 'LeaseIdMissing'), 'not_deleted'],
    ['403 AuthorizationPermissionMismatch', fail(403, 'AuthorizationPermissionMismatch'), 'not_deleted'],
    ['hung', hung, 'not_deleted'],
    ['closed', closed, 'not_deleted'],
    ['404 BlobNotFound: gone already', fail(404, 'BlobNotFound'), 'deleted'],
    ['412 ConditionNotMet: replaced already', fail(412, 'ConditionNotMet'), 'deleted'],
  ];
  for (const [what, fault, action] of deletions) {
    test(`deleting: ${what}`, async () => {
      site.azure.put(kBlob, { type: 'text/html' });
      site.azure.fault = later(fault);
      await assertAnswer(await callWhileSigning(site), refused(422, 'content_type_not_allowed'), { action });
    });
  }

  test('a newer blob is never deleted', async () => {
    site.azure.put(kBlob, { type: 'text/html' });
    site.azure.fault = later((request, response, answer) => {
      site.azure.put(kBlob, { type: 'image/png', content: kPng });
      return answer(request, response);
    });
    await assertAnswer(await site.call(), refused(422, 'content_type_not_allowed'), { action: 'deleted' });
    const [, deletion] = site.azure.requests;
    assert.equal(deletion.method, 'DELETE');
    assert.match(deletion.headers['if-match'], /^"0x8D/);
    assert.ok(site.azure.blob(kBlob), 'the newer blob is gone');
  });
});

describe('what Azure is asked with', () => {
  const withSite = (options, body) => async () => {
    const verify = { content_types: ['text/plain'], on_violation: 'tag' };
    const site = await startCallbackSite({ hook: null, verify, ...options });
    try {
      await body(site);
      assertNoSecrets(site);
    } finally {
      await site.stop();
    }
  };
  /// One HEAD that succeeds, and one that is followed by a Set Blob Tags.
  async function assertAllQuestions(site) {
    const name = 'alice/ä b+c%41#?&\'(1).txt';
    site.azure.put(`uploads/${name}`);
    assert.deepEqual(verdictOf(await site.call({ blob: name })), accepted());
    site.azure.put(kBlob, { type: 'text/html' });
    await assertAnswer(await site.call(), refused(422, 'content_type_not_allowed'), { action: 'tagged' });
    assert.deepEqual(site.azure.blob(kBlob).tags, { blobvalet: 'refused' });
    assert.deepEqual(site.azure.refused, []);
    assert.deepEqual(site.azure.requests.map(({ method }) => method), ['HEAD', 'HEAD', 'PUT']);
  }
  const kinds = (site) => site.azure.requests.map(({ headers }) => headers.authorization?.split(' ')[0]);

  test('a SAS', withSite({}, async (site) => {
    await assertAllQuestions(site);
    assert.deepEqual(kinds(site), [undefined, undefined, undefined]);
  }));

  test('Shared Key', withSite({ requests: { authorization: 'shared_key' } }, async (site) => {
    await assertAllQuestions(site);
    assert.deepEqual(kinds(site), ['SharedKey', 'SharedKey', 'SharedKey']);
  }));

  test('a key that is not the account\'s', withSite({ requests: { authorization: 'shared_key' } }, async (site) => {
    site.azure.trust({ account: 'acmeuploads', key: Buffer.alloc(64).toString('base64') });
    await assertAnswer(await site.call(), unavailable('azure_refused'), { reason: 'AuthenticationFailed' });
    assert.equal(site.azure.refused.length, 1);
  }));

  const file = join(tempDir(), 'token');
  const writeToken = (token) => writeFileSync(file, registerSecret(token, 'a bearer token'), { mode: 0o600 });
  writeToken('first.token.x\n');
  const bearer = { authorization: 'bearer', token_file: file };
  test('a bearer token, read anew each time', withSite({ requests: bearer }, async (site) => {
    const trust = (token) => site.azure.trust({ account: 'acmeuploads', key: site.site.key, token });
    trust('first.token.x');
    await assertAllQuestions(site);
    assert.deepEqual(kinds(site), ['Bearer', 'Bearer', 'Bearer']);
    site.azure.put(kBlob);
    trust('second.token.y');
    await assertAnswer(await site.call(), unavailable('azure_refused'), { reason: 'AuthenticationFailed' });
    writeToken('second.token.y');
    assert.deepEqual(verdictOf(await site.call()), accepted());
    writeToken('');
    const none = { reason: 'there is no bearer token in token_file' };
    await assertAnswer(await site.call(), unavailable('azure_refused'), none);
    assert.ok(!site.output().includes('token.y'), 'the log holds the token');
  }));
});

describe('a callback that names another host', () => {
  let site;
  let trap;
  before(async () => {
    trap = await startStubServer({ answer: status(200) });
    site = await startCallbackSite();
  });
  after(async () => {
    await site?.stop();
    await trap?.stop();
  });
  const rows = [
    ['as container', () => ({ container: `${trap.url}/uploads` })],
    ['as container, with the endpoint as user', () => ({ container: `${site.azure.url}@localhost:${trap.port}/uploads` })],
    ['as container, behind the endpoint', () => ({ container: `${site.azure.url}.localhost:${trap.port}/uploads` })],
    ['as container, without a scheme', () => ({ container: `//localhost:${trap.port}/uploads` })],
    ['as container, by another scheme', () => ({ container: `gopher://localhost:${trap.port}/uploads` })],
    ['as blob', () => ({ blob: `${trap.url}/uploads/alice/a.txt` })],
    ['as blob, from the root', () => ({ blob: `//localhost:${trap.port}/alice/a.txt` })],
    ['as blob, with dots', () => ({ blob: `alice/../../../@localhost:${trap.port}/a.txt` })],
    ['as blob, with a line feed', () => ({ blob: `alice/a\r\nHost: localhost:${trap.port}\r\n` })],
    ['as user', () => ({}), () => ({ BLOBVALET_USER: `@localhost:${trap.port}` })],
  ];
  for (const [what, fields, params = () => ({})] of rows) {
    test(what, async () => {
      site.azure.clear();
      const { status: answered } = await site.call(fields(), params());
      assert.equal(answered, 403);
      assert.equal(site.azure.requests.length, 0);
      assert.equal(site.application.requests.length, 0);
    });
  }

  test('inside its folder it is a name like any other', async () => {
    const blob = `alice/http:@localhost:${trap.port}#@x`;
    site.azure.put(`uploads/${blob}`);
    assert.equal((await site.call({ blob })).status, 200);
    assert.equal(site.azure.requests.length, 1);
  });

  test('nobody has gone there', () => assert.equal(trap.connections(), 0));
});
