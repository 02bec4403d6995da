// The audit lines of the log, and `blobvalet trace`, which leads from Azure's log to a person.
import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { ask } from '../lib/fcgi-client.mjs';
import { waitFor } from '../lib/process.mjs';
import { kContainer, kEndpoint, kRule, siteConfig, signature, startSitePool } from '../fcgi/support.mjs';
import { hashOf, runTool } from './support.mjs';

const kRules = [
  { ...kRule, name: 'tenants', blobs: ['{tenant}/{user}/**'] },
  kRule,
  { ...kRule, name: 'drop', container: 'drop', blobs: ['**'], methods: ['PUT'], anonymous: true },
];

let pool;
let uris;
let log;
/// Asks for a SAS and returns the URL.
const get = async (params) => {
  const answer = await ask(pool.socket, params);
  assert.equal(answer.status, 200, answer.body);
  return answer.body.toString();
};

before(async () => {
  // Without an access log there are still lines for grants.
  pool = await startSitePool({ config: siteConfig({ rules: kRules, server: { access_log: false } }), workers: 2 });
  const at = (n) => ({ REMOTE_ADDR: `203.0.113.${n}`, REQUEST_ID: `request-${n}` });
  uris = {
    alice: await get(signature({ ...at(1) })),
    more: await get(signature({ uri: `${kContainer}/alice/b.txt`, method: 'DELETE', ...at(2) })),
    bob: await get(signature({ user: 'bob', uri: `${kContainer}/t1/bob/x`, BLOBVALET_VAR_TENANT: 't1', BLOBVALET_VAR_OTHER: 'x', ...at(3) })),
    nobody: await get(signature({ user: '', uri: `${kEndpoint}/drop/x`, ...at(4) })),
  };
  assert.equal((await ask(pool.socket, signature({ uri: `${kContainer}/bob/x` }))).status, 403);
  await waitFor(() => pool.output().includes('request-4'));
  log = join(pool.site.dir, 'copy.log');
  writeFileSync(log, pool.output());
});
after(() => pool?.stop());

const lines = () => pool.output().split('\n').filter(Boolean).map((line) => JSON.parse(line));

describe('audit lines', () => {
  test('each grant has one, without an access log, and nothing else has', () => {
    const requests = lines().filter((line) => line.endpoint);
    assert.deepEqual(requests.map((line) => line.signature_sha256), Object.values(uris).map(hashOf));
    assert.equal(lines().filter((line) => line.code === 'not_allowed').length, 0);
  });

  test('who, what, by which rule, until when', () => {
    const { time, micros, expires, ...line } = lines().find((l) => l.request_id === 'request-3');
    assert.deepEqual(line, {
      request_id: 'request-3', endpoint: 'signature', user: 'bob', remote_addr: '203.0.113.3', vars: { tenant: 't1' }, verb: 'PUT',
      account: 'acmeuploads', container: 'uploads', blob: 't1/bob/x', rule: 'tenants', permissions: 'cw', lifetime_seconds: 900,
      signature_sha256: hashOf(uris.bob), status: 200, outcome: 'ok', code: 'ok',
    });
    assert.equal(expires, new URLSearchParams(uris.bob.split('?')[1]).get('se'));
  });

  test('one line, not two, with both logs; none without either', async () => {
    for (const [server, count] of [[{}, 1], [{ audit_log: false }, 1], [{ access_log: false, audit_log: false }, 0]]) {
      const other = await startSitePool({ config: siteConfig({ server }) });
      const answer = await ask(other.socket, signature({ REQUEST_ID: 'it' }));
      assert.equal(answer.status, 200);
      await other.stop();
      const found = other.output().split('\n').filter((line) => line.includes('"request_id":"it"'));
      assert.equal(found.length, count, JSON.stringify(server));
      assert.equal(found.filter((line) => line.includes('signature_sha256')).length, server.audit_log === false ? 0 : count);
    }
  });
});

const trace = (sas, ...args) => runTool(['trace', sas, log, ...args]);

describe('trace', () => {
  test('a line of Azure\'s log leads to the person', async () => {
    const azure = JSON.stringify({
      time: '2026-11-26T02:00:00.1234567Z', operationName: 'PutBlob', statusCode: 201, callerIpAddress: '198.51.100.9:51234',
      identity: { type: 'SAS', tokenHash: `key1(${'A'.repeat(64)}),SasSignature(${hashOf(uris.bob).toUpperCase()})` },
      uri: 'https://acmeuploads.blob.core.windows.net/uploads/t1/bob/x?sv=2023-11-03&sr=b',
    });
    const { code, out, err } = await runTool(['trace', '-', log], { stdin: azure });
    assert.deepEqual([code, err], [0, '']);
    for (const part of ['bob from 203.0.113.3', '{tenant} t1', 'PUT acmeuploads/uploads/t1/bob/x', 'request-3', 'tenants',
      'PutBlob from 198.51.100.9:51234, status 201']) assert.ok(out.includes(part), `${part} in\n${out}`);
  });

  test('a hash, a SAS URL, a CSV line', async () => {
    const url = join(pool.site.dir, 'url');
    writeFileSync(url, `${uris.alice}&comp=block&blockid=MDAwMDA%3D\n`);
    const hash = hashOf(uris.alice);
    for (const sas of [hash, hash.toUpperCase(), url, `2026,PutBlob,"user-delegation(${'b'.repeat(64)}),SasSignature(${hash})"`]) {
      const { code, out } = await trace(sas);
      assert.equal(code, 0);
      assert.match(out, /given to +alice from 203\.0\.113\.1/);
    }
  });

  test('who was not logged in is known by the address', async () => {
    assert.match((await trace(hashOf(uris.nobody))).out, /nobody \(not logged in\) from 203\.0\.113\.4/);
  });

  test('--around: what else that person was given', async () => {
    const hash = hashOf(uris.alice);
    const { out } = await trace(hash, '--around', '60');
    assert.match(out, /the same person was also given\n.*DELETE acmeuploads\/uploads\/alice\/b\.txt \(d, until .*, rule own-folder\)/);
    assert.ok(!out.includes('bob'));
    assert.ok(!(await trace(hash)).out.includes('b.txt'));
  });

  test('--json', async () => {
    const { code, out } = await trace(`${hashOf(uris.alice)} ${'c'.repeat(64)}`, '--json', '--around', '60');
    assert.equal(code, 1);
    const report = JSON.parse(out);
    assert.equal(report.searched.grants, 4);
    assert.deepEqual(report.sas.map((sas) => sas.found), [true, false]);
    const [grant] = report.sas[0].grants;
    assert.deepEqual([grant.user, grant.remote_addr, grant.rule, grant.permissions], ['alice', '203.0.113.1', 'own-folder', 'cw']);
    assert.deepEqual(report.sas[0].around.map((other) => other.blob), ['alice/b.txt']);
  });

  test('the log from standard input, as journalctl gives it', async () => {
    const text = pool.output().trimEnd().split('\n');
    const forms = {
      cat: (line) => line,
      short: (line) => `Nov 26 02:00:00 web1 blobvalet[712]: ${line}`,
      json: (line) => JSON.stringify({ _PID: '712', MESSAGE: line, PRIORITY: '6' }),
    };
    for (const [name, form] of Object.entries(forms)) {
      const { code, out } = await runTool(['trace', hashOf(uris.bob)], { stdin: `-- Boot --\n${text.map(form).join('\n')}` });
      assert.equal(code, 0, name);
      assert.match(out, /given to +bob/);
    }
  });

  test('not found: exit 1, and what was searched', async () => {
    const { code, out, err } = await trace('d'.repeat(64));
    assert.equal(code, 1);
    assert.match(out, /not found/);
    assert.match(err, /^log: searched \d+ lines with 4 requests, 4 of which name a SAS, \d{4}-.*Z to \d{4}-.*Z\n$/);
  });

  for (const [what, args, message, code] of [
    ['no SAS', ['hello'], /^sas: neither/, 2],
    ['no argument', [], /sas is required/, 2],
    ['no such log', ['d'.repeat(64), '/nowhere.log'], /nowhere\.log: cannot be read/, 1],
    ['standard input twice', ['-'], /cannot be both/, 2],
    ['a negative time', ['d'.repeat(64), '--around', '-1'], /around/, 2],
  ]) {
    test(`refused: ${what}`, async () => {
      const result = await runTool(['trace', ...args]);
      assert.equal(result.code, code, result.err);
      assert.match(result.err, message);
    });
  }
});
