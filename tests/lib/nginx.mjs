// nginx with the shipped files, laid out in a directory of its own as Debian lays out /etc/nginx.
import { spawnSync } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { basename, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { makeCertificate } from './certificate.mjs';
import { freePort, startProcess, tempDir, waitFor } from './process.mjs';

const shipped = fileURLToPath(new URL('../../nginx/', import.meta.url));

/// Starts nginx and returns `{dir, httpPort, httpsPort, certificate, errorLog(), accessLog(), stop()}`.
///
/// `render({dir, httpPort, httpsPort, certificate, certificateKey})` returns the text of the site, one or more
/// server{} blocks; `siteConf` is the same as a constant text. `plainSite` and `sampleSite` below help to write it.
/// `signatureSocket` and `successSocket` (default: the same) replace those of the shipped upstreams.
/// `enter` is a command that enters the network namespace in which nginx runs; the ports are that one's.
/// `machines`: workers are not behind unix sockets, but on ports 9000 and 9001 of these three addresses.
/// `modules` are names of nginx's loadable modules, without `.so`.
/// `origins` and `customHeaders` replace the two files which an operator edits. `http` is put into http{}, and `files`
/// maps further names below the directory to their text.
export async function startNginx(options) {
  const site = await layOut(options);
  const [command, ...before] = [...(options.enter ?? []), 'nginx'];
  const server = startProcess(command, [...before, '-p', site.dir, '-c', site.conf], { log: join(site.dir, 'stderr.log') });
  const log = (name) => () => (existsSync(join(site.dir, name)) ? readFileSync(join(site.dir, name), 'utf8') : '');
  const errorLog = log('error.log');
  // It writes its number when it listens, which cannot be tried from another network.
  const listens = () => (options.enter ? existsSync(join(site.dir, 'nginx.pid')) : isListening(site.httpsPort));
  await waitFor(() => server.ended() ?? listens(), { what: 'nginx listening' });
  if (server.ended()) throw new Error(`nginx did not start:\n${server.output()}${errorLog()}`);
  return {
    ...site, pid: server.pid, errorLog, accessLog: log('access.log'), stop: () => server.stop('SIGTERM'),
  };
}

/// `nginx -t` on the same layout; `{ok, output}`.
export async function checkNginx(options) {
  const site = await layOut(options);
  const { status, stderr } = spawnSync('nginx', ['-t', '-p', site.dir, '-c', site.conf], { encoding: 'utf8' });
  return { ok: status === 0, output: stderr };
}

/// What `nginx -T` prints for a layout that startNginx() or layOut() made.
export function dumpNginx({ dir, conf }) {
  const { status, stdout, stderr } = spawnSync('nginx', ['-T', '-q', '-p', dir, '-c', conf], { encoding: 'utf8' });
  if (status !== 0) throw new Error(stderr);
  return stdout;
}

/// A server{} on both ports with `body` inside.
export const plainSite = (body) => ({ httpPort, httpsPort, certificate, certificateKey }) => `
server {
    listen 127.0.0.1:${httpPort};
    listen 127.0.0.1:${httpsPort} ssl http2;
    server_name localhost;
    ssl_certificate ${certificate};
    ssl_certificate_key ${certificateKey};
    ${body}
}`;

/// The shipped sample `nginx/sites/<name>.conf` on the test's ports and in its directory.
/// `replace` holds further [from, to] pairs; each has to occur, so that no sample drifts away from its test.
export const sampleSite = (name, replace = []) => ({ dir, httpPort, httpsPort }) => replaceAll(
  readFileSync(join(shipped, 'sites', `${name}.conf`), 'utf8'), [
    [/listen 80;/g, `listen 127.0.0.1:${httpPort};`],
    [/listen 443 ssl/g, `listen 127.0.0.1:${httpsPort} ssl`],
    [/\/etc\/nginx\//g, `${dir}/`],
    ...replace,
  ]);

/// The files alone; what startNginx() returns of them.
export async function layOut({
  dir = tempDir(), render, siteConf, signatureSocket = join(dir, 'signature.sock'), successSocket = signatureSocket,
  origins, customHeaders, http = '', files = {}, workers = 1, connections = 512, machines, modules = [],
}) {
  for (const part of ['conf.d', 'snippets', 'blobvalet']) cpSync(join(shipped, part), join(dir, part), { recursive: true });
  for (const part of ['sites-enabled', 'tmp', 'tls']) mkdirSync(join(dir, part), { recursive: true });
  const site = {
    dir, conf: join(dir, 'nginx.conf'), ...certificateIn(join(dir, 'tls')),
    httpPort: await freePort(), httpsPort: await freePort(),
  };

  if (machines) useMachines(dir, machines);
  else edit(join(dir, 'conf.d/blobvalet.conf'), [
    [/\/run\/blobvalet(\/(?:\.\/)*)signature\.sock/g, spelling(signatureSocket)],
    [/\/run\/blobvalet(\/(?:\.\/)*)success\.sock/g, spelling(successSocket)],
  ]);
  edit(join(dir, 'snippets/blobvalet-script.conf'), [['/usr/share/blobvalet/', shipped]]);
  const own = {
    'nginx.conf': mainConf({ dir, http, workers, connections, modules }),
    'sites-enabled/site': siteConf ?? render(site),
    ...(origins && { 'blobvalet/origins.map': origins.map((origin) => `"${origin}" 1;\n`).join('') }),
    ...(customHeaders && { 'blobvalet/headers.map': `default "${customHeaders.join(', ')}";\n` }),
    ...files,
  };
  for (const [name, text] of Object.entries(own)) writeFileSync(join(dir, name), text);
  return site;
}

// As nginx/machines.conf and blobvalet/signature-timeouts.conf say.
function useMachines(dir, addresses) {
  edit(join(dir, 'conf.d/blobvalet.conf'), [[/^upstream blobvalet_[\s\S]*?^\}/gm, '']]);
  writeFileSync(join(dir, 'conf.d/blobvalet-machines.conf'), replaceAll(readFileSync(join(shipped, 'machines.conf'), 'utf8'),
    addresses.map((address, i) => [`10.0.0.${11 + i}:`, `${address}:`])));
  edit(join(dir, 'blobvalet/signature-timeouts.conf'), [[/^fastcgi_.*$/gm, ''], [/^### +/gm, '']]);
}

// What Debian's nginx.conf has, as far as it matters here, with every file below `dir`. Started by root,
// the workers stay root, because the sockets of a test belong to whoever runs it.
const mainConf = ({ dir, http, workers, connections, modules }) => `
${modules.map((name) => `load_module /usr/lib/nginx/modules/${name}.so;`).join('\n')}
user root;
daemon off;
pid ${dir}/nginx.pid;
error_log ${dir}/error.log info;
worker_processes ${workers};
events { worker_connections ${connections}; }
http {
    access_log ${dir}/access.log;
    client_body_temp_path ${dir}/tmp/body;
    fastcgi_temp_path ${dir}/tmp/fastcgi;
    proxy_temp_path ${dir}/tmp/proxy;
    scgi_temp_path ${dir}/tmp/scgi;
    uwsgi_temp_path ${dir}/tmp/uwsgi;
    include /etc/nginx/mime.types;
    default_type application/octet-stream;
    ${http}
    include conf.d/*.conf;
    include sites-enabled/*;
}
`;

// Named as the sample sites name it.
function certificateIn(dir) {
  const { file, keyFile } = makeCertificate({ dir, name: 'uploads.example.com' });
  return { certificate: file, certificateKey: keyFile };
}

// The upstreams name each socket in two ways, which have to stay two.
const spelling = (socket) => (_, separator) => `${dirname(socket)}${separator}${basename(socket)}`;

const edit = (file, pairs) => writeFileSync(file, replaceAll(readFileSync(file, 'utf8'), pairs));

function replaceAll(text, pairs) {
  return pairs.reduce((result, [from, to]) => {
    const replaced = result.replaceAll(from, to);
    if (replaced === result) throw new Error(`nothing to replace: ${from}`);
    return replaced;
  }, text);
}

function isListening(port) {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1');
    socket.once('connect', () => resolve(socket.destroy()));
    socket.once('error', () => resolve(null));
  });
}
