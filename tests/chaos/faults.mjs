// What may happen to a site. Each fault does it, waits, and undoes it; the schedule draws them by a seed.
import { execFile, execFileSync } from 'node:child_process';
import { readFileSync, readdirSync, rmSync, writeFileSync, appendFileSync } from 'node:fs';
import { join } from 'node:path';
import { fingerprintOf } from '../rotation/signer.mjs';
import { request } from '../lib/http.mjs';
import { blobvaletBinary } from '../lib/pool.mjs';
import { sleep, waitFor } from '../lib/process.mjs';
import { registerSecret } from '../lib/secrets.mjs';
import { closed, hung, reset, status } from '../lib/stub-server.mjs';
import { kLifetimeSeconds } from './policy.mjs';

/// How long a site may take to be as before, once nothing is wrong any more.
export const kRecoveryMs = 20_000;
const kHour = 3600;

/// Each takes `{site, judge, random, seconds(), workers}` and returns what it did, in words.
export const kFaults = {
  async 'workers killed'({ site, random, workers }) {
    const rounds = 1 + random.int(4);
    for (let i = 0; i < rounds; i++, await sleep(300 + random.int(1500))) {
      const pids = [site.pool, site.success].flatMap((pool) => pool.pids());
      const victims = random.chance(0.2) ? pids : [random.pick(pids)];
      victims.filter(Boolean).forEach((pid) => workers.kill(pid));
    }
    return `${rounds} times`;
  },
  async 'nginx reloaded'({ site, random }) {
    const times = 1 + random.int(5);
    for (let i = 0; i < times; i++, await sleep(400)) process.kill(site.nginx.pid, 'SIGHUP');
    return `${times} times`;
  },
  async 'configuration changed'({ site, judge, random, seconds, workers }) {
    if (random.chance(0.4)) {
      workers.faulty = true;
      site.writeConfig('{"accounts": [');
      await seconds(3, 6);
      site.configure({});
      await sleep(1_000);                                 // whoever has read it by then has ended
      workers.faulty = false;
      return 'a faulty file';
    }
    const sometimes = !site.state.sometimes;
    site.configure({ sometimes });
    judge.sometimes.set(sometimes, graceOf(judge));
    return sometimes ? 'a rule more' : 'a rule less';
  },
  'keys rotated': rotate,
  async 'disk full'({ site, seconds }) {
    const filler = join(site.disk.dir, 'filler');
    site.application.fault = status(503);                 // or the store would do with the room that it has
    fill(filler);
    await seconds(4, 8);
    rmSync(filler);
    site.application.fault = null;
  },
  async 'descriptors exhausted'({ site, seconds, workers }) {
    const used = workers.limit('nofile', (pid) => readdirSync(`/proc/${pid}/fd`).length);
    await seconds(4, 7);
    used.lift();
    return `${used.count} workers`;
  },
  async 'memory capped'({ seconds, workers }) {
    const used = workers.limit('as', (pid) => Number(/^VmSize:\s+(\d+) kB/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))[1]) * 1024);
    await seconds(4, 7);
    used.lift();
    return `${used.count} workers: RLIMIT_AS is what they have`;
  },
  async 'clock stepped'({ site, judge, random, seconds }) {
    const offset = random.pick([-2 * kHour, -60, 60, kHour]);
    const set = (to) => { site.clock.set(to); judge.clock.set(to); site.azure.dateOffsetSeconds = 0; process.kill(site.renewal.pid, 'SIGHUP'); };
    set(offset);
    await seconds(3, 7);
    set(0);
    return `by ${offset} s`;
  },
  async 'Azurite stopped'({ site, random, seconds }) {
    if (random.chance(0.5)) {
      const { pid } = site.storage;
      process.kill(pid, 'SIGSTOP');
      await seconds(3, 8);
      process.kill(pid, 'SIGCONT');
      return 'hung';
    }
    await site.storage.halt();
    await seconds(2, 6);
    await site.storage.resume();
    return 'stopped and started';
  },
  async 'hook flapping'({ site, random, seconds }) {
    const rounds = 1 + random.int(4);
    for (let i = 0; i < rounds; i++) {
      site.application.fault = random.pick([hung, reset, closed, status(500), status(503)]);
      await seconds(1, 3);
      site.application.fault = null;
      await seconds(0.2, 1);
    }
    return `${rounds} times`;
  },
  async 'IMDS flapping'({ site, random, seconds }) {
    const rounds = 1 + random.int(3);
    for (let i = 0; i < rounds; i++) {
      site.identity.imds.fault = random.pick([hung, reset, closed, status(500), status(429), status(404)]);
      // Another identity: its first key is wanted at once.
      site.configure({ clientId: random.pick(site.identity.users).clientId });
      await seconds(1, 4);
      site.identity.imds.fault = null;
      await seconds(0.5, 1.5);
    }
    process.kill(site.renewal.pid, 'SIGHUP');
    return `${rounds} times`;
  },
};

// Who cannot open a file goes on by what it has until it can, and a moment longer.
const kUnreadMs = 15_000;
const graceOf = ({ active }) => (['descriptors exhausted', 'memory capped'].some((it) => active.has(it)) ? kUnreadMs : undefined);

// As README tells operators: the other key signs, SAS of the first run out, it is regenerated and written down.
async function rotate({ site, judge }) {
  const { code, err } = await runKeys(site, 'switch', Object.keys(site.accounts)[0]);
  if (code !== 0) return `refused: ${err.trim().slice(0, 120)}`;
  const old = site.keys.signing;
  site.keys.signing = 1 - old;
  site.state.use = site.keys.signing ? 'next' : 'current';
  judge.signingKey.set(site.keys.known[site.keys.signing], graceOf(judge));
  await sleep((kLifetimeSeconds + 4) * 1000);
  const fresh = registerSecret(await site.storage.regenerateKey(old + 1), 'an account key');
  site.keys.known[old] = fresh;
  site.writeKey(old, fresh);
  return `key ${site.keys.signing + 1} signs, key ${old + 1} is ${fingerprintOf(fresh)}`;
}

const runKeys = (site, ...args) => new Promise((resolve) => {
  execFile(blobvaletBinary, ['keys', ...args, '--config', site.config], (error, out, err) => resolve({ code: error ? error.code : 0, err }));
});

function fill(file) {
  writeFileSync(file, '');
  for (const size of [1 << 20, 4096]) {
    try {
      for (;;) appendFileSync(file, Buffer.alloc(size));
    } catch (error) {
      if (error.code !== 'ENOSPC') throw error;
    }
  }
}

// --- workers --------------------------------------------------------------------------------------------------

/// The workers of both pools: which of them we have killed, which died by themselves, and what they have.
export function watchWorkers({ site, judge }) {
  const killed = new Set();
  const alive = new Set();
  const all = () => [site.pool, site.success].flatMap((pool) => pool.pids());
  const peak = { rssKb: 0, descriptors: 0 };
  const look = () => {
    const now = new Set(all());
    for (const pid of alive) {
      if (now.has(pid)) continue;
      alive.delete(pid);
      if (killed.delete(pid)) judge.count('workers killed');
      // Without memory no program goes on; what matters is that nothing is lost, and another one takes over.
      else if (judge.active.has('memory capped')) judge.count('workers that died of the memory cap');
      // Nor does a new worker start with a faulty file: the last sound one is looked for in /run/blobvalet/keys, which this
      // site leaves to the machine's own.
      else if (watch.faulty) judge.count('workers that did not start with a faulty file');
      else judge.violate('a worker that died by itself', { pid });
    }
    for (const pid of now) alive.add(pid);
    for (const pid of now) measure(pid, peak);
  };
  const timer = setInterval(look, 500);
  const watch = {
    faulty: false,
    peak,
    kill(pid) {
      killed.add(pid);
      alive.add(pid);
      process.kill(pid, 'SIGKILL');
    },
    /// Limits each worker to what it has now.
    limit(resource, measureOf) {
      const limited = all().filter((pid) => {
        try {
          execFileSync('prlimit', ['--pid', String(pid), `--${resource}=${measureOf(pid)}:`]);
          return true;
        } catch {
          return false;                                 // it is gone
        }
      });
      const hard = resource === 'nofile' ? '1024' : 'unlimited';
      const lift = () => limited.forEach((pid) => {
        try {
          execFileSync('prlimit', ['--pid', String(pid), `--${resource}=${hard}:`], { stdio: 'pipe' });
        } catch { /* it is gone */ }
      });
      return { count: limited.length, lift };
    },
    now: () => all().map((pid) => measure(pid, { rssKb: 0, descriptors: 0 })),
    stop: () => clearInterval(timer),
  };
  return watch;
}

function measure(pid, most) {
  try {
    const rssKb = Number(/^VmRSS:\s+(\d+) kB/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))[1]);
    const descriptors = readdirSync(`/proc/${pid}/fd`).length;
    most.rssKb = Math.max(most.rssKb, rssKb);
    most.descriptors = Math.max(most.descriptors, descriptors);
  } catch { /* it is gone */ }
  return most;
}

// --- the schedule ---------------------------------------------------------------------------------------------

/// Draws faults until `until` (ms since the epoch), each kind as often as the others, sometimes two at once, and waits after
/// each for the site to recover. The timeline: `{faults, detail, start, seconds, recoveryMs}`.
export async function runFaults({ until, faults, log, ...stage }) {
  const { random, judge, site } = stage;
  const timeline = [];
  const seconds = (least, most) => sleep((least + random.next() * (most - least)) * 1000);
  let deck = [];
  const draw = () => {
    if (deck.length === 0) deck = shuffled(faults, random);
    return deck.pop();
  };
  const start = Date.now();
  while (Date.now() < until) {
    const names = [draw()];
    if (random.chance(0.25)) names.push(...[draw()].filter((other) => mayMeet(names[0], other)));
    names.forEach((name) => judge.active.add(name));
    const at = Date.now();
    const details = await Promise.all(names.map((name) => kFaults[name]({ ...stage, seconds })
      .catch((error) => { judge.violate('a fault that could not be made', { name, error: error.message }); return 'failed'; })));
    const ended = Date.now();
    const recovered = await recovers(site).catch((error) => judge.violate('a site that does not recover', { names, error: error.message }));
    const entry = { faults: names, detail: details.filter(Boolean).join('; '), start: (at - start) / 1000, seconds: (ended - at) / 1000, recoveryMs: recovered ? Date.now() - ended : null };
    timeline.push(entry);
    log(`${entry.start.toFixed(1).padStart(7)} s  ${names.join(' + ')}: ${entry.detail} (${entry.seconds.toFixed(1)} s, recovered in ${entry.recoveryMs} ms)`);
    await sleep(500);
    names.forEach((name) => judge.active.delete(name));
  }
  return timeline;
}

// The clock is a file, which a worker without descriptors cannot read: it would go on by the time of before.
const kApart = ['clock stepped', 'descriptors exhausted'];
const mayMeet = (one, other) => one !== other && !(kApart.includes(one) && kApart.includes(other));

function shuffled(list, random) {
  const rest = [...list];
  return list.map(() => rest.splice(random.int(rest.length), 1)[0]);
}

/// Waits until both pools sign for both accounts, three times in a row; `true`.
export async function recovers(site) {
  let inARow = 0;
  let last;
  await waitFor(async () => {
    for (const { base } of Object.values(site.accounts)) {
      for (const method of ['PUT', 'DELETE']) {
        last = await request({ port: site.port, path: `/blobvalet/signature?bloburi=${encodeURIComponent(`${base}/drop/probe`)}&_method=${method}` });
        if (last.status !== 200) return (inARow = 0);
      }
    }
    return ++inARow >= 3;
  }, { what: 'a site that signs', timeoutMs: kRecoveryMs, intervalMs: 50 })
    .catch((error) => { throw new Error(`${error.message} ${last?.status} ${last?.body.slice(0, 100)}`); });
  return true;
}
