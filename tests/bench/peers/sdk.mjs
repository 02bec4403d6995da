// A signer as web developers write one: Express and the official SDK. `node sdk.mjs PORT`, with the
// account in BENCH_SIGNER as JSON, see kSigner in stack.mjs.
import { webcrypto } from 'node:crypto';
import express from 'express';
import { BlobSASPermissions, BlobServiceClient, StorageSharedKeyCredential } from '@azure/storage-blob';

globalThis.crypto ??= webcrypto;        // the SDK takes it for granted, Node.js 18 does not have it
const kLifetimeMs = 900_000;
const { key, account, container: containerName, prefix, protocol } = JSON.parse(process.env.BENCH_SIGNER);
const endpoint = prefix.slice(0, -`/${containerName}/`.length);
const container = new BlobServiceClient(endpoint, new StorageSharedKeyCredential(account, key)).getContainerClient(containerName);

const app = express();
app.get('/:any', async (request, response) => {
  const { bloburi = '', _method } = request.query;
  const name = bloburi.slice(prefix.length);
  if (_method !== 'PUT' || !bloburi.startsWith(prefix) || !name.startsWith('alice/')) {
    response.status(403).json({ error: 'not allowed' });
    return;
  }
  const uri = await container.getBlockBlobClient(name).generateSasUrl({
    permissions: BlobSASPermissions.parse('cw'), expiresOn: new Date(Date.now() + kLifetimeMs), protocol,
    version: '2023-11-03',
  });
  response.set('Cache-Control', 'no-store').type('text/plain').send(uri);
});
app.listen(Number(process.argv[2]), '127.0.0.1');
