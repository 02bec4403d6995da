// What a page reports is believed when Azure and the site's application have confirmed it, and not before.
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { createServer, request as ask } from 'node:http';
import { after, afterEach, before, beforeEach, describe, it } from 'node:test';
import { promisify } from 'node:util';
import { accept, say } from '../lib/application.mjs';
import { account } from '../lib/azurite.mjs';
import { request } from '../lib/http.mjs';
import { blobvaletBinary } from '../lib/pool.mjs';
import { freePort } from '../lib/process.mjs';
import { kRules, openRule } from '../lib/site.mjs';
import {
  addFile, answersFor, eventsOf, report, startUploader, stored, upload, uploaderOptions, useSite, waitFor,
} from './support.mjs';

const kRetry = { enableAuto: true, autoAttemptDelay: 0.1, maxAutoAttempts: 20 };
const kShowError = { failedUploadTextDisplay: { mode: 'custom', responseProperty: 'error' } };

const gatePort = await freePort();
const gateUrl = `http://127.0.0.1:${gatePort}/${account}`;

const rules = [
  ...kRules,
  openRule('pictures', { verify: { content_types: ['image/*'], max_bytes: 5_000 } }),
  openRule('deleting', { verify: { magic: true, on_violation: 'delete' } }),
  openRule('tagging', { verify: { max_bytes: 10, on_violation: 'tag' } }),
];

/// A describe() with a site of its own, whose application starts every test by accepting everything.
function describeSite(title, { hook, endpoint }, tests) {
  describe(title, { timeout: 180_000 }, () => {
    const stack = useSite({
      rules, endpoint, success: { hook },
      files: { 'blobvalet/forwarded-headers.conf': 'fastcgi_param HTTP_COOKIE $http_cookie if_not_empty;\n' },
    });
    beforeEach(() => {
      stack.site.application.answers = [accept];
      stack.site.application.messages.length = 0;
    });
    tests(stack, {
      options: (target, more) => uploaderOptions(stack.site, target, more),
      container: (name) => stack.site.storage.container(name),
      url: (name) => `${stack.site.storage.blobEndpoint}/${name}`,
      told: () => stack.site.application.messages.map(({ event }) => event),
    });
  });
}

describeSite('claims', { hook: { mode: 'sync' }, endpoint: gateUrl }, (stack, { options, container, url, told }) => {
  let gate;
  before(async () => { gate = await startGate(stack.site.storage.port); });
  after(() => gate?.stop());

  // No application hears of what was not verified.
  afterEach(() => assert.ok(told().every(({ verified }) => verified)));

  it('does not believe in a blob that was never uploaded', async () => {
    const page = await stack.open();
    const { error, ...answer } = await report(page, url('drop'), 'never.txt');
    assert.deepEqual(answer, { status: 422, code: 'blob_not_found', success: false, reset: true });
    assert.ok(error.length > 0);
    assert.deepEqual(told(), []);
  });

  it('does not believe in a blob of which only parts were stored', async () => {
    const page = await stack.open();
    const sas = await signature(page, `${url('drop')}/parts.txt`);
    const part = await put(`${sas}&comp=block&blockid=MDAwMQ%3D%3D`, {}, 'part');
    assert.equal(part.status, 201);
    assert.equal((await report(page, url('drop'), 'parts.txt')).code, 'blob_not_found');
  });

  it('does not let anybody report what another user has stored', async () => {
    const bob = await stack.open({ user: 'bob' });
    await upload(bob, options('uploads/bob'), { name: 'contract.pdf' });
    const alice = await stack.open({ user: 'alice' });
    const ways = [['uploads', 'bob/contract.pdf'], ['uploads/bob', 'contract.pdf'], ['uploads', 'alice/../bob/contract.pdf']];
    for (const [path, blob] of ways) {
      const answer = await report(alice, url(path), blob);
      assert.deepEqual([answer.status, answer.success, answer.preventRetry], [403, false, true], blob);
    }
    assert.deepEqual(told().map(({ user }) => user), ['bob']);
  });

  it('does not take a page blob for an upload, though a signature to write permits making one', async () => {
    const page = await stack.open();
    const sas = await signature(page, `${url('drop')}/disk.vhd`);
    const made = await put(sas, { 'x-ms-blob-type': 'PageBlob', 'x-ms-blob-content-length': '512' });
    assert.equal(made.status, 201);
    const answer = await report(page, url('drop'), 'disk.vhd');
    assert.deepEqual([answer.status, answer.code, answer.preventRetry], [422, 'blob_type_not_allowed', true]);
  });

  const violations = {
    'a file that is too large': ['blob_too_large', { name: 'large.png', size: 5_001, type: 'image/png' }],
    'a file of another type': ['content_type_not_allowed', { name: 'page.html', size: 100, type: 'text/html' }],
    'a file without a type': ['content_type_not_allowed', { name: 'no type', size: 100 }],
  };
  for (const [what, [code, file]] of Object.entries(violations)) {
    it(`refuses ${what} once, says why, and leaves it where it is`, async () => {
      const page = await stack.open();
      const { result, error } = await upload(page, options('pictures', { retry: kRetry }), file);
      assert.deepEqual([result.success, result.code, result.preventRetry], [false, code, true]);
      assert.equal(error, result.error);
      await page.evaluate(() => uploader.retry(0));      // does nothing
      const { callbacks } = await answersFor(stack.site, 'pictures', file.name, 2);
      assert.deepEqual(callbacks.map(({ status, action, size, code: said }) => [status, said, action, size]),
        [[422, code, 'kept', file.size]]);
      assert.ok((await container('pictures').names()).includes(file.name));
    });
  }

  it('believes what the store holds, not the type and size that a page names', async () => {
    const page = await stack.open();
    await upload(page, options('drop'), { name: 'true.txt', size: 10, type: 'text/plain' });
    await report(page, url('drop'), 'true.txt', { size: 99, content_type: 'image/png', verified: 'no', user: 'alice' });
    const { size, content_type: type, verified, user, params } = told().at(-1);
    assert.deepEqual([size, type, verified, user], [10, 'text/plain', true, '']);
    assert.deepEqual(params, { size: '99', content_type: 'image/png', verified: 'no', user: 'alice' });
  });

  it('deletes what is not the picture it says it is', async () => {
    const page = await stack.open();
    const { result } = await upload(page, options('deleting'), { name: 'fake.png', type: 'image/png' });
    assert.deepEqual([result.success, result.code, result.preventRetry], [false, 'content_mismatch', true]);
    const { callbacks } = await answersFor(stack.site, 'deleting', 'fake.png', 2);
    assert.deepEqual(callbacks.map(({ action }) => action), ['deleted']);
    assert.deepEqual(await container('deleting').names(), []);
  });

  it('keeps a picture that is one', async () => {
    const page = await stack.open();
    await startUploader(page, options('deleting'));
    await page.evaluate(() => addPicture('true.png', 40, 30));
    const [complete] = await eventsOf(page, 'onComplete');
    assert.deepEqual([complete.args[2].success, complete.args[2].verified], [true, true]);
    assert.deepEqual(await container('deleting').names(), ['true.png']);
  });

  it('does not delete a newer blob which took the place of the one that was looked at', async () => {
    const page = await stack.open();
    const sas = await signature(page, `${url('deleting')}/replaced.png`);
    await put(sas, kFakePicture, 'no picture');
    gate.beforeDelete = () => put(sas, kFakePicture, 'a newer one');
    assert.equal((await report(page, url('deleting'), 'replaced.png')).code, 'content_mismatch');
    assert.equal(gate.answers.at(-1), 412, 'Azure has refused the delete');
    assert.equal((await container('deleting').read('replaced.png')).toString(), 'a newer one');
  });

  it('tags what breaks a rule', async () => {
    const page = await stack.open();
    const { result } = await upload(page, options('tagging'), { name: 'tool.exe', size: 11 });
    assert.equal(result.code, 'blob_too_large');
    const { callbacks } = await answersFor(stack.site, 'tagging', 'tool.exe', 2);
    assert.deepEqual(callbacks.map(({ action }) => action), ['tagged']);
    assert.deepEqual(await container('tagging').tags('tool.exe'), { blobvalet: 'refused' });
  });

  it('has a file uploaded again that never arrived', async () => {
    const page = await stack.open();
    let lost = 0;
    await page.route(`${url('drop')}/lost.txt?*`, (route) => {
      if (route.request().method() !== 'PUT' || lost > 0) return route.continue();
      lost += 1;
      return route.fulfill({ status: 201, headers: { 'Access-Control-Allow-Origin': '*' } });
    });
    const { result } = await upload(page, options('drop', { retry: kRetry }), { name: 'lost.txt', size: 7 });
    assert.equal(lost, 1);
    assert.deepEqual([result.success, result.error], [true, null]);
    assert.equal((await container('drop').read('lost.txt')).length, 7);
    const { callbacks, signatures } = await answersFor(stack.site, 'drop', 'lost.txt', 4);
    assert.deepEqual(callbacks.map(({ code }) => code), ['blob_not_found', 'ok']);
    assert.equal(signatures.length, 2);
  });
});

describeSite('an application that is asked', {
  hook: { mode: 'sync', retries: 0, timeout_ms: 2_000, delete_granted: true, forward_headers: ['cookie'] },
}, (stack, { options, container, told }) => {
  const answers = (...list) => { stack.site.application.answers = list; };
  const statusText = (page) => page.locator('.qq-upload-status-text-selector');

  it('hears of the upload, of who made it, and of parameters as objects', async () => {
    const page = await stack.open({ user: 'alice' });
    const params = { album: { title: 'Ferien', tags: ['sea', 'sun'] } };
    const { result } = await upload(page, options('uploads/alice', { params }), {
      name: 'photo.jpg', size: 12, type: 'image/jpeg',
    });
    assert.equal(result.success, true);
    const [event, ...more] = told();
    assert.deepEqual(more, []);
    const { uuid, id, time, etag, last_modified: modified, request_id: requestId, ...rest } = event;
    assert.ok([uuid, id, etag, requestId].every((text) => text.length > 0));
    assert.ok([time, modified].every((text) => Math.abs(Date.now() - Date.parse(text)) < 60_000));
    assert.deepEqual(rest, {
      event: 'upload_success', user: 'alice', account, container: 'uploads', blob: 'alice/photo.jpg', name: 'photo.jpg',
      size: 12, content_type: 'image/jpeg', url: `${stack.site.storage.blobEndpoint}/uploads/alice/photo.jpg`,
      params: { album: { title: 'Ferien', tags: { 0: 'sea', 1: 'sun' } } }, verified: true,
    });
  });

  it('gets the browser\'s cookie where both nginx and blobvalet pass it on, and no other header', async () => {
    const page = await stack.open({ user: 'alice' });
    await upload(page, options('uploads/alice'), { name: 'cookie.txt' });
    const { headers } = stack.site.application.messages[0];
    assert.match(headers.cookie, /^session=[0-9a-f-]{36}$/);
    assert.doesNotMatch(headers['user-agent'], /Mozilla/);
    assert.equal(headers.origin, undefined);
  });

  it('refuses with a message that the gallery shows, and the blob stays', async () => {
    answers(say(409, { error: 'Your album is full: 100 of 100 pictures.' }));
    const page = await stack.openGallery(options('drop', { ...kShowError, retry: kRetry }));
    await addFile(page, 'full.jpg', 10);
    await statusText(page).getByText('Your album is full: 100 of 100 pictures.').waitFor();
    assert.equal(await page.getByRole('button', { name: 'Retry' }).isVisible(), false);
    assert.equal(told().length, 1);
    assert.ok((await container('drop').names()).includes('full.jpg'));
  });

  it('adds data which onComplete receives, and cannot speak for blobvalet', async () => {
    answers(say(200, { photo: { id: 4711, tags: ['new'] }, verified: 'of course', code: 'mine', __proto__: 1 }));
    const page = await stack.open();
    const { result } = await upload(page, options('drop'), { name: 'data.txt' });
    assert.deepEqual(result, { success: true, error: null, verified: true, photo: { id: 4711, tags: ['new'] } });
  });

  it('has a file uploaded again', async () => {
    answers(say(200, { error: 'The checksum is wrong.', reset: true }), accept);
    const page = await stack.open();
    const { result } = await upload(page, options('drop', { retry: kRetry }), { name: 'again.txt' });
    assert.deepEqual([result.success, result.error], [true, null]);
    assert.equal(stored(stack.site, 'PUT', '/drop/again.txt').length, 2);
    assert.equal(told().length, 2);
  });

  it('is asked again, after it was down, until it answers, and the error is gone by then', async () => {
    await stack.site.application.goDown();
    const page = await stack.open();
    await startUploader(page, options('drop', { retry: kRetry }));
    await addFile(page, 'patience.txt', 10);
    await eventsOf(page, 'onAutoRetry', 2);
    await stack.site.application.goUp();
    const [complete] = await eventsOf(page, 'onComplete');
    const { success, error, verified } = complete.args[2];
    assert.deepEqual([success, error, verified], [true, null, true]);
    assert.equal(stored(stack.site, 'PUT', '/drop/patience.txt').length, 1, 'the file itself was not sent again');

    const { callbacks } = await answersFor(stack.site, 'drop', 'patience.txt', 4);
    assert.deepEqual([...new Set(callbacks.map(({ code }) => code))], ['hook_unavailable', 'ok']);
    assert.equal(told().length, 1);
  });

  it('says so when it fails, in its own words', async () => {
    answers(say(500, { error: 'Closed for maintenance until noon.' }));
    const page = await stack.open();
    const { result } = await upload(page, options('drop'), { name: 'maintenance.txt' });
    assert.deepEqual(result, { error: 'Closed for maintenance until noon.', code: 'hook_unavailable', success: false });
  });

  it('knows a repeated callback by its id', async () => {
    answers(say(500), accept);
    const page = await stack.open();
    await upload(page, options('drop', { retry: kRetry }), { name: 'repeated.txt' });
    const [first, second] = told();
    assert.equal(first.id, second.id);
    assert.notEqual(first.request_id, second.request_id);
  });

  // The gallery's style sheet hides the status of an uploaded file, the plain list's does not.
  const uploadToList = async (name) => {
    const page = await stack.openGallery(options('drop', kShowError), { template: 'default' });
    await addFile(page, name, 10);
    await page.locator('.qq-upload-success').waitFor();
    return page;
  };

  it('refuses a delete: the list says so, and the blob stays', async () => {
    const page = await uploadToList('on record.txt');
    answers(say(403, { error: 'This is on record.' }));
    await page.getByRole('button', { name: 'Delete' }).click();
    await statusText(page).getByText('Delete failed').waitFor();
    const [complete] = await eventsOf(page, 'onDeleteComplete');
    const [{ status, text }, failed] = [complete.args[1], complete.args[2]];
    assert.deepEqual([failed, status, JSON.parse(text)], [true, 403, { error: 'This is on record.', code: 'hook_refused' }]);
    assert.equal(told().at(-1).event, 'delete_granted');
    assert.deepEqual(stored(stack.site, 'DELETE', '/drop/on record.txt'), []);
    assert.ok((await container('drop').names()).includes('on record.txt'));
  });

  it('allows a delete, and the blob is gone', async () => {
    const page = await uploadToList('scrap.txt');
    await page.getByRole('button', { name: 'Delete' }).click();
    await page.locator('.qq-upload-success').waitFor({ state: 'detached' });
    assert.deepEqual(told().map(({ event, verified }) => [event, verified]),
      [['upload_success', true], ['delete_granted', false]]);
    assert.ok(!(await container('drop').names()).includes('scrap.txt'));
  });
});

describeSite('an application that is told later', {
  hook: { mode: 'async', delete_granted: true, store: { type: 'sqlite', file: 'events.db' } },
}, (stack, { options, told }) => {
  const waiting = async () => {
    const { stdout } = await promisify(execFile)(blobvaletBinary,
      ['events', 'list', '--json', '--config', stack.site.config]);
    return stdout.split('\n').filter(Boolean).map((line) => JSON.parse(line));
  };

  it('hears of uploads and deletes in their order, while the browser does not wait for it', async () => {
    const page = await stack.open({ user: 'bob' });
    const { result } = await upload(page, options('uploads/bob'), { name: 'told.txt', size: 5 });
    assert.deepEqual(result, { success: true, error: null, verified: true });
    await page.evaluate(() => uploader.deleteFile(0));
    await waitFor(() => told().length === 2, { what: 'two messages' });
    assert.deepEqual(told().map(({ event, user, blob }) => [event, user, blob]),
      [['upload_success', 'bob', 'bob/told.txt'], ['delete_granted', 'bob', 'bob/told.txt']]);
    await waitFor(async () => (await waiting()).length === 0, { what: 'an empty store' });
  });

  it('hears of what happened while it was down', async () => {
    await stack.site.application.goDown();
    const page = await stack.open();
    const { result } = await upload(page, options('drop'), { name: 'later.txt' });
    assert.equal(result.success, true);
    const event = await waitFor(async () => (await waiting()).find(({ attempts }) => attempts > 0),
      { what: 'a failed delivery' });
    assert.deepEqual([event.state, event.subject], ['retrying', `${account}/drop/later.txt`]);
    await stack.site.application.goUp();
    await waitFor(() => told().length === 1, { what: 'the message', timeoutMs: 20_000 });
    assert.deepEqual([told()[0].id, told()[0].blob], [event.id, 'later.txt']);
  });
});

// --- without Fine Uploader ------------------------------------------------------------------------------------

const kFakePicture = { 'x-ms-blob-type': 'BlockBlob', 'x-ms-blob-content-type': 'image/png' };

/// The signed URI which the page gets for a PUT.
const signature = (page, uri) => page.evaluate(async (bloburi) => {
  const query = new URLSearchParams({ bloburi, _method: 'PUT' });
  return (await fetch(`/blobvalet/signature?${query}`)).text();
}, uri);

/// A PUT as any program may send it: other than a page, it is bound by nobody's CORS rules.
function put(uri, headers, body = '') {
  const { port, pathname, search } = new URL(uri);
  return request({ port, tls: false, method: 'PUT', path: pathname + search, headers, body });
}

/// Stands between workers and store: calls `beforeDelete` before it lets a DELETE through, and keeps the store's `answers`.
async function startGate(storePort) {
  const gate = { beforeDelete: () => {}, answers: [] };
  const server = createServer(async (request, response) => {
    const { method, url, headers } = request;
    if (method === 'DELETE') await gate.beforeDelete();
    request.pipe(ask({ port: storePort, host: '127.0.0.1', method, path: url, headers }, (answer) => {
      gate.answers.push(answer.statusCode);
      response.writeHead(answer.statusCode, answer.headers);
      answer.pipe(response);
    }));
  });
  await new Promise((resolve) => { server.listen(gatePort, '127.0.0.1', resolve); });
  gate.stop = async () => {
    server.close();
    server.closeAllConnections();
  };
  return gate;
}
