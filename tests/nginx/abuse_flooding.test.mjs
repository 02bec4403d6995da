// Names that all have one hash cost no more than any other names. Of what clients send, only the names of a callback's fields are
// kept in a container; queries are walked with a slot for each known name, and no client sends JSON. What is looked up in hash
// tables by a client's text (hosts, containers, rules) was put there by the configuration, and limits are kept by a keyed hash.
import assert from 'node:assert/strict';
import { afterEach, test } from 'node:test';
import { callback, kForm, startTarget } from './abuse.mjs';

const kFields = 3000;
const target = await startTarget({ success: { verify: { enabled: false }, max_fields: 4096 } });
afterEach(target.assertUnharmed);

// libstdc++'s std::hash is MurmurHash64A with a seed that everybody knows, and each step of it can be undone: whatever the
// first 8 bytes are, the next 8 can lead to the same state. Only those are taken that a form carries as they are.
const kMask = (1n << 64n) - 1n;
const kMultiplier = 0xc6a4a7935bd1e995n;
const kInverse = 0x5f7a0ea7e59b19bdn;
const kSeed = 0xc70f6907n;
const times = (a, b) => (a * b) & kMask;
const shiftMix = (value) => value ^ (value >> 47n);  // its own inverse
const afterLength = kSeed ^ times(16n, kMultiplier);

function collidingNames(count) {
  assert.equal(times(kMultiplier, kInverse), 1n);
  const names = [];
  const name = Buffer.alloc(16);
  for (let i = 0; names.length < count; i += 1) {
    name.write(i.toString(36).padStart(8, '_'));
    const block = times(shiftMix(times(name.readBigUInt64LE(0), kMultiplier)), kMultiplier);
    const state = times(afterLength ^ block, kMultiplier);
    const rest = times(shiftMix(times(state, kInverse)), kInverse);  // to state 0
    if ((rest & 0x8080808080808080n) !== 0n) continue;               // not ASCII
    name.writeBigUInt64LE(rest, 8);
    const text = name.toString('latin1');
    if (!/[\0%&+=[\]]/.test(text)) names.push(text);
  }
  return names;
}

const usualNames = (count) => Array.from({ length: count }, (_, i) => `field${String(i).padStart(11, '0')}`);
const formOf = (names, fields) => `${callback(fields)}&${names.join('&')}`;

/// The shortest of several, in ms.
async function costOf(body, status) {
  let best = Infinity;
  for (let round = 0; round < 9; round += 1) {
    const start = performance.now();
    const answer = await target.ask('/blobvalet/success', { method: 'POST', body, headers: { 'Content-Type': kForm } });
    best = Math.min(best, performance.now() - start);
    assert.equal(answer.status, status, answer.body);
  }
  return best;
}

test(`${kFields} names of one hash cost what as many others do`, async (t) => {
  const refused = { uuid: 'x' };  // once all names are read, and before anything is made of them
  const usual = await costOf(formOf(usualNames(kFields), refused), 400);
  const colliding = await costOf(formOf(collidingNames(kFields), refused), 400);
  t.diagnostic(`${usual.toFixed(1)} ms, and ${colliding.toFixed(1)} ms by one hash`);
  assert.ok(colliding < 3 * usual, `${colliding} ms against ${usual} ms`);
});

test('more names than the limit are not looked at', async (t) => {
  const few = await costOf(formOf(usualNames(kFields)), 200);
  const many = await costOf(formOf(Array.from({ length: 15_000 }, (_, i) => i.toString(36))), 413);
  t.diagnostic(`${few.toFixed(1)} ms, and ${many.toFixed(1)} ms for too many`);
  assert.ok(many < 3 * few, `${many} ms against ${few} ms`);
});
