// A signer as web developers write one: Express and the official SDK. `node sdk.mjs PORT`, with the key in BENCH_KEY.
import { webcrypto } from 'node:crypto';
import express from 'express';
import { BlobSASPermissions, BlobServiceClient, StorageSharedKeyCredential } from '@azure/storage-blob';

globalThis.crypto ??= webcrypto;        // the SDK takes it for granted, Node.js 18 does not have it
const kLifetimeMs = 900_000;
const kPrefix = 'https://acme.blob.core.windows.net/uploads/';
const service = new BlobServiceClient(new URL(kPrefix).origin, new StorageSharedKeyCredential('acme', process.env.BENCH_KEY));
const container = service.getContainerClient('uploads');

const app = express();
app.get('/:any', async (request, response) => {
  const { bloburi = '', _method } = request.query;
  const name = bloburi.slice(kPrefix.length);
  if (_method !== 'PUT' || !bloburi.startsWith(kPrefix) || !name.startsWith('alice/')) {
    response.status(403).json({ error: 'not allowed' });
    return;
  }
  const uri = await container.getBlockBlobClient(name).generateSasUrl({
    permissions: BlobSASPermissions.parse('cw'), expiresOn: new Date(Date.now() + kLifetimeMs), protocol: 'https',
    version: '2023-11-03',
  });
  response.set('Cache-Control', 'no-store').type('text/plain').send(uri);
});
app.listen(Number(process.argv[2]), '127.0.0.1');
