// nginx with the shipped files in front of the echo responder, for one test file.
import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { after } from 'node:test';
import { startEcho } from '../lib/fcgi-echo.mjs';
import { request } from '../lib/http.mjs';
import { startNginx } from '../lib/nginx.mjs';
import { tempDir } from '../lib/process.mjs';

/// `{nginx, echo, ask(path, options), passed(path, options)}`, stopped when the file's tests are over.
/// `ask` sends one request; `passed` sends one and returns what arrived at the responder, or null.
export async function startStack(options) {
  const dir = tempDir();
  const echo = await startEcho({ socket: join(dir, 'signature.sock') });
  after(echo.stop);
  const nginx = await startNginx({ dir, ...options });
  after(nginx.stop);

  const ask = (path, more = {}) => request({ port: more.tls === false ? nginx.httpPort : nginx.httpsPort, path, ...more });
  const passed = async (path, more) => {
    const before = echo.requests.length;
    await ask(path, more);
    return echo.requests[before] ?? null;
  };
  return { dir, nginx, echo, ask, passed };
}

/// The CORS headers of an answer, without the prefix they all have.
export const corsOf = (answer) => Object.fromEntries(Object.entries(answer.headers)
  .filter(([name]) => name.startsWith('access-control-'))
  .map(([name, value]) => [name.slice('access-control-'.length), value]));

/// A password file for auth_basic, made as sites/auth_basic.conf says.
export const passwordFile = (users) => Object.entries(users)
  .map(([name, word]) => `${name}:${execFileSync('openssl', ['passwd', '-6', word])}`).join('');

/// What the sample sites expect in /etc/nginx besides the certificate.
export const sampleFiles = (users) => ({ 'blobvalet.htpasswd': passwordFile(users) });

export const basic = (user, password) => `Basic ${Buffer.from(`${user}:${password}`).toString('base64')}`;
