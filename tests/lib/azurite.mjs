// Azurite, Microsoft's emulator of Azure Storage, in the place of a storage account.
import { BlobServiceClient, StorageSharedKeyCredential } from '@azure/storage-blob';
import { webcrypto } from 'node:crypto';
import { createRequire } from 'node:module';
import { startProcess, tempDir, waitFor } from './process.mjs';

// Azurite's built-in account; its key is published, and nothing but an emulator takes it.
export const account = 'devstoreaccount1';
export const key = 'Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw==';

globalThis.crypto ??= webcrypto;        // the SDK takes it for granted, Node.js 18 does not have it

/// Starts the blob service with everything in memory, on a port of its own choice, and returns
/// `{pid, port, blobEndpoint, allowOrigins(), createContainer(), container(), requests(), stop()}`.
///
/// Plain http: browsers treat 127.0.0.1 as trustworthy, so that a page on https may send to it,
/// and nobody has to accept a second certificate.
export async function startAzurite() {
  const script = createRequire(import.meta.url).resolve('azurite/dist/src/blob/main.js');
  const server = startProcess(process.execPath, [
    script, '--blobHost', '127.0.0.1', '--blobPort', '0', '--inMemoryPersistence', '--disableTelemetry',
  ], { cwd: tempDir() });
  const port = await waitFor(() => /listens on http:\/\/127\.0\.0\.1:(\d+)/.exec(server.output())?.[1],
    { what: 'Azurite listening', timeoutMs: 30_000 }).catch(async (error) => {
    await server.stop();
    throw new Error(`${error.message}\n${server.output()}`);
  });

  const blobEndpoint = `http://127.0.0.1:${port}/${account}`;
  const service = new BlobServiceClient(blobEndpoint, new StorageSharedKeyCredential(account, key));
  return {
    pid: server.pid,
    port: Number(port),
    blobEndpoint,
    allowOrigins: (origins, methods) => service.setProperties({ cors: [corsRule(origins, methods)] }),
    /// `access` is what readers without a signature get: "blob", or nothing.
    createContainer: (name, access) => service.createContainer(name, { access }),
    container: (name) => describeContainer(service.getContainerClient(name)),
    requests: () => parseAccessLog(server.output()),
    stop: server.stop,
  };
}

// What a storage account needs for Fine Uploader, and nothing else.
const corsRule = (origins, methods = 'PUT,DELETE') => ({
  allowedOrigins: origins.join(','),
  allowedMethods: methods,
  allowedHeaders: 'content-type,x-ms-blob-type,x-ms-blob-content-type,x-ms-meta-*',
  exposedHeaders: '',
  maxAgeInSeconds: 3600,
});

function describeContainer(client) {
  return {
    read: (name) => client.getBlockBlobClient(name).downloadToBuffer(),
    properties: (name) => client.getBlockBlobClient(name).getProperties(),
    tags: async (name) => (await client.getBlockBlobClient(name).getTags()).tags,
    write: (name, text) => client.getBlockBlobClient(name).upload(text, text.length),
    names: () => list(client, {}),
    /// Names of all blobs, those included which have blocks but were never committed.
    namesWithUncommitted: () => list(client, { includeUncommitedBlobs: true }),
    committedBlocks: async (name) => (
      await client.getBlockBlobClient(name).getBlockList('committed')).committedBlocks ?? [],
  };
}

async function list(client, options) {
  const names = [];
  for await (const blob of client.listBlobsFlat(options)) names.push(blob.name);
  return names;
}

// 127.0.0.1 - - [date] "PUT /devstoreaccount1/uploads/a?sv=... HTTP/1.1" 201 -
function parseAccessLog(text) {
  return [...text.matchAll(/"([A-Z]+) (\S+) HTTP\/1\.1" (\d+)/g)].map(([, method, path, status]) => {
    const { pathname, searchParams } = new URL(path, 'http://azurite');
    return { method, path: decodeURIComponent(pathname), comp: searchParams.get('comp'), status: Number(status) };
  });
}
