// The real daemon: whatever it has told a browser to be a success reaches the application, whoever dies meanwhile.
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { sleep, tempDir, waitFor } from '../lib/process.mjs';
import { startDaemons } from './daemon.mjs';
import { assertNothingLost, killUnderLoad } from './killing.mjs';
import { startRedis } from './redis.mjs';

const kWorkers = 3;

async function assertAllDelivered(daemons) {
  await waitFor(() => daemons.waiting() === 0, { timeoutMs: 60_000, intervalMs: 200, what: 'nothing waits any more' });
  assertNothingLost(daemons.stored(), daemons.delivered());
}

test('100 kills under load lose no event, in SQLite', async (t) => {
  const store = { type: 'sqlite', file: join(tempDir('blobvalet-events'), 'events.db') };
  const daemons = await startDaemons({ store, count: kWorkers });
  after(daemons.stop);
  await killUnderLoad(daemons, { kills: 100, count: kWorkers });
  await daemons.finish();
  await assertAllDelivered(daemons);
  t.diagnostic(`${daemons.stored().length} stored, ${daemons.delivered().length} deliveries`);
});

test('events that wait for an application which is down survive a full stop', async () => {
  const store = { type: 'sqlite', file: join(tempDir('blobvalet-events'), 'events.db') };
  const daemons = await startDaemons({ store, count: kWorkers });
  after(daemons.stop);
  daemons.application.down = true;
  await sleep(1_000);
  await daemons.finish();
  assert.ok(daemons.waiting() > 0, 'nothing waits');
  await daemons.restart();
  daemons.application.down = false;
  await assertAllDelivered(daemons);
});

// A leader that was killed is missed only when its lease ends, half a minute later.
test('workers that share a Redis lose no event when they are killed', async (t) => {
  const redis = await startRedis({ dir: tempDir('blobvalet-events') });
  after(() => redis.stop());
  const daemons = await startDaemons({ store: { type: 'redis', unix_socket: redis.socket }, count: 2 });
  after(daemons.stop);
  await waitFor(() => daemons.delivered().length > 10, { what: 'deliveries' });
  daemons.pids().forEach((pid) => process.kill(pid, 'SIGKILL'));
  await waitFor(() => daemons.stored().length > daemons.delivered().length + 10, { what: 'events that wait' });
  await daemons.finish();
  await assertAllDelivered(daemons);
  t.diagnostic(`${daemons.stored().length} stored, ${daemons.delivered().length} deliveries`);
});
