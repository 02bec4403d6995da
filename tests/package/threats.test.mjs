// README says of each threat which test holds it; those tests are there.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, test } from 'node:test';

const root = fileURLToPath(new URL('../../', import.meta.url));
const [, section] = /^### Threats\n([^]*?)^## /m.exec(readFileSync(`${root}README.md`, 'utf8'));
const rows = section.split('\n').filter((line) => line.startsWith('| ')).slice(1)
  .map((line) => line.split('|').slice(1, -1).map((cell) => cell.trim()));

test('each threat has a row of four cells', () => {
  assert.ok(rows.length > 15, `${rows.length} rows`);
  for (const row of rows) assert.ok(row.length === 4 && row.every(Boolean), row[0]);
});

describe('the test that holds it', () => {
  for (const [threat, , , held] of rows) {
    test(threat, () => {
      const [, file, name] = /^`(tests\/[^`]+)`: (.+)$/.exec(held);
      const source = readFileSync(`${root}${file}`, 'utf8');
      const titles = /\.cpp$/.test(file)
        ? [...source.matchAll(/BOOST_AUTO_TEST_CASE\((\w+)/g)] : [...source.matchAll(/\btest\(['`](.*?)['`],/g)];
      assert.ok(titles.some(([, title]) => title === name || title.startsWith(`${name}: \${`)), `${file} has no "${name}"`);
    });
  }
});
