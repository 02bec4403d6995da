// Random choices that a seed repeats. Who does what when still depends on the machine; what is drawn does not.

/// A source of numbers in [0, 1) by mulberry32, with `int(n)`, `pick(list)` and `chance(p)`.
export function makeRandom(seed) {
  let state = seed >>> 0;
  const next = () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), state | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
  return {
    next,
    int: (n) => Math.floor(next() * n),
    pick: (list) => list[Math.floor(next() * list.length)],
    chance: (p) => next() < p,
    /// Another source, for somebody whose draws must not depend on ours.
    fork: () => makeRandom(Math.floor(next() * 2 ** 32)),
  };
}
