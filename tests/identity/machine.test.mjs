// One key for all processes of a machine: who fetches it, who takes over, and how soon a fresh worker signs.
import assert from 'node:assert/strict';
import { chmodSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { connect } from '../lib/fcgi-client.mjs';
import { startPool } from '../lib/pool.mjs';
import { sleep, waitFor } from '../lib/process.mjs';
import { hung } from '../lib/stub-server.mjs';
import { kAccount, logLines, newKey, signature } from '../fcgi/support.mjs';
import { assertTaken, details, healthBecomes, kPatienceMs, logs, signs, startMachine, talk } from './support.mjs';

const kWorkers = 4;

/// Signs without a pause until it is told to end; how many did not get a signature, and how many did.
function signOn(worker) {
  let done = false;
  const run = async () => {
    const count = { failed: 0, signed: 0 };
    while (!done) {
      const { status } = await worker.sign().catch(() => ({ status: 0 }));
      count[status === 200 ? 'signed' : 'failed'] += 1;
      await sleep(2);
    }
    return count;
  };
  const running = run();
  return { end: () => { done = true; return running; } };
}

describe('one fetch for a machine', () => {
  let machine;
  let pool;
  let first;
  before(async () => {
    machine = await startMachine();
    const started = await startPool({ config: machine.file, workers: kWorkers, dir: machine.dir, args: ['--signatures-only'] });
    pool = { ...started, ...talk(machine, started.socket), lines: () => logLines(started.output()) };
  });
  after(async () => {
    await pool?.stop();
    await machine?.stop();
  });

  const requests = () => [machine.identity.imds.requests.length, machine.keyRequests().length];

  test('four workers sign by one key, for which Entra and Azure were asked once each', async () => {
    first = machine.startRenewal();
    const withKey = () => new Set(pool.lines().filter(({ event }) => event === 'signing_key').map(({ pid }) => pid));
    await waitFor(() => withKey().size === kWorkers, { what: 'a key in all workers', timeoutMs: kPatienceMs });
    const connections = await Promise.all(Array.from({ length: 40 }, () => connect(pool.socket)));
    for (const connection of connections) {
      await assertTaken(machine, await connection.ask(signature({ uri: `${machine.azure.url}/uploads/alice/a.txt` })));
      connection.close();
    }
    assert.deepEqual(requests(), [1, 1]);
    assert.equal(new Set(details(pool, 'signing_key')).size, 1);
    assert.deepEqual(await healthBecomes(pool), []);
  });

  test('a second daemon stands by, and takes over when the first is killed, which no upload notices', async () => {
    const signing = signOn(pool);
    const second = machine.startRenewal();
    assert.match((await logs(second, 'standby'))[0], /^another process renews the keys in .*\/keys$/);
    assert.deepEqual(details(second, 'started'), []);
    process.kill(first.pid, 'SIGKILL');
    await logs(second, 'started');
    assert.deepEqual(requests(), [1, 1], 'the key is still fresh');

    const [account] = machine.config.accounts;
    const [, { clientId, objectId }] = machine.identity.users;
    const credential = { type: 'managed_identity', client_id: clientId };
    machine.write({ ...machine.config, accounts: [{ ...account, credential }] });
    await logs(second, 'key_renewed');
    assert.deepEqual(requests(), [2, 2]);
    await waitFor(() => new Set(details(pool, 'signing_key')).size === 2, { what: 'the new key', timeoutMs: kPatienceMs });
    const { failed, signed } = await signing.end();
    assert.equal(failed, 0);
    assert.ok(signed > 20, `only ${signed} signatures`);
    assert.equal((await assertTaken(machine, await pool.sign())).skoid, objectId);
    await second.stop();
  });

  test('a daemon that was killed while it wrote leaves nothing that harms', async () => {
    writeFileSync(`${machine.keyFile}.new`, 'half of a k', { mode: 0o400 });
    rmSync(machine.keyFile);
    const daemon = machine.startRenewal();
    await logs(daemon, 'key_renewed');
    await assertTaken(machine, await signs(pool));
    assert.deepEqual(await healthBecomes(pool), []);
    await daemon.stop();
  });

  test('a fresh worker signs at once', async (t) => {
    const uri = `${machine.azure.url}/uploads/alice/a.txt`;
    const times = [];
    for (let i = 0; i < 20; i++) {
      const start = performance.now();
      const worker = await machine.startWorker({ args: ['--signatures-only'], first: signature({ uri }) });
      times.push(performance.now() - start);
      const answered = await waitFor(() => worker.lines().find(({ endpoint }) => endpoint), { what: 'its line' });
      assert.deepEqual([answered.endpoint, answered.status], ['signature', 200]);
      await worker.stop();
    }
    times.sort((a, b) => a - b);
    t.diagnostic(`from spawn to the first signature: median ${Math.round(times[10])} ms, at most ${Math.round(times.at(-1))} ms`);
    assert.ok(times[10] < 1000, `${times} ms`);
  });
});

const spoiltKeys = () => describe('keys that nobody should use', { concurrency: 1 }, () => {
  let machine;
  before(async () => {
    machine = await startMachine();
    assert.equal((await machine.renewOnce()).code, 0);
  });
  after(() => machine?.stop());

  const good = () => readFileSync(machine.keyFile);
  const rows = [
    ['readable by others', (text) => writeKey(text, 0o644)],
    ['half of it', (text) => writeKey(text.subarray(0, text.length / 2))],
    ['nothing', () => writeKey('')],
    ['something else', () => writeKey('{"key":"value"}')],
    ['too long', (text) => writeKey(Buffer.concat([text, Buffer.alloc(8192, ' ')]))],
  ];
  const writeKey = (text, mode = 0o400) => {
    rmSync(machine.keyFile);
    writeFileSync(machine.keyFile, text, { mode });
    chmodSync(machine.keyFile, mode);
  };
  for (const [what, spoil] of rows) {
    test(`${what}: refused, and replaced by the daemon`, async () => {
      spoil(good());
      const worker = await machine.startWorker();
      assert.equal((await worker.sign()).status, 503);
      assert.match((await logs(worker, 'bad_delegation_key'))[0], /acmeuploads\.delegation-key: (has mode 0644|holds no)/);
      assert.equal((await machine.renewOnce()).code, 0);
      await assertTaken(machine, await signs(worker));
      await worker.stop();
    });
  }

  for (const [what, spoil] of [...rows, ['removed', () => rmSync(machine.keyFile)]]) {
    test(`${what}, while a worker has a good one: that one signs on`, async () => {
      const worker = await machine.startWorker();
      const { skt } = await assertTaken(machine, await worker.sign());
      spoil(good());
      await logs(worker, 'reloaded');
      if (what !== 'removed') await logs(worker, 'bad_delegation_key');
      assert.equal((await assertTaken(machine, await worker.sign())).skt, skt);
      assert.equal((await worker.health()).code, 200);
      assert.equal((await machine.renewOnce()).code, 0);
      await logs(worker, 'signing_key', 2);
      await assertTaken(machine, await worker.sign());
      await worker.stop();
    });
  }
});

const brokenConfiguration = () => describe('a configuration that is broken while a key is renewed', { concurrency: 1 }, () => {
  let machine;
  let worker;
  before(async () => {
    machine = await startMachine();
    assert.equal((await machine.renewOnce()).code, 0);
    worker = await machine.startWorker();
  });
  after(() => machine?.stop());

  const warned = { code: 200, status: 'warning' };
  /// Takes what Azure knows away, so that only a key which comes from now on can sign.
  function expectNewKey() {
    machine.azure.distrustDelegations();
    rmSync(machine.keyFile);
  }

  test('the new key signs nevertheless', async () => {
    const { configuration } = await worker.health();
    machine.write('{ "accounts": ');
    const [problem] = await healthBecomes(worker, warned);
    assert.match(problem, /^configuration: the old one is in use: /);
    await assertTaken(machine, await worker.sign());

    expectNewKey();
    await renewBeside();
    await waitFor(() => details(worker, 'signing_key').length === 2, { what: 'the new key', timeoutMs: kPatienceMs });
    await assertTaken(machine, await worker.sign());
    const now = await worker.health();
    assert.deepEqual([now.problems, now.configuration], [[problem], configuration]);

    machine.write(machine.config);
    assert.deepEqual(await healthBecomes(worker), []);
    await assertTaken(machine, await worker.sign());
  });

  /// By a configuration that is whole.
  async function renewBeside() {
    const sound = join(machine.dir, 'sound.json');
    writeFileSync(sound, JSON.stringify(machine.config));
    assert.equal((await machine.renewOnce({ config: sound })).code, 0);
  }

  test('the daemon keeps what it has, too, and says so', async () => {
    const daemon = machine.startRenewal();
    await logs(daemon, 'started');
    machine.write('{ "accounts": ');
    await logs(daemon, 'reload_failed');
    assert.equal(daemon.ended(), null);
    assert.equal((await healthBecomes(worker, warned)).length, 1);
    machine.write(machine.config);
    await logs(daemon, 'reloaded');
    assert.deepEqual(await healthBecomes(worker), []);
    await daemon.stop();
  });
});

const accounts = () => describe('accounts', { concurrency: 2 }, () => {
  test('one whose identity does not answer holds up no other', async () => {
    const machine = await startMachine();
    try {
      const { config, identity, azure } = machine;
      identity.imds.fault = hung;
      const [account] = config.accounts;
      const [rule] = config.rules;
      writeFileSync(join(machine.dir, 'secret'), identity.application.secret, { mode: 0o600 });
      machine.write({
        ...config,
        accounts: [{ ...account, name: 'other', endpoint: azure.url.replace('localhost', '127.0.0.1') }, {
          ...account,
          credential: {
            type: 'client_secret', tenant_id: identity.tenantId, client_id: identity.application.clientId, secret_file: 'secret',
            authority: identity.authority.url, ca_file: identity.certificate.file,
          },
        }],
        rules: [rule, { ...rule, name: 'other', account: 'other' }],
      });
      machine.startRenewal();
      const worker = await machine.startWorker();
      await assertTaken(machine, await signs(worker));
      const { status, body } = await worker.sign({ uri: `${azure.url.replace('localhost', '127.0.0.1')}/uploads/alice/a.txt` });
      assert.deepEqual([status, JSON.parse(body).code], [503, 'key_unavailable']);
      const { code, problems } = await worker.health();
      assert.deepEqual([code, problems], [503, ['other: there is no user delegation key yet']]);
    } finally {
      await machine.stop();
    }
  });

  test('from an account key to an identity, which no upload notices', async () => {
    const machine = await startMachine();
    try {
      const key = newKey();
      machine.azure.trust({ account: kAccount, key });
      writeFileSync(join(machine.dir, 'account.key'), key, { mode: 0o600 });
      const [account] = machine.config.accounts;
      const credential = { type: 'shared_key', key_file: 'account.key' };
      machine.write({ ...machine.config, accounts: [{ ...account, credential }] });
      const worker = await machine.startWorker();
      const signing = signOn(worker);
      assert.equal((await assertTaken(machine, await worker.sign())).skoid, undefined);

      const next = join(machine.dir, 'next.json');
      writeFileSync(next, JSON.stringify(machine.config));
      assert.equal((await machine.renewOnce({ config: next })).code, 0);
      renameSync(next, machine.file);
      await waitFor(async () => (await assertTaken(machine, await worker.sign())).skoid === machine.identity.system.objectId,
        { what: 'a delegation SAS', timeoutMs: kPatienceMs });
      machine.azure.trust({ account: kAccount, key: newKey() });       // the account key can go
      await assertTaken(machine, await worker.sign());
      assert.equal((await signing.end()).failed, 0);
      assert.equal((await worker.health()).code, 200);
    } finally {
      await machine.stop();
    }
  });
});

describe('keys that change', { concurrency: 3 }, () => {
  spoiltKeys();
  brokenConfiguration();
  accounts();
});
