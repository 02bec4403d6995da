// `blobvalet explain`, as an operator pastes things into it.
import assert from 'node:assert/strict';
import { createHmac } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { before, describe, test } from 'node:test';
import { account, startAzurite } from '../lib/azurite.mjs';
import { runBlobvalet } from '../lib/command.mjs';
import { kContainer, kRule, newKey, siteConfig, writeSite } from '../fcgi/support.mjs';
import { runTool } from './support.mjs';

let site;
let uri;
before(() => {
  site = writeSite(siteConfig({ rules: [kRule, { ...kRule, name: 'tenants', blobs: ['{tenant}/**'], methods: ['PUT'] }] }));
  const signed = runBlobvalet(['sign', '--config', site.file, '--user', 'alice', '--method', 'PUT', '--blob-uri', `${kContainer}/alice/a b.txt`]);
  assert.equal(signed.code, 0, signed.err);
  uri = signed.out.trim();
});

const explain = (args, options) => runTool(['explain', '--config', site.file, ...args], options);
const xml = (detail, code = 'AuthenticationFailed') =>
  `<?xml version="1.0" encoding="utf-8"?><Error><Code>${code}</Code><Message>Server failed.\nRequestId:1\nTime:${new Date().toISOString().replace('Z', '0000Z')}</Message>`
  + `<AuthenticationErrorDetail>${detail}</AuthenticationErrorDetail></Error>`;
const stringToSign = () => ['cw', '', new URLSearchParams(uri.split('?')[1]).get('se'), '/blob/acmeuploads/uploads/alice/a b.txt', '', '', 'https',
  '2023-11-03', 'b', '', '', '', '', '', '', ''].join('\n');

describe('a SAS', () => {
  test('that is right: verified, no fault, and no signature in the output', async () => {
    const { code, out, err } = await explain(['--method', 'PUT'], { stdin: uri });
    assert.deepEqual([code, err], [0, '']);
    assert.match(out, /sig: is right: it was made with acmeuploads's current key/);
    assert.match(out, /^ {2}resource +\/blob\/acmeuploads\/uploads\/alice\/a b\.txt$/m);
    assert.match(out, /no fault found/);
  });

  test('for another method, from a file, as JSON', async () => {
    const file = join(site.dir, 'pasted');
    writeFileSync(file, `the browser says: "${uri}"\n`);
    const { code, out } = await explain([file, '--method', 'DELETE', '--json']);
    assert.equal(code, 1);
    const found = JSON.parse(out);
    assert.deepEqual(found.findings.filter((f) => f.level === 'fault'), [{ level: 'fault', field: 'sp', what: 'lacks d for Delete Blob' }]);
    assert.equal(found.signature_verified, true);
    assert.equal(found.string_to_sign[3].ours, '/blob/acmeuploads/uploads/alice/a b.txt');
  });

  test('expired, at a time that is given', async () => {
    const { code, out } = await explain(['--at', '2036-01-01T00:00:00Z'], { stdin: uri });
    assert.equal(code, 1);
    assert.match(out, /^fault +se: expired \d+ days ago/m);
  });

  test('of another key', async () => {
    const key = Buffer.from(newKey(), 'base64');
    const other = `${uri.split('sig=')[0]}sig=${encodeURIComponent(createHmac('sha256', key).update(stringToSign()).digest('base64'))}`;
    const { code, out } = await explain([], { stdin: other });
    assert.equal(code, 1);
    assert.match(out, /no key of the configuration makes it/);
  });

  test('with Azure\'s error: the first field that differs', async () => {
    const same = await explain(['--method', 'PUT'], { stdin: `${uri}\n${xml(`Signature did not match. String to sign used was ${stringToSign()}`)}` });
    assert.equal(same.code, 0, same.out);
    assert.match(same.out, /Azure computed the signature of the very same fields/);
    const file = join(site.dir, 'error.xml');
    writeFileSync(file, xml(`Signature did not match. String to sign used was ${stringToSign().replace('a b', 'a%20b')}`));
    const url = join(site.dir, 'url');
    writeFileSync(url, uri);
    const { code, out } = await explain([url, file]);
    assert.equal(code, 1);
    assert.match(out, /^fault +resource: is ".*a b\.txt" here and ".*a%20b\.txt" in Azure's string-to-sign; Azure read a name that was encoded once more/m);
    assert.match(out, /^ {2}resource .*<> Azure: /m);
  });

  test('without a configuration: said what was not checked', async () => {
    const { code, out } = await runTool(['explain'], { stdin: uri });
    assert.equal(code, 0);
    assert.match(out, /^unknown +there is no .*blobvalet\.json/m);
    assert.match(out, /^unknown +sig: whether it is right/m);
  });

  test('whose key cannot be read: all else is still checked', async () => {
    const dir = writeSite(siteConfig());
    writeFileSync(join(dir.dir, 'acmeuploads.key'), 'short');
    const { code, out } = await runTool(['explain', '--config', dir.file], { stdin: uri });
    assert.equal(code, 0);
    assert.match(out, /^unknown +a key cannot be read: accounts\[0\]/m);
  });
});

describe('an error of Azure\'s alone', () => {
  for (const [code, word] of [
    ['AuthorizationPermissionMismatch', 'letter in sp'], ['AuthorizationProtocolMismatch', 'https only'], ['AuthorizationSourceIPMismatch', 'sip'],
    ['AuthorizationResourceTypeMismatch', 'sr'], ['BlobNotFound', 'no such blob'], ['ContainerNotFound', 'no such container'],
    ['InvalidQueryParameterValue', 'query parameter'], ['AuthorizationFailure', 'firewall'], ['CorsPreflightFailure', 'CORS'],
  ]) {
    test(code, async () => {
      const { out } = await explain([], { stdin: `<Error><Code>${code}</Code></Error>` });
      assert.match(out, new RegExp(`^note +${code}: .*${word}`, 'm'));
    });
  }

  test('a real emulator\'s', async () => {
    const azurite = await startAzurite({ accounts: [{ name: account }] });
    try {
      const answer = await fetch(`${azurite.blobEndpoint}/uploads/a?sv=2023-11-03&sr=b&sp=cw&se=2020-01-01T00%3A00%3A00Z&sig=${'A'.repeat(43)}%3D`, { method: 'PUT', headers: { 'x-ms-blob-type': 'BlockBlob' }, body: 'x' });
      const { out } = await explain([], { stdin: await answer.text() });
      assert.equal(answer.status, 403);
      assert.match(out, /^note +AuthorizationFailure: .*an emulator says so of any SAS/m);
    } finally {
      await azurite.stop();
    }
  });
});

describe('requests to blobvalet', () => {
  test('a bloburi: which rule, and why not', async () => {
    const good = await explain([`${kContainer}/alice/a.txt`, '--user', 'alice', '--method', 'PUT']);
    assert.equal(good.code, 0, good.out);
    assert.match(good.out, /rule +PUT own-folder \(alice\/\*\*\): allows it/);
    const bad = await explain([`${kContainer}/bob/a.txt`, '--user', 'alice', '--var', 'tenant=t1']);
    assert.equal(bad.code, 1);
    assert.match(bad.out, /rule +PUT own-folder \(alice\/\*\*\): no pattern matches the name/);
    assert.match(bad.out, /rule +PUT tenants \(t1\/\*\*\): no pattern matches the name/);
    assert.match(bad.out, /rule +DELETE tenants \(t1\/\*\*\): no rule for this verb/);
  });

  test('a refused line of the log, in a journal', async () => {
    const line = JSON.stringify({
      time: '2026-11-26T02:00:00Z', endpoint: 'signature', user: 'alice', verb: 'PUT', account: 'acmeuploads', container: 'uploads',
      blob: 'bob/a', status: 403, outcome: 'refused', code: 'not_allowed', reason: 'no pattern matches the name',
    });
    const { code, out } = await explain([], { stdin: `Nov 26 02:00:00 web1 blobvalet[7]: ${line}` });
    assert.equal(code, 1);
    assert.match(out, /^fault +not_allowed: the client was told "bloburi: is not allowed"/m);
    assert.match(out, /rule +PUT own-folder/);
  });

  test('a line of nginx\'s access log', async () => {
    const query = `bloburi=${encodeURIComponent(`${kContainer}/alice/a`)}&_method=DELETE&qqtimestamp=1`;
    const { code, out } = await explain([], { stdin: `203.0.113.7 - alice [26/Nov/2026:02:00:00 +0000] "GET /blobvalet/signature?${query} HTTP/1.1" 200 60 "-" "x"` });
    assert.equal(code, 0, out);
    assert.match(out, /rule +DELETE own-folder \(alice\/\*\*\): allows it/);
  });

  test('a CORS fault in disguise', async () => {
    const { code, out } = await explain(['Network Error']);
    assert.equal(code, 1);
    assert.match(out, /^fault +cors: .*blobvalet cors test/m);
  });

  test('a page that took a SAS for a name: no signature gets out', async () => {
    const { out } = await explain([], { stdin: `203.0.113.7 - alice [x] "GET /s?bloburi=${encodeURIComponent(uri)}&_method=PUT HTTP/1.1" 403 1` });
    assert.match(out, /holds a SAS/);
  });
});

describe('refused', () => {
  for (const [what, args, message, code, stdin] of [
    ['nothing known', ['what is wrong?'], /^input: is neither/, 2],
    ['nothing at all', [], /^input: is neither/, 2, ''],
    ['an unknown method', ['--method', 'POST', 'x'], /--method/, 2],
    ['a malformed --at', ['--at', 'now'], /--at/, 2, 'https://a.example/b?sv=1&sig=x'],
    ['a malformed --var', ['--var', 'tenant', 'https://a.example/b'], /--var/, 2],
    ['no such configuration', ['--config', '/nowhere.json', 'x'], /nowhere\.json/, 4],
  ]) {
    test(what, async () => {
      const result = await runTool(['explain', ...args.includes('--config') ? [] : ['--config', site.file], ...args], { stdin });
      assert.equal(result.code, code, result.out + result.err);
      assert.match(result.err, message);
    });
  }
});
