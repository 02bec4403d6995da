// An event that the store has taken is delivered at least once, and in order, however often its workers are killed.
import { join } from 'node:path';
import { test } from 'node:test';
import assert from 'node:assert/strict';
import { tempDir, waitFor } from '../lib/process.mjs';
import { assertNothingLost, killUnderLoad } from './killing.mjs';
import { startRedis } from './redis.mjs';
import { startEventWorkers } from './workers.mjs';

async function survive({ store, count, kills, dir, least, pauseMs, t }) {
  const workers = startEventWorkers({ store, count, dir });
  try {
    await killUnderLoad(workers, { kills, count, pauseMs });
    workers.finish();
    await waitFor(() => workers.waiting() === 0, { timeoutMs: 30_000, intervalMs: 200, what: 'all delivered' });
  } finally {
    await workers.stop();
  }
  const [stored, delivered] = [workers.stored(), workers.delivered()];
  assert.ok(stored.length >= least, `only ${stored.length} events were stored`);
  assertNothingLost(stored, delivered);
  const repeated = delivered.length - new Set(delivered).size;
  t.diagnostic(`${kills} kills, ${stored.length} events stored, ${delivered.length} deliveries, ${repeated} repeated`);
}

test('the check finds what it looks for', () => {
  const rows = [
    { name: 'none', stored: [], delivered: [] },
    { name: 'in order', stored: ['a-1', 'a-2'], delivered: ['a-1', 'a-2'] },
    { name: 'two subjects', stored: ['a-1', 'b-1'], delivered: ['b-1', 'a-1'] },
    { name: 'repeated', stored: ['a-1', 'a-2'], delivered: ['a-1', 'a-1', 'a-2'] },
    { name: 'stored although nobody was told so', stored: ['a-1'], delivered: ['a-1', 'a-2'] },
    { name: 'lost at the end', stored: ['a-1', 'a-2'], delivered: ['a-1'], fault: /never delivered/ },
    { name: 'lost', stored: ['a-1', 'a-2'], delivered: ['a-2'], fault: /never delivered/ },
    { name: 'overtaken', stored: ['a-1', 'a-2'], delivered: ['a-2', 'a-1'], fault: /out of order/ },
    { name: 'left out', stored: ['a-1', 'a-3'], delivered: ['a-1', 'a-3'], fault: /out of order/ },
    { name: 'repeated too late', stored: ['a-1', 'a-2'], delivered: ['a-1', 'a-2', 'a-1'], fault: /out of order/ },
  ];
  for (const { name, stored, delivered, fault } of rows) {
    const check = () => assertNothingLost(stored, delivered);
    if (fault) assert.throws(check, fault, name);
    else check();
  }
});

test('SQLite: three workers, 100 kills', { timeout: 120_000 }, async (t) => {
  const dir = tempDir();
  await survive({ store: join(dir, 'events.db'), count: 3, kills: 100, dir, least: 1000, pauseMs: 50, t });
});

test('Redis: two machines, either may die', { timeout: 120_000 }, async (t) => {
  const dir = tempDir();
  const redis = await startRedis({ dir });
  try {
    await survive({ store: `redis:${redis.socket}`, count: 2, kills: 10, dir, least: 500, pauseMs: 100, t });
  } finally {
    await redis.stop();
  }
});
