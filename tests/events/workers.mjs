// Workers that store events and deliver them, and what is known about every event.
import { readFileSync } from 'node:fs';
import { execFileSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { join } from 'node:path';
import { startProcess } from '../lib/process.mjs';

/// The binary under test: CTest names it, a developer gets the one of the `dev` preset.
export const workerBinary = process.env.BLOBVALET_EVENT_WORKER
  ?? fileURLToPath(new URL('../../build/dev/tests/events/event_worker', import.meta.url));

const maxBuffer = 1 << 28;

/// Starts `count` workers on one store, each of which is started again when it dies.
///   pids()       those that run
///   stored()     the ids of the events of which the store said that they are stored
///   delivered()  the ids in the order of their deliveries
///   waiting()    how many events the store holds
///   finish()     lets them store no more; they still deliver
/// An id is `<subject>-<number>`; the numbers of a subject begin with 1 and follow on each other.
export function startEventWorkers({ store, count, dir, threads = 3 }) {
  const journals = ['stored', 'delivered'].map((name) => join(dir, name));
  const workers = Array(count);
  let finished = false;
  let stopping = false;
  const start = (i) => {
    workers[i] = startProcess(workerBinary, ['work', store, `w${i}`, finished ? '0' : String(threads), ...journals],
      { log: join(dir, 'log') });
    workers[i].exited.then(() => stopping || start(i));
  };
  workers.fill(null).forEach((_, i) => start(i));

  return {
    pids: () => workers.filter((worker) => !worker.ended()).map(({ pid }) => pid),
    stored: () => read(journals[0]),
    delivered: () => read(journals[1]),
    waiting: () => linesOf(execFileSync(workerBinary, ['list-json', store], { encoding: 'utf8', maxBuffer })).length,
    // One that has just been started may die of the signal; the next one then stores nothing from the beginning.
    finish() {
      finished = true;
      workers.forEach(({ pid }) => process.kill(pid, 'SIGUSR1'));
    },
    async stop() {
      stopping = true;
      await Promise.all(workers.map((worker) => worker.stop()));
    },
  };
}

const linesOf = (text) => text.split('\n').filter(Boolean);

/// A journal that nobody has written to yet is empty.
function read(file) {
  try {
    return linesOf(readFileSync(file, 'utf8'));
  } catch {
    return [];
  }
}
