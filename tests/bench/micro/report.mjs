// Prints what `micro` measured: medians of its repetitions, and the ratios that have a goal as medians of the ratios within
// repetitions, which other work on the machine disturbs least. Times are the processor's.
import { readFileSync } from 'node:fs';
import { median } from '../median.mjs';

/// The ratios, and what they are to be below; without a goal it is for information.
const kRatios = [
  { of: 'sign/grant_to_uri', to: 'sign/openssl_hmac', goal: 1.5 },
  { of: 'sign/request_to_uri', to: 'sign/openssl_hmac' },
  { of: 'sign/query_to_uri', to: 'sign/openssl_hmac' },
  { of: 'policy/rules/10000', to: 'policy/rules/1', goal: 2 },
  { of: 'policy/accounts/1000', to: 'policy/accounts/1', goal: 2 },
  { of: 'policy/endpoints_one_origin/1000', to: 'policy/endpoints_one_origin/1', goal: 2 },
  { of: 'policy/containers/10000', to: 'policy/containers/1', goal: 2 },
  { of: 'policy/admit/10000', to: 'policy/admit/1', goal: 2 },
  { of: 'policy/list_rules/10000', to: 'policy/list_rules/1' },
  { of: 'policy/globs/10000', to: 'policy/globs/1' },
];

const kNanoseconds = { ns: 1, us: 1e3, ms: 1e6, s: 1e9 };

/// `{name: [{nanoseconds, allocs, bytes}, ...]}`, one for each repetition, in their order.
function repetitionsOf(report) {
  const all = {};
  for (const run of report.benchmarks.filter(({ run_type: type }) => type === 'iteration')) {
    (all[run.run_name] ??= [])[run.repetition_index] = {
      nanoseconds: run.cpu_time * kNanoseconds[run.time_unit], allocs: run.allocs, bytes: run.bytes,
    };
  }
  return all;
}

/// `{ratio, holds}` of two benchmarks in `all`; nothing if one of them was not run. Without a goal it holds.
function ratioOf(all, { of, to, goal = Infinity }) {
  if (!all[of] || !all[to]) return undefined;
  const ratio = median(all[of].map(({ nanoseconds }, i) => nanoseconds / all[to][i].nanoseconds));
  return { ratio, holds: ratio <= goal };
}

function print(all) {
  const kWidths = [34, 14, 10, 12];
  const row = (cells) => console.log(cells.map((it, i) => (i === 0 ? it.padEnd(kWidths[i]) : it.padStart(kWidths[i]))).join(''));
  row(['', 'ns', 'allocs', 'bytes']);
  for (const [name, runs] of Object.entries(all).sort(([one], [other]) => one.localeCompare(other, 'en', { numeric: true }))) {
    const of = (field) => median(runs.map((run) => run[field]));
    row([name, of('nanoseconds').toFixed(0), of('allocs').toFixed(0), of('bytes').toFixed(0)]);
  }
  console.log();
  for (const wanted of kRatios) {
    const found = ratioOf(all, wanted);
    if (!found) continue;
    const verdict = wanted.goal ? `goal ${wanted.goal}: ${found.holds ? 'yes' : 'NO'}` : '';
    console.log(`${`${wanted.of} / ${wanted.to}`.padEnd(68)}${found.ratio.toFixed(2).padStart(8)} x  ${verdict}`.trimEnd());
  }
}

/// Google Benchmark writes NaN, which is no JSON, for deviations of counters that are zero.
const parse = (text) => JSON.parse(text.replaceAll(/: NaN\b/g, ': null'));

print(repetitionsOf(parse(readFileSync(process.argv[2], 'utf8'))));
