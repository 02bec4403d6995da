// What held when: values that change while answers are under way.

/// Starts with `value`. `set(value)` changes it now; `during(from, to)` are all values of that time (ms since the epoch), and
/// those which ended less than `graceMs` before, since workers take a moment to notice.
export function makeHistory(value, graceMs) {
  const steps = [{ at: 0, value }];
  return {
    now: () => steps.at(-1).value,
    set: (next) => { steps.push({ at: Date.now(), value: next }); },
    during: (from, to) => steps.filter(({ at }, i) => at <= to && (steps[i + 1]?.at ?? Infinity) + graceMs >= from)
      .map((step) => step.value),
  };
}
