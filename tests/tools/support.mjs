// What suites about blobvalet's log share.
import { createHash } from 'node:crypto';
import { execFile } from 'node:child_process';
import { blobvaletBinary } from '../lib/pool.mjs';
import { assertNoSecret } from '../lib/secrets.mjs';

/// Runs a command with `stdin`; `{code, out, err}`. It throws if there is a secret or a signature in what it prints.
export function runTool(args, { stdin = '', env = {} } = {}) {
  return new Promise((resolve, reject) => {
    const options = { env: { ...process.env, ...env }, maxBuffer: 1 << 28, timeout: 60_000 };
    const child = execFile(blobvaletBinary, args, options, (error, out, err) => {
      try {
        assertNoSecret(out, `standard output of blobvalet ${args[0]}`);
        assertNoSecret(err, `standard error of blobvalet ${args[0]}`);
        resolve({ code: error ? error.code : 0, out, err });
      } catch (secret) {
        reject(secret);
      }
    });
    child.stdin.on('error', () => {});  // a command that does not read it may have ended
    child.stdin.end(stdin);
  });
}

/// By what Azure's log names the SAS of a URL: SHA-256 of the signature in base64.
export const hashOf = (uri) =>
  createHash('sha256').update(new URLSearchParams(uri.split('?')[1]).get('sig')).digest('hex');
