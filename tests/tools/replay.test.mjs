// `blobvalet replay`: what it predicts of other rules is held against what a pool with those rules answers.
import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { before, describe, test } from 'node:test';
import { ask } from '../lib/fcgi-client.mjs';
import { waitFor } from '../lib/process.mjs';
import { form, kContainer, kEndpoint, kRule, siteConfig, signature, startSitePool, success } from '../fcgi/support.mjs';
import { runTool } from './support.mjs';

const accounts = (aliases) => [{ ...siteConfig().accounts[0], aliases }];
const rule = (name, more) => ({ ...kRule, name, ...more });

const kBefore = siteConfig({
  accounts: accounts(['https://cdn.example', 'https://old.example']),
  rules: [
    rule('tenants', { blobs: ['{tenant}/{user}/**'] }),
    rule('own', { blobs: ['{user}/**'] }),
    rule('drop', { container: 'drop', blobs: ['**'], methods: ['PUT'], anonymous: true }),
    rule('archive', { container: 'archive', blobs: ['**'], methods: ['PUT'] }),
  ],
});
// Something of every kind: pattern, verb, anonymous, lifetime, letters, container, aliases, order.
const kAfter = siteConfig({
  accounts: accounts(['https://cdn.example', 'https://new.example']),
  rules: [
    rule('own-text', { blobs: ['{user}/*.txt'], methods: ['PUT'], sas: { put_lifetime_seconds: 60 } }),
    rule('own', { blobs: ['{user}/**'], methods: ['PUT'], permissions: { PUT: 'w' } }),
    rule('tenants', { blobs: ['{tenant}/{user}/**'], sas: { start_backdate_seconds: 30 } }),
    rule('drop', { container: 'drop', blobs: ['in/**'], methods: ['PUT'] }),
    rule('shared', { container: 'shared', blobs: ['*/{user}'], methods: ['PUT'], allow_empty_segments: true }),
    rule('bound', { container: 'archive', blobs: ['{tenant}/**'], methods: ['PUT'], sas: { bind_client_ip: true } }),
  ],
});

const kUsers = ['alice', 'bob', '', 'DOMAIN\\eve'];
const kTenants = [undefined, 't1', ''];
const kHosts = [kEndpoint, 'https://cdn.example', 'https://old.example', 'https://new.example', 'http://other.example'];
const kNames = [
  'uploads/alice/a.txt', 'uploads/alice/a.png', 'uploads/bob/x/y', 'uploads/t1/alice/a', 'uploads/t1/bob/b', 'uploads//alice',
  'drop/in/a', 'drop/out/a', 'shared/x/alice', 'shared//bob', 'archive/t1/a', 'archive/t2/a', 'none/a', 'Bad/a', 'uploads/..', 'uploads/a%41 ä/?#',
];
const kAddresses = ['203.0.113.7', '2001:db8::1'];

/// Every combination, with an id for each request.
function requests() {
  const all = [];
  const add = (params, body) => all.push({ params: { ...params, REQUEST_ID: `request-${all.length}` }, body });
  for (const user of kUsers) {
    for (const [i, tenant] of kTenants.entries()) {
      const more = { ...tenant !== undefined && { BLOBVALET_VAR_TENANT: tenant }, REMOTE_ADDR: kAddresses[i % 2] };
      for (const host of kHosts) {
        for (const name of kNames) {
          for (const method of ['PUT', 'DELETE']) add(signature({ user, method, uri: `${host}/${name}`, ...more }));
        }
      }
      for (const name of kNames) {
        const [, container, blob] = /^([^/]*)\/(.*)$/.exec(name);
        const body = form({ container: `${kEndpoint}/${container}`, blob });
        add(success(body, { BLOBVALET_USER: user, ...more }), body);
      }
    }
  }
  add(signature({ uri: `${kContainer}/alice/a`, method: 'POST' }));
  add(signature({ QUERY_STRING: 'x=1' }));
  add({ BLOBVALET_ENDPOINT: 'health', REQUEST_METHOD: 'GET' });
  return all;
}

/// What a pool with this configuration says: the lines of its log by request, and all of the log.
async function answersOf(config, asked) {
  const pool = await startSitePool({ config, workers: 2 });
  try {
    for (const { params, body } of asked) await ask(pool.socket, params, body);
    const last = asked.at(-1).params.REQUEST_ID;
    await waitFor(() => pool.output().includes(`"${last}"`));
  } finally {
    await pool.stop();
  }
  const log = pool.output();
  const lines = log.split('\n').filter(Boolean).map((line) => JSON.parse(line)).filter((line) => line.endpoint);
  return { log, lines: new Map(lines.map((line) => [line.request_id, line])), dir: pool.site.dir };
}

/// The verdict in the terms of a rule.
function verdictOf(line) {
  if (line.code !== 'ok') return { granted: false };
  const backdate = line.starts && (new Date(line.expires) - new Date(line.starts)) / 1000 - line.lifetime_seconds;
  return { granted: true, rule: line.rule, permissions: line.permissions, lifetime: line.lifetime_seconds, backdate, ip: line.ip };
}

function kindOf(before, now) {
  if (before.granted !== now.granted) return now.granted ? 'granted' : 'refused';
  return JSON.stringify(before) === JSON.stringify(now) ? 'same' : 'otherwise';
}

let asked;
let before_;
let next;
let report;
const replay = (args, options) => runTool(['replay', '--config', next, ...args], options);

before(async () => {
  asked = requests();
  before_ = await answersOf(kBefore, asked);
  next = join(before_.dir, 'next.json');
  writeFileSync(next, JSON.stringify(kAfter));
  writeFileSync(join(before_.dir, 'same.json'), JSON.stringify(kBefore));
  report = await replay(['--all', '--json'], { stdin: before_.log });
});

describe('replay', () => {
  test('predicts what a pool with the new rules says, for every request', async () => {
    const now = await answersOf(kAfter, asked);
    const predicted = JSON.parse(report.out);
    const kinds = new Map(predicted.requests_changed.map((one) => [one.request_id, one.kind]));
    const unjudged = new Set();
    for (const { params } of asked) {
      const id = params.REQUEST_ID;
      const really = kindOf(verdictOf(before_.lines.get(id)), verdictOf(now.lines.get(id)));
      if (kinds.get(id) === 'unjudged') unjudged.add(id);
      else assert.equal(kinds.get(id) ?? 'same', really, `${id} ${JSON.stringify(before_.lines.get(id))} -> ${JSON.stringify(now.lines.get(id))}`);
    }
    // All values are in this log.
    assert.equal(unjudged.size, 0);
    assert.ok(asked.length > 1500);
    for (const kind of ['same', 'granted', 'refused', 'otherwise']) assert.ok(predicted.counts[kind] > 20, `${kind}: ${predicted.counts[kind]}`);
    assert.ok(predicted.counts.not_ruled >= 3);
  });

  test('exit 1 with changes, 0 without', async () => {
    assert.equal(report.code, 1);
    const same = await runTool(['replay', '--config', join(before_.dir, 'same.json')], { stdin: before_.log });
    assert.deepEqual([same.code, same.err], [0, '']);
    assert.match(same.out, new RegExp(`^${asked.length} requests in \\d+ lines, .*Z to .*Z\n`));
    assert.doesNotMatch(same.out, /would be/);
  });

  test('equal changes are one line, with a count and an example', async () => {
    const { code, out } = await replay([], { stdin: before_.log });
    assert.equal(code, 1);
    assert.match(out, /^\d+ would be refused$/m);
    const line = /^ {2}(\d+) x signature PUT acmeuploads\/uploads: granted by own \(cw, 900 s\) -> granted by own-text \(cw, 60 s\)\n {6}such as alice, alice\/a\.txt, .*Z, request request-\d+$/m.exec(out);
    assert.ok(line, out);
    const changed = JSON.parse(report.out).requests_changed;
    const alike = changed.filter((one) => one.before === 'granted by own (cw, 900 s)' && one.after === 'granted by own-text (cw, 60 s)');
    assert.equal(Number(line[1]), alike.length);
  });

  test('--all lists each', async () => {
    const { out } = await replay(['--all'], { stdin: before_.log });
    const counts = JSON.parse(report.out).counts;
    const lines = out.split('\n').filter((line) => / request-\d+ /.test(line));
    assert.equal(lines.length, counts.granted + counts.refused + counts.otherwise + counts.unjudged);
  });

  test('values that the log does not have are said to be missing', async () => {
    const old = before_.log.replaceAll(/"vars":\{[^}]*\},/g, '').replaceAll(/"remote_addr":"[^"]*",/g, '');
    const { out } = await replay([], { stdin: old });
    assert.match(out, /cannot be judged/);
    assert.match(out, /the log has no value for \{tenant\}/);
    const judged = JSON.parse((await replay(['--json'], { stdin: old })).out);
    assert.ok(judged.counts.unjudged > 20);
    assert.ok(judged.counts.refused > 20);
  });

  test('files, and journalctl\'s JSON', async () => {
    const journal = join(before_.dir, 'journal.json');
    writeFileSync(journal, before_.log.split('\n').filter(Boolean).map((line) => JSON.stringify({ MESSAGE: line, _PID: '1' })).join('\n'));
    const plain = join(before_.dir, 'plain.log');
    writeFileSync(plain, before_.log);
    const counts = JSON.parse(report.out).counts;
    for (const files of [[journal], [plain]]) {
      assert.deepEqual(JSON.parse((await replay(['--json', ...files])).out).counts, counts);
    }
    assert.equal(JSON.parse((await replay(['--json', journal, plain])).out).counts.refused, 2 * counts.refused);
  });

  test('the new configuration\'s keys are not needed, its faults are told', async () => {
    writeFileSync(join(before_.dir, 'faulty.json'), JSON.stringify({ ...kAfter, rules: [] }));
    const { code, err } = await runTool(['replay', '--config', join(before_.dir, 'faulty.json')]);
    assert.equal(code, 4);
    assert.match(err, /^rules: /);
  });

  for (const [what, args, message, code] of [
    ['no such log', ['/nowhere.log'], /nowhere\.log: cannot be read/, 2],
    ['an unknown option', ['--everything'], /--everything/, 2],
  ]) {
    test(`refused: ${what}`, async () => {
      const result = await replay(args);
      assert.equal(result.code, code);
      assert.match(result.err, message);
    });
  }
});

