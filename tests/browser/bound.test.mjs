// Rules with bind_request: a SAS fits the one PUT that the page declared by blobvalet.js, and no other. The emulator knows no such SAS, so that
// a stand-in takes its place; it computes each signature from what the request really carries.
import assert from 'node:assert/strict';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeEach, describe, it } from 'node:test';
import { fail, startAzureStub } from '../lib/azure-stub.mjs';
import { account, key } from '../lib/azurite.mjs';
import { openRule } from '../lib/site.mjs';
import {
  addFile, answersFor, chunks, eventsOf, pattern, sha256, startUploader, uploaderOptions, useSite, waitFor,
} from './support.mjs';

const kVersion = '2026-04-06';
const secondsFrom = (now, seconds) => `${new Date(now + seconds * 1000).toISOString().slice(0, 19)}Z`;

/// A fault for lists of blocks only: all other requests are answered as usual.
const onList = (fault) => (request, response, answer) => (
  request.method === 'PUT' && request.url.includes('comp=blocklist') ? fault : answer)(request, response, answer);

/// The stand-in, with the methods that startSite() knows from Azurite.
async function startStorage() {
  const stub = await startAzureStub();
  stub.trust({ account, key });
  stub.trustDelegation({
    oid: '11111111-1111-4111-8111-111111111111', tid: '22222222-2222-4222-8222-222222222222',
    start: secondsFrom(Date.now(), -900), expiry: secondsFrom(Date.now(), 86_400), version: kVersion,
  });
  return {
    stub, blobEndpoint: stub.url, createContainer: () => {}, allowOrigins: (origins) => stub.allowOrigins(origins), stop: stub.stop,
  };
}

/// An account without an account key: workers find the user delegation key where it would be renewed.
function withIdentity({ accounts: [own], sas, ...config }, dir, { stub: { delegations: [delegation] } }) {
  const keys = join(dir, 'keys');
  mkdirSync(keys, { mode: 0o700 });
  writeFileSync(join(keys, `${account}.delegation-key`), [
    'blobvalet-user-delegation-key 1', 'origin test',
    ...Object.entries({ skoid: 'oid', sktid: 'tid', skt: 'start', ske: 'expiry', sks: 'service', skv: 'version', value: 'value' })
      .map(([name, member]) => `${name} ${delegation[member]}`), '',
  ].join('\n'), { mode: 0o400 });
  return {
    ...config, accounts: [{ ...own, credential: { type: 'managed_identity' } }], sas: { ...sas, version: kVersion },
    keys: { directory: 'keys' },
  };
}

describe('bound requests', { timeout: 180_000 }, () => {
  const stack = useSite({
    startStorage, changeConfig: withIdentity,
    rules: [
      openRule('drop', { bind_request: true }),
      openRule('free'),
      openRule('pictures', { bind_request: true, verify: { max_bytes: 2000, content_types: ['image/*'] } }),
    ],
  });
  const store = () => stack.site.storage.stub;
  const options = (more, target = 'drop') => uploaderOptions(stack.site, target, more);
  beforeEach(() => { store().requests.length = store().refused.length = 0; });

  const open = async () => {
    const page = await stack.open();
    await page.addScriptTag({ url: '/blobvalet/blobvalet.js' });
    return page;
  };
  const upload = async (page, all, name, size, more) => {
    await startUploader(page, all);
    await addFile(page, name, size, more);
    const [complete] = await eventsOf(page, 'onComplete');
    return complete.args[2];
  };
  const assertStored = (result, name, size, type) => {
    assert.equal(result.success, true, JSON.stringify(result));
    const blob = store().blob(`drop/${name}`);
    assert.equal(sha256(blob.content), sha256(pattern(size)));
    assert.equal(blob.type, type);
    assert.equal(store().refused.length, 0);
  };
  /// What the SAS of each PUT binds: `comp srh srq`.
  const bindings = () => store().requests.filter(({ method }) => method === 'PUT').map(({ url }) => {
    const { searchParams: q } = new URL(url, store().url);
    return [q.get('comp'), q.get('srh'), q.get('srq')].map((it) => it ?? '-').join(' ');
  });

  it('stores a whole file with type, length and kind bound', async () => {
    const result = await upload(await open(), options(), 'whole.csv', 1000, { type: 'text/csv' });
    assertStored(result, 'whole.csv', 1000, 'text/csv');
    assert.deepEqual(bindings(), ['- content-type,content-length,x-ms-blob-type -']);
  });

  it('stores a type with parameters as it is', async () => {
    const result = await upload(await open(), options(), 'talk.webm', 1000, { type: 'audio/webm; codecs="vp8, opus"' });
    assertStored(result, 'talk.webm', 1000, 'audio/webm; codecs="vp8, opus"');
  });

  for (const [what, chunking, size] of [['whole', {}, 1000], ['chunked', chunks(100_000), 250_000]]) {
    it(`sends a ${what} file of unknown type with the type that Azure would give it`, async () => {
      const result = await upload(await open(), options({ chunking }), `unknown ${what}`, size);
      assertStored(result, `unknown ${what}`, size, 'application/octet-stream');
    });
  }

  for (const concurrent of [false, true]) {
    it(`stores a file in parts, ${concurrent ? 'several' : 'one'} at a time, each bound to its place`, async () => {
      const name = `chunked ${concurrent}.bin`;
      const result = await upload(await open(), options({ chunking: chunks(100_000, concurrent) }), name, 450_001,
        { type: 'video/mp4' });
      assertStored(result, name, 450_001, 'video/mp4');
      assert.deepEqual(bindings(), [
        ...Array(5).fill('block content-length comp,blockid'), 'blocklist x-ms-blob-content-type comp',
      ]);
    });
  }

  it('stores scaled images beside their original, each with its own length and type', async () => {
    const page = await open();
    await startUploader(page, options({
      scaling: { defaultType: 'image/jpeg', sizes: [{ name: 'small', maxSize: 60 }, { name: 'medium', maxSize: 200 }] },
    }));
    await page.evaluate(() => addPicture('picture.png', 400, 300));
    const complete = await eventsOf(page, 'onComplete', 3);
    assert.deepEqual(complete.map(({ args }) => args[2].success), [true, true, true]);
    assert.equal(store().blob('drop/picture.png').type, 'image/png');
    assert.equal(store().blob('drop/picture (small).jpeg').type, 'image/jpeg');
    assert.equal(store().refused.length, 0);
  });

  it('works with the gallery, too', async () => {
    const page = await stack.open({ path: '/test/gallery.html?gallery' });
    await page.addScriptTag({ url: '/blobvalet/blobvalet.js' });
    assertStored(await upload(page, options(), 'gallery.txt', 1000, { type: 'text/plain' }), 'gallery.txt', 1000, 'text/plain');
  });

  it('deletes as without it', async () => {
    const page = await open();
    await upload(page, options(), 'delete me.txt', 10);
    await page.evaluate(() => uploader.deleteFile(0));
    const [complete] = await eventsOf(page, 'onDeleteComplete');
    assert.equal(complete.args[2], false, 'no error');
    assert.equal(store().blob('drop/delete me.txt'), undefined);
  });

  // Everything but the list has arrived: nothing in the new page tells that the file is in parts.
  it('resumes after a reload with the list of parts alone', async () => {
    const page = await open();
    const all = options({ chunking: chunks(100_000), resume: { enabled: true } });
    store().fault = onList(fail(500, 'InternalError'));
    const failed = await upload(page, all, 'resumed.bin', 250_000, { type: 'video/mp4' });
    store().fault = null;
    assert.equal(failed.success, false);
    assert.equal(bindings().filter((it) => it.startsWith('block ')).length, 3);

    store().requests.length = 0;
    await page.reload();
    await page.addScriptTag({ url: '/blobvalet/blobvalet.js' });
    assertStored(await upload(page, all, 'resumed.bin', 250_000, { type: 'video/mp4' }), 'resumed.bin', 250_000, 'video/mp4');
    assert.deepEqual(bindings(), ['blocklist x-ms-blob-content-type comp']);
  });

  it('asks once more when Azure refuses, and sends no part again', async () => {
    const page = await open();
    let left = 1;
    store().fault = onList((request, response, answer) => {
      left -= 1;
      return (left < 0 ? answer : fail(403, 'AuthenticationFailed'))(request, response);
    });
    const all = options({ chunking: chunks(100_000), retry: { enableAuto: true, autoAttemptDelay: 0.1 } });
    const result = await upload(page, all, 'again.bin', 250_000, { type: 'video/mp4' });
    store().fault = null;
    assertStored(result, 'again.bin', 250_000, 'video/mp4');
    assert.equal(bindings().length, 5, 'three parts, and the list twice');
  });

  it('cancels between parts, some of which wait for their signatures, and removes them', async () => {
    const page = await open();
    const errors = [];           // of ours: Fine Uploader has one for each signature that comes too late
    page.on('pageerror', ({ stack: trace }) => { if (trace.includes('blobvalet.js')) errors.push(trace); });
    await startUploader(page, options({ chunking: chunks(100_000), maxConnections: 10 }));
    await addFile(page, 'cancelled.bin', 5_000_000);
    await eventsOf(page, 'onUploadChunkSuccess', 2);
    await page.evaluate(() => uploader.cancel(0));
    await eventsOf(page, 'onCancel');
    const deletes = () => store().requests.filter(({ method }) => method === 'DELETE');
    await waitFor(() => deletes().length === 1, { what: 'a DELETE' });
    assert.deepEqual(store().uncommitted('drop/cancelled.bin'), []);
    assert.deepEqual(errors, []);
  });

  it('keeps no signature of theirs, and one for the file where another rule does not bind', async () => {
    const page = await open();
    await page.evaluate(([bound, free]) => [bound, free].forEach((it, i) => {
      startUploader(it);
      addFile(`rule ${i}.bin`, 450_001, { type: 'video/mp4' });
    }), [options({ chunking: chunks(100_000) }), options({ chunking: chunks(100_000) }, 'free')]);
    const complete = await eventsOf(page, 'onComplete', 2);
    assert.deepEqual(complete.map(({ args }) => args[2].success), [true, true]);
    assert.equal((await answersFor(stack.site, 'drop', 'rule 0.bin', 7)).signatures.length, 6);
    assert.equal((await answersFor(stack.site, 'free', 'rule 1.bin', 2)).signatures.length, 1);
  });

  it('refuses the stock client without any PUT', async () => {
    const page = await stack.open();
    await startUploader(page, options());
    await addFile(page, 'stock.txt', 10);
    const [error] = await eventsOf(page, 'onError');
    assert.equal(error.args[3].status, 400);
    assert.deepEqual(JSON.parse(error.args[3].text), { error: 'operation: is missing', code: 'missing_parameter' });
    assert.deepEqual(bindings(), []);
  });

  for (const [what, name, size, type, code] of [
    ['too large', 'large.png', 2001, 'image/png', 'blob_too_large'],
    ['of another type', 'page.html', 10, 'text/html', 'content_type_not_allowed'],
    ['of unknown type', 'unknown', 10, '', 'content_type_not_allowed'],
  ]) {
    it(`refuses what is ${what} before a byte of it is sent`, async () => {
      const page = await open();
      await startUploader(page, options({}, 'pictures'));
      await addFile(page, name, size, { type });
      const [error] = await eventsOf(page, 'onError');
      assert.equal(error.args[3].status, 422);
      assert.equal(JSON.parse(error.args[3].text).code, code);
      assert.deepEqual(bindings(), []);
    });
  }

  // Requests made by hand, with a SAS for what was said: [what was said, body or its length, headers, rest of the query].
  const list = '<BlockList></BlockList>';
  const asBlob = { 'Content-Type': 'image/png', 'x-ms-blob-type': 'BlockBlob' };
  const asList = { 'Content-Type': 'text/plain', 'x-ms-blob-content-type': 'image/png' };
  const block = '&comp=block&blockid=MDAwMDA%3D';
  const blocklist = '&comp=blocklist';
  const said = {
    blob: { operation: 'put_blob', content_type: 'image/png', content_length: 100 },
    block: { operation: 'put_block', content_length: 100, block_id: 'MDAwMDA=' },
    list: { operation: 'put_block_list', content_type: 'image/png' },
  };
  const putAll = async (rows) => {
    const page = await stack.open();
    const put = (what, [kind, body, headers, query = '']) => page.evaluate(async ([bloburi, it, bytes, all, rest]) => {
      const sas = await fetch(`/blobvalet/signature?${new URLSearchParams({ bloburi, _method: 'PUT', ...it })}`);
      const data = typeof bytes === 'string' ? bytes : new Uint8Array(bytes);
      return (await fetch(await sas.text() + rest, { method: 'PUT', body: data, headers: all })).status;
    }, [`${stack.site.storage.blobEndpoint}/drop/${what}`, said[kind], body, headers, query]);
    const statuses = {};
    for (const [what, row] of Object.entries(rows)) statuses[what] = await put(what, row);
    return statuses;
  };
  const all = (rows, status) => Object.fromEntries(Object.keys(rows).map((what) => [what, status]));

  it('allows what was declared', async () => {
    const rows = {
      'the blob': ['blob', 100, asBlob],
      'the block': ['block', 100, {}, block],
      'the list': ['list', list, asList, blocklist],
      // What no SAS can exclude, as README says.
      'a block as long as the blob': ['blob', 100, asBlob, block],
      'a list as long as the blob': ['blob', list.padEnd(100), asBlob, blocklist],
    };
    assert.deepEqual(await putAll(rows), all(rows, 201));
  });

  it('refuses anything else', async () => {
    const rows = {
      'a byte more': ['blob', 101, asBlob],
      'a byte less': ['blob', 99, asBlob],
      'an empty blob': ['blob', 0, asBlob],
      'another type': ['blob', 100, { ...asBlob, 'Content-Type': 'text/html' }],
      'the type in another case': ['blob', 100, { ...asBlob, 'Content-Type': 'image/PNG' }],
      'the type with a parameter': ['blob', 100, { ...asBlob, 'Content-Type': 'image/png;a=b' }],
      'no type': ['blob', 100, { 'x-ms-blob-type': 'BlockBlob' }],
      'a page blob': ['blob', 100, { ...asBlob, 'x-ms-blob-type': 'PageBlob' }],
      'a list of another length': ['blob', list, asBlob, blocklist],
      'a longer block': ['block', 101, {}, block],
      'another block': ['block', 100, {}, '&comp=block&blockid=MDAwMDE%3D'],
      'a blob in place of a block': ['block', 100, asBlob],
      'a list in place of a block': ['block', list, asList, blocklist],
      'a list with another type': ['list', list, { ...asList, 'x-ms-blob-content-type': 'text/html' }, blocklist],
      'a list without a type': ['list', list, { 'Content-Type': 'text/plain' }, blocklist],
      'a blob in place of a list': ['list', 100, { ...asBlob, ...asList }],
      'a block in place of a list': ['list', 100, asList, block],
    };
    assert.deepEqual(await putAll(rows), all(rows, 403));
  });
});
