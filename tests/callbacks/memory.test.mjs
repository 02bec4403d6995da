// A worker that may not have more memory, and so no more threads.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { slow } from '../lib/stub-server.mjs';
import { accepted, startCallbackSite, unavailable, verdictOf } from './support.mjs';

const kMargin = 6 << 20;       // less than the stack of a thread, more than callbacks take
const kCallbacks = 12;

const sizeOf = (pid) => Number(/^VmSize:\s+(\d+) kB/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))[1]) * 1024;
const limit = (pid, bytes) => execFileSync('prlimit', ['--pid', String(pid), `--as=${bytes}:`]);

test('a worker that can start no thread answers with those it has, and goes on', async () => {
  const site = await startCallbackSite();
  try {
    assert.deepEqual(verdictOf(await site.call()), accepted());      // one thread is there
    site.azure.fault = slow(300);
    limit(site.pid, sizeOf(site.pid) + kMargin);
    const answers = await Promise.all(Array.from({ length: kCallbacks }, () => site.call()));
    const verdicts = answers.map(verdictOf);
    for (const verdict of verdicts) assert.deepEqual(verdict, verdict.status === 200 ? accepted() : unavailable('busy'));
    assert.ok(verdicts.some(({ status }) => status === 200));
    assert.ok(verdicts.some(({ status }) => status === 503), 'threads could be started');
    assert.equal(site.ended(), null);
    limit(site.pid, 'unlimited');
    site.azure.fault = null;
    assert.deepEqual(verdictOf(await site.call()), accepted());
  } finally {
    await site.stop();
  }
});
