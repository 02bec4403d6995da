// That `tests/bench/signatures` measures what it says: every peer starts and signs as the SDK does, and nothing is left out. No
// time is asserted. And that its check of signatures refuses what is wrong.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { tempDir } from '../lib/process.mjs';
import { checkSignature, signedExample } from './stack.mjs';

const kCandidates = [
  'blobvalet, 1 worker', 'blobvalet, 2 workers', 'blobvalet, 3 workers', 'blobvalet, 4 workers', 'blobvalet, 1 worker, access log',
  'LuaJIT and OpenSSL in nginx', 'njs in nginx', 'Node.js alone', 'Express and the SDK', 'constant, same loop, 1 worker',
  'constant, 4 threads and Detach', 'constant, stock libfcgi, 4 workers', 'constant, nginx itself',
];
const kCells = 2;               // http and https
const kNumbers = 8;

test('a quick run has every candidate in every column, and checks signatures of each that signs', () => {
  const plot = join(tempDir(), 'plot.svg');
  const text = execFileSync(process.execPath, [
    fileURLToPath(new URL('signatures.mjs', import.meta.url)), '--quick', '--plot', plot,
  ], { encoding: 'utf8' });
  for (const title of kCandidates) {
    const rows = text.split('\n').filter((line) => line.startsWith(`  ${title}  `));
    assert.ok(rows.length >= kCells, `${title}: ${rows.length} rows`);
    for (const row of rows) {
      const numbers = row.slice(title.length + 2).match(/[\d.]+/g).map(Number);
      assert.equal(numbers.length, kNumbers, row);
      assert.ok(numbers.every(Number.isFinite) && numbers[0] > 0, row);
    }
  }
  const signers = 9;
  assert.match(text, new RegExp(`SDK's: ${signers * 20 * 2} before and after, ${signers * 5 * kCells} under load. Errors: 0`));
  assert.match(text, /light load, 1,000\/s/);
  assert.match(text, /300\/s with pauses/);
  const svg = readFileSync(plot, 'utf8');
  for (const title of kCandidates) assert.equal(svg.split(`>${title}<`).length - 1, 3, `${title} in the picture`);
});

const kBlob = 'alice/a b ü.jpg';
const kWrong = [
  ['another signature', (uri) => uri.replace(/sig=./, (it) => (it === 'sig=A' ? 'sig=B' : 'sig=A'))],
  ['none', (uri) => uri.replace(/&sig=[^&]*/, '')],
  ['another blob', (uri) => uri.replace('alice/', 'bob/')],
  ['more permissions', (uri) => uri.replace('sp=cw', 'sp=rcw')],
  ['another time', (uri) => uri.replace(/se=\d{4}/, 'se=2099')],
  ['without its protocol', (uri) => uri.replace('spr=https&', '')],
  ['one parameter more', (uri) => `${uri}&st=2020-01-01T00%3A00%3A00Z`],
];
test('the example is taken', () => checkSignature({ status: 200, body: signedExample(kBlob) }, kBlob));
for (const [name, change] of kWrong) {
  test(`refused: ${name}`, () => {
    const uri = signedExample(kBlob);
    assert.notEqual(change(uri), uri);
    assert.throws(() => checkSignature({ status: 200, body: change(uri) }, kBlob));
  });
}
test('refused: another status', () => {
  assert.throws(() => checkSignature({ status: 403, body: signedExample(kBlob) }, kBlob), /refused/);
});
