// Where no systemd watches, a timer of the kernel's ends a worker that stands still. It does not run while there is nothing to do.
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { test } from 'node:test';
import { ask, connect, requestRecords } from '../lib/fcgi-client.mjs';
import { isThreadSanitized } from '../lib/pool.mjs';
import { sleep, startProcess, waitFor } from '../lib/process.mjs';
import { signature, startWorker } from './support.mjs';

const kLimitMs = 4000;                  // of a worker that only signs
const kRestsAfterMs = kLimitMs / 4;     // when a sign of life would be due

/// How often threads of the process have gone to sleep by themselves.
const sleeps = (pid) => readdirSync(`/proc/${pid}/task`)
  .map((task) => /^voluntary_ctxt_switches:\s*(\d+)/m.exec(readFileSync(`/proc/${pid}/task/${task}/status`, 'utf8'))[1])
  .reduce((sum, count) => sum + Number(count), 0);

async function withRestingWorker(body) {
  const worker = await startWorker({ args: ['--signatures-only'] });
  try {
    assert.equal((await ask(worker.socket, signature())).status, 200);
    await sleep(kRestsAfterMs + 2000);
    await body(worker);
  } finally {
    await worker.stop();
  }
}

// ThreadSanitizer's own thread wakes ten times a second.
test('a worker with nothing to do does not wake', { skip: isThreadSanitized }, () => withRestingWorker(async (worker) => {
  const before = sleeps(worker.pid);
  await sleep(kLimitMs + 1000);
  assert.equal(sleeps(worker.pid), before);
  assert.equal((await ask(worker.socket, signature())).status, 200);
  assert.ok(sleeps(worker.pid) > before);
}));

// A debugger stops it where it looks at the request, and makes it stand still.
test('one that stands still with the first request after a rest is ended', () => withRestingWorker(async (worker) => {
  const debug = startProcess('gdb', ['--batch', `--pid=${worker.pid}`,
    ...['handle SIGALRM nostop noprint pass', 'break recv', 'echo ready\\n', 'continue', 'call (unsigned)sleep(60)']
      .map((command) => `--eval-command=${command}`)]);
  try {
    await waitFor(() => /^ready$/m.test(debug.output()), { what: 'the debugger' });
    await sleep(500);
    const connection = await connect(worker.socket);
    connection.send(requestRecords(signature()));
    const startedAt = performance.now();
    await waitFor(() => worker.ended(), { timeoutMs: 3 * kLimitMs, what: 'the end of the worker' });
    assert.equal(worker.ended().signal, 'SIGALRM');
    assert.ok(performance.now() - startedAt > kLimitMs / 2);
    connection.close();
  } finally {
    await debug.stop();
  }
}));
