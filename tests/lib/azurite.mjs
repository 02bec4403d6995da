// Azurite, Microsoft's emulator of Azure Storage, in the place of a storage account.
import { BlobServiceClient, StorageSharedKeyCredential } from '@azure/storage-blob';
import { randomBytes, webcrypto } from 'node:crypto';
import { createConnection } from 'node:net';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { makeCertificate } from './certificate.mjs';
import { freePort, startProcess, tempDir, waitFor } from './process.mjs';
import { registerSecret } from './secrets.mjs';

// Azurite's built-in account; its key is published, and nothing but an emulator takes it.
export const account = 'devstoreaccount1';
export const key = registerSecret(
  'Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw==', 'the emulator\'s key');

globalThis.crypto ??= webcrypto;        // the SDK takes it for granted, Node.js 18 does not have it

/// A key of an account that nobody knows yet, as base64.
export const newKey = () => randomBytes(64).toString('base64');

/// Starts the blob service with everything in memory, on a port of its own choice, and returns `{pid, port, blobEndpoint,
/// caFile, keys(), regenerateKey(), allowOrigins(), createContainer(), container(), requests(), stop()}`.
///
/// Plain http by default: browsers treat 127.0.0.1 as trustworthy, so that a page on https may send to it, and nobody has to
/// accept a second certificate. With `oauth` it is https and takes tokens, too; `caFile` is for whoever is to trust it.
///
/// `accounts` are in place of the built-in one, each `{name, keys}` with up to two keys (default: two that nobody else
/// knows). The first of them is the one that the rest is about.
///
/// With `persistent` blobs are on the disk, and there are `halt()` and `resume()`, by which the service is away for a while.
export async function startAzurite({ oauth = false, accounts = [{ name: account, keys: [key] }], persistent = false } = {}) {
  const dir = tempDir();
  const port = persistent ? await freePort() : 0;
  const all = accounts.map(({ name, keys = [newKey(), newKey()] }) => ({ name, keys: [...keys] }));
  const certificate = oauth ? makeCertificate() : null;
  const start = () => startServer({ dir, port, persistent, certificate, accounts: all });
  let server = start();
  const base = await listens(server);

  const [{ name: ownName, keys: ownKeys }] = all;
  const blobEndpoint = `${base}/${ownName}`;
  const options = certificate ? { tlsOptions: { ca: certificate.cert } } : {};
  const service = () => new BlobServiceClient(blobEndpoint, new StorageSharedKeyCredential(ownName, ownKeys[0]), options);
  return {
    get pid() { return server.pid; },
    port: Number(new URL(base).port),
    blobEndpoint,
    caFile: certificate?.file,
    /// The keys of an account as they are now.
    keys: (name = ownName) => [...keysOf(all, name)],
    /// Gives an account a new key 1 or 2 in place of the old one, which is refused from now on; the new one.
    async regenerateKey(which, name = ownName) {
      const fresh = newKey();
      keysOf(all, name)[which - 1] = fresh;
      await setAccounts(dir, all);
      return fresh;
    },
    allowOrigins: (origins, methods) => service().setProperties({ cors: [corsRule(origins, methods)] }),
    /// `access` is what readers without a signature get: "blob", or nothing.
    createContainer: (container, access) => service().createContainer(container, { access }),
    /// A container as an owner of the account sees it, who knows its newest key.
    container: (container) => describeContainer(() => service().getContainerClient(container)),
    requests: () => parseAccessLog(server.output()),
    halt: () => server.stop(),
    async resume() {
      server = start();
      await listens(server);
    },
    stop: (signal) => server.stop(signal),
  };
}

/// Waits for a server to listen; its address.
const listens = (server) => waitFor(
  () => /successfully listens on (https?:\/\/127\.0\.0\.1:\d+)/.exec(server.output())?.[1],
  { what: 'Azurite listening', timeoutMs: 30_000 }).catch(async (error) => {
  await server.stop();
  throw new Error(`${error.message}\n${server.output()}`);
});

const startServer = ({ dir, port, persistent, certificate, accounts }) => startProcess(process.execPath, [
  fileURLToPath(new URL('azurite-server.cjs', import.meta.url)), '--blobHost', '127.0.0.1', '--blobPort', String(port),
  ...(persistent ? ['--location', dir] : ['--inMemoryPersistence']), '--disableTelemetry',
  ...(certificate ? ['--oauth', 'basic', '--cert', certificate.file, '--key', certificate.keyFile] : []),
], { cwd: dir, env: { AZURITE_ACCOUNTS: describeAccounts(accounts), AZURITE_CONTROL: controlSocket(dir) } });

const controlSocket = (dir) => join(dir, 'control.sock');
const keysOf = (accounts, name) => accounts.find((it) => it.name === name).keys;
const describeAccounts = (accounts) => accounts.map(({ name, keys }) => [name, ...keys].join(':')).join(';');

const setAccounts = (dir, accounts) => new Promise((resolve, reject) => {
  const socket = createConnection(controlSocket(dir), () => socket.end(describeAccounts(accounts)));
  socket.once('data', resolve);
  socket.once('error', reject);
  socket.once('close', () => reject(new Error('Azurite did not take its new keys')));
});

// What a storage account needs for Fine Uploader, and nothing else.
const corsRule = (origins, methods = 'PUT,DELETE') => ({
  allowedOrigins: origins.join(','),
  allowedMethods: methods,
  allowedHeaders: 'content-type,x-ms-blob-type,x-ms-blob-content-type,x-ms-meta-*',
  exposedHeaders: '',
  maxAgeInSeconds: 3600,
});

function describeContainer(client) {
  const blob = (name) => client().getBlockBlobClient(name);
  return {
    read: (name) => blob(name).downloadToBuffer(),
    properties: (name) => blob(name).getProperties(),
    tags: async (name) => (await blob(name).getTags()).tags,
    write: (name, text) => blob(name).upload(text, text.length),
    names: () => list(client(), {}),
    /// Names of all blobs, those included which have blocks but were never committed.
    namesWithUncommitted: () => list(client(), { includeUncommitedBlobs: true }),
    committedBlocks: async (name) => (await blob(name).getBlockList('committed')).committedBlocks ?? [],
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
