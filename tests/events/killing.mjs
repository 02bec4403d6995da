// Kills workers under load, and then asks whether an event got lost. What the workers are, `workers` says: see
// startEventWorkers() in workers.mjs.
import assert from 'node:assert/strict';
import { sleep, waitFor } from '../lib/process.mjs';

const pick = (list) => list[Math.floor(Math.random() * list.length)];

/// Kills `kills` times with SIGKILL: one worker, and each tenth time all at once. Between any two kills events have to
/// be stored and delivered.
export async function killUnderLoad(workers, { kills, count, pauseMs = 100 }) {
  for (let killed = 0; killed < kills; ++killed) {
    const [stored, delivered] = [workers.stored().length, workers.delivered().length];
    await waitFor(() => workers.pids().length === count && workers.stored().length > stored
      && workers.delivered().length > delivered, { timeoutMs: 20_000, what: `stored and delivered after ${killed} kills` });
    await sleep(Math.random() * pauseMs);
    const victims = killed % 10 === 9 ? workers.pids() : [pick(workers.pids())];
    victims.forEach((pid) => process.kill(pid, 'SIGKILL'));
    await waitFor(() => !victims.some((pid) => workers.pids().includes(pid)), { what: 'the killed are gone' });
  }
  await waitFor(() => workers.pids().length === count, { what: 'all workers run again' });
}

/// Everything that was stored has been delivered, and no event of a subject before an older one.
export function assertNothingLost(stored, delivered) {
  const seen = new Set(delivered);
  assert.deepEqual(stored.filter((id) => !seen.has(id)), [], 'stored but never delivered');
  assert.deepEqual(overtakers(delivered), [], 'delivered out of order');
}

/// The deliveries that are neither a repetition of their subject's latest one nor the next one.
function overtakers(delivered) {
  const latest = new Map();
  return delivered.filter((id) => {
    const [, subject, number] = /^(.*)-(\d+)$/.exec(id);
    const before = latest.get(subject) ?? 0;
    latest.set(subject, Math.max(before, Number(number)));
    return Number(number) !== before && Number(number) !== before + 1;
  });
}
