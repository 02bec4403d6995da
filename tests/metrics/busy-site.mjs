// A site that people use: uploads that come and go, some that are refused, an application that is told later.
import { join } from 'node:path';
import { sleep, tempDir, waitFor } from '../lib/process.mjs';
import { slow, usual } from '../lib/stub-server.mjs';
import { startMeteredSite } from './support.mjs';

const kUsers = ['alice', 'bob', 'carol'];

/// What startMeteredSite() returns, and `run({seconds, perSecond(fraction)})`, which lets `perSecond` users do something each
/// second, where `fraction` of the time has passed. Meanwhile Azure and the application answer as services do, and a worker
/// and the configuration are replaced once.
export async function startBusySite() {
  const site = await startMeteredSite({
    hook: { mode: 'async', store: { type: 'sqlite', file: join(tempDir('blobvalet-events'), 'events.db') } },
  });
  for (const name of ['drop/a.txt', 'pictures/a.txt', ...kUsers.map((user) => `uploads/${user}/a.txt`)]) site.machine.azure.put(name);
  site.machine.azure.put('pictures/large.png', { content: Buffer.alloc(2000) });
  site.machine.azure.fault = aService(8, 60);
  site.application.fault = aService(20, 120);
  await waitFor(async () => (await site.probe('readyz')).code === 200, { what: 'readiness' });
  const run = async ({ seconds, perSecond = () => 12 }) => {
    const end = Date.now() + seconds * 1000;
    let changes = 0;
    const all = [];
    for (let left; (left = end - Date.now()) > 0;) {
      const fraction = 1 - left / (seconds * 1000);
      all.push(somebody(site));
      if (changes === 0 && fraction > 0.4) {
        changes += 1;
        site.write(site.config({ sas: { put_lifetime_seconds: 600 } }));
      }
      if (changes === 1 && fraction > 0.7) {
        changes += 1;
        process.kill(site.pools.signature.pids()[0], 'SIGTERM');
      }
      await sleep(1000 / perSecond(fraction));
    }
    await Promise.all(all);
  };
  return { ...site, run };
}

/// Answers after some milliseconds, and now and then much later.
const aService = (usually, atMost) => (request, response, answer) => slow(
  Math.random() < 0.05 ? atMost : usually * (0.5 + Math.random()))(request, response, answer ?? usual);

async function somebody(site) {
  const user = kUsers[Math.floor(Math.random() * kUsers.length)];
  const what = Math.random();
  if (what < 0.06) return site.sign({ user, to: 'uploads/dave/a.txt' });
  if (what < 0.09) return site.sign({ user: '' });
  if (what < 0.12) return site.call({ user, to: 'pictures', blob: 'large.png' });
  if (what < 0.15) return site.call({ user, to: 'drop', blob: 'nowhere.txt' });
  if (what < 0.22) return site.sign({ user, method: 'DELETE' });
  const [to, blob] = what < 0.5 ? ['drop', 'a.txt'] : what < 0.6 ? ['pictures', 'a.txt'] : ['uploads', `${user}/a.txt`];
  for (let part = 0; part < 3; part += 1) await site.sign({ user, to: `${to}/${blob}` });
  return site.call({ user, to, blob });
}
