// blobvalet's commands, as an operator types them.
import { spawn, spawnSync } from 'node:child_process';
import { blobvaletBinary } from './pool.mjs';
import { assertNoSecret } from './secrets.mjs';

/// Runs the program to its end; `{code, out, err}`. It throws if there is a secret in what it prints; a signature may be in
/// what `sign` prints when it succeeds, that is what it is for.
export function runBlobvalet(args, { env = {}, stdin = 'ignore', maxBuffer, binary = blobvaletBinary } = {}) {
  const { status, stdout, stderr, error } = spawnSync(binary, args, {
    encoding: 'utf8', timeout: 10_000, maxBuffer, env: { ...process.env, ...env }, stdio: [stdin, 'pipe', 'pipe'],
  });
  if (error) throw error;
  return checked(args, { code: status, out: stdout, err: stderr });
}

/// The same while this process goes on, for what it has to answer meanwhile; a promise.
export function runBlobvaletBeside(args, { env = {}, timeoutMs = 60_000, binary = blobvaletBinary } = {}) {
  return new Promise((resolve, reject) => {
    const child = spawn(binary, args, { env: { ...process.env, ...env }, stdio: ['ignore', 'pipe', 'pipe'], timeout: timeoutMs });
    const printed = { out: '', err: '' };
    child.stdout.setEncoding('utf8').on('data', (text) => { printed.out += text; });
    child.stderr.setEncoding('utf8').on('data', (text) => { printed.err += text; });
    child.once('error', reject);
    child.once('close', (code) => {
      try {
        resolve(checked(args, { code, ...printed }));
      } catch (error) {
        reject(error);
      }
    });
  });
}

function checked(args, { code, out, err }) {
  const where = `blobvalet ${args[0] ?? ''}`;
  assertNoSecret(out, `standard output of ${where}`, { signatures: args[0] === 'sign' && code === 0 });
  assertNoSecret(err, `standard error of ${where}`);
  return { code, out, err };
}
