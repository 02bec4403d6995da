// A configuration and a key that change by themselves, under load: whatever becomes of the files, no request fails, and all
// workers run the same configuration within a moment.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import {
  appendFileSync, chmodSync, closeSync, existsSync, mkdirSync, openSync, readFileSync, readdirSync, renameSync, rmSync, symlinkSync,
  writeFileSync, writeSync,
} from 'node:fs';
import { join } from 'node:path';
import { after, before, beforeEach, describe, test } from 'node:test';
import { ask, connect } from '../lib/fcgi-client.mjs';
import { blobvaletBinary } from '../lib/pool.mjs';
import { sleep, startProcess, waitFor } from '../lib/process.mjs';
import { health, kEndpoint, kRule, newKey, signature, siteConfig, startWorkerOf, writeSite } from './support.mjs';

const kWorkers = 4;
const kBoundMs = 1000;
const kPatienceMs = 20_000;

/// A configuration of workers that write no line for each request: here are too many.
const quiet = (more) => JSON.stringify(siteConfig({ server: { access_log: false, audit_log: false }, ...more }));

/// Asks each worker for a signature and for its health, again and again, each by a connection that is kept. `failures` are the
/// answers that were no signature; `since(revision)` says when each worker first ran it.
async function watchWorkers(workers) {
  const watch = { failures: [], signatures: 0, seen: workers.map(() => new Map()), last: [] };
  let done = false;
  const repeat = async (worker, params, look) => {
    const connection = await connect(worker.socket);
    while (!done) {
      look(await connection.ask(params).catch((error) => ({ status: 0, body: error.message })));
      await sleep(5);
    }
    connection.close();
  };
  const running = Promise.all(workers.flatMap((worker, i) => [
    repeat(worker, signature(), ({ status, body }) => {
      watch.signatures += 1;
      if (status !== 200) watch.failures.push({ status, body });
    }),
    repeat(worker, health, (answer) => {
      watch.last[i] = { code: answer.status, ...JSON.parse(answer.body) };
      const { configuration } = watch.last[i];
      if (!watch.seen[i].has(configuration)) watch.seen[i].set(configuration, performance.now());
    }),
  ]));
  return Object.assign(watch, {
    end() {
      done = true;
      return running;
    },
  });
}

describe('files that change under load', { timeout: 120_000 }, () => {
  let site;
  let workers;
  let watch;
  let differed = 0;              // the longest that workers did, in ms
  let count = 0;
  const file = (name) => join(site.dir, name);
  const keyFile = () => file('acmeuploads.key');

  // As Kubernetes mounts a volume: the file is a link by way of a directory which is a link, too, and is replaced.
  before(async () => {
    site = writeSite();
    rmSync(site.file);
    mountVersion(quiet());
    symlinkSync('..data/blobvalet.json', site.file);
    workers = await Promise.all(Array.from({ length: kWorkers }, (_, i) => startWorkerOf(site, { name: `worker-${i}` })));
    watch = await watchWorkers(workers);
    await waitFor(() => watch.last.filter(Boolean).length === kWorkers, { what: 'an answer of each', timeoutMs: kPatienceMs });
  });
  after(async () => {
    await watch?.end();
    await Promise.all((workers ?? []).map((worker) => worker.stop()));
  });
  beforeEach(() => allRun());

  function mountVersion(text) {
    const name = `..version-${++count}`;
    mkdirSync(file(name));
    writeFileSync(join(file(name), 'blobvalet.json'), text);
    symlinkSync(name, file('..data.new'));
    renameSync(file('..data.new'), file('..data'));
  }

  /// A configuration that is as good as the others, and different.
  const another = () => quiet({ rules: [{ ...kRule, name: `own-folder-${++count}` }] });
  const revisions = () => watch.last.map(({ configuration }) => configuration);

  /// Waits until all workers run one configuration, are well, and say so; its revision.
  const allRun = (isNew = () => true) => waitFor(() => {
    const isSo = watch.last.every(({ code, status, problems }) => code === 200 && status === 'ok' && problems.length === 0);
    return isSo && new Set(revisions()).size === 1 && isNew(revisions()[0]) && revisions()[0];
  }, { what: 'the same configuration in all workers', timeoutMs: kPatienceMs })
    .catch((error) => { throw new Error(`${error.message}: ${JSON.stringify(watch.last)}`); });

  async function assertTakenUp(change) {
    const [old] = revisions();
    await change();
    const revision = await allRun((it) => it !== old);
    const times = watch.seen.map((seen) => seen.get(revision));
    const spread = Math.max(...times) - Math.min(...times);
    differed = Math.max(differed, spread);
    assert.ok(spread < kBoundMs, `workers differed for ${Math.round(spread)} ms`);
    const said = (worker) => worker.lines().some(
      ({ event, detail }) => event === 'reloaded' && detail === `configuration ${revision}`);
    await waitFor(() => workers.every(said), { what: 'a line of each', timeoutMs: kPatienceMs });
    assert.deepEqual(watch.failures, []);
  }

  /// Asserts that all keep what they have and say why, in the log, in `check` and in their health.
  async function assertKept(change, reason) {
    const before = revisions();
    const lines = workers.map((worker) => worker.lines().length);
    await change();
    const said = (worker, i) => worker.lines().slice(lines[i]).some(
      ({ event, detail }) => event === 'reload_failed' && reason.test(detail));
    await waitFor(() => workers.every(said), { what: `reload_failed in all logs: ${reason}`, timeoutMs: kPatienceMs });
    const isSo = ({ code, status, problems: [problem, ...more] }) => code === 200 && status === 'warning' && more.length === 0
      && problem.startsWith('configuration: the old one is in use: ') && reason.test(problem);
    await waitFor(() => watch.last.every(isSo), { what: 'a warning of each', timeoutMs: kPatienceMs });
    assert.deepEqual(revisions(), before);
    const checking = startProcess(blobvaletBinary, ['check', '--config', site.file]);
    assert.equal((await checking.exited).code, 4);
    assert.match(checking.output(), reason);
    assert.deepEqual(watch.failures, []);
  }

  const write = (text) => writeFileSync(site.file, text);
  const replace = (path, text) => {
    writeFileSync(`${path}.new`, text, { mode: 0o600 });
    renameSync(`${path}.new`, path);
  };

  test('a directory of links is replaced', async () => {
    for (let i = 0; i < 3; i++) await assertTakenUp(() => mountVersion(another()));
  });

  test('a faulty directory of links is replaced, and another one', async () => {
    await assertKept(() => mountVersion('{"accounts": 1}'), /accounts/);
    await assertTakenUp(() => mountVersion(another()));
  });

  test('rewritten in place', async () => {
    for (let i = 0; i < 3; i++) await assertTakenUp(() => write(another()));
  });

  test('replaced by another file', async () => {
    for (let i = 0; i < 3; i++) await assertTakenUp(() => replace(site.file, another()));
  });

  test('no JSON, then good again', async () => {
    await assertKept(() => write('{ "accounts": [ garbage'), /JSON|Missing|Invalid/);
    await assertTakenUp(() => write(another()));
  });

  test('a rule of no account, then good again', async () => {
    await assertKept(() => replace(site.file, quiet({ rules: [{ ...kRule, account: 'nobody' }] })),
      /rules\[0\]\.account: /);
    await assertTakenUp(() => replace(site.file, another()));
  });

  test('half of it is there when somebody looks', async () => {
    const text = another();
    const half = text.length >> 1;
    const fd = openSync(site.file, 'w');
    writeSync(fd, text.slice(0, half));
    await assertKept(() => writeFileSync(file('another file'), 'wakes them'), /./);
    await assertTakenUp(() => {
      writeSync(fd, text.slice(half));
      closeSync(fd);
    });
  });

  test('half of it was written, then the rest', async () => {
    const text = another();
    await assertKept(() => write(text.slice(0, 40)), /./);
    await assertTakenUp(() => appendFileSync(site.file, text.slice(40)));
  });

  test('removed, and back', async () => {
    await assertKept(() => rmSync(site.file), /blobvalet\.json: cannot be read: No such file/);
    await assertTakenUp(() => write(another()));
  });

  test('removed, and back as it was: nothing was changed', async () => {
    const [revision] = revisions();
    const text = readFileSync(site.file);
    await assertKept(() => rmSync(site.file), /No such file/);
    write(text);
    assert.equal(await allRun(), revision);
  });

  test('another key', async () => {
    await assertTakenUp(() => replace(keyFile(), newKey()));
    await assertTakenUp(() => writeFileSync(keyFile(), newKey()));
  });

  test('a key that others can read, then one that they cannot', async () => {
    await assertKept(() => chmodSync(keyFile(), 0o644), /key_file: has mode 0644.*chmod it to 0600/);
    const [revision] = revisions();
    chmodSync(keyFile(), 0o600);
    assert.equal(await allRun(), revision);
  });

  test('no key, then a key', async () => {
    await assertKept(() => writeFileSync(keyFile(), 'nothing of the kind'), /key_file: holds no storage account key/);
    await assertKept(() => rmSync(keyFile()), /key_file: cannot be opened: No such file/);
    await assertTakenUp(() => replace(keyFile(), newKey()));
  });

  test('a key that changes while the configuration is faulty', async () => {
    await assertKept(() => write('{'), /./);
    const attempts = () => workers[0].lines().filter(({ event }) => event === 'reload_failed').length;
    const before = attempts();
    replace(keyFile(), newKey());
    await waitFor(() => attempts() > before, { what: 'a look at the files', timeoutMs: kPatienceMs });
    await sleep(1000);
    assert.ok(attempts() <= before + 3, `${attempts() - before} attempts for one change`);
    await assertTakenUp(() => write(another()));
  });

  // Of what was missing no file tells when it is there again.
  test('a change that nobody could read, for want of a descriptor', async () => {
    const limitTo = (pid, most) => execFileSync('prlimit', ['--pid', String(pid), `--nofile=${most}:`]);
    const [old] = revisions();
    const lines = workers.map((worker) => worker.lines().length);
    workers.forEach(({ pid }) => limitTo(pid, readdirSync(`/proc/${pid}/fd`).length));
    write(another());
    const failed = (worker, i) => worker.lines().slice(lines[i]).filter(({ event }) => event === 'reload_failed');
    await waitFor(() => workers.every((it, i) => failed(it, i).length > 0), { what: 'a worker that cannot read', timeoutMs: kPatienceMs });
    await sleep(3 * 2000);
    assert.deepEqual(new Set(revisions()), new Set([old]));
    workers.forEach(({ pid }) => limitTo(pid, 1024));
    await allRun((it) => it !== old);
    for (const [i, worker] of workers.entries()) {
      const told = failed(worker, i).map(({ detail }) => detail);
      assert.equal(new Set(told).size, told.length, `once each, not at each attempt: ${told}`);
    }
    assert.deepEqual(watch.failures, []);
  });

  test('twenty changes in a row end with the last', async () => {
    const rule = { ...kRule, name: 'last', container: 'last' };
    const atLast = signature({ uri: `${kEndpoint}/last/alice/a.txt` });
    for (let i = 0; i < 20; i++) {
      replace(site.file, i < 19 ? another() : quiet({ rules: [kRule, rule] }));
      await sleep(15);
    }
    const areSigned = async () => {
      const answers = await Promise.all(workers.map(({ socket }) => ask(socket, atLast)));
      return answers.every(({ status }) => status === 200);
    };
    await waitFor(areSigned, { what: 'the last rule in all workers', timeoutMs: kPatienceMs });
    await allRun();
  });

  // Some workers see a file that is sound for a moment, others come too late. Whoever renews keys has seen it or has not.
  test('sound and faulty files in turn end with one configuration', async () => {
    const renewer = startProcess(blobvaletBinary, ['keys', 'renew', '--config', site.file], { log: file('renewer.log') });
    try {
      await waitFor(() => existsSync(file('keys/configuration.json')), { what: 'the last sound file', timeoutMs: kPatienceMs });
      for (let round = 0; round < 5; round++) {
        for (const text of [another(), '{', another(), '{']) {
          replace(site.file, text);
          await sleep(Math.random() * 150);
        }
        await sleep(kBoundMs);
        assert.equal(new Set(revisions()).size, 1, JSON.stringify(watch.last));
        assert.ok(watch.last.every(({ status }) => status === 'warning'));
      }
      replace(site.file, quiet());
      await allRun();
    } finally {
      await renewer.stop();
    }
  });

  test('nobody noticed', (t) => {
    assert.deepEqual(watch.failures, []);
    assert.ok(watch.signatures > 100, `only ${watch.signatures} signatures`);
    t.diagnostic(`${watch.signatures} signatures, none failed; workers differed for ${Math.round(differed)} ms at most`);
  });
});
