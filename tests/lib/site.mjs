// The whole stack as a site would run it: nginx with TLS and the shipped files, a pool that signs and one for callbacks,
// the page, a login, perhaps an application, and Azurite as the storage account. The demo and the browser suite use the
// same one.
import { cpSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { secret, startApplication } from './application.mjs';
import { account, key, startAzurite } from './azurite.mjs';
import { request } from './http.mjs';
import { startLogin } from './login.mjs';
import { sampleSite, startNginx } from './nginx.mjs';
import { startPool } from './pool.mjs';
import { freePort, tempDir, waitFor } from './process.mjs';

const tests = fileURLToPath(new URL('..', import.meta.url));

/// A rule that lets everybody upload to a container and delete there.
export const openRule = (container, more) => ({
  name: container, account, container, blobs: ['**'], methods: ['PUT', 'DELETE'], anonymous: true, ...more,
});

/// What users may do by default: write below a folder of their own, and into a container open to all.
export const kRules = [
  { name: 'own-folder', account, container: 'uploads', blobs: ['{user}/**'], methods: ['PUT', 'DELETE'] },
  openRule('drop', { name: 'drop-box' }),
];

/// Starts everything and returns `{url, origins, storage, pool, success, application, answers(), stop()}`. `url` is the
/// demo page, on `port` if one is given. Names below localhost are this machine to every browser, without any entry.
///
/// `rules` and `success` go into the configuration. With a `hook` in `success` there is an application, which it is
/// pointed to. The containers of the rules exist in the store, and "private", which no rule names; `privately` keeps all
/// of them from readers without a signature. `endpoint` is where the workers reach the store, if that is not where pages
/// do, and `files` are nginx's. `startStorage` starts something in Azurite's place, with the same methods, and
/// `changeConfig(config, dir, storage)` returns the configuration that is written in place of the usual one.
/// `startBeside(config)` starts what else runs on the machine, before the workers,
/// which get `env`.
export async function startSite({
  workers = 2, port, customHeaders = [], files, endpoint, rules = kRules, success = {}, privately = false,
  startStorage = startAzurite, changeConfig = (usual) => usual, startBeside, env,
} = {}) {
  const dir = tempDir();
  const ownPort = port ?? await freePort();
  const origins = {
    site: `https://uploads.site.localhost:${ownPort}`,
    page: `https://app.site.localhost:${ownPort}`,        // on the allow-list
    stranger: `https://stranger.localhost:${ownPort}`,    // not on it
  };
  const running = [];
  const start = async (server) => { running.push(await server); return running.at(-1); };
  const stop = async () => { while (running.length) await running.pop().stop(); };

  try {
    const storage = await start(startStorage());
    for (const name of containersOf(rules)) await storage.createContainer(name, privately ? undefined : 'blob');
    const application = success.hook && await start(startApplication());
    const config = writeConfig(dir, storage, { endpoint, rules, success: pointTo(application, success), changeConfig });
    if (startBeside) await start(startBeside(config));
    const pool = await start(startRestartablePool({ dir, workers, config, env, args: ['--signatures-only'] }));
    const successPool = await start(startRestartablePool({ dir, workers, config, env, name: 'success' }));
    const login = await start(startLogin());
    writeDocuments(dir, storage);
    const nginx = await start(startNginx({
      dir, customHeaders, origins: [origins.page], files,
      signatureSocket: join(dir, 'signature.sock'), successSocket: join(dir, 'success.sock'),
      render: (layout) => ownSite(layout, ownPort, login.port) + membersSite(layout, login.port),
    }));
    await waitFor(() => servesPage(ownPort, storage), { what: `the page on port ${ownPort}` })
      .catch((error) => { throw new Error(`${error.message}\n${/^.*\[emerg\].*$/m.exec(nginx.errorLog())}`); });
    origins.members = `https://members.site.localhost:${nginx.httpsPort}`;
    await storage.allowOrigins([...Object.values(origins), `https://localhost:${ownPort}`]);
    return {
      url: `https://localhost:${ownPort}/`, origins, storage, pool, success: successPool, application, nginx, config, stop,
      /// The access log of all workers: an object for each answered request.
      answers: () => [pool, successPool].flatMap(answersOf),
    };
  } catch (error) {
    await stop();
    throw error;
  }
}

const containersOf = (rules) => new Set([...rules.map(({ container }) => container), 'private']);

const pointTo = (application, success) => (application
  ? { ...success, hook: { url: application.url, secret_file: 'application.secret', ...success.hook } } : success);

function writeConfig(dir, storage, { endpoint = storage.blobEndpoint, rules, success, changeConfig }) {
  const file = join(dir, 'blobvalet.json');
  writeFileSync(join(dir, 'application.secret'), secret, { mode: 0o600 });
  const usual = {
    accounts: [{
      name: account, endpoint, aliases: endpoint === storage.blobEndpoint ? [] : [storage.blobEndpoint],
      credential: { type: 'shared_key', key_file: 'account.key' },
    }],
    sas: { protocol: 'https,http' },          // the emulator speaks plain http
    rules,
    success,
    server: { metrics_file: 'metrics' },
  };
  const config = changeConfig(usual, dir, storage);
  if (config.accounts[0].credential.key_file === 'account.key') writeFileSync(join(dir, 'account.key'), key, { mode: 0o600 });
  writeFileSync(file, JSON.stringify(config));
  return file;
}

function writeDocuments(dir, storage) {
  const www = join(dir, 'www');
  cpSync(join(tests, 'page'), www, { recursive: true });
  cpSync(join(tests, 'browser/page'), join(www, 'test'), { recursive: true });
  symlinkSync(join(tests, 'node_modules/fine-uploader/azure.fine-uploader'), join(www, 'fine-uploader'));
  symlinkSync(join(tests, 'node_modules/fine-uploader/azure.jquery.fine-uploader'), join(www, 'jquery.fine-uploader'));
  symlinkSync(join(tests, 'node_modules/jquery/dist/jquery.js'), join(www, 'jquery.js'));
  writeFileSync(join(www, 'site.json'), JSON.stringify({
    storage: storage.blobEndpoint, signature: '/blobvalet/signature', success: '/blobvalet/success',
  }));
}

// Someone else's server may have the port: nginx takes its time to give up, and its other port answers meanwhile.
async function servesPage(port, storage) {
  const answer = await request({ port, path: '/site.json', timeoutMs: 1_000 });
  return answer.json().storage === storage.blobEndpoint;
}

// Whoever is logged in has a folder; nobody has to be, since a rule may be open to all.
const ownSite = ({ dir, certificate, certificateKey }, port, loginPort) => `
server {
    listen 127.0.0.1:${port} ssl http2;
    ssl_certificate ${certificate};
    ssl_certificate_key ${certificateKey};
    auth_request /session;
    auth_request_set $blobvalet_user $upstream_http_x_user;
    include snippets/blobvalet.conf;

    root ${dir}/www;
    location / {
        auth_request off;
    }
    location = /session {
        internal;
        auth_request off;
        proxy_pass http://127.0.0.1:${loginPort}/session-or-nobody;
        proxy_pass_request_body off;
        proxy_set_header Content-Length "";
    }
    location = /login {
        auth_request off;
        proxy_pass http://127.0.0.1:${loginPort};
    }
}
`;

// The shipped sample as it is, on a host of its own: no session, no page.
const membersSite = (layout, loginPort) => sampleSite('auth_request', [
  ['server_name uploads.example.com', 'server_name members.site.localhost'],
  ['127.0.0.1:9000', `127.0.0.1:${loginPort}`],
  ['/var/www/html', `${layout.dir}/www`],
])(layout);

/// A pool which a test can take away and bring back on the same socket.
async function startRestartablePool(options) {
  let pool = await startPool(options);
  return {
    pids: () => pool.pids(),
    stop: () => pool.stop(),
    start: async () => { pool = await startPool(options); },
    output: () => pool.output(),
  };
}

const answersOf = (pool) => pool.output().split('\n').filter((line) => line.startsWith('{')).map((line) => JSON.parse(line))
  .filter(({ endpoint }) => endpoint);
