// Files get into the store exactly as they are: bytes, names, metadata.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import {
  addFile, answersFor, chunks, eventsOf, pattern, sha256, startUploader, stored, upload, uploaderOptions, useSite,
} from './support.mjs';

const kUuid = /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}/;

describe('upload', { timeout: 180_000 }, () => {
  const stack = useSite();
  const options = (more) => uploaderOptions(stack.site, 'drop', more);
  const drop = () => stack.site.storage.container('drop');

  it('stores a whole file with one signature and one PUT', async () => {
    const page = await stack.open();
    const { result } = await upload(page, options(), { name: 'whole.bin', size: 300_001 });

    assert.equal(result.success, true);
    assert.equal(sha256(await drop().read('whole.bin')), sha256(pattern(300_001)));
    assert.equal(stored(stack.site, 'PUT', '/drop/whole.bin').length, 1);
    const { signatures, callbacks } = await answersFor(stack.site, 'drop', 'whole.bin', 2);
    assert.deepEqual(signatures.map(({ verb, status, rule }) => [verb, status, rule]), [['PUT', 200, 'drop-box']]);
    assert.deepEqual(callbacks.map(({ status, rule }) => [status, rule]), [[200, 'drop-box']]);
  });

  it('stores an empty file', async () => {
    const page = await stack.open();
    const allowed = options({ validation: { allowEmpty: true } });
    const { result } = await upload(page, allowed, { name: 'empty.txt', size: 0 });
    assert.equal(result.success, true);
    assert.equal((await drop().read('empty.txt')).length, 0);
  });

  it('stores 21 MB in concurrent chunks, each with a signature of its own', async () => {
    const size = 21_000_123;
    const parts = 11;
    const page = await stack.open();
    const { result } = await upload(page, options({ chunking: chunks(2_000_000) }), { name: 'chunks.bin', size });

    assert.equal(result.success, true);
    assert.equal(sha256(await drop().read('chunks.bin')), sha256(pattern(size)));
    assert.equal((await drop().committedBlocks('chunks.bin')).length, parts);
    const { signatures } = await answersFor(stack.site, 'drop', 'chunks.bin', parts + 2);
    assert.equal(signatures.length, parts + 1, 'one for each part and one for the block list');
    const started = await page.evaluate(() => events.filter(({ name }) => name.startsWith('onUploadChunk'))
      .findIndex(({ name }) => name === 'onUploadChunkSuccess'));
    assert.ok(started > 1, 'at least two parts under way before the first was done');
  });

  const names = {
    'spaces': ' two  spaces .txt',
    'a hash': 'a#b#.txt',
    'question marks': 'what?really?.txt',
    'a percent sign': '100%.txt',
    'a plus': 'a+b.txt',
    'ampersands and equals signs': 'a&b=c&_method=DELETE.txt',
    'quotes': `it's "quoted".txt`,
    'emoji': '🦀 family 👨‍👩‍👧.txt',
    'CJK': '見本 표본 样本.txt',
    'a combining accent': 'e\u0301.txt',
    'what looks percent-encoded': '%41.txt',
    'what looks percent-encoded twice': '%2541%2F.txt',
    'all other ASCII punctuation': "!$'()*,;:@[]^`{|}~-_.txt",
    '1024 characters': `${'n'.repeat(1020)}.txt`,
  };
  for (const [what, name] of Object.entries(names)) {
    it(`stores a name with ${what} as exactly that name`, async () => {
      const page = await stack.open();
      const { result } = await upload(page, options(), { name });
      assert.equal(result.success, true, JSON.stringify(result));
      assert.ok((await drop().names()).includes(name));
      assert.equal(sha256(await drop().read(name)), sha256(pattern(1000)));
    });
  }

  it('stores a chunked file with such a name as exactly that name', async () => {
    const name = '%41 #1?&+ "見本" 🦀.bin';
    const page = await stack.open();
    const { result } = await upload(page, options({ chunking: chunks(100_000) }), { name, size: 350_000 });
    assert.equal(result.success, true);
    assert.ok((await drop().names()).includes(name));
    assert.equal(sha256(await drop().read(name)), sha256(pattern(350_000)));
  });

  it('stores 1024 Chinese characters, the longest request there is without encoding names twice', async () => {
    // By a name function: as a file name they would go into metadata as well, which Azure limits to 8 KiB.
    const name = '長'.repeat(1024);
    const page = await stack.open();
    await page.evaluate(([it, long]) => startUploader({
      ...it, blobProperties: { name: () => new qq.Promise().success(long) },
    }), [options(), name]);
    await addFile(page, 'short.txt', 10);
    const [complete] = await eventsOf(page, 'onComplete');
    assert.equal(complete.args[2].success, true, JSON.stringify(complete));
    assert.ok((await drop().names()).includes(name));
  });

  it('refuses a name of 1025 characters without any PUT', async () => {
    const name = 'n'.repeat(1025);
    const page = await stack.open();
    const { result, answer } = await upload(page, options(), { name });
    assert.equal(result.success, false);
    assert.equal(answer.status, 403);
    assert.equal(JSON.parse(answer.text).code, 'bad_blob_name');
    assert.equal(stored(stack.site, 'PUT', name).length, 0);
  });

  it('names blobs by uuid, with the extension of the file', async () => {
    const page = await stack.open();
    const before = await drop().names();
    assert.equal((await upload(page, options({ naming: 'uuid' }), { name: 'photo.p h#p' })).result.success, true);
    const [name] = (await drop().names()).filter((it) => !before.includes(it));
    assert.match(name, kUuid);
    assert.ok(name.endsWith('.p h#p'), name);
  });

  it('names blobs by a function of the page', async () => {
    const page = await stack.open();
    await page.evaluate((it) => {
      const name = (id) => new qq.Promise().success(`2026/${uploader.getSize(id)}/${uploader.getName(id)}`);
      startUploader({ ...it, blobProperties: { name } });
    }, options());
    await addFile(page, 'report.pdf', 77);
    await eventsOf(page, 'onComplete');
    assert.equal((await drop().read('2026/77/report.pdf')).length, 77);
  });

  it('stores several files at a time', async () => {
    const page = await stack.open();
    await startUploader(page, options());
    const names = Array.from({ length: 8 }, (_, i) => `several/${i}.bin`);
    await page.evaluate((all) => all.forEach((name, i) => addFile(name, 1000 + i)), names);
    const [all] = await eventsOf(page, 'onAllComplete');
    assert.equal(all.args[0].length, names.length, JSON.stringify(all));
    for (const [i, name] of names.entries()) assert.equal((await drop().read(name)).length, 1000 + i);
  });

  for (const [what, chunking, size] of [['whole', {}, 1000], ['chunked', chunks(100_000), 250_000]]) {
    it(`keeps type, file name and parameters of a ${what} file as properties and metadata`, async () => {
      const name = `parameters ${what}.csv`;
      const params = { project: 'Größe & Maß #7', user: { deep: 'nested' }, count: 3 };
      const page = await stack.open();
      const { result } = await upload(page, options({ params, chunking }), { name, size, type: 'text/csv' });
      assert.equal(result.success, true);

      const { contentType, metadata } = await drop().properties(name);
      assert.equal(contentType, 'text/csv');
      const decoded = Object.fromEntries(
        Object.entries(metadata).map(([key, value]) => [key, decodeURIComponent(value)]));
      assert.deepEqual(decoded, { project: 'Größe & Maß #7', deep: 'nested', count: '3', qqfilename: name });
    });
  }

  it('stores scaled images beside their original', async () => {
    const page = await stack.open();
    await startUploader(page, options({
      scaling: { sizes: [{ name: 'small', maxSize: 60 }, { name: 'medium', maxSize: 200 }] },
    }));
    await page.evaluate(() => addPicture('picture.png', 400, 300));
    await eventsOf(page, 'onComplete', 3);

    const widths = {};
    for (const name of (await drop().names()).filter((it) => it.startsWith('picture'))) {
      widths[name] = (await drop().read(name)).readUInt32BE(16);       // of a PNG's first chunk
    }
    assert.deepEqual(widths, { 'picture (medium).png': 200, 'picture (small).png': 60, 'picture.png': 400 });
    const { metadata } = await drop().properties('picture (small).png');
    assert.match(metadata.qqparentuuid, kUuid);
    for (const name of Object.keys(widths)) {
      const { callbacks } = await answersFor(stack.site, 'drop', name, 2);
      assert.deepEqual(callbacks.map(({ status }) => status), [200]);
    }
  });
});
