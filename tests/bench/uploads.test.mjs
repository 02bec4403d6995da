// That `tests/bench/uploads` counts what it says, by a small run: real uploads, by each page, through each signer. No time is asserted.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { before, describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';

const here = (name) => fileURLToPath(new URL(name, import.meta.url));
const kParts = 3;
const kFiles = 2;
const kSigners = ['blobvalet', 'LuaJIT and OpenSSL in nginx', 'njs in nginx', 'Node.js alone', 'Express and the SDK'];
const hasHelper = existsSync(process.env.BENCH_HELPER ?? here('../../nginx/blobvalet.js'));

describe('a small run', () => {
  let rows;
  before(() => {
    const text = execFileSync(process.execPath, [
      here('uploads.mjs'), '--bytes', '9000000', '--files', String(kFiles), '--rounds', '1',
    ], { encoding: 'utf8' });
    rows = text.trim().split('\n').slice(1).map((line) => {
      const [title, signatures, preflights, cpu, , , seconds] = line.split(/ {2,}/);
      return { title, signatures: Number(signatures), preflights: Number(preflights), cpu: Number(cpu), seconds: Number(seconds) };
    });
  });
  const rowOf = (...words) => {
    const found = rows.filter(({ title }) => words.every((word) => title.includes(word)));
    assert.equal(found.length, 1, `${words}: ${found.length} rows`);
    assert.ok(found[0].cpu > 0 && found[0].seconds >= 0, JSON.stringify(found[0]));
    return found[0];
  };
  const counts = ({ signatures, preflights }) => ({ signatures, preflights });

  for (const signer of kSigners) {
    it(`stock page, ${signer}: one signature for each part, and one for their list`, () => {
      const row = rowOf('1 file of', 'same site', 'stock page', `, ${signer}`);
      assert.deepEqual(counts(row), { signatures: kParts + 1, preflights: 0 });
    });
  }
  it('stock page on another site: as many preflights', () => {
    assert.deepEqual(counts(rowOf('1 file of', 'another site', 'stock')), { signatures: kParts + 1, preflights: kParts + 1 });
  });
  it('stock page, small files: one signature for each', () => {
    assert.deepEqual(counts(rowOf(`${kFiles} files of`, 'same site', 'stock')), { signatures: kFiles, preflights: 0 });
  });
  it('blobvalet.js: one signature for the file', { skip: !hasHelper && 'there is no blobvalet.js' }, () => {
    assert.deepEqual(counts(rowOf('1 file of', 'same site', 'blobvalet.js')), { signatures: 1, preflights: 0 });
    assert.deepEqual(counts(rowOf('1 file of', 'another site', 'blobvalet.js')), { signatures: 1, preflights: 1 });
    assert.deepEqual(counts(rowOf(`${kFiles} files of`, 'same site', 'blobvalet.js')), { signatures: kFiles, preflights: 0 });
  });
});
