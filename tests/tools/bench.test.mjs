// `blobvalet bench`: that it measures signatures and says what is in its figures; how large they are is the machine's.
import assert from 'node:assert/strict';
import { cpus } from 'node:os';
import { test } from 'node:test';
import { kRule, siteConfig, writeSite } from '../fcgi/support.mjs';
import { runBlobvalet as run } from '../lib/command.mjs';

const bench = (...args) => run(['bench', '--seconds', '0.2', ...args]);

function assertFigure({ threads, signatures_per_second: median, lowest, highest, ns_per_signature: ns }, cores) {
  assert.equal(threads, cores);
  assert.ok(lowest > 0 && lowest <= median && median <= highest);
  assert.ok(Math.abs(ns - 1e9 * threads / median) <= ns / 100 + 1, `${ns} ns at ${median}/s`);
}

test('--json: one core and all, by the configuration', () => {
  const site = writeSite(siteConfig({ rules: [{ ...kRule, methods: ['DELETE'], name: 'first' }, kRule] }));
  const { code, out, err } = bench('--config', site.file, '--json');
  assert.deepEqual([code, err], [0, '']);
  const { configuration, scope, rounds, one_core: one, all_cores: all } = JSON.parse(out);
  assert.equal(configuration, `rule own-folder of ${site.file}`);
  assert.match(scope, /Not in it: nginx/);
  assert.equal(rounds, 5);
  assertFigure(one, 1);
  assertFigure(all, cpus().length);
});

test('as text, of the sample: figures, and what is not in them', () => {
  const { code, out } = bench('--sample', '--config', '/nonexistent/blobvalet.json');
  assert.equal(code, 0);
  assert.match(out, /^Signing for the built-in sample\none core +\d+ signatures\/s +\d+ ns each .*\nall: \d+ cores? +\d+ signatures\/s /);
  assert.match(out, /Not in it: nginx, TLS, FastCGI and the log/);
});

const refused = [
  ['a rule for others only', siteConfig({ rules: [{ ...kRule, blobs: ['{tenant}/**'] }] }), 3, /^rules: none lets/],
  ['deletes alone', siteConfig({ rules: [{ ...kRule, methods: ['DELETE'] }] }), 3, /^rules: none lets/],
  ['a faulty configuration', '{', 4, /./],
];
for (const [what, config, expected, reason] of refused) {
  test(`exit code ${expected}: ${what}`, () => {
    const { code, out, err } = bench('--config', writeSite(config).file);
    assert.deepEqual([code, out], [expected, '']);
    assert.match(err, reason);
  });
}

test('exit code 2: no time at all', () => assert.equal(run(['bench', '--seconds', '0']).code, 2));
