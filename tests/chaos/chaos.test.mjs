// A short run of tests/chaos/run, whose seed draws each kind of fault.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { runChaos } from './chaos.mjs';
import { describe } from './report.mjs';
import { whyNoFakeTime } from '../lib/faketime.mjs';

test('a minute of chaos breaks no invariant', { skip: whyNoFakeTime() || false, timeout: 280_000 }, async (t) => {
  const report = await runChaos({ minutes: 1, seed: 6, log: (line) => t.diagnostic(line) });
  t.diagnostic(describe(report));
  assert.deepEqual(report.violations, []);
  for (const name of ['uploads verified byte for byte', 'signatures: verified', 'signatures: refused by policy', 'callbacks accepted']) {
    assert.ok(report.tally[name] > 0, name);
  }
});
