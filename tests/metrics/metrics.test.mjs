// What Prometheus reads is what clients were answered, by all workers together, whatever happens to one of them.
import assert from 'node:assert/strict';
import { readFileSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { ask } from '../lib/fcgi-client.mjs';
import { startPool } from '../lib/pool.mjs';
import { sleep, tempDir, waitFor } from '../lib/process.mjs';
import { hung } from '../lib/stub-server.mjs';
import { logLines, signature, siteConfig, writeSite } from '../fcgi/support.mjs';
import { countedBy, kRules, parse, promtool, rule, startMeteredSite, sum } from './support.mjs';

const kPatience = { timeoutMs: 20_000 };

describe('metrics of all workers', { timeout: 120_000 }, () => {
  let site;
  before(async () => {
    site = await startMeteredSite();
    for (const name of ['drop/a.txt', 'pictures/a.txt', 'uploads/alice/a.txt']) site.machine.azure.put(name);
    site.machine.azure.put('pictures/large.png', { content: Buffer.alloc(2000) });
  });
  after(() => site?.stop());

  const requests = [
    () => site.sign(),
    () => site.sign({ user: 'bob' }),
    () => site.sign({ user: '', to: 'drop/b.txt' }),
    () => site.sign({ user: 'bob', to: 'uploads/alice/a.txt' }),
    () => site.sign({ user: '', to: 'uploads/alice/a.txt' }),
    () => site.sign({ method: 'PATCH' }),
    () => site.sign({ method: 'DELETE' }),
    () => site.call(),
    () => site.call({ user: 'alice', to: 'uploads', blob: 'alice/a.txt' }),
    () => site.call({ user: 'alice', to: 'uploads', blob: 'bob/a.txt' }),
    () => site.call({ to: 'pictures', blob: 'large.png' }),
    () => site.call({ blob: 'nowhere.txt' }),
  ];

  /// `times` of each kind, many at a time, and meanwhile `disturb`.
  async function load(times, disturb = () => {}) {
    const work = Array.from({ length: times * requests.length }, (_, i) => requests[i % requests.length]);
    const client = async () => { for (let next; (next = work.pop());) await next(); };
    await Promise.all([...Array.from({ length: 12 }, client), disturb()]);
  }

  async function assertCountedAll() {
    const samples = await site.metrics();
    assert.deepEqual([...countedBy(samples)].sort(), [...site.counted].sort());
    return samples;
  }
  const workers = () => [...site.pools.signature.pids(), ...site.pools.success.pids()];
  const allRun = () => waitFor(async () => workers().length === 4 && sum(await site.metrics(), 'blobvalet_workers') === 4,
    { what: 'four workers', ...kPatience });

  // A worker is through with a request a moment after its client has the answer.
  const isIdle = () => waitFor(async () => {
    const samples = await site.metrics();
    return ['requests_in_flight', 'callback_threads_busy', 'callbacks_waiting'].every((name) => samples.get(`blobvalet_${name}`) === 0);
  }, { what: 'nobody is busy', timeoutMs: 3000 });

  test('sums are exactly what clients were answered', async () => {
    await load(60);
    const samples = await assertCountedAll();
    assert.ok(site.counted.size >= 8, 'the load is a mixture');
    const of = (endpoint, status) => [...site.counted]
      .filter(([key]) => key.startsWith(`${endpoint} ${status}`)).reduce((total, [, n]) => total + n, 0);
    for (const endpoint of ['signature', 'success']) {
      assert.equal(sum(samples, 'blobvalet_grants_total', `endpoint="${endpoint}"`), of(endpoint, '200'));
      assert.equal(sum(samples, 'blobvalet_refusals_total', `endpoint="${endpoint}"`), of(endpoint, '4'));
      assert.equal(samples.get(`blobvalet_request_duration_seconds_count{endpoint="${endpoint}"}`), of(endpoint, ''));
    }
    const grants = (labels) => samples.get(`blobvalet_grants_total{${labels}}`);
    assert.equal(grants('endpoint="signature",rule="own-folder",method="PUT"'), 120);
    assert.equal(grants('endpoint="signature",rule="own-folder",method="DELETE"'), 60);
    assert.equal(grants('endpoint="signature",rule="drop-box",method="PUT"'), 60);
    assert.equal(grants('endpoint="success",rule="drop-box",method="PUT"'), 60);
    const refusals = (labels) => samples.get(`blobvalet_refusals_total{${labels}}`);
    assert.equal(refusals('endpoint="success",rule="pictures",code="blob_too_large"'), 60);
    assert.equal(refusals('endpoint="success",rule="drop-box",code="blob_not_found"'), 60);
    assert.equal(refusals('endpoint="signature",code="not_allowed"'), 60);
    assert.equal(samples.get('blobvalet_azure_request_duration_seconds_count'),
      site.machine.azure.requests.filter(({ method }) => method === 'HEAD' || method === 'GET')
        .filter(({ url }) => !url.startsWith('/?comp=list')).length);
    assert.equal(samples.get('blobvalet_hook_request_duration_seconds_count'), site.application.messages().length);
  });

  test('promtool has nothing to say of them', async () => {
    assert.equal(promtool(['check', 'metrics'], await site.scrape()), '');
  });

  test('gauges are those of now', async () => {
    await isIdle();
    const samples = await site.metrics();
    assert.equal(samples.get('blobvalet_callback_threads'), 16, 'eight in each of two workers');
    assert.equal(samples.get('blobvalet_workers{duty="signatures"}'), 2);
    assert.equal(samples.get('blobvalet_workers{duty="all"}'), 2);
    assert.equal(samples.get('blobvalet_metrics_shared'), 1);
    assert.ok(samples.get('blobvalet_connections') >= 1);
    assert.ok(Math.abs(samples.get('blobvalet_clock_skew_seconds')) <= 2);
    assert.equal(samples.get('blobvalet_azure_reachable{account="acmeuploads"}'), 1);
    const expiry = samples.get('blobvalet_delegation_key_expiry_timestamp_seconds{account="acmeuploads"}');
    assert.ok(expiry > Date.now() / 1000);
    const since = sum(samples, 'blobvalet_signing_key_since_timestamp_seconds', 'key="user_delegation"');
    assert.ok(since > expiry - 4 * 86_400 && since < Date.now() / 1000);
  });

  test('workers that are replaced under load lose nothing', async () => {
    const starts = sum(await site.metrics(), 'blobvalet_worker_starts_total');
    await load(40, async () => {
      for (const pid of workers()) {
        process.kill(pid, 'SIGTERM');
        await sleep(150);
      }
    });
    await allRun();
    const samples = await assertCountedAll();
    assert.equal(sum(samples, 'blobvalet_worker_starts_total'), starts + 4);
  });

  test('a reload that renames a rule under load loses nothing', async () => {
    const before = await site.metrics();
    const grants = (samples, name) => sum(samples, 'blobvalet_grants_total', `rule="${name}"`);
    const renamed = kRules.map((it) => (it.name === 'drop-box' ? rule('letter-box', 'drop') : it));
    await load(40, () => site.write(site.config({ rules: renamed })));
    await waitFor(async () => sum(await site.metrics(), 'blobvalet_config_reloads_total', 'outcome="ok"')
      >= sum(before, 'blobvalet_config_reloads_total', 'outcome="ok"') + 4, { what: 'four reloads', ...kPatience });
    await site.sign({ user: '', to: 'drop/b.txt' });
    const samples = await assertCountedAll();
    assert.ok(grants(samples, 'letter-box') > 0);
    assert.ok(grants(samples, 'drop-box') >= grants(before, 'drop-box'), 'the old name keeps its figures');
    assert.equal([...samples.keys()].filter((sample) => sample.startsWith('blobvalet_config_info')).length, 1);
    const at = samples.get('blobvalet_config_last_reload_timestamp_seconds{outcome="ok"}');
    assert.ok(Math.abs(Date.now() / 1000 - at) < 60);
  });

  test('a faulty configuration shows', async () => {
    const failed = async () => sum(await site.metrics(), 'blobvalet_config_reloads_total', 'outcome="failed"');
    site.write('{}');
    await waitFor(async () => await failed() === 4, { what: 'four workers that say no', ...kPatience });
    assert.equal((await site.metrics()).get('blobvalet_reload_failed'), 1);
    site.write(site.config());
    await waitFor(async () => (await site.metrics()).get('blobvalet_reload_failed') === 0, { what: 'all is well', ...kPatience });
  });

  test('of workers that are killed, what they were doing is forgotten and what they have done is not', async () => {
    site.application.fault = hung;
    const calls = Array.from({ length: 5 }, () => site.call());
    const busy = async () => (await site.metrics()).get('blobvalet_callback_threads_busy');
    await waitFor(async () => await busy() === 5, { what: 'five busy threads', ...kPatience });
    assert.equal((await site.metrics()).get('blobvalet_requests_in_flight'), 5);
    site.application.fault = null;                               // nginx asks the next worker, who is answered
    site.pools.success.pids().forEach((pid) => process.kill(pid, 'SIGKILL'));
    await Promise.all(calls);
    await allRun();
    await isIdle();
    await assertCountedAll();
  });

  test('workers killed under load have counted every answer that arrived', async () => {
    let kills = 0;
    await load(60, async () => {
      while (kills < 6) {
        const pids = workers();
        process.kill(pids[kills % pids.length], 'SIGKILL');
        kills += 1;
        await sleep(150);
      }
    });
    await allRun();
    const samples = await site.metrics();
    const counted = countedBy(samples);
    let extra = 0;
    for (const [key, answers] of site.counted) {
      if (key.endsWith('bad_gateway')) continue;                 // by nginx
      assert.ok(counted.get(key) >= answers, `${key}: ${counted.get(key)} of ${answers}`);
      extra += counted.get(key) - answers;
    }
    assert.ok(extra <= kills * 12, `${extra} were counted whose answers were lost on the way`);
    await isIdle();
  });
});

describe('a file that cannot be used', { concurrency: true, timeout: 60_000 }, () => {
  const probe = (endpoint) => ({ BLOBVALET_ENDPOINT: endpoint, REQUEST_METHOD: 'GET' });
  const notes = 'buy milk\n';

  test('one of somebody else is left alone, and requests are served', async () => {
    const site = writeSite();
    const file = join(site.dir, 'metrics');
    writeFileSync(file, notes);
    const pool = await startPool({ config: site.file, dir: site.dir, workers: 2 });
    try {
      for (let i = 0; i < 20; i++) assert.equal((await ask(pool.socket, signature())).status, 200);
      const said = logLines(pool.output()).filter(({ event }) => event === 'metrics_not_shared').map(({ detail }) => detail);
      assert.deepEqual(said, Array(2).fill(`${file}: holds something else; it is left alone`));
      const samples = parse((await ask(pool.socket, probe('metrics'))).body);
      assert.equal(samples.get('blobvalet_metrics_shared'), 0);
      assert.equal(sum(samples, 'blobvalet_workers'), 1, 'its own figures');
      const health = await ask(pool.socket, probe('health'));
      assert.deepEqual([health.status, health.json().status], [200, 'warning']);
      assert.match(health.json().problems[0], /^metrics: those of one worker only: .*holds something else/);
      const ready = await ask(pool.socket, probe('ready'));
      assert.deepEqual([ready.status, ready.json().checks.at(-1).status], [200, 'warning']);
      assert.equal(readFileSync(file, 'utf8'), notes);
    } finally {
      await pool.stop();
    }
  });

  test('one that is cut short under load harms no request', async () => {
    const site = writeSite(siteConfig({ server: { access_log: false } }));
    const file = join(site.dir, 'metrics');
    const pool = await startPool({ config: site.file, dir: site.dir, workers: 2 });
    try {
      const pids = pool.pids();
      const answers = [];
      for (let i = 0; i < 300; i++) {
        if (i === 100) truncateSync(file, 0);
        answers.push((await ask(pool.socket, signature())).status);
      }
      assert.deepEqual([...new Set(answers)], [200]);
      assert.deepEqual(pool.pids(), pids, 'the same workers');
      assert.equal(parse((await ask(pool.socket, probe('metrics'))).body).get('blobvalet_metrics_shared'), 0);
      assert.match((await ask(pool.socket, probe('health'))).json().problems[0], /was cut short; restart the workers$/);
    } finally {
      await pool.stop();
    }
  });

  test('a directory that is not there', async () => {
    const site = writeSite(siteConfig({ server: { metrics_file: join(tempDir(), 'no/metrics') } }));
    const pool = await startPool({ config: site.file, dir: site.dir, workers: 1 });
    try {
      assert.equal((await ask(pool.socket, signature())).status, 200);
      assert.match((await ask(pool.socket, probe('health'))).json().problems[0], /No such file or directory$/);
    } finally {
      await pool.stop();
    }
  });
});
