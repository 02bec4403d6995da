// That `tests/bench/gate` measures what it says: every candidate is in every table, and those in libfcgi's own threads do suffer
// from peers that the gate keeps off. No time is asserted.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';

const kGate = 'blobvalet: loop and gate';
const kThreads = 'the same, 4 threads and Detach';
const kProcesses = 'the same, 2 processes and Detach';
const kCandidates = [kGate, kThreads, kProcesses, 'constant: loop and gate', 'constant: 4 threads and Detach'];
const kNumbers = 8;

const text = execFileSync(process.execPath, [fileURLToPath(new URL('gate.mjs', import.meta.url)), '--quick'], { encoding: 'utf8' });
const [speed, harm] = text.split('Healthy requests meanwhile');

for (const title of kCandidates) {
  test(`${title}: has a figure in every column`, () => {
    const rows = speed.split('\n').filter((line) => line.startsWith(`  ${title}  `));
    assert.equal(rows.length, 1);
    const numbers = rows[0].slice(title.length + 2).match(/[\d.]+/g).map(Number);
    assert.equal(numbers.length, kNumbers, rows[0]);
    assert.ok(numbers.every((it) => Number.isFinite(it) && it >= 0) && numbers[0] > 0, rows[0]);
  });
}

/// `[statuses, ms, deaths]` of a candidate, as printed below the title of what harms it.
function outcome(harmful, title) {
  const [, below] = harm.split(`${harmful}\n`);
  const line = below.split('\n').find((it) => it.startsWith(`  ${title}  `));
  return line.slice(title.length + 2).trim().split(/\s{2,}/);
}
const kOutcomes = [
  ['64 half-sent requests', kGate, '200', '0'],
  ['64 half-sent requests', kThreads, '503', '0'],
  ['64 half-sent requests', kProcesses, '503', '0'],
  ['a length beyond 2^31', kGate, '200', '0'],
  ['a length beyond 2^31', kThreads, '200', '1'],
  ['a length beyond 2^31', kProcesses, '200', '1'],
];
for (const [harmful, title, status, deaths] of kOutcomes) {
  test(`${harmful}, ${title}: status ${status}, ${deaths} dead`, () => {
    const [statuses, , dead] = outcome(harmful, title);
    assert.deepEqual([statuses, dead], [status, deaths]);
  });
}
