// Uploads that do not simply run through: deleted, cancelled, paused, resumed, hit by failures.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import {
  addFile, answersFor, chunks, eventsOf, pattern, sha256, startUploader, stored, upload, uploaderOptions, useSite,
  waitFor, whileStopped,
} from './support.mjs';

const kSize = 20_500_000;
const kPart = 1_000_000;
const kParts = 21;
const kRetry = { enableAuto: true, autoAttemptDelay: 0.1, maxAutoAttempts: 20 };

describe('lifecycle', { timeout: 180_000 }, () => {
  const stack = useSite();
  const options = (more) => uploaderOptions(stack.site, 'drop', { chunking: chunks(kPart), ...more });
  const drop = () => stack.site.storage.container('drop');
  const assertStored = async (name) => assert.equal(sha256(await drop().read(name)), sha256(pattern(kSize)));
  const blocksSent = (name) => stored(stack.site, 'PUT', `/drop/${name}`).filter(({ comp }) => comp === 'block');

  /// Starts a chunked upload and runs `action` in the page when three chunks have been stored and the next three all
  /// wait for `held`. Those processes are stopped meanwhile, so that it is the same moment in every run.
  const interrupt = async (page, action, held, name, more) => {
    await startUploader(page, options(more));
    await addFile(page, name, kSize);
    await eventsOf(page, 'onUploadChunkSuccess', 3);
    await whileStopped(held === 'store' ? [stack.site.storage.pid] : stack.site.pool.pids(), () => page.waitForFunction(
      ([what, where]) => pending[where] === 3 && pending.store + pending.signer === 3 && (uploader[what](0), true),
      [action, held], { polling: 20 }));
  };

  it('deletes an uploaded file with a signature for DELETE only', async () => {
    const page = await stack.open();
    await upload(page, options(), { name: 'delete me.txt' });
    await page.evaluate(() => uploader.deleteFile(0));
    const [complete] = await eventsOf(page, 'onDeleteComplete');

    assert.equal(complete.args[2], false, 'no error');
    assert.ok(!(await drop().names()).includes('delete me.txt'));
    const { signatures } = await answersFor(stack.site, 'drop', 'delete me.txt', 3);
    assert.deepEqual(signatures.map(({ verb, status }) => [verb, status]), [['PUT', 200], ['DELETE', 200]]);
  });

  it('leaves no uncommitted blob behind when chunks are cancelled', async () => {
    const page = await stack.open();
    await interrupt(page, 'cancel', 'signer', 'cancelled.bin');
    await eventsOf(page, 'onCancel');
    await waitFor(() => stored(stack.site, 'DELETE', '/drop/cancelled.bin').length, { what: 'a DELETE' });

    assert.ok(blocksSent('cancelled.bin').length >= 3, 'blocks had been stored');
    assert.deepEqual(stored(stack.site, 'DELETE', '/drop/cancelled.bin').map(({ status }) => status), [202]);
    assert.ok(!(await drop().namesWithUncommitted()).includes('cancelled.bin'));
  });

  // Fine Uploader's own doing, against which blobvalet.js helps: nobody is asked any more.
  it('sends no whole file any more after three were cancelled on their way, until the page is loaded again', async () => {
    const page = await stack.open();
    await startUploader(page, options());
    for (const id of [0, 1, 2]) {
      await whileStopped([stack.site.storage.pid], async () => {
        await addFile(page, `whole ${id}.txt`, 1000);
        await page.waitForFunction((which) => pending.store === 1 && (uploader.cancel(which), true), id, { polling: 20 });
      });
    }
    await eventsOf(page, 'onCancel', 3);
    await addFile(page, 'whole 3.txt', 1000);
    await answersFor(stack.site, 'drop', 'whole 3.txt');
    await page.waitForTimeout(500);
    assert.deepEqual(await page.evaluate(() => ({ ...pending, status: uploader.getUploads({ id: 3 }).status })),
      { signer: 0, store: 0, status: 'uploading' });
    assert.deepEqual(stored(stack.site, 'PUT', '/drop/whole 3.txt'), []);

    await page.reload();
    assert.equal((await upload(page, options(), { name: 'whole 3.txt' })).result.success, true);
  });

  it('pauses between chunks and continues without sending any chunk twice', async () => {
    const page = await stack.open();
    await interrupt(page, 'pauseUpload', 'store', 'paused.bin');
    assert.equal(await page.evaluate(() => uploader.getUploads({ id: 0 }).status), 'paused');
    assert.ok(!(await drop().names()).includes('paused.bin'));

    await page.evaluate(() => uploader.continueUpload(0));
    const [complete] = await eventsOf(page, 'onComplete');
    assert.equal(complete.args[2].success, true);
    await assertStored('paused.bin');
    assert.equal((await eventsOf(page, 'onUploadChunkSuccess')).length, kParts);
  });

  it('resumes after the page was closed and opened again', async () => {
    const resume = { enabled: true };
    const page = await stack.open();
    await interrupt(page, 'pauseUpload', 'store', 'resumed.bin', { resume });
    await page.reload();

    await startUploader(page, options({ resume }));
    await addFile(page, 'resumed.bin', kSize);
    await eventsOf(page, 'onComplete');
    assert.ok((await eventsOf(page, 'onResume')).length >= 1);
    await assertStored('resumed.bin');
    const sent = await eventsOf(page, 'onUploadChunkSuccess');
    assert.ok(sent.length <= kParts - 3, `${sent.length} chunks after the reload`);
  });

  it('gets through when every worker is killed while a request waits for them', async () => {
    const page = await stack.open();
    await startUploader(page, options({ chunking: chunks(kPart, false), retry: kRetry }));
    await addFile(page, 'killed.bin', kSize);
    await eventsOf(page, 'onUploadChunkSuccess', 3);
    const killed = stack.site.pool.pids();
    for (const pid of killed) process.kill(pid, 'SIGSTOP');
    await page.waitForFunction(() => pending.signer === 1 && pending.store === 0, null, { polling: 20 });
    for (const pid of killed) process.kill(pid, 'SIGKILL');

    const [complete] = await eventsOf(page, 'onComplete');
    assert.equal(complete.args[2].success, true, JSON.stringify(complete));
    await assertStored('killed.bin');
    assert.ok(stack.site.pool.pids().every((pid) => !killed.includes(pid)));
  });

  it('gets through while workers are killed again and again', async () => {
    const parts = 103;
    const page = await stack.open();
    await startUploader(page, options({ chunking: chunks(200_000, false), retry: kRetry }));
    await addFile(page, 'again and again.bin', kSize);
    for (let done = 10; done < parts; done += 10) {
      await eventsOf(page, 'onUploadChunkSuccess', done);
      process.kill(await waitFor(() => stack.site.pool.pids()[0], { what: 'a worker' }), 'SIGKILL');
    }
    const [complete] = await eventsOf(page, 'onComplete');
    assert.equal(complete.args[2].success, true, JSON.stringify(complete));
    await assertStored('again and again.bin');
  });

  it('says so when the whole pool is gone, and a retry sends only what is missing', async () => {
    const page = await stack.open();
    await startUploader(page, options({ chunking: chunks(kPart, false) }));
    await addFile(page, 'pool gone.bin', kSize);
    await eventsOf(page, 'onUploadChunkSuccess', 3);
    await stack.site.pool.stop();
    try {
      const [failed] = await eventsOf(page, 'onComplete');
      assert.equal(failed.args[2].success, false);
      const [error] = await eventsOf(page, 'onError');
      assert.equal(error.args[3].status, 503);
      assert.equal(JSON.parse(error.args[3].text).code, 'bad_gateway');
    } finally {
      await stack.site.pool.start();
    }
    await page.evaluate(() => uploader.retry(0));
    const [, complete] = await eventsOf(page, 'onComplete', 2);
    assert.equal(complete.args[2].success, true, JSON.stringify(complete));
    await assertStored('pool gone.bin');
    assert.equal((await eventsOf(page, 'onUploadChunkSuccess')).length, kParts);
  });
});
