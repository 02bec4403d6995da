// A pool of workers as an operator runs it without systemd: spawn-fcgi, multiwatch, blobvalet.
import { existsSync, readFileSync, readdirSync, readlinkSync } from 'node:fs';
import { constants } from 'node:os';
import { fileURLToPath } from 'node:url';
import { join } from 'node:path';
import { startProcess, tempDir, waitFor } from './process.mjs';
import { findSecretInFile, refuse } from './secrets.mjs';

/// The binary under test: CTest names it, a developer gets the one of the `dev` preset.
export const blobvaletBinary = process.env.BLOBVALET_BINARY
  ?? fileURLToPath(new URL('../../build/dev/fcgi/blobvalet', import.meta.url));

/// Whether it is the one of the `release` preset. What is measured of another says nothing of the program that people get.
export const isReleased = /build\/release\//.test(blobvaletBinary);

/// ThreadSanitizer makes everything much slower, which deadlines of a test have to allow for.
export const isThreadSanitized = /build\/tsan\//.test(blobvaletBinary);

/// Starts `workers` processes that share one socket; `{socket, pid, pids(), output(), stop()}`. With `tcp` (`{address, port}`) it is a
/// TCP socket. `enter` is a command that enters the network namespace in which the pool runs, and `enterWorker` one for each
/// worker, which has its listening socket by then.
/// `config` is the path of the configuration file, `args` are further arguments of `serve`. `pids()` are the workers alive right now.
export async function startPool({
  binary = blobvaletBinary, config, workers = 2, dir = tempDir(), name = 'signature', args = [], env = {},
  tcp, enter = [], enterWorker = [],
}) {
  if (!existsSync(binary)) throw new Error(`no binary at ${binary}: build it or set BLOBVALET_BINARY`);
  const socket = join(dir, `${name}.sock`);
  const log = join(dir, `${name}.log`);
  const [command, ...before] = [...enter, 'spawn-fcgi'];
  const pool = startProcess(command, [
    ...before, ...(tcp ? ['-a', tcp.address, '-p', String(tcp.port), '-b', '4096'] : ['-s', socket, '-M', '0660']), '-n', '--',
    // By default multiwatch gives up on a worker that died three times within ten seconds.
    '/usr/bin/multiwatch', '-f', String(workers), '-r', '2147483647', '-t', '1000', '--',
    ...enterWorker, binary, 'serve', '--config', config, ...args,
  ], { env, log });

  const pids = () => childrenOf(pool.pid).filter(isRunning(binary));
  const stop = async () => {
    const listener = stdinOf(pool.pid);
    await Promise.all([pool.stop(), stopWorkers(pool, listener)]);
    refuse(findSecretInFile(log), log);  // workers may outlive multiwatch
  };
  await waitFor(() => pool.ended() ?? ((tcp || existsSync(socket)) && pids().length === workers), { what: `${workers} workers` })
    .catch(async (error) => {
      await stop();
      throw new Error(`${error.message}\n${pool.output()}`);
    });
  if (pool.ended()) throw new Error(`the pool did not start:\n${pool.output()}`);
  return { socket, pid: pool.pid, pids, output: pool.output, stop };
}

// multiwatch may start one more worker while it is told to stop, and would then wait for it for ever. Whoever has the
// pool's listening socket as fd 0 is a worker; it is told again and again, since a signal between fork and exec is lost.
async function stopWorkers(pool, listener) {
  if (!listener.startsWith('socket:')) return;
  const workers = () => readdirSync('/proc').map(Number)
    .filter((pid) => pid && pid !== pool.pid && stdinOf(pid) === listener);
  const stopAll = (signal) => waitFor(() => {
    const pids = workers();
    pids.forEach((pid) => process.kill(pid, signal));
    return pids.length === 0 && pool.ended();
  }, { what: `the pool ended by ${signal}` });
  await stopAll('SIGTERM').catch(() => stopAll('SIGKILL'));
}

const childrenOf = (pid) => readProc(pid, `task/${pid}/children`).split(' ').filter(Boolean).map(Number);

// A child that has been forked but does not run the binary yet is no worker yet, nor is one that a SIGHUP would end: a worker
// blocks it, to read it as a message, and what stands for one in another sandbox catches it.
const isRunning = (binary) => (pid) => (
  readProc(pid, 'cmdline').startsWith(`${binary}\0`) && ['SigBlk', 'SigCgt'].some((mask) => isIn(pid, mask, constants.signals.SIGHUP)));

// Whether the signal is in that set of the process, proc(5).
function isIn(pid, mask, signal) {
  const signals = new RegExp(`^${mask}:\t([0-9a-f]+)$`, 'm').exec(readProc(pid, 'status'))?.[1] ?? '0';
  return (BigInt(`0x${signals}`) >> BigInt(signal - 1)) % 2n === 1n;
}

// Both are empty once the process is gone.
const readProc = (pid, name) => orEmpty(() => readFileSync(`/proc/${pid}/${name}`, 'utf8'));
const stdinOf = (pid) => orEmpty(() => readlinkSync(`/proc/${pid}/fd/0`));

function orEmpty(read) {
  try {
    return read();
  } catch {
    return '';
  }
}
