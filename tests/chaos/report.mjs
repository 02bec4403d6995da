// What a run says at its end.

/// The report as text: counters, faults with the errors that were answered meanwhile, violations.
export function describe({ seed, minutes, tally, faults, workers, violations }) {
  const width = Math.max(...Object.keys(tally).map((name) => name.length));
  return [
    `chaos: ${minutes.toFixed(1)} minutes, seed ${seed}`, '',
    ...Object.entries(tally).sort(([a], [b]) => (a < b ? -1 : 1)).map(([name, n]) => `  ${name.padEnd(width)}  ${n}`), '',
    ...Object.entries(faults).map(([name, { times, worstRecoveryMs, errors }]) => (
      `  ${name.padEnd(22)} ${String(times).padStart(3)} times, recovered within ${worstRecoveryMs} ms; ${describeErrors(errors)}`)), '',
    `  workers: at most ${workers.peak.rssKb} kB RSS, ${workers.peak.descriptors} descriptors; at the end ${
      workers.now.map(({ rssKb, descriptors }) => `${rssKb} kB/${descriptors}`).join(' ')}`,
    ...violations.map((it) => `  VIOLATION ${JSON.stringify(it)}`),
  ].join('\n');
}

const describeErrors = (errors) => Object.entries(errors).map(([pair, n]) => `${pair}: ${n}`).join(', ') || 'no error';

/// Per kind of fault: how often, the slowest recovery, and the errors that were answered while it lasted. A policy's refusals are
/// among them, since the load asks for what it may not have all the time.
export function summarize(timeline, errors, kinds) {
  return Object.fromEntries([...kinds, 'no fault'].map((name) => {
    const own = timeline.filter(({ faults }) => faults.includes(name));
    return [name, {
      times: own.length, worstRecoveryMs: Math.max(0, ...own.map(({ recoveryMs }) => recoveryMs ?? Infinity)), errors: errors[name] ?? {},
    }];
  }));
}
