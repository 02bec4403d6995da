// The demo's site with two accounts: one with two keys at Azurite, one with an identity at a strict stub of Azure. Events
// are on a file system so small that it can be filled, and the workers' clock can be set.
import { execFileSync } from 'node:child_process';
import { createHmac, randomBytes } from 'node:crypto';
import { mkdirSync, renameSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { startAzureStub } from '../lib/azure-stub.mjs';
import { account, startAzurite } from '../lib/azurite.mjs';
import { makeCertificate } from '../lib/certificate.mjs';
import { makeClock } from '../lib/faketime.mjs';
import { request } from '../lib/http.mjs';
import { startIdentityStub } from '../lib/identity-stub.mjs';
import { blobvaletBinary } from '../lib/pool.mjs';
import { startProcess, tempDir } from '../lib/process.mjs';
import { registerSecret } from '../lib/secrets.mjs';
import { startSite } from '../lib/site.mjs';
import { startStubServer } from '../lib/stub-server.mjs';
import { kContainers, kLifetimeSeconds, rulesFor } from './policy.mjs';

const kIdentityAccount = 'acmeuploads';
const kDiskBytes = '24m';
const kWorkers = 3;

/// Starts everything; what startSite() returns, and what faults need: `azure`, `identity`, `application`, `disk`, `clock`,
/// `keys`, `accounts`, `configure(changes)`, `writeConfig(text)`, `login(user)`. `onEvent(event)` hears of each message that
/// the application has taken.
export async function startChaosSite({ onEvent }) {
  const running = [];
  const keep = async (server) => { running.push(await server); return running.at(-1); };
  const stopAll = async () => { while (running.length) await running.pop().stop(); };
  try {
    const disk = await keep(mountDisk());
    const certificate = makeCertificate();
    const identity = await keep(startIdentityStub({ certificate }));
    const azure = await keep(startAzureStub({ tls: certificate }));
    for (const { objectId } of [identity.system, ...identity.users]) azure.trustIdentity({ oid: objectId, tid: identity.tenantId });
    azure.trust({ account: kIdentityAccount, key: randomBytes(64).toString('base64') });
    const secret = registerSecret(randomBytes(24).toString('hex'), 'the hook secret');
    const application = await keep(startApplication(secret, onEvent));
    const clock = makeClock();
    const state = { sometimes: false, clientId: undefined, threads: undefined, use: 'current' };
    const keys = { known: [], signing: 0 };
    let describe, renewal;

    const site = await keep(startSite({
      workers: kWorkers, env: clock.env, rules: kContainers.map((container) => ({ account, container })),
      startStorage: () => startAzurite({ accounts: [{ name: account }], persistent: true }),
      changeConfig(usual, dir, storage) {
        keys.known = storage.keys().map((key) => registerSecret(key, 'an account key'));
        keys.known.forEach((key, i) => writeKey(dir, i, key));
        writeFileSync(join(dir, 'hook.secret'), secret, { mode: 0o600 });
        const accounts = [{ name: account, sas: ownSas('https,http') }, { name: kIdentityAccount, sas: ownSas('https') }];
        describe = () => ({
          ...usual,
          rules: rulesFor(accounts, state.sometimes),
          accounts: [{
            name: account, endpoint: storage.blobEndpoint,
            credential: { type: 'shared_key', current: { key_file: 'key1' }, next: { key_file: 'key2' }, use: state.use },
          }, {
            name: kIdentityAccount, endpoint: azure.url, ca_file: certificate.file,
            credential: { type: 'managed_identity', key_lifetime_seconds: 600, client_id: state.clientId ?? identity.users[0].clientId },
          }],
          keys: { directory: 'keys' },
          success: { hook: {
            url: application.url, mode: 'async', secret_file: 'hook.secret', timeout_ms: 2_000,
            store: { type: 'sqlite', file: join(disk.dir, 'events.db') },
          } },
          server: { metrics_file: join(disk.dir, 'metrics') },
        });
        return describe();
      },
      startBeside: (config) => {
        renewal = startProcess(blobvaletBinary, ['keys', 'renew', '--config', config], {
          env: { ...identity.imds.env(), ...clock.env }, log: join(dirname(config), 'renew.log'),
        });
        return renewal;
      },
    }));
    azure.allowOrigins(Object.values(site.origins));
    const dir = dirname(site.config);
    // As an editor does it: nobody sees half a file.
    const writeConfig = (text) => { writeFileSync(`${site.config}.new`, text); renameSync(`${site.config}.new`, site.config); };
    return {
      ...site, dir, renewal, azure, identity, application, disk, clock, keys, state, writeConfig,
      accounts: {
        [account]: { base: site.storage.blobEndpoint, read: (container, name) => site.storage.container(container).read(name) },
        [kIdentityAccount]: { base: azure.url, read: async (container, name) => azure.blob(`${container}/${name}`).content },
      },
      isIdentity: (name) => name === kIdentityAccount,
      configure: (changes) => { Object.assign(state, changes); writeConfig(JSON.stringify(describe())); },
      writeKey: (which, key) => writeKey(dir, which, key),
      port: Number(new URL(site.url).port),
      login: (user) => login(site, user),
      stop: stopAll,
    };
  } catch (error) {
    await stopAll();
    throw error;
  }
}

const ownSas = (protocol) => ({ protocol, put_lifetime_seconds: kLifetimeSeconds, delete_lifetime_seconds: kLifetimeSeconds });
const writeKey = (dir, i, key) => writeFileSync(join(dir, `key${i + 1}`), key, { mode: 0o600 });

function mountDisk() {
  const dir = join(tempDir('blobvalet-chaos-disk'), 'disk');
  mkdirSync(dir);
  execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${kDiskBytes},mode=0700`, 'tmpfs', dir]);
  return { dir, stop: async () => { execFileSync('umount', ['--lazy', dir]); } };
}

// Takes each message whose signature is right, whatever its time: the workers' clock is set at times, this one is not.
const startApplication = (secret, onEvent) => startStubServer({
  answer({ headers, body }, response) {
    const [, time, given] = /^t=(\d+),v1=([0-9a-f]{64})$/.exec(headers['blobvalet-signature'] ?? '') ?? [];
    if (given !== createHmac('sha256', secret).update(`${time}.${body}`).digest('hex')) return response.writeHead(401).end();
    onEvent(JSON.parse(body));
    return response.writeHead(204).end();
  },
});

async function login(site, user) {
  const { port, host, hostname } = new URL(site.origins.site);
  const { headers } = await request({ port, method: 'POST', path: `/login?user=${user}`, headers: { Host: host } });
  const [, value] = /^session=([^;]+)/.exec(headers['set-cookie'][0]);
  return { name: 'session', value, domain: hostname, path: '/', secure: true, httpOnly: true, sameSite: 'Lax' };
}
