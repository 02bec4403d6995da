// `blobvalet keys renew` and workers beside it: how a key comes from each kind of identity, and what happens while none comes.
import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, afterEach, before, describe, test } from 'node:test';
import { fail, forKeys } from '../lib/azure-stub.mjs';
import { waitFor } from '../lib/process.mjs';
import { closed, garbage, hugeBody, hung, status } from '../lib/stub-server.mjs';
import { assertNoKey, assertTaken, details, healthBecomes, logs, signs, startMachine } from './support.mjs';

const json = (code, body, headers) => status(code, { 'Content-Type': 'application/json', ...headers }, JSON.stringify(body));

/// An application at Entra as the configuration names it.
const application = ({ application: { clientId }, tenantId, authority, certificate }) => ({
  tenant_id: tenantId, client_id: clientId, authority: authority.url, ca_file: certificate.file,
});

function writeText(dir, name, text) {
  writeFileSync(join(dir, name), `${text}\n`, { mode: 0o600 });
  return join(dir, name);
}

const clientSecret = (identity, dir) => ({
  type: 'client_secret', ...application(identity), secret_file: writeText(dir, 'secret', identity.application.secret),
});

const kindsOfIdentity = () => describe('each kind of identity gets a key, and a worker signs by it', { concurrency: 3 }, () => {
  const managed = (choose) => (identity) => ({ type: 'managed_identity', ...choose?.(identity.users[1]) });
  const system = ({ system: it }) => it;
  const user = ({ users }) => users[1];
  const registered = ({ application: it }) => it;
  const appService = ({ appService: it }) => it.env();
  const assertionFile = (identity, dir) => writeText(dir, 'token', identity.application.assertion);
  const byDefault = ({ certificate: { file } }) => ({ type: 'default', ca_file: file });
  const entra = ({ authority }) => authority.env();
  // [what, credential, environment, which identity it is]
  const rows = [
    ['IMDS: the machine\'s own', managed(), undefined, system],
    ['IMDS: by client id', managed(({ clientId }) => ({ client_id: clientId })), undefined, user],
    ['IMDS: by object id', managed(({ objectId }) => ({ object_id: objectId })), undefined, user],
    ['IMDS: by resource id', managed(({ resourceId }) => ({ resource_id: resourceId })), undefined, user],
    ['App Service: its own', managed(), appService, system],
    ['App Service: by client id', managed(({ clientId }) => ({ client_id: clientId })), appService, user],
    ['App Service: by object id', managed(({ objectId }) => ({ object_id: objectId })), appService, user],
    ['App Service: by resource id', managed(({ resourceId }) => ({ resource_id: resourceId })), appService, user],
    ['Arc', managed(), ({ arc }) => arc.env(), system],
    ['workload identity: configured', (identity, dir) => ({
      type: 'workload_identity', ...application(identity), token_file: assertionFile(identity, dir),
    }), () => ({}), registered],
    ['workload identity: by environment', ({ certificate: { file } }) => ({ type: 'workload_identity', ca_file: file }),
      (identity, dir) => ({ ...entra(identity), AZURE_FEDERATED_TOKEN_FILE: assertionFile(identity, dir) }), registered],
    ['client secret: in a file', clientSecret, () => ({}), registered],
    ['client secret: in the environment',
      (identity) => ({ type: 'client_secret', ...application(identity), secret_env: 'UPLOADS_SECRET' }),
      (identity) => ({ UPLOADS_SECRET: identity.application.secret }), registered],
    ['client secret: of systemd', (identity, dir) => {
      writeText(dir, 'uploads.secret', identity.application.secret);
      return { type: 'client_secret', ...application(identity), secret_credential: 'uploads.secret' };
    }, (_, dir) => ({ CREDENTIALS_DIRECTORY: dir }), registered],
    ['default: a client secret', byDefault,
      (identity) => ({ ...entra(identity), AZURE_CLIENT_SECRET: identity.application.secret }), registered],
    ['default: a workload identity', byDefault,
      (identity, dir) => ({ ...entra(identity), AZURE_FEDERATED_TOKEN_FILE: assertionFile(identity, dir) }), registered],
    ['default: the machine\'s identity', byDefault, undefined, system],
  ];
  for (const [i, [what, credential, env, who]] of rows.entries()) {
    test(what, async () => {
      const machine = await startMachine({ credential, env });
      try {
        const worker = await machine.startWorker({ args: i % 2 ? [] : ['--signatures-only'] });
        const daemon = machine.startRenewal();
        const sas = await assertTaken(machine, await signs(worker));
        assert.deepEqual([sas.skoid, sas.sktid], [who(machine.identity).objectId, machine.identity.tenantId]);
        assert.deepEqual(machine.identity.refused, []);
        assert.deepEqual([machine.identity.issued.length, machine.keyRequests().length], [1, 1]);
        assert.deepEqual(await healthBecomes(worker), []);
        assert.match((await logs(daemon, 'key_renewed'))[0], new RegExp(`^acmeuploads: user delegation key until ${sas.ske}$`));
        assert.deepEqual(await daemon.stop(), { code: 0, signal: null });
      } finally {
        await machine.stop();
      }
    });
  }
});

// [what, how it is broken, what is said, how it is mended, what the machine is]. Those that are not worth another attempt
// soon need a SIGHUP behind their mending.
const imds = (fault) => ({ identity }) => { identity.imds.fault = fault; };
const token = (fault) => ({ identity }) => { identity.authority.fault = fault; };
const keys = (fault) => ({ azure }) => { azure.fault = forKeys(fault); };
const byMachine = {};
const bySecret = { credential: clientSecret, env: () => ({}) };
const faults = [
  ['IMDS is down', imds(closed), /\(IMDS\) cannot be reached$/, byMachine],
  ['the account does not answer', keys(hung), /blob endpoint did not answer in time$/, byMachine],
  ['IMDS: 400', imds(json(400, { error: 'invalid_request', error_description: 'Identity not found' })),
    /\(IMDS\) answered 400: invalid_request: Identity not found$/, byMachine, 'SIGHUP'],
  ['IMDS: no JSON', imds(status(200, {}, '<html>')), /an answer that is no JSON object$/, byMachine],
  ['IMDS: no HTTP', imds(garbage), /does not speak HTTP$/, byMachine],
  ['IMDS: no token', imds(json(200, { expires_in: '3600' })), /an answer without a token$/, byMachine],
  ['token endpoint: 400', token(json(400, { error: 'invalid_scope', error_description: 'AADSTS70011: no such scope' })),
    /endpoint answered 400: invalid_scope: AADSTS70011: no such scope$/, bySecret, 'SIGHUP'],
  ['token endpoint: 401', token(json(401, { error: 'invalid_client', error_description: 'AADSTS7000215: Invalid secret' })),
    /endpoint answered 401: invalid_client: AADSTS7000215: Invalid secret$/, bySecret, 'SIGHUP'],
  ['token endpoint: 500', token(status(500)), /endpoint answered 500$/, bySecret],
  ['token endpoint: closes', token(closed), /endpoint cannot be reached$/, bySecret],
  ['token endpoint: HTML', token(status(200, { 'Content-Type': 'text/html' }, '<html>Hi</html>')), /no JSON object$/, bySecret],
  ['token endpoint: 10 MiB', token(hugeBody(true)), /an answer that is too large$/, bySecret],
  ['delegation key: 401', keys(fail(401, 'InvalidAuthenticationInfo')),
    /^Azure answered 401 InvalidAuthenticationInfo/, byMachine],
  ['delegation key: 403', keys(fail(403, 'AuthorizationPermissionMismatch')),
    /^Azure answered 403 AuthorizationPermissionMismatch.*Storage Blob Delegator/, byMachine],
  ['delegation key: 404', keys(fail(404, 'ResourceNotFound')), /^Azure answered 404 .*storage account$/, byMachine, 'SIGHUP'],
  ['delegation key: 500', keys(fail(500, 'InternalError')), /^Azure answered 500 to the request/, byMachine],
  ['delegation key: no XML', keys(status(200, {}, 'What?')), /^Azure's answer is no user delegation key/, byMachine],
  ['delegation key: other XML', keys(status(200, {}, '<?xml version="1.0"?><Error/>')), /is no user delegation key/, byMachine],
];

const whatMayFail = () => describe('while no key comes, the daemon stays, and everybody says why', { concurrency: 6 }, () => {
  for (const [what, breakIt, reason, options, signal] of faults) {
    test(what, { timeout: 120_000 }, async (t) => {
      const machine = await startMachine(options);
      try {
        breakIt(machine);
        const daemon = machine.startRenewal();
        const worker = await machine.startWorker({ args: ['--signatures-only'] });
        await assertNoKey(worker, /acmeuploads: there is no user delegation key yet/);
        const failures = () => machine.status().failures;
        await waitFor(() => failures().length === 1, { what: 'a failure', timeoutMs: 80_000 });
        const [{ account, reason: told }] = failures();
        assert.equal(account, 'acmeuploads');
        assert.match(told, reason);
        assert.deepEqual(details(daemon, 'key_renewal_failed'), [`acmeuploads: ${told}`]);
        await assertNoKey(worker, /^acmeuploads: cannot renew its key: /);

        machine.identity.imds.fault = machine.identity.authority.fault = machine.azure.fault = null;
        if (signal) process.kill(daemon.pid, signal);
        await logs(daemon, 'key_renewed');
        const signedAt = await signs(worker).then((answer) => assertTaken(machine, answer)).then(() => Date.now());
        const ms = signedAt - machine.fetchedAt();
        t.diagnostic(`signed ${Math.round(ms)} ms after the key came`);
        assert.ok(ms < 5000, `it took ${ms} ms`);
        assert.deepEqual(await healthBecomes(worker), []);
        assert.deepEqual(failures(), []);
        assert.equal(daemon.ended(), null);
        assert.deepEqual(machine.identity.refused, []);
      } finally {
        await machine.stop();
      }
    });
  }

  // Nobody hears of what a second attempt mends.
  const passing = [
    ['IMDS: 404 while an identity is new', [json(404, { error: 'not_found' })], 2],
    ['IMDS: 429, Retry-After: 3', [json(429, { error: 'too_many_requests' }, { 'Retry-After': '3' })], 2],
    ['IMDS: 500', [status(500)], 2],
  ];
  for (const [what, script, count] of passing) {
    test(`passes: ${what}`, async () => {
      const machine = await startMachine();
      try {
        machine.identity.imds.script(...script);
        const daemon = machine.startRenewal();
        await logs(daemon, 'key_renewed');
        assert.deepEqual(details(daemon, 'key_renewal_failed'), []);
        assert.equal(machine.identity.imds.requests.length, count);
      } finally {
        await machine.stop();
      }
    });
  }

  test('a certificate that nobody trusts, until the configuration does', async () => {
    const machine = await startMachine({ account: { ca_file: undefined } });
    try {
      const daemon = machine.startRenewal();
      const worker = await machine.startWorker();
      const [told] = await logs(daemon, 'key_renewal_failed');
      assert.match(told, /blob endpoint shows a certificate that is not trusted$/);
      await assertNoKey(worker, /not trusted$/);
      const [account] = machine.config.accounts;
      machine.write({ ...machine.config, accounts: [{ ...account, ca_file: machine.identity.certificate.file }] });
      await assertTaken(machine, await signs(worker));
      assert.deepEqual(details(daemon, 'reloaded').length, 1);
      assert.deepEqual(await healthBecomes(worker), []);
    } finally {
      await machine.stop();
    }
  });
});

const onlyOnce = () => describe('keys renew --once', { concurrency: 1 }, () => {
  let machine;
  before(async () => { machine = await startMachine(); });
  after(() => machine?.stop());
  afterEach(() => {
    machine.identity.clear();
    machine.azure.clear();
  });

  test('says what failed, and ends so', async () => {
    machine.azure.fault = forKeys(fail(403, 'AuthorizationPermissionMismatch'));
    const { code, output } = await machine.renewOnce();
    assert.equal(code, 1);
    assert.match(output, /^acmeuploads: Azure answered 403 AuthorizationPermissionMismatch/m);
    assert.match(machine.status().failures[0].reason, /AuthorizationPermissionMismatch/);
  });

  test('fetches what is missing, and nothing else', async () => {
    assert.equal((await machine.renewOnce()).code, 0);
    assert.deepEqual([machine.identity.issued.length, machine.keyRequests().length], [1, 1]);
    assert.equal((await machine.renewOnce()).code, 0);
    assert.deepEqual([machine.identity.issued.length, machine.keyRequests().length], [1, 1]);
    const worker = await machine.startWorker();
    await assertTaken(machine, await worker.sign());
    assert.deepEqual(await healthBecomes(worker), [], 'what failed before is forgotten');
  });

  test('leaves the keys to a daemon that runs', async () => {
    const daemon = machine.startRenewal();
    await logs(daemon, 'started');
    const { code, output } = await machine.renewOnce();
    assert.deepEqual([code, output], [1, 'keys.directory: another process renews the keys there\n']);
    await daemon.stop();
  });
});

// Most of the time is waiting, so all wait at once.
describe('keys renew', { concurrency: 3, timeout: 240_000 }, () => {
  whatMayFail();
  kindsOfIdentity();
  onlyOnce();
});
