// blobvalet.js, one line on a page: how often it asks for a signature, what it says of a file, and what is seen of refusals.
import assert from 'node:assert/strict';
import { beforeEach, describe, it } from 'node:test';
import { fail, startAzureStub } from '../lib/azure-stub.mjs';
import { account, key } from '../lib/azurite.mjs';
import { kRules, openRule } from '../lib/site.mjs';
import {
  addFile, answersFor, chunks, eventsOf, pattern, report, sha256, startUploader, stored, upload, uploaderOptions, useSite, waitFor,
  whileStopped,
} from './support.mjs';

const kHelper = '/test/helper.html';
const kPart = 100_000;
const retry = { enableAuto: true, autoAttemptDelay: 0.05 };
const oneByOne = chunks(kPart, false);
const kCommon = 'Problem communicating with local server';

/// An uploader whose parts wait a while before each is sent, as on a slow network.
const startSlowly = (page, options, milliseconds) => page.evaluate(([it, ms]) => startUploader(it, {}, (Uploader, all) => {
  all.callbacks.onUploadChunk = () => {
    const promise = new qq.Promise();
    setTimeout(() => promise.success(), ms);
    return promise;
  };
  return new Uploader(all);
}), [options, milliseconds]);

/// What was asked for: `PUT 200`.
const asked = async (stack, container, blob, count) => (await answersFor(stack.site, container, blob, count)).signatures
  .map(({ verb, status }) => `${verb} ${status}`);

describe('blobvalet.js', { timeout: 300_000 }, () => {
  const stack = useSite({
    customHeaders: ['X-Csrf-Token'],
    rules: [
      ...kRules,
      openRule('short', { sas: { put_lifetime_seconds: 4 } }),
      openRule('keep', { methods: ['PUT'] }),
      openRule('pictures', { verify: { min_bytes: 2, max_bytes: 300_000, content_types: ['image/*'], extensions: ['png'] } }),
    ],
  });
  const options = (more, target = 'drop') => uploaderOptions(stack.site, target, more);
  const blobs = (name = 'drop') => stack.site.storage.container(name);
  const assertStored = async (container, name, size) => (
    assert.equal(sha256(await blobs(container).read(name)), sha256(pattern(size))));
  const open = (more) => stack.open({ path: kHelper, ...more });
  const openTemplate = async (template) => {
    const page = await stack.open({ path: `/test/gallery.html?${template}` });
    await page.addScriptTag({ url: '/blobvalet/blobvalet.js' });
    return page;
  };

  describe('signatures', () => {
    for (const concurrent of [true, false]) {
      it(`asks once for a file in parts, ${concurrent ? 'three' : 'one'} at a time`, async () => {
        const name = `parts ${concurrent}.bin`;
        const { result } = await upload(await open(), options({ chunking: chunks(kPart, concurrent) }), { name, size: 1_050_000 });
        assert.equal(result.success, true);
        await assertStored('drop', name, 1_050_000);
        assert.equal((await blobs().committedBlocks(name)).length, 11);
        assert.deepEqual(await asked(stack, 'drop', name, 2), ['PUT 200']);
      });
    }

    it('asks once for each whole file, and for one of the same name anew', async () => {
      const page = await open();
      await startUploader(page, options());
      for (const [count, name] of [[1, 'whole.bin'], [2, 'other.bin'], [3, 'whole.bin']]) {
        await addFile(page, name, 1000 + count);
        await eventsOf(page, 'onComplete', count);
      }
      await assertStored('drop', 'whole.bin', 1003);
      assert.deepEqual(await asked(stack, 'drop', 'whole.bin', 4), ['PUT 200', 'PUT 200']);
      assert.deepEqual(await asked(stack, 'drop', 'other.bin', 2), ['PUT 200']);
    });

    it('keeps those of files apart that are uploaded at once under one name', async () => {
      const page = await open();
      await startUploader(page, options({ chunking: oneByOne }));
      await page.evaluate(() => ['same.bin', 'same.bin'].forEach((name) => addFile(name, 250_000)));
      const complete = await eventsOf(page, 'onComplete', 2);
      assert.deepEqual(complete.map(({ args }) => args[2].success), [true, true]);
      assert.deepEqual(await asked(stack, 'drop', 'same.bin', 4), ['PUT 200', 'PUT 200']);
    });

    it('is one of several uploaders on a page, each with its own endpoints', async () => {
      const page = await open();
      await page.evaluate((all) => all.forEach((it) => {
        startUploader(it);
        addFile('two uploaders.bin', 250_000);
      }), [options({ chunking: oneByOne }), options({ chunking: oneByOne }, 'short')]);
      const complete = await eventsOf(page, 'onComplete', 2);
      assert.deepEqual(complete.map(({ args }) => args[2].success), [true, true]);
      for (const container of ['drop', 'short']) {
        await assertStored(container, 'two uploaders.bin', 250_000);
        assert.deepEqual(await asked(stack, container, 'two uploaders.bin', 2), ['PUT 200']);
      }
    });

    it('leaves alone whoever has no such line: one for each part and one for the list', async () => {
      const page = await stack.open();
      const { result } = await upload(page, options({ chunking: oneByOne }), { name: 'stock.bin', size: 1_050_000 });
      assert.equal(result.success, true);
      const { signatures } = await answersFor(stack.site, 'drop', 'stock.bin', 13);
      assert.equal(signatures.length, 12);
      assert.ok(signatures.every((it) => !('file_size' in it) && !('file_type' in it) && !('part' in it)));
    });

    it('may stand on a page twice', async () => {
      const page = await open();
      await page.addScriptTag({ url: '/blobvalet/blobvalet.js' });
      const { result } = await upload(page, options({ chunking: oneByOne }), { name: 'twice.bin', size: 250_000 });
      assert.equal(result.success, true);
      assert.deepEqual(await asked(stack, 'drop', 'twice.bin', 2), ['PUT 200']);
    });

    it('does for a bundle what it does for a page', async () => {
      const page = await stack.open();
      await page.evaluate(() => { window.bundled = qq; delete window.qq; });
      await page.addScriptTag({ url: '/blobvalet/blobvalet.js' });
      await page.evaluate(() => { blobvalet(bundled); window.qq = bundled; });
      const { result } = await upload(page, options({ chunking: oneByOne }), { name: 'bundle.bin', size: 250_000 });
      assert.equal(result.success, true);
      assert.deepEqual(await asked(stack, 'drop', 'bundle.bin', 2), ['PUT 200']);
    });

    it('uses an endpoint with a query, and a name function', async () => {
      const page = await open();
      const all = options({ chunking: oneByOne });
      all.signature.endpoint += '?tenant=a';
      await page.evaluate((it) => startUploader({
        ...it, blobProperties: { name: (id) => new qq.Promise().success(`named/${uploader.getName(id)}`) },
      }), all);
      await addFile(page, 'by function.bin', 250_000);
      await eventsOf(page, 'onComplete');
      await assertStored('drop', 'named/by function.bin', 250_000);
      assert.deepEqual(await asked(stack, 'drop', 'named/by function.bin', 2), ['PUT 200']);
    });

    it('asks for each blob where a name function is not stable', async () => {
      const page = await open();
      await page.evaluate((it) => {
        let calls = 0;
        startUploader({ ...it, blobProperties: { name: () => new qq.Promise().success(`unstable/${calls++}`) } });
      }, options({ chunking: oneByOne }));
      await addFile(page, 'unstable.bin', 250_000);
      await eventsOf(page, 'onComplete');
      for (const blob of ['unstable/0', 'unstable/1', 'unstable/2']) assert.deepEqual(await asked(stack, 'drop', blob, 1), ['PUT 200']);
    });

    // Without it, each part's signature has a preflight of its own.
    for (const [what, path, count] of [['', kHelper, 1], [', and without it seven times', '/test/', 7]]) {
      it(`asks once from another origin with credentials and own headers, with one preflight${what}`, async () => {
        const page = await stack.open({ path, user: 'bob', origin: stack.site.origins.page, loginAt: stack.site.origins.site });
        const problems = [];
        page.on('console', (message) => { if (message.type() === 'error') problems.push(message.text()); });
        const name = `elsewhere ${count}.bin`;
        const preflights = () => stack.site.nginx.accessLog().split('\n')
          .filter((line) => line.includes('OPTIONS /blobvalet/signature') && line.includes(`elsewhere+${count}`)).length;
        const { result } = await upload(page, options({
          origin: stack.site.origins.site, cors: { expected: true, sendCredentials: true }, chunking: chunks(kPart),
          signatureHeaders: { 'X-Csrf-Token': 'token' },
        }, 'uploads/bob'), { name, size: 550_000 });
        assert.equal(result.success, true);
        await assertStored('uploads', `bob/${name}`, 550_000);
        const { signatures } = await answersFor(stack.site, 'uploads', `bob/${name}`, count + 1);
        assert.deepEqual(signatures.map(({ user, status }) => [user, status]), Array(count).fill(['bob', 200]));
        await waitFor(() => preflights() === count, { what: `${count} preflights` });
        assert.deepEqual(problems, [], 'the Date of the answer may be read');
      });
    }
  });

  describe('a SAS that ends', () => {
    const size = 8 * kPart;
    const azureStatuses = (name) => stored(stack.site, 'PUT', `/short/${name}`).map(({ comp, status }) => `${comp} ${status}`);
    const assertRenewed = async (page, name, more) => {
      await startSlowly(page, options({ chunking: oneByOne, ...more }, 'short'), 800);
      await addFile(page, name, size);
      const [complete] = await eventsOf(page, 'onComplete');
      assert.equal(complete.args[2].success, true);
      await assertStored('short', name, size);
      assert.deepEqual(azureStatuses(name), [...Array(8).fill('block 201'), 'blocklist 201'], 'no refusal, no part twice');
      const { signatures } = await answersFor(stack.site, 'short', name, 3);
      assert.ok(signatures.length >= 2 && signatures.length <= 4, `${signatures.length} signatures in 6.4 s for 4 s each`);
    };

    it('is renewed before, and no part is sent twice', async () => assertRenewed(await open(), 'renewed.bin'));

    for (const [what, days] of [['slow', -1], ['fast', 1]]) {
      it(`is renewed as well where the browser's clock is ${what} by a day`, async () => {
        const page = await open();
        await page.evaluate((shift) => {
          const { now } = Date;
          Date.now = () => now() + shift;
        }, days * 86_400_000);
        await assertRenewed(page, `clock ${what}.bin`);
      });
    }

    it('is kept across origins where the browser\'s clock is fast by a day', async () => {
      const page = await open({ origin: stack.site.origins.page });
      await page.evaluate(() => {
        const { now } = Date;
        Date.now = () => now() + 86_400_000;
      });
      const { result } = await upload(page, options({
        origin: stack.site.origins.site, cors: { expected: true }, chunking: oneByOne,
      }), { name: 'fast elsewhere.bin', size });
      assert.equal(result.success, true);
      assert.deepEqual(await asked(stack, 'drop', 'fast elsewhere.bin', 2), ['PUT 200']);
    });
  });

  describe('refusals', () => {
    const refused = { error: 'log in first', code: 'login_required' };

    it('tells what we say, asks once in spite of automatic retries, and a retry by hand works', async () => {
      const page = await open();
      const { result, error, answer } = await upload(page, options({ retry, chunking: chunks(kPart) }, 'uploads/alice'),
        { name: 'login.bin', size: 350_000 });
      assert.equal(error, refused.error);
      assert.deepEqual(JSON.parse(answer.text), refused);
      assert.deepEqual([result.success, result.error, result.code, result.refused], [false, refused.error, refused.code, true]);
      await new Promise((resolve) => { setTimeout(resolve, 500); });
      assert.deepEqual(await asked(stack, 'uploads', 'alice/login.bin', 1), ['PUT 403']);
      assert.deepEqual(await page.evaluate(() => events.filter(({ name }) => name === 'onAutoRetry')), []);

      await page.evaluate(() => fetch('/login?user=alice', { method: 'POST' }));
      assert.equal(await page.evaluate(() => uploader.retry(0)), true);
      const [, complete] = await eventsOf(page, 'onComplete', 2);
      assert.equal(complete.args[2].success, true, JSON.stringify(complete));
      await assertStored('uploads', 'alice/login.bin', 350_000);
    });

    it('without it, four requests and no reason', async () => {
      const page = await stack.open();
      const { error } = await upload(page, options({ retry }, 'uploads/alice'), { name: 'stock.txt' });
      assert.equal(error, kCommon);
      assert.equal((await asked(stack, 'uploads', 'alice/stock.txt', 4)).length, 4);
    });

    it('goes on retrying what retries help', async () => {
      const page = await open();
      let left = 2;
      await page.route('**/blobvalet/signature**', (route) => {
        left -= 1;
        return left < 0 ? route.continue() : route.fulfill({ status: left === 1 ? 503 : 429, body: '{"error":"Busy.","code":"busy"}' });
      });
      const { result } = await upload(page, options({ retry }), { name: 'busy.txt' });
      assert.equal(result.success, true);
      const retries = await eventsOf(page, 'onAutoRetry', 2);
      assert.equal(retries.length, 2);
      const [error] = await eventsOf(page, 'onError', 2);
      assert.equal(error.args[2], 'Busy.');
    });

    it('keeps Fine Uploader\'s words where there are none of ours', async () => {
      for (const [what, answer] of [
        ['a page', { status: 403, contentType: 'text/html', body: '<h1>Forbidden</h1>' }], ['nothing', { status: 403, body: '' }],
        ['null', { status: 403, body: 'null' }], ['an empty signature', { status: 200, body: '' }],
      ]) {
        const page = await open();
        await page.route('**/blobvalet/signature**', (route) => route.fulfill(answer));
        const { result, error } = await upload(page, options(), { name: `${what}.txt` });
        assert.equal(result.success, false, what);
        assert.equal(error, kCommon, what);
      }
      const page = await open();
      await page.route('**/blobvalet/signature**', (route) => route.abort());
      assert.equal((await upload(page, options(), { name: 'no network.txt' })).error, kCommon);
    });

    it('tells why a file was not deleted', async () => {
      const page = await open();
      await upload(page, options({}, 'keep'), { name: 'kept.txt' });
      await page.evaluate(() => uploader.deleteFile(0));
      await eventsOf(page, 'onDeleteComplete');
      const [error] = await eventsOf(page, 'onError');
      assert.equal(error.args[2], refused.error);
      assert.equal(error.args[3].status, 403);
    });

    for (const template of ['gallery', 'default']) {
      it(`shows it in the template "${template}"`, async () => {
        const page = await openTemplate(template);
        const { error } = await upload(page, options({ retry }, 'uploads/alice'), { name: 'shown.txt' });
        assert.equal(error, refused.error);
        assert.equal(await page.locator('.qq-upload-status-text').textContent(), refused.error);
        assert.equal(await page.locator('.qq-upload-list-selector > li').getAttribute('title'), refused.error);
        assert.ok(await page.locator('.qq-upload-retry').isVisible());
      });
    }

    it('without it, the interface says what Fine Uploader says', async () => {
      const page = await stack.openGallery(options({}, 'uploads/alice'));
      await addFile(page, 'stock.txt', 10);
      await eventsOf(page, 'onComplete');
      assert.equal(await page.locator('.qq-upload-status-text').textContent(), kCommon);
    });

    for (const [mode, shown] of [['none', ''], ['default', 'Upload failed']]) {
      it(`leaves a site its own way to show failures: ${mode}`, async () => {
        const page = await openTemplate('default');
        await upload(page, options({ failedUploadTextDisplay: { mode } }, 'uploads/alice'), { name: 'hidden.txt' });
        assert.equal(await page.locator('.qq-upload-status-text').textContent(), shown);
      });
    }

    it('shows in the interface why a file was not deleted', async () => {
      const page = await openTemplate('default');
      await upload(page, options({}, 'keep'), { name: 'kept and shown.txt' });
      await page.locator('.qq-upload-delete').click();
      const [error] = await eventsOf(page, 'onError');
      assert.equal(error.args[2], refused.error);
      assert.equal(await page.locator('.qq-upload-status-text').textContent(), refused.error);
    });
  });

  describe('hints', () => {
    const pictures = (more) => options(more, 'pictures');
    const assertNothingSent = (name) => assert.deepEqual(stored(stack.site, 'PUT', `/pictures/${name}`), []);

    it('say how large the file is, of which type, and which part comes first', async () => {
      const page = await open();
      await startUploader(page, options({ chunking: chunks(kPart) }));
      const files = [['hints.mp4', 250_000, 'video/mp4'], ['hints.csv', 10, 'text/csv'], ['hints', 10, '']];
      for (const [i, [name, size, type]] of files.entries()) {
        await addFile(page, name, size, { type });
        await eventsOf(page, 'onComplete', i + 1);
      }
      const said = async (blob) => {
        const { signatures: [{ file_size: size, file_type: type, part }] } = await answersFor(stack.site, 'drop', blob, 2);
        return { size, type, part };
      };
      const { part, ...inParts } = await said('hints.mp4');
      assert.deepEqual(inParts, { size: 250_000, type: 'video/mp4' });
      assert.ok(part >= 0 && part < 3, `part ${part}`);
      assert.deepEqual(await said('hints.csv'), { size: 10, type: 'text/csv', part: undefined });
      assert.deepEqual(await said('hints'), { size: 10, type: 'application/octet-stream', part: undefined });
    });

    it('let a picture through', async () => {
      const { result } = await upload(await open(), pictures({ chunking: chunks(kPart) }),
        { name: 'fine.png', size: 300_000, type: 'image/png' });
      assert.equal(result.success, true, JSON.stringify(result));
    });

    for (const [what, name, size, type, code, text] of [
      ['too large', 'large.png', 300_001, 'image/png', 'blob_too_large', 'blob: is too large'],
      ['too small', 'small.png', 1, 'image/png', 'blob_too_small', 'blob: is too small'],
      ['of another type', 'page.png', 10, 'text/html', 'content_type_not_allowed', 'blob: is of a type that is not allowed'],
      ['of unknown type', 'unknown.png', 10, '', 'content_type_not_allowed', 'blob: is of a type that is not allowed'],
      ['called something else', 'program.exe', 10, 'image/png', 'extension_not_allowed',
        'blob: has a file name extension that is not allowed'],
    ]) {
      for (const chunked of [true, false]) {
        it(`refuse what is ${what} before a byte is sent, ${chunked ? 'in parts' : 'whole'}`, async () => {
          const blob = `${chunked} ${name}`;
          const chunking = chunked ? { ...chunks(1), minFileSize: 1, partSize: kPart } : {};
          const { error, answer } = await upload(await open(), pictures({ retry, chunking }), { name: blob, size, type });
          assert.deepEqual([answer.status, JSON.parse(answer.text).code, error], [422, code, text]);
          assert.deepEqual(await asked(stack, 'pictures', blob, 1), ['PUT 422']);
          assertNothingSent(blob);
        });
      }
    }

    it('are not needed: a page without them is signed, and its callback refused', async () => {
      const page = await stack.open();
      const { result } = await upload(page, pictures(), { name: 'stock.png', size: 300_001, type: 'image/png' });
      assert.equal(result.code, 'blob_too_large');
      assert.deepEqual(await asked(stack, 'pictures', 'stock.png', 2), ['PUT 200']);
      assert.equal(stored(stack.site, 'PUT', '/pictures/stock.png').length, 1);
    });

    it('are not believed: what is stored counts', async () => {
      const page = await open();
      const bloburi = `${stack.site.storage.blobEndpoint}/pictures/lie.png`;
      const status = await page.evaluate(async (uri) => {
        const query = new URLSearchParams({ bloburi: uri, _method: 'PUT', qqsize: 10, qqtype: 'image/png' });
        const sas = await (await fetch(`/blobvalet/signature?${query}`)).text();
        return (await fetch(sas, {
          method: 'PUT', headers: { 'x-ms-blob-type': 'BlockBlob', 'Content-Type': 'text/html' }, body: 'x'.repeat(400_000),
        })).status;
      }, bloburi);
      assert.equal(status, 201);
      const answer = await report(page, `${stack.site.storage.blobEndpoint}/pictures`, 'lie.png');
      assert.deepEqual([answer.status, answer.code], [422, 'blob_too_large']);
    });
  });

  describe('every build', () => {
    const builds = ['core.js', 'core.min.js', 'js', 'min.js'].map((it) => `azure.fine-uploader.${it}`);
    for (const script of builds) {
      it(`${script}, without interface`, async () => {
        const page = await stack.open();
        await page.addScriptTag({ url: `/fine-uploader/${script}` });
        await page.addScriptTag({ url: '/blobvalet/blobvalet.js' });
        const { result } = await upload(page, options({ chunking: chunks(kPart) }), { name: script, size: 550_000 });
        assert.equal(result.success, true);
        assert.deepEqual(await asked(stack, 'drop', script, 2), ['PUT 200']);
      });
    }

    it('with the gallery', async () => {
      const page = await openTemplate('gallery');
      const { result } = await upload(page, options({ chunking: chunks(kPart) }), { name: 'gallery.bin', size: 550_000 });
      assert.equal(result.success, true);
      assert.deepEqual(await asked(stack, 'drop', 'gallery.bin', 2), ['PUT 200']);
    });

    for (const [what, more] of [['with interface', {}], ['without', { uploaderType: 'basic' }]]) {
      it(`the jQuery plugin, ${what}: one signature, and our words in its error event`, async () => {
        const page = await stack.open({ path: '/test/jquery.html' });
        await page.evaluate((it) => startPlugin(it), options({ chunking: chunks(kPart), ...more }));
        await addFile(page, `jquery ${what}.bin`, 550_000);
        const [complete] = await eventsOf(page, 'onComplete');
        assert.equal(complete.args[2].success, true);
        assert.deepEqual(await asked(stack, 'drop', `jquery ${what}.bin`, 2), ['PUT 200']);

        await page.reload();
        await page.evaluate((it) => startPlugin(it), options({ retry, ...more }, 'uploads/alice'));
        await addFile(page, `jquery ${what}.bin`, 10);
        const [error] = await eventsOf(page, 'onError');
        assert.equal(error.args[2], refusedText);
        await eventsOf(page, 'onComplete');
        assert.deepEqual(await asked(stack, 'uploads', `alice/jquery ${what}.bin`, 1), ['PUT 403']);
        if (!more.uploaderType) assert.equal(await page.locator('.qq-upload-status-text').textContent(), refusedText);
      });
    }
    const refusedText = 'log in first';
  });

  describe('interruptions', () => {
    const size = 20 * kPart;
    const begun = async (page, name, more) => {
      await startSlowly(page, options({ chunking: chunks(kPart), ...more }), 50);
      await addFile(page, name, size);
      await eventsOf(page, 'onUploadChunkSuccess', 4);
    };

    // Without it, what was paused on its way to Azure is twice in the file, and the page reads of success.
    it('pauses and goes on at once, and every part is in the file once', async () => {
      const page = await open();
      await begun(page, 'paused.bin');
      await page.evaluate(() => uploader.pauseUpload(0) && uploader.continueUpload(0));
      const [complete] = await eventsOf(page, 'onComplete');
      assert.equal(complete.args[2].success, true);
      await assertStored('drop', 'paused.bin', size);
      assert.deepEqual(await asked(stack, 'drop', 'paused.bin', 2), ['PUT 200']);
    });

    it('cancels and deletes with a signature for that', async () => {
      const page = await open();
      await begun(page, 'cancelled.bin');
      await page.evaluate(() => uploader.cancel(0));
      await waitFor(() => stored(stack.site, 'DELETE', '/drop/cancelled.bin').length, { what: 'a DELETE' });
      assert.deepEqual(await asked(stack, 'drop', 'cancelled.bin', 2), ['PUT 200', 'DELETE 200']);
      assert.ok(!(await blobs().namesWithUncommitted()).includes('cancelled.bin'));
    });

    it('sends further files after three whole ones, and one in parts, were cancelled on their way', async () => {
      const page = await open();
      await startUploader(page, options({ chunking: chunks(kPart) }));
      const sizes = [1000, 1000, 1000, 3 * kPart];
      for (const [id, size] of sizes.entries()) {
        await whileStopped([stack.site.storage.pid], async () => {
          await addFile(page, `cancelled ${id}.bin`, size);
          await page.waitForFunction(([which, most]) => pending.store === most && (uploader.cancel(which), true),
            [id, Math.ceil(size / kPart)], { polling: 20 });
        });
      }
      await eventsOf(page, 'onCancel', sizes.length);
      for (const name of ['a.bin', 'b.bin', 'c.bin', 'd.bin']) await addFile(page, `after cancelled ${name}`, 2000);
      await addFile(page, 'parts after cancelled.bin', 5 * kPart);
      const all = await eventsOf(page, 'onComplete', 5);
      assert.ok(all.every(({ args }) => args[2].success), JSON.stringify(all));
    });

    it('cancels while the signature is asked for, without an error on the page', async () => {
      const page = await open();
      const errors = [];
      page.on('pageerror', ({ stack: trace }) => errors.push(trace));
      let release;
      const held = new Promise((resolve) => { release = resolve; });
      await page.route('**/blobvalet/signature**', async (route) => { await held; return route.continue(); });
      await startUploader(page, options({ chunking: chunks(kPart) }));
      await addFile(page, 'early.bin', size);
      await page.waitForFunction(() => pending.signer === 1, null, { polling: 20 });
      await page.evaluate(() => uploader.cancel(0));
      release();
      await page.waitForFunction(() => pending.signer === 0, null, { polling: 20 });
      assert.deepEqual(stored(stack.site, 'PUT', '/drop/early.bin'), []);
      assert.deepEqual(errors, []);
    });

    it('resumes after a reload with the parts that are missing', async () => {
      const page = await open();
      const resume = { enabled: true };
      await begun(page, 'resumed.bin', { resume });
      await page.evaluate(() => uploader.pauseUpload(0));
      await page.reload();
      await startUploader(page, options({ chunking: chunks(kPart), resume }));
      await addFile(page, 'resumed.bin', size);
      const [complete] = await eventsOf(page, 'onComplete');
      assert.equal(complete.args[2].success, true);
      await assertStored('drop', 'resumed.bin', size);
      assert.ok((await eventsOf(page, 'onUploadChunkSuccess')).length <= 16);
      assert.deepEqual(await asked(stack, 'drop', 'resumed.bin', 3), ['PUT 200', 'PUT 200']);
    });

    it('keeps no signature where others find it', async () => {
      const page = await open();
      await begun(page, 'secret.bin', { resume: { enabled: true } });
      const kept = await page.evaluate(() => JSON.stringify([{ ...localStorage }, { ...sessionStorage }, document.cookie]));
      assert.match(kept, /secret\.bin/, 'what is needed to resume');
      assert.doesNotMatch(kept, /sig=/);
    });

    it('stores scaled images beside their original, with one signature each', async () => {
      const page = await open();
      await startUploader(page, options({ scaling: { sizes: [{ name: 'small', maxSize: 60 }, { name: 'medium', maxSize: 200 }] } }));
      await page.evaluate(() => addPicture('scaled.png', 400, 300));
      const complete = await eventsOf(page, 'onComplete', 3);
      assert.deepEqual(complete.map(({ args }) => args[2].success), [true, true, true]);
      for (const name of ['scaled.png', 'scaled (small).png', 'scaled (medium).png']) {
        assert.deepEqual(await asked(stack, 'drop', name, 2), ['PUT 200']);
      }
    });
  });

  it('is loaded once and then kept by the browser', async () => {
    const page = await open();
    await page.goto(`${stack.site.origins.site}/test/jquery.html`);
    await page.goto(stack.site.origins.site + kHelper);
    assert.equal(await page.evaluate(() => typeof blobvalet), 'function');
    const entry = await page.evaluate(() => {
      const [it] = performance.getEntriesByName(new URL('/blobvalet/blobvalet.js', location).href);
      return { transferred: it.transferSize, size: it.decodedBodySize };
    });
    assert.equal(entry.transferred, 0, 'out of the cache');
    assert.ok(entry.size > 1000);
  });
});

describe('blobvalet.js, where Azure refuses', { timeout: 180_000 }, () => {
  const stack = useSite({
    async startStorage() {
      const stub = await startAzureStub();
      stub.trust({ account, key });
      return {
        stub, blobEndpoint: stub.url, createContainer: () => {}, allowOrigins: (origins) => stub.allowOrigins(origins), stop: stub.stop,
      };
    },
    rules: [openRule('drop')],
  });
  const store = () => stack.site.storage.stub;
  const options = (more) => uploaderOptions(stack.site, 'drop', { chunking: oneByOne, ...more });
  const size = 6 * kPart;
  beforeEach(() => store().clear());

  /// Azure refuses the next PUTs for which `is` holds, `count` of them.
  const refuseNext = (count, is = () => true, status = 403) => {
    let left = count;
    store().fault = (request, response, answer) => {
      if (request.method !== 'PUT' || !is(request) || left === 0) return answer(request, response);
      left -= 1;
      return fail(status, 'AuthenticationFailed')(request, response);
    };
  };
  const isBlock = ({ url }) => url.includes('comp=block&');
  const isList = ({ url }) => url.includes('comp=blocklist');
  const blocks = () => store().requests.filter((it) => it.method === 'PUT' && isBlock(it)).length;
  const asksFor = async (name, count) => (await asked(stack, 'drop', name, count)).length;
  const after3 = async (page, name, all, refuse) => {
    await startSlowly(page, all, 100);
    await addFile(page, name, size);
    await eventsOf(page, 'onUploadChunkSuccess', 3);
    refuse();
  };
  const assertStored = async (page, name) => {
    const [complete] = await eventsOf(page, 'onComplete');
    assert.equal(complete.args[2].success, true, JSON.stringify(complete));
    assert.equal(sha256(store().blob(`drop/${name}`).content), sha256(pattern(size)));
  };

  for (const [what, chunking, atOnce] of [['one part at a time', oneByOne, 1], ['three', chunks(kPart), 3]]) {
    it(`asks once more and goes on with what was refused, ${what}`, async () => {
      const [name, parts] = [`${what}.bin`, 30];
      const page = await stack.open({ path: kHelper });
      let first;
      store().fault = (request, response, answer) => {        // as if the first SAS had ended after 1.1 s
        const sig = /sig=[^&]*/.exec(request.url)?.[0];
        if (request.method === 'PUT') first ??= { sig, at: Date.now() };
        const ended = request.method === 'PUT' && sig === first.sig && Date.now() - first.at > 1100;
        return (ended ? fail(403, 'AuthenticationFailed') : answer)(request, response);
      };
      await startSlowly(page, options({ chunking }), 150);
      await addFile(page, name, parts * kPart);
      const [complete] = await eventsOf(page, 'onComplete');
      assert.equal(complete.args[2].success, true, JSON.stringify(complete));
      assert.equal(sha256(store().blob(`drop/${name}`).content), sha256(pattern(parts * kPart)));
      assert.ok(blocks() > parts && blocks() <= parts + atOnce, `${blocks()} blocks sent for ${parts} parts`);
      assert.equal((await eventsOf(page, 'onUploadChunkSuccess')).length, parts);
      assert.equal(await asksFor(name, 3), 2);
      assert.deepEqual(await page.evaluate(() => events.filter(({ name: it }) => /onError|onAutoRetry/.test(it))), []);
    });
  }

  it('does so for the list of parts', async () => {
    const page = await stack.open({ path: kHelper });
    refuseNext(1, isList);
    await startUploader(page, options());
    await addFile(page, 'list.bin', size);
    await assertStored(page, 'list.bin');
    assert.equal(blocks(), 6);
    assert.equal(await asksFor('list.bin', 3), 2);
  });

  it('does so for a whole file', async () => {
    const page = await stack.open({ path: kHelper });
    refuseNext(1);
    await startUploader(page, options({ chunking: {} }));
    await addFile(page, 'whole.bin', size);
    await assertStored(page, 'whole.bin');
    assert.equal(await asksFor('whole.bin', 3), 2);
  });

  it('gives up where it is refused again, and a retry sends what is missing', async () => {
    const page = await stack.open({ path: kHelper });
    await after3(page, 'refused.bin', options(), () => refuseNext(2, isBlock));
    const [failed] = await eventsOf(page, 'onComplete');
    assert.equal(failed.args[2].success, false);
    const [error] = await eventsOf(page, 'onError');
    assert.equal(error.args[2], 'Problem sending file to Azure');
    await page.evaluate(() => uploader.retry(0));
    const [, complete] = await eventsOf(page, 'onComplete', 2);
    assert.equal(complete.args[2].success, true);
    assert.equal(sha256(store().blob('drop/refused.bin').content), sha256(pattern(size)));
    assert.equal((await eventsOf(page, 'onUploadChunkSuccess')).length, 6, 'no part twice');
    assert.equal(blocks(), 8);
  });

  it('does not ask again for other failures', async () => {
    const page = await stack.open({ path: kHelper });
    await after3(page, 'failing.bin', options({ retry }), () => refuseNext(2, isBlock, 500));
    await assertStored(page, 'failing.bin');
    assert.equal(await asksFor('failing.bin', 2), 1);
    assert.equal((await eventsOf(page, 'onUploadChunkSuccess')).length, 6);
  });

  it('without it, the file begins again', async () => {
    const page = await stack.open();
    await after3(page, 'stock.bin', options({ retry }), () => refuseNext(1, isBlock));
    await assertStored(page, 'stock.bin');
    assert.ok((await eventsOf(page, 'onUploadChunkSuccess')).length >= 9, 'finished parts were sent twice');
  });

  it('keeps the signature of a delete that failed, and asks anew once it is done', async () => {
    const page = await stack.open({ path: kHelper });
    const deletes = async (count) => (await answersFor(stack.site, 'drop', 'deleted.bin', count)).signatures
      .filter(({ verb }) => verb === 'DELETE').length;
    const failDelete = (status) => {
      store().fault = (request, response, answer) => {
        if (request.method !== 'DELETE') return answer(request, response);
        store().fault = null;
        return fail(status, 'AnyError')(request, response);
      };
    };
    const remove = async (id, count) => {
      await page.evaluate((it) => uploader.deleteFile(it), id);
      return (await eventsOf(page, 'onDeleteComplete', count))[count - 1].args[2];
    };
    await startUploader(page, options());
    await addFile(page, 'deleted.bin', 10);
    await eventsOf(page, 'onComplete');
    failDelete(500);
    assert.equal(await remove(0, 1), true, 'an error');
    assert.equal(await remove(0, 2), false);
    assert.equal(await deletes(3), 1);

    await addFile(page, 'deleted.bin', 10);
    await eventsOf(page, 'onComplete', 2);
    failDelete(403);
    assert.equal(await remove(1, 3), true, 'an error');
    assert.equal(await remove(1, 4), false);
    assert.equal(await deletes(7), 3);
  });
});
