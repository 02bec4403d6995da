// A slip in what a signature costs shows here, and on no clock: see instructions.mjs.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isReleased } from '../lib/pool.mjs';
import { kRule } from '../fcgi/support.mjs';
import { instructionsPerSignature } from './instructions.mjs';

// A twentieth above what was measured with g++ 12, OpenSSL 3.0 and libfcgi 2.4.2 of Debian 12 on x86-64; README says where
// they go.
const rows = [
  { name: 'without a line in the log', server: { access_log: false, audit_log: false }, most: 30_400 },
  { name: 'with one, as by default', server: {}, most: 46_900 },
];

const isMeasured = isReleased && process.arch === 'x64';

for (const { name, server, most } of rows) {
  test(`a signature ${name} takes at most ${most} instructions`, { skip: !isMeasured }, async (t) => {
    const instructions = await instructionsPerSignature({ server });
    t.diagnostic(`${Math.round(instructions)}`);
    assert.ok(instructions <= most, `${Math.round(instructions)}`);
    assert.ok(instructions > most / 2, `only ${Math.round(instructions)}: lower the bound`);
  });
}

test('ten thousand rules for the same container cost no more than one', { skip: !isMeasured }, async (t) => {
  const server = { access_log: false, audit_log: false };
  const others = Array.from({ length: 10_000 }, (_, i) => (
    { ...kRule, name: `site-${i}`, blobs: [`site-${i}/**`, `{user}/site-${i}/**`] }));
  const one = await instructionsPerSignature({ server }, 500);
  const many = await instructionsPerSignature({ server, rules: [...others, kRule] }, 500);
  t.diagnostic(`${Math.round(one)} and ${Math.round(many)}`);
  assert.ok(many < 1.1 * one, `${Math.round(one)} and ${Math.round(many)}`);
});
