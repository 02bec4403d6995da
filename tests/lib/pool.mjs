// A pool of workers as an operator runs it without systemd: spawn-fcgi, multiwatch, blobvalet.
import { readFileSync, existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { join } from 'node:path';
import { startProcess, tempDir, waitFor } from './process.mjs';

/// The binary under test: CTest names it, a developer gets the one of the `dev` preset.
export const blobvaletBinary = process.env.BLOBVALET_BINARY
  ?? fileURLToPath(new URL('../../build/dev/fcgi/blobvalet', import.meta.url));

/// Starts `workers` processes that share one socket; `{socket, pid, pids(), output(), stop()}`.
/// `config` is the path of the configuration file. `pids()` are the workers alive right now.
export async function startPool({
  binary = blobvaletBinary, config, workers = 2, dir = tempDir(), name = 'signature', env = {},
}) {
  if (!existsSync(binary)) throw new Error(`no binary at ${binary}: build it or set BLOBVALET_BINARY`);
  const socket = join(dir, `${name}.sock`);
  const pool = startProcess('spawn-fcgi', [
    '-s', socket, '-M', '0660', '-n', '--',
    // By default multiwatch gives up on a worker that died three times within ten seconds.
    '/usr/bin/multiwatch', '-f', String(workers), '-s', 'TERM', '-r', '2147483647', '-t', '1000', '--',
    binary, 'serve', '--config', config,
  ], { env, log: join(dir, `${name}.log`) });

  const pids = () => childrenOf(pool.pid).filter(isRunning(binary));
  await waitFor(() => existsSync(socket) && pids().length === workers,
    { what: `${workers} workers on ${socket}` }).catch((error) => fail(pool, error));
  return { socket, pid: pool.pid, pids, output: pool.output, stop: pool.stop };
}

function childrenOf(pid) {
  return readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').split(' ').filter(Boolean).map(Number);
}

// A child that has been forked but does not run the binary yet is no worker yet.
const isRunning = (binary) => (pid) => {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8').startsWith(`${binary}\0`);
  } catch {
    return false;
  }
};

async function fail(pool, error) {
  await pool.stop();
  throw new Error(`${error.message}\n${pool.output()}`);
}
