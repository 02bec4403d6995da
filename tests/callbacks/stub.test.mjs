// The stand-ins themselves: what they accept and refuse, compared with the official SDK's own signatures.
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { BlobServiceClient, StorageSharedKeyCredential } from '@azure/storage-blob';
import { account, startAzurite } from '../lib/azurite.mjs';

describe('Azurite with keys that change', () => {
  let azurite;
  before(async () => {
    azurite = await startAzurite({ accounts: [{ name: account }, { name: 'other', keys: ['a2V5'] }] });
    await azurite.createContainer('uploads');
  });
  after(() => azurite?.stop());

  const statusWith = (key) => new BlobServiceClient(azurite.blobEndpoint, new StorageSharedKeyCredential(account, key))
    .getContainerClient('uploads').exists().then((exists) => (exists ? 200 : 404), (error) => error.statusCode);

  for (const which of [1, 2, 2, 1]) {
    test(`key ${which} is regenerated`, async () => {
      const before = azurite.keys();
      const fresh = await azurite.regenerateKey(which);
      const old = before[which - 1];
      assert.deepEqual(azurite.keys(), before.map((key) => (key === old ? fresh : key)));
      assert.deepEqual(await Promise.all([old, ...azurite.keys()].map(statusWith)), [403, 200, 200]);
    });
  }

  test('the blobs stay', async () => {
    await azurite.container('uploads').write('a.txt', 'hello');
    await azurite.regenerateKey(1);
    assert.equal(String(await azurite.container('uploads').read('a.txt')), 'hello');
    assert.deepEqual(azurite.keys('other'), ['a2V5']);
  });
});
