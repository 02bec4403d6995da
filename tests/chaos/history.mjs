// What held when: values that change while answers are under way.

/// Starts with `value`. `set(value)` changes it now; `during(from, to)` are all values of that time (ms since the epoch), and
/// those which ended a grace before, since workers take a moment to notice: `graceMs`, or what set() was given.
export function makeHistory(value, graceMs) {
  const steps = [{ at: 0, value, until: Infinity }];
  return {
    now: () => steps.at(-1).value,
    set(next, grace = graceMs) {
      const at = Date.now();
      steps.at(-1).until = at + grace;
      steps.push({ at, value: next, until: Infinity });
    },
    during: (from, to) => steps.filter(({ at, until }) => at <= to && until >= from).map((step) => step.value),
  };
}
