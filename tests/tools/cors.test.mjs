// `blobvalet cors` against an emulator of a storage account, and the browser's own questions.
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { chmodSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, beforeEach, describe, test } from 'node:test';
import {
  AccountSASPermissions, AccountSASResourceTypes, AccountSASServices, BlobServiceClient, StorageSharedKeyCredential,
  generateAccountSASQueryParameters,
} from '@azure/storage-blob';
import { account, key, newKey, startAzurite } from '../lib/azurite.mjs';
import { runBlobvalet as run, runBlobvaletBeside } from '../lib/command.mjs';
import { startIdentityStub } from '../lib/identity-stub.mjs';
import { makeToken } from '../lib/jwt.mjs';
import { tempDir } from '../lib/process.mjs';
import { registerSecret } from '../lib/secrets.mjs';

const kPage = 'https://www.example.com';
const kMore = 'https://staging.example.com';
const kHeaders = 'content-type,x-ms-blob-type,x-ms-blob-content-type,x-ms-meta-*';

let storage;
let service;
before(async () => {
  storage = await startAzurite();
  await storage.createContainer('uploads');
  service = new BlobServiceClient(storage.blobEndpoint, new StorageSharedKeyCredential(account, key));
});
after(() => storage?.stop());
beforeEach(async () => { await service.setProperties({ cors: [] }); });

const rule = { name: 'r', account, container: 'uploads', blobs: ['{user}/**'], methods: ['PUT', 'DELETE'] };

function writeConfig({ cors = { origins: [kPage] }, rules = [rule], own = key, endpoint = storage.blobEndpoint, accounts, more } = {}) {
  const dir = tempDir();
  const file = join(dir, 'blobvalet.json');
  writeFileSync(join(dir, 'account.key'), registerSecret(own), { mode: 0o600 });
  writeFileSync(file, JSON.stringify({
    accounts: accounts ?? [{ name: account, endpoint, credential: { type: 'shared_key', key_file: 'account.key' } }],
    sas: { protocol: 'https,http' }, rules, cors, ...more,
  }));
  return file;
}

const cors = (verb, file, ...args) => run(['cors', verb, '--config', file, ...args]);
const json = (verb, file, ...args) => JSON.parse(cors(verb, file, '--json', ...args).out).accounts;
const rules = async () => (await service.getProperties()).cors ?? [];
const foreign = (more = {}) => ({
  allowedOrigins: 'https://shop.example', allowedMethods: 'GET', allowedHeaders: 'x-shop', exposedHeaders: 'x-seen', maxAgeInSeconds: 60,
  ...more,
});
// The SDK's own notation of the numbers differs.
const plain = (rule) => ({ ...rule, maxAgeInSeconds: Number(rule.maxAgeInSeconds) });

describe('from nothing to a rule', () => {
  test('show, test, plan, apply, and the same once more', async () => {
    const file = writeConfig();
    assert.deepEqual(cors('show', file), { code: 0, out: `${account}: no CORS rule\n`, err: '' });
    assert.equal(cors('test', file).code, 1);
    const planned = cors('plan', file);
    assert.equal(planned.code, 1);
    assert.match(planned.out, /^devstoreaccount1: to be changed; .*\n\+ PUT,DELETE from https:\/\/www\.example\.com; .*\(ours\)\n$/);
    assert.deepEqual(await rules(), [], 'a plan changes nothing');

    const applied = cors('apply', file);
    assert.deepEqual([applied.code, applied.err], [0, '']);
    assert.match(applied.out, /^devstoreaccount1: changed; /);
    assert.deepEqual((await rules()).map(plain), [{
      allowedOrigins: kPage, allowedMethods: 'PUT,DELETE', allowedHeaders: kHeaders,
      exposedHeaders: 'x-ms-request-id,x-ms-error-code,x-cors-owner-blobvalet', maxAgeInSeconds: 3600,
    }]);
    assert.match(cors('show', file).out, /^devstoreaccount1: 1 of 5 rules\n {2}1\. PUT,DELETE from .*\(ours\)\n$/);
    assert.equal(cors('plan', file).code, 0);
    const before = storage.requests().filter(({ method }) => method === 'PUT').length;
    const again = cors('apply', file);
    assert.match(again.out, /nothing to change/);
    assert.equal(storage.requests().filter(({ method }) => method === 'PUT').length, before, 'and nothing is sent');

    const tested = cors('test', file);
    assert.equal(tested.code, 0, tested.out);
    assert.deepEqual(tested.out.match(/^\w+ +\w+ from \S+/gm), [
      `ok     PUT from ${kPage}`, 'ok     PUT from https://not-listed.invalid',
      `ok     DELETE from ${kPage}`, 'ok     DELETE from https://not-listed.invalid',
    ]);
  });

  test('a page more, a page less: the rule is replaced', async () => {
    cors('apply', writeConfig({ cors: { origins: [kPage, kMore] } }));
    assert.equal((await rules())[0].allowedOrigins, `${kPage},${kMore}`);
    const { code, out } = cors('apply', writeConfig());
    assert.equal(code, 0);
    assert.match(out, /^- PUT,DELETE from https:\/\/www\.example\.com,https:\/\/staging\.example\.com; /m);
    assert.deepEqual((await rules()).map((it) => it.allowedOrigins), [kPage]);
  });

  test('pages by --origin and by nginx\'s origins.map', () => {
    const map = join(tempDir(), 'origins.map');
    writeFileSync(map, `# a comment\n  ${kMore}  1;\n "~^https://any" 1;\n`);
    const [{ after: planned }] = json('plan', writeConfig(), '--origins-map', map, '--origin', 'https://third.example.com');
    assert.equal(planned[0].allowed_origins, `${kPage},https://third.example.com,${kMore}`);
  });

  test('thumbnails, scaling, and headers by name', () => {
    const file = writeConfig({
      cors: { origins: [kPage], headers: 'literal', scaling: true, parameters: ['caption', 'Content-MD5'] },
      rules: [{ ...rule, thumbnail: { type: 'read_sas' } }],
    });
    assert.equal(cors('apply', file).code, 0);
    const [{ rules: [own] }] = json('show', file);
    assert.equal(own.allowed_methods, 'PUT,DELETE,GET,HEAD');
    assert.deepEqual(own.allowed_headers.split(',').slice(3), [
      'x-ms-meta-qqfilename', 'x-ms-meta-qquuid', 'x-ms-meta-qqparentuuid', 'x-ms-meta-qqparentsize', 'x-ms-meta-caption', 'content-md5',
    ]);
    const tested = cors('test', file);
    assert.equal(tested.code, 0, tested.out);
    assert.equal(json('test', file)[0].preflights.length, 8);
  });
});

describe('beside rules of others', () => {
  test('they stay as they are, and so do all other properties', async () => {
    const others = [foreign(), foreign({ allowedOrigins: 'https://b.example', allowedMethods: 'PUT,MERGE', exposedHeaders: '', allowedHeaders: '*' })];
    await service.setProperties({
      cors: others, defaultServiceVersion: '2023-11-03',
      blobAnalyticsLogging: { version: '1.0', deleteProperty: true, read: true, write: false, retentionPolicy: { enabled: true, days: 7 } },
    });
    const before = await service.getProperties();
    assert.equal(cors('apply', writeConfig()).code, 0);
    const now = await service.getProperties();
    assert.deepEqual(now.cors.slice(0, 2).map(plain), others);
    assert.equal(now.cors.length, 3);
    assert.equal(now.defaultServiceVersion, '2023-11-03');
    assert.deepEqual(now.blobAnalyticsLogging, before.blobAnalyticsLogging);
    assert.deepEqual(now.hourMetrics, before.hourMetrics);
  });

  test('one for the same page that would decide and allows too little: ours goes first and allows what it allows', async () => {
    await service.setProperties({ cors: [foreign({ allowedOrigins: kPage, allowedMethods: 'PUT' })] });
    const file = writeConfig();
    assert.equal(cors('test', file).code, 1);
    assert.equal(cors('apply', file).code, 0);
    const [own, other] = await rules();
    assert.equal(own.allowedHeaders, `${kHeaders},x-shop`);
    assert.deepEqual(plain(other), foreign({ allowedOrigins: kPage, allowedMethods: 'PUT' }));
    assert.equal(cors('test', file).code, 0);
    assert.equal(cors('plan', file).code, 0);
  });

  test('one that grants all already: nothing to do', async () => {
    await service.setProperties({ cors: [foreign({ allowedOrigins: kPage, allowedMethods: 'PUT,DELETE', allowedHeaders: '*' })] });
    assert.match(cors('plan', writeConfig()).out, /nothing to change; rules of others grant/);
  });

  test('one for everybody: test says that it is too wide', async () => {
    await service.setProperties({ cors: [foreign({ allowedOrigins: '*', allowedMethods: 'PUT,DELETE', allowedHeaders: '*' })] });
    const { code, out } = cors('test', writeConfig());
    assert.equal(code, 1);
    assert.match(out, /^fails {2}PUT from https:\/\/not-listed\.invalid .*too wide$/m);
    assert.match(out, new RegExp(`^ok     PUT from ${kPage} `, 'm'));
  });

  test('exit code 3: five of others', async () => {
    const five = [1, 2, 3, 4, 5].map((n) => foreign({ allowedOrigins: `https://${n}.example` }));
    await service.setProperties({ cors: five });
    for (const verb of ['plan', 'apply']) {
      const { code, out, err } = cors(verb, writeConfig());
      assert.deepEqual([code, out], [3, '']);
      assert.match(err, /^devstoreaccount1: the account has five rules already/);
    }
    assert.deepEqual((await rules()).map(plain), five);
  });

  test('a neighbour with another owner', async () => {
    cors('apply', writeConfig({ cors: { origins: ['https://neighbour.example'], owner: 'neighbour' } }));
    cors('apply', writeConfig());
    cors('apply', writeConfig({ cors: { origins: [kMore], owner: 'neighbour' } }));
    assert.deepEqual((await rules()).map((it) => it.allowedOrigins), [kPage, kMore]);
  });
});

describe('who asks', () => {
  test('an account SAS in a file, with and without its question mark', () => {
    const credential = new StorageSharedKeyCredential(account, key);
    const sas = (permissions) => generateAccountSASQueryParameters({
      services: AccountSASServices.parse('b').toString(), resourceTypes: AccountSASResourceTypes.parse('s').toString(),
      permissions: AccountSASPermissions.parse(permissions), expiresOn: new Date(Date.now() + 600_000),
    }, credential).toString();
    const file = writeConfig({ own: newKey() });  // of no use
    const sasFile = join(tempDir(), 'sas');
    for (const text of [sas('rw'), `?${sas('rw')}\n`]) {
      writeFileSync(sasFile, text, { mode: 0o600 });
      assert.equal(cors('apply', file, '--sas-file', sasFile).code, 0);
    }
    writeFileSync(sasFile, sas('r'), { mode: 0o600 });
    const other = writeConfig({ own: newKey(), cors: { origins: [kMore] } });
    assert.equal(cors('plan', other, '--sas-file', sasFile).code, 1);
    assert.equal(cors('apply', other, '--sas-file', sasFile).code, 3);
  });

  test('exit code 3, without a word of a secret', async () => {
    const rows = [
      ['a wrong key', writeConfig({ own: newKey() }), [], /^devstoreaccount1: Azure answered 403 Authorization/],
      ['nobody there', writeConfig({ endpoint: 'http://127.0.0.1:9/devstoreaccount1' }), [], /it cannot be reached/],
      ['no page', writeConfig({ cors: {} }), [], /^cors\.origins: names no page/],
      ['an empty SAS', writeConfig(), ['--sas-file', '/dev/null'], /holds no SAS/],
      ['no SAS', writeConfig(), ['--sas-file', '/nonexistent/sas'], /holds no SAS/],
    ];
    for (const [what, file, args, reason] of rows) {
      for (const verb of ['plan', 'apply']) {
        const { code, out, err } = cors(verb, file, ...args);
        assert.deepEqual([code, out], [3, ''], what);
        assert.match(err, reason, what);
        assert.match(json(verb, file, ...args)[0].error, reason, what);
      }
    }
    assert.deepEqual(await rules(), []);
  });

  test('exit code 3: a key that cannot be read', () => {
    const file = writeConfig();
    chmodSync(join(file, '../account.key'), 0o644);
    const { code, err } = cors('show', file);
    assert.equal(code, 3);
    assert.match(err, /^devstoreaccount1: the key has mode 0644/);
  });

  const misuse = [
    ['no verb', ['cors'], 2],
    ['an account that there is not', ['cors', 'plan', '--account', 'nobody'], 2],
    ['an origin that is none', ['cors', 'plan', '--origin', `${kPage}/page`], 2],
    ['a map that is not there', ['cors', 'plan', '--origins-map', '/nonexistent/origins.map'], 2],
    ['a SAS to test', ['cors', 'test', '--sas-file', 'x'], 2],
  ];
  for (const [what, args, expected] of misuse) {
    test(`exit code ${expected}: ${what}`, () => {
      const { code, out, err } = run([...args, ...(args.length > 1 ? ['--config', writeConfig()] : [])]);
      assert.deepEqual([code, out], [expected, '']);
      assert.notEqual(err, '');
    });
  }

  test('exit code 4: a faulty configuration', () => {
    for (const origins of [['https://www.example.com/'], ['www.example.com'], ['HTTPS://WWW.EXAMPLE.COM'], ['*'], ['https://a.example/x'], [kPage, kPage]]) {
      const { code, err } = cors('plan', writeConfig({ cors: { origins } }));
      assert.equal(code, 4, String(origins));
      assert.match(err, /^cors\.origins/m);
    }
  });
});

describe('an account without a key', () => {
  let secure;
  let identity;
  before(async () => {
    secure = await startAzurite({ oauth: true });
    identity = await startIdentityStub();
    registerSecret(identity.application.secret, 'the client secret');
  });
  after(async () => {
    await identity?.stop();
    await secure?.stop();
  });
  beforeEach(() => secure.allowOrigins(['https://shop.example']));

  const written = (name, text) => {
    const file = join(tempDir(), name);
    writeFileSync(file, text, { mode: 0o600 });
    return file;
  };
  const identities = [
    ['a bearer token in a file', () => ({
      credential: { type: 'managed_identity' },
      requests: { authorization: 'bearer', token_file: written('token', makeToken({ oid: randomUUID(), tid: randomUUID() })) },
    }), () => ({})],
    ['a managed identity', () => ({ credential: { type: 'managed_identity' } }), () => identity.imds.env()],
    ['an application with a secret', () => ({
      credential: {
        type: 'client_secret', tenant_id: identity.tenantId, client_id: identity.application.clientId,
        authority: identity.authority.url, ca_file: identity.certificate.file, secret_file: written('secret', identity.application.secret),
      },
    }), () => ({})],
  ];
  for (const [what, describeAccount, env] of identities) {
    test(what, async () => {
      const file = writeConfig({ accounts: [{ name: account, endpoint: secure.blobEndpoint, ca_file: secure.caFile, ...describeAccount() }] });
      const beside = (verb) => runBlobvaletBeside(['cors', verb, '--config', file], { env: env() });
      assert.deepEqual(await beside('apply').then(({ code, err }) => [code, err]), [0, '']);
      assert.equal((await beside('plan')).code, 0);
      assert.match((await beside('show')).out, /2 of 5 rules/);
      assert.equal((await beside('test')).code, 0);
    });
  }

  test('exit code 3: an identity that nobody knows', async () => {
    const file = writeConfig({
      accounts: [{
        name: account, endpoint: secure.blobEndpoint, ca_file: secure.caFile, credential: { type: 'managed_identity', client_id: randomUUID() },
      }],
    });
    const { code, err } = await runBlobvaletBeside(['cors', 'apply', '--config', file], { env: identity.imds.env() });
    assert.equal(code, 3);
    assert.match(err, /^devstoreaccount1: /);
  });
});
