// A site of nginx and workers to which abusive requests are sent byte by byte, and what has to hold whatever was sent.
import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import { after } from 'node:test';
import { sign, stringToSign } from '../lib/azure-sas.mjs';
import { request } from '../lib/http.mjs';
import { plainSite, startNginx } from '../lib/nginx.mjs';
import { startPool } from '../lib/pool.mjs';
import { tempDir } from '../lib/process.mjs';
import { registerSecret } from '../lib/secrets.mjs';

export const kAccount = 'acmeuploads';
export const kEndpoint = `https://${kAccount}.blob.core.windows.net`;
export const kUuid = 'f9a922bd-3007-4393-a76e-925fc009639c';
export const kListed = 'https://app.example.com';
export const kForm = 'application/x-www-form-urlencoded';

const kKey = Buffer.alloc(64, 7);
registerSecret(kKey.toString('base64'), 'an account key');

/// Everybody may write and delete in `drop`, and users in a folder of theirs in `uploads`; nobody ever logs in.
export const kRules = [
  { name: 'drop-box', account: kAccount, container: 'drop', blobs: ['**'], methods: ['PUT', 'DELETE'], anonymous: true },
  { name: 'own-folder', account: kAccount, container: 'uploads', blobs: ['{user}/**'], methods: ['PUT', 'DELETE'] },
];

/// Starts one, stopped when the file's tests are over; `{nginx, ask(path, how), exchange(bytes), assertUnharmed()}`.
/// `rules` and `success` go into the configuration, `endpoint` is the account's, `env` the workers'; `body` is put into
/// server{}, and `http` and `files` are nginx's.
export async function startTarget({
  rules = kRules, endpoint = kEndpoint, success = { verify: { enabled: false } }, body = '', http, files, env, customHeaders,
} = {}) {
  const dir = tempDir();
  const config = join(dir, 'blobvalet.json');
  writeFileSync(join(dir, 'account.key'), kKey.toString('base64'), { mode: 0o600 });
  writeFileSync(config, JSON.stringify({
    accounts: [{ name: kAccount, endpoint, credential: { type: 'shared_key', key_file: 'account.key' } }],
    rules, success, server: { metrics_file: 'metrics' },
  }));
  const start = async (name, args) => {
    const pool = await startPool({ config, dir, name, args, env, workers: 1 });
    after(pool.stop);
    return pool;
  };
  const pools = [await start('signature', ['--signatures-only']), await start('success', [])];
  const nginx = await startNginx({
    dir, http, files, origins: [kListed], customHeaders,
    signatureSocket: pools[0].socket, successSocket: pools[1].socket,
    render: plainSite(`set $blobvalet_user ""; include snippets/blobvalet.conf; ${body}`),
  });
  after(nginx.stop);

  const ask = (path, how) => request({ port: nginx.httpPort, tls: false, path, ...how });
  const pids = () => pools.map((pool) => pool.pids());
  const workers = pids();
  const assertUnharmed = async () => {
    assert.deepEqual(pids(), workers, 'a worker died');
    for (const method of ['PUT', 'DELETE']) {  // the one pool's, and the other's
      const answer = await ask(signing('healthy.txt', { method, endpoint }));
      assert.equal(answer.status, 200, answer.body);
      assertSigned(answer.body, { name: 'drop/healthy.txt', permissions: method === 'PUT' ? 'cw' : 'd', endpoint });
    }
    assert.deepEqual(pids(), workers, 'a worker died');
  };
  return { dir, nginx, ask, exchange: (bytes, how) => exchange(nginx.httpPort, bytes, how), assertUnharmed };
}

/// The path that asks for a blob's signature.
export const signing = (blob, { method = 'PUT', container = 'drop', endpoint = kEndpoint } = {}) => (
  `/blobvalet/signature?bloburi=${encodeURIComponent(`${endpoint}/${container}/${blob}`)}&_method=${method}`);

/// A callback's body.
export const callback = (fields = {}) => new URLSearchParams({
  blob: 'a.txt', uuid: kUuid, name: 'a.txt', container: `${kEndpoint}/drop`, ...fields,
}).toString();

// RFC 3986: what is not unreserved is encoded.
const encoded = (text) => encodeURIComponent(text).replace(/[!'()*]/g, (c) => `%${c.charCodeAt(0).toString(16).toUpperCase()}`);

/// Asserts that `uri` is a SAS for the blob of this name and for nothing else, signed by the account's key.
export function assertSigned(uri, { name, permissions = 'cw', endpoint = kEndpoint }) {
  const [path, query] = uri.split('?');
  assert.equal(path, `${endpoint}/${name.split('/').map(encoded).join('/')}`);
  const params = new URLSearchParams(query);
  assert.deepEqual([params.get('sr'), params.get('sp')], ['b', permissions]);
  assert.equal(params.get('sig'), sign(kKey, stringToSign(params, `/blob/${kAccount}/${name}`)));
}

// Sends exactly these bytes, and returns all that comes until nginx closes the connection. Where a body is announced that never
// comes, nginx waits for it (`lingers`): then until nothing more came for a while.
async function exchange(port, bytes, { lingers = false } = {}) {
  const socket = connect(port, '127.0.0.1');
  const chunks = [];
  socket.on('data', (chunk) => chunks.push(chunk));
  socket.setTimeout(lingers ? 500 : 3000, () => (
    socket.destroy(lingers && chunks.length ? undefined : new Error(`no end after: ${Buffer.concat(chunks)}`))));
  await new Promise((resolve, reject) => {
    socket.once('error', (error) => (error.code === 'ECONNRESET' || error.code === 'EPIPE' ? resolve() : reject(error)));
    socket.once('close', resolve);
    socket.write(bytes);
  });
  return Buffer.concat(chunks).toString('latin1');
}

/// Cuts what came over a connection into answers: `{status, headers: [[name, value], ...], body}`, names in lower case.
/// `heads` says which of them, counted from 0, answer a HEAD. What is no answer of HTTP/1.1 ends the list as `{bare}`.
export function cutAnswers(text, heads = []) {
  const answers = [];
  for (let rest = text; rest !== '';) {
    const end = rest.indexOf('\r\n\r\n') + 4;
    const [statusLine, ...lines] = rest.slice(0, Math.max(end - 4, 0)).split('\r\n');
    const [, status] = /^HTTP\/1\.1 (\d{3}) /.exec(statusLine) ?? [];
    if (!status) return [...answers, { bare: rest }];
    const headers = lines.map((line) => [line.slice(0, line.indexOf(':')).toLowerCase(), line.slice(line.indexOf(':') + 2)]);
    const length = Number(headers.find(([name]) => name === 'content-length')?.[1] ?? 0);
    const size = heads.includes(answers.length) ? 0 : length;
    answers.push({ status: Number(status), headers, body: rest.slice(end, end + size) });
    rest = rest.slice(end + size);
  }
  return answers;
}
