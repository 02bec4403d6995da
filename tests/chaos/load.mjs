// Scripted clients: signatures that policy allows and such that it must refuse, some of them used, and reported.
import { randomUUID } from 'node:crypto';
import { request } from '../lib/http.mjs';
import { sleep } from '../lib/process.mjs';
import { drawRequest } from './policy.mjs';

const kMostTries = 60;

/// Starts `clients` of them; `{stop()}`.
export function startLoad({ site, judge, random, clients = 5, cookies }) {
  const load = { site, judge, cookies, stopping: false };
  const running = Array.from({ length: clients }, () => run(load, random.fork()));
  return {
    async stop() {
      load.stopping = true;
      await Promise.all(running);
    },
  };
}

async function run(load, random) {
  while (!load.stopping) {
    await askOnce(load, random);
    await sleep(20 + random.int(120));
  }
}

async function askOnce(load, random) {
  const { site, judge } = load;
  const asked = drawRequest(random, Object.keys(site.accounts));
  asked.base = site.accounts[asked.account].base;
  const listed = random.chance(0.7);
  const origin = { listed, name: listed ? site.origins.page : site.origins.stranger };
  asked.from = Date.now();
  const uri = `${asked.base}/${asked.container}/${asked.name}`;
  const answer = await call(load, {
    path: `/blobvalet/signature?bloburi=${encodeURIComponent(uri)}&_method=${asked.method}`, user: asked.user, origin,
  });
  asked.to = Date.now();
  if (!answer) return;
  if (judge.signature(asked, answer) && asked.method === 'PUT' && random.chance(0.4)) await use(load, random, asked, answer.body);
}

// Uploads by the SAS, and reports it until somebody says yes or never.
async function use(load, random, { user, account, container, name }, sas) {
  const { judge, site } = load;
  const content = Buffer.alloc(1 + random.int(2_000), name);
  const { port, protocol, pathname, search } = new URL(sas);
  const stored = await request({
    port, tls: protocol === 'https:', method: 'PUT', path: pathname + search, body: content,
    headers: { 'x-ms-blob-type': 'BlockBlob', 'x-ms-version': '2023-11-03', 'Content-Type': 'application/octet-stream' },
  }).catch(() => null);
  judge.count(stored?.status === 201 ? 'load: blobs stored' : 'load: blobs the store refused');
  if (stored?.status !== 201) return;
  const uuid = randomUUID();
  const body = new URLSearchParams({ blob: name, uuid, name, container: `${site.accounts[account].base}/${container}` }).toString();
  for (let i = 0; i < kMostTries; i++, await sleep(1_000)) {
    judge.callbackSent(uuid);
    const answer = await call(load, {
      path: '/blobvalet/success', method: 'POST', user, body, origin: { listed: true, name: site.origins.page },
      headers: { 'Content-Type': 'application/x-www-form-urlencoded' },
    });
    if (answer?.status === 200) return judge.callbackAnswered(uuid, answer.body);
    const withdrawn = container === 'sometimes' && answer?.status === 403;
    if (answer && answer.status < 500 && !withdrawn) judge.violate('a refusal of a blob that is there', { status: answer.status, body: answer.body });
    if (answer && answer.status < 500) return;
  }
  judge.violate('a callback that nobody answered', { uuid });
}

async function call({ site, judge, cookies }, { user, origin, headers = {}, ...how }) {
  judge.count('load: requests');
  try {
    const answer = await request({
      port: site.port, ...how, headers: { ...headers, Origin: origin.name, ...user && { Cookie: `session=${cookies[user].value}` } },
    });
    if (answer.status !== 200) judge.error(answer, origin);
    return answer;
  } catch (error) {
    judge.violate('no answer at all', { path: how.path.slice(0, 80), error: error.message });
    return null;
  }
}
