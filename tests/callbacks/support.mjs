// A worker between a stub of Azure and a stub of the site's application, and what it may never do whatever they do.
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { ask } from '../lib/fcgi-client.mjs';
import { startApplicationStub } from '../lib/application-stub.mjs';
import { startAzureStub } from '../lib/azure-stub.mjs';
import { isThreadSanitized } from '../lib/pool.mjs';
import { waitFor } from '../lib/process.mjs';
import { registerSecret } from '../lib/secrets.mjs';
import { assertPromptWhile, form, kAccount, kRule, siteConfig, signature, startWorker, success } from '../fcgi/support.mjs';

export const kBlob = 'uploads/alice/a.txt';
export const kCookie = 'session=5up3r-s3cr3t-cookie';
export const kDeadlineMs = isThreadSanitized ? 2400 : 800;
const kConnectTimeoutMs = kDeadlineMs - 100;
/// What an answer may take beyond its deadlines on a machine that has other things to do.
export const kMarginMs = 1000;

const kSecretEnv = 'BLOBVALET_TEST_HOOK_SECRET';

/// Starts the two stubs and a worker that asks them. `verify`, `hook` and `server` are added to the configuration,
/// `rule` to its rule, `session` to that; `requests` is the account's, `azure` and `application` are options of the stubs; `hook: null` is a site without one.
/// Returns what startWorker() returns, and `azure`, `application`, `container`, `secret`, `config(more)`, `call(fields)`,
/// `list({user, container})`.
export async function startCallbackSite({
  verify = {}, hook = {}, server = {}, rule = {}, session = {}, limits, requests, azure: azureOptions, application: applicationOptions,
} = {}) {
  const secret = registerSecret(randomBytes(24).toString('hex'), 'the hook secret');
  const azure = await startAzureStub(azureOptions);
  const application = await startApplicationStub({ secret, ...applicationOptions });
  const config = (more = {}) => siteConfig({
    accounts: [{
      name: kAccount, endpoint: azure.url, credential: { type: 'shared_key', key_file: 'acmeuploads.key' },
      ...requests && { requests },
    }],
    rules: [{ ...kRule, sas: { protocol: 'https,http' }, ...rule }],
    ...limits && { limits },
    session: { deadline_ms: kDeadlineMs, connect_timeout_ms: kConnectTimeoutMs, ...session },
    success: {
      verify: { deadline_ms: kDeadlineMs, connect_timeout_ms: kConnectTimeoutMs, ...verify, ...more.verify },
      ...hook && {
        hook: {
          url: `${application.url}/uploads?from=blobvalet`, secret_env: kSecretEnv, connect_timeout_ms: kConnectTimeoutMs,
          ...(hook.mode !== 'async' && { retries: 0 }), timeout_ms: kDeadlineMs, ...hook, ...more.hook,
        },
      },
    },
    server: { ...server, ...more.server },
  });
  const worker = await startWorker({ config: config(), env: { [kSecretEnv]: secret } })
    .catch(async (error) => {
      await Promise.all([azure.stop(), application.stop()]);
      throw error;
    });
  azure.trust({ account: kAccount, key: worker.site.key });
  azure.put(kBlob);
  const site = { ...worker, azure, application, secret, config, container: `${azure.url}/uploads` };
  return Object.assign(site, {
    call: (fields, params) => call(site, fields, params),
    list: (params) => list(site, params),
    async stop() {
      await Promise.all([worker.stop(), azure.stop(), application.stop()]);
    },
  });
}

let count = 0;

/// Posts a callback; the answer, and `ms`, how long it took, and `line()`, what the log says of it.
async function call(site, fields = {}, params = {}) {
  const id = `callback-${++count}`;
  const body = form({ container: site.container, ...fields });
  const start = performance.now();
  const answer = await ask(site.socket, success(body, { REQUEST_ID: id, HTTP_COOKIE: kCookie, ...params }), body);
  const ms = performance.now() - start;
  const line = () => waitFor(() => site.lines().find((l) => l.request_id === id), { what: `a log line of ${id}` });
  return { ...answer, ms, line };
}

/// Asks for a user's files; what call() returns.
async function list(site, { user = 'alice', container = `${site.container}/${user}`, ...params } = {}) {
  const id = `session-${++count}`;
  const start = performance.now();
  const answer = await ask(site.socket, {
    BLOBVALET_ENDPOINT: 'session', BLOBVALET_USER: user, REQUEST_METHOD: 'GET', REQUEST_ID: id,
    QUERY_STRING: `container=${encodeURIComponent(container)}&qqtimestamp=1`, ...params,
  });
  const ms = performance.now() - start;
  const line = () => waitFor(() => site.lines().find((l) => l.request_id === id && l.status), { what: `a log line of ${id}` });
  return { ...answer, ms, line };
}

/// A callback while which signatures have to be answered promptly.
export const callWhileSigning = (site, fields, params) => assertPromptWhile(
  site.socket, () => site.call(fields, params), signature({ uri: `${site.container}/alice/a.txt` }));

/// Asserts what the log may never hold, whatever happened.
export function assertNoSecrets(site) {
  const text = site.output();
  const base64 = site.site.key.slice(0, 20);
  for (const secret of [site.secret, base64, 'sig=', 'SharedKey', 'Bearer', kCookie, 'v1=']) {
    assert.ok(!text.includes(secret), `the log holds ${secret}`);
  }
}

/// The part of a callback's answer by which Fine Uploader decides what to do next.
export function verdictOf({ status, body }) {
  const { code, success: succeeded, error, preventRetry, reset, verified } = JSON.parse(body);
  return { status, code, success: succeeded, hasError: Boolean(error), preventRetry, reset, verified };
}

const verdict = (status, code, more = {}) => ({
  status, code, success: false, hasError: true, preventRetry: undefined, reset: undefined, verified: undefined, ...more,
});

export const accepted = (verified = true) => ({
  ...verdict(200, undefined), success: true, hasError: false, verified,
});
/// The client repeats the callback, gives up, or uploads once more.
export const unavailable = (code) => verdict(503, code);
export const refused = (status, code) => verdict(status, code, { preventRetry: true });
export const uploadAgain = (code) => verdict(422, code, { reset: true });
