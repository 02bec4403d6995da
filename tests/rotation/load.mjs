// Clients that upload without a pause, as many pages at once would: a signature for each part, the part some time later,
// the block list, the callback, and now and then a delete.
import { Agent } from 'node:https';
import { signerOf } from './signer.mjs';
import { request } from '../lib/http.mjs';
import { sleep } from '../lib/process.mjs';

const kParts = 3;
const kPartBytes = 20_000;

/// Starts `clients` of them at `site`, in `container`; `{tally, failures, stop()}`. `tally` counts requests, uploads and
/// deletes; every answer that a page would take for a failure is in `failures`, with `at`, its time, and what was asked.
/// `signers()` are the keys, by name, which signatures are told apart by; `tally.signatures` counts them.
export function startLoad(site, { clients = 6, container, keys }) {
  const load = {
    tally: { requests: 0, uploads: 0, deletes: 0, signatures: {} }, failures: [], stopping: false,
    agent: new Agent({ keepAlive: true, maxSockets: clients }), keys,
  };
  const running = Array.from({ length: clients }, (_, i) => runClient(load, site, `${site.storage.blobEndpoint}/${container}`, i));
  return {
    tally: load.tally,
    failures: load.failures,
    async stop() {
      load.stopping = true;
      await Promise.all(running);
      load.agent.destroy();
    },
  };
}

async function runClient(load, site, container, client) {
  for (let i = 0; !load.stopping; i++) {
    const name = `client-${client}/file-${i}.bin`;
    if (await upload(load, site, container, name)) load.tally.uploads++;
    if (i % 3 === 2 && await remove(load, site, container, name)) load.tally.deletes++;
    await think();
  }
}

const think = () => sleep(20 + Math.random() * 130);

async function upload(load, site, container, name) {
  const ids = Array.from({ length: kParts }, (_, i) => Buffer.from(`part-${i}`).toString('base64'));
  const uri = `${container}/${name}`;
  for (const id of ids) {
    if (!await send(load, site, uri, 'PUT', `&comp=block&blockid=${encodeURIComponent(id)}`, Buffer.alloc(kPartBytes, id))) return false;
  }
  const list = `<BlockList>${ids.map((id) => `<Latest>${id}</Latest>`).join('')}</BlockList>`;
  return await send(load, site, uri, 'PUT', '&comp=blocklist', list) && callBack(load, site, container, name);
}

const remove = (load, site, container, name) => send(load, site, `${container}/${name}`, 'DELETE', '');

/// Asks for a signature, waits like a browser that has other parts to send, and sends what was signed.
async function send(load, site, uri, method, query, body) {
  const signature = await atSite(load, site, { path: `/blobvalet/signature?bloburi=${encodeURIComponent(uri)}&_method=${method}` });
  if (!signature) return false;
  const signer = signerOf(new URL(signature.body), load.keys());
  load.tally.signatures[signer] = (load.tally.signatures[signer] ?? 0) + 1;
  await think();
  const { port, pathname, search } = new URL(signature.body + query);
  return ask(load, `${method} ${query} signed by ${signer}`, {
    port: Number(port), tls: false, method, path: pathname + search, headers: { 'x-ms-version': '2023-11-03' }, body,
  });
}

const callBack = (load, site, container, name) => atSite(load, site, {
  path: '/blobvalet/success', method: 'POST',
  headers: { 'Content-Type': 'application/x-www-form-urlencoded', Origin: site.origins.page },
  body: new URLSearchParams({ blob: name, uuid: crypto.randomUUID(), name, container }).toString(),
});

const atSite = (load, site, how) => ask(load, `${how.method ?? 'GET'} ${how.path.split('?')[0]}`, {
  port: Number(new URL(site.url).port), agent: load.agent, ...how,
});

/// The answer if it is a success, or null.
async function ask(load, what, how) {
  load.tally.requests++;
  try {
    const answer = await request(how);
    if (answer.status >= 200 && answer.status < 300) return answer;
    load.failures.push({ at: new Date().toISOString(), what, status: answer.status, body: answer.body.slice(0, 300) });
  } catch (error) {
    load.failures.push({ at: new Date().toISOString(), what, error: error.message });
  }
  return null;
}
