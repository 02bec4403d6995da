// Clocks: keys that grow old or are not valid yet, a machine's clock that is set, and one that differs from Azure's.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { fail, forKeys } from '../lib/azure-stub.mjs';
import { makeClock, whyNoFakeTime } from '../lib/faketime.mjs';
import { closed } from '../lib/stub-server.mjs';
import { waitFor } from '../lib/process.mjs';
import { assertNoKey, assertTaken, healthBecomes, kPatienceMs, logs, signs, startMachine } from './support.mjs';

const kLifetime = 3600;
const short = { type: 'managed_identity', key_lifetime_seconds: kLifetime };
const kMinute = 60;

/// Runs `body` with a machine that is gone afterwards, whatever happens.
const withMachine = (body, options) => async (t) => {
  const machine = await startMachine({ credential: short, ...options });
  try {
    await body(machine, t);
  } finally {
    await machine.stop();
  }
};

/// The same with a daemon and a worker whose clock can be set, all of them at `minutes` from now. `set(minutes)` sets the
/// clocks of the machine and of Azure, `setMachine(minutes)` only the machine's; the daemon is woken as it would be by the
/// kernel, which knows nothing of these clocks.
const withClock = (body, minutes = 0) => withMachine(async (machine, t) => {
  const clock = makeClock();
  clock.set(minutes * kMinute);
  machine.azure.dateOffsetSeconds = minutes * kMinute;
  const { env } = clock;
  const daemon = machine.startRenewal({ env });
  const worker = await machine.startWorker({ env });
  await signs(worker);
  const setMachine = (to) => {
    clock.set(to * kMinute);
    if (!daemon.ended()) process.kill(daemon.pid, 'SIGHUP');
  };
  const set = (to) => {
    machine.azure.dateOffsetSeconds = to * kMinute;
    setMachine(to);
  };
  await body({ ...machine, machine, clock, daemon, worker, set, setMachine }, t);
});

/// Waits until the keys' daemon says that it cannot renew; it says so once for each reason.
const cannotRenew = ({ machine }, reason) => waitFor(
  () => reason.test(machine.status().failures[0]?.reason ?? ''), { what: String(reason), timeoutMs: kPatienceMs });

const skip = whyNoFakeTime() || false;

describe('a clock that is set', { concurrency: 3, timeout: 120_000 }, () => {
  test('a key that is there is in use until it expires, and no longer', { skip }, withClock(async (site) => {
    const { machine, worker, set, azure } = site;
    const first = await assertTaken(machine, await worker.sign());
    azure.fault = closed;
    set(40);                                               // more than half of its life is over
    await cannotRenew(site, /^the account's blob endpoint cannot be reached$/);
    const problems = await healthBecomes(worker, { code: 200, status: 'warning' });
    const ofKeys = problems.filter((it) => !it.startsWith('azure: '));    // which is noticed sooner or later
    assert.deepEqual(ofKeys, ['acmeuploads: cannot renew its key: the account\'s blob endpoint cannot be reached']);
    azure.fault = forKeys(closed);
    assert.equal((await assertTaken(machine, await worker.sign())).ske, first.ske);

    set(59);
    const last = await assertTaken(machine, await worker.sign());
    assert.deepEqual([last.ske, last.se], [first.ske, first.ske]);
    set(61);
    await assertNoKey(worker, /^acmeuploads: the user delegation key has expired$/);

    azure.fault = null;
    set(61);                                               // the daemon need not wait for its next attempt
    assert.notEqual((await assertTaken(machine, await signs(worker))).ske, first.ske);
    assert.deepEqual(await healthBecomes(worker), []);
  }));

  test('a key is renewed in the middle of its life, long before anybody misses it', { skip }, withClock(async ({
    machine, daemon, worker, set,
  }) => {
    const { ske } = await assertTaken(machine, await worker.sign());
    set(25);
    await logs(daemon, 'reloaded');
    assert.equal((await assertTaken(machine, await worker.sign())).ske, ske);
    set(37);
    await logs(daemon, 'key_renewed', 2);
    await waitFor(async () => (await assertTaken(machine, await worker.sign())).ske !== ske,
      { what: 'the new key', timeoutMs: kPatienceMs });
    assert.equal(machine.keyRequests().length, 2);
    assert.deepEqual(await healthBecomes(worker), []);
  }));

  test('set back to before its key begins, a machine signs nothing until it has another', { skip }, withClock(async ({
    machine, worker, daemon, setMachine, azure,
  }) => {
    const { skt } = await assertTaken(machine, await worker.sign());
    azure.fault = forKeys(fail(403, 'AuthorizationPermissionMismatch'));
    azure.dateOffsetSeconds = 0;                           // of two clocks that went wrong together one is right again
    setMachine(0);
    await assertNoKey(worker, /^acmeuploads: the user delegation key is not valid yet: check the clock$/);
    azure.fault = null;
    setMachine(0);
    const sas = await assertTaken(machine, await signs(worker));
    assert.ok(sas.skt < skt, `${sas.skt} is not before ${skt}`);
    assert.deepEqual(await healthBecomes(worker), []);
    assert.equal(daemon.ended(), null);
  }, 60));

  test('a daemon that runs no more is missed before its key is', { skip }, withClock(async ({ machine, worker, daemon, set }) => {
    await healthBecomes(worker);
    await daemon.stop();
    set(2);
    assert.deepEqual(await healthBecomes(worker), []);
    set(6);
    assert.deepEqual(await healthBecomes(worker, { code: 200, status: 'warning' }),
      ['keys: blobvalet keys renew does not run, so nobody renews keys']);
    await assertTaken(machine, await worker.sign());
  }));

  test('nothing is signed wrongly, wherever the clock goes', { skip }, withClock(async ({ machine, worker, set }) => {
    const statuses = [];
    for (const minutes of [10, 70, 5, 2000, 1990, 100, 0, 180]) {
      set(minutes);
      const answer = await worker.sign();
      statuses.push(answer.status);
      if (answer.status === 200) await assertTaken(machine, answer);
      else assert.equal(answer.json().code, 'key_unavailable');
      await assertTaken(machine, await signs(worker));
    }
    assert.ok(statuses.includes(503));
    assert.deepEqual(await healthBecomes(worker), []);
  }));
});

describe('a clock that differs from Azure\'s', { concurrency: 3 }, () => {
  for (const [how, offset] of [['ahead of', -120], ['behind', 120]]) {
    test(`is red while it is ${how} Azure's`, withMachine(async (machine) => {
      const problem = new RegExp(`^clock: this machine is 1[12]\\d s ${how} Azure$`);
      machine.azure.dateOffsetSeconds = offset;
      const daemon = machine.startRenewal();
      const worker = await machine.startWorker();
      await waitFor(async () => {
        const { code, problems } = await worker.health();
        return code === 503 && problems.length === 1 && problem.test(problems[0]);
      }, { what: String(problem), timeoutMs: kPatienceMs });
      await assertTaken(machine, await signs(worker));     // two minutes are too little for Azure to refuse
      machine.azure.dateOffsetSeconds = 0;
      process.kill(daemon.pid, 'SIGHUP');
      assert.deepEqual(await healthBecomes(worker), []);
    }));
  }

  test('within the limit is fine', withMachine(async (machine) => {
    machine.azure.dateOffsetSeconds = 120;
    machine.startRenewal();
    const worker = await machine.startWorker();
    await assertTaken(machine, await signs(worker));
    await waitFor(() => Math.abs(machine.status().clock_skew_seconds + 120) <= 10, { what: 'the skew', timeoutMs: kPatienceMs });
    assert.deepEqual(await healthBecomes(worker), []);
  }, { keys: { max_clock_skew_seconds: 300 } }));
});

/// The first line of the log about a signature that was given.
const signedLine = (worker) => waitFor(
  () => worker.lines().find(({ endpoint, status }) => endpoint === 'signature' && status === 200), { what: 'a line' });

describe('a SAS that would outlive its key', () => {
  test('ends with it, and the log says so', withMachine(async (machine) => {
    machine.startRenewal();
    const worker = await machine.startWorker();
    const sas = await assertTaken(machine, await signs(worker));
    assert.equal(sas.se, sas.ske);
    const line = await signedLine(worker);
    const expected = 3600 - (Date.parse(sas.ske) - Date.parse(line.time)) / 1000;
    assert.ok(Math.abs(line.cut_short_seconds - expected) <= 1, `${line.cut_short_seconds} s, not ${expected} s`);

  }, { credential: { ...short, key_lifetime_seconds: 600 }, rule: { sas: { put_lifetime_seconds: 3600 } } }));

  test('is as long as ever while its key is longer', withMachine(async (machine) => {
    machine.startRenewal();
    const worker = await machine.startWorker();
    const sas = await assertTaken(machine, await signs(worker));
    assert.ok(Date.parse(sas.se) < Date.parse(sas.ske));
    const line = await signedLine(worker);
    assert.equal(line.cut_short_seconds, undefined);
  }));
});
