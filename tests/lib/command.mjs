// blobvalet's commands, as an operator types them.
import { spawnSync } from 'node:child_process';
import { blobvaletBinary } from './pool.mjs';
import { assertNoSecret } from './secrets.mjs';

/// Runs the program to its end; `{code, out, err}`. It throws if there is a secret in what it prints; a signature may be in
/// what `sign` prints when it succeeds, that is what it is for.
export function runBlobvalet(args, { env = {}, stdin = 'ignore', maxBuffer, binary = blobvaletBinary } = {}) {
  const { status, stdout, stderr, error } = spawnSync(binary, args, {
    encoding: 'utf8', timeout: 10_000, maxBuffer, env: { ...process.env, ...env }, stdio: [stdin, 'pipe', 'pipe'],
  });
  if (error) throw error;
  const where = `blobvalet ${args[0] ?? ''}`;
  assertNoSecret(stdout, `standard output of ${where}`, { signatures: args[0] === 'sign' && status === 0 });
  assertNoSecret(stderr, `standard error of ${where}`);
  return { code: status, out: stdout, err: stderr };
}
