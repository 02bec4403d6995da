// Turns: one measurement of one candidate each, in another order every round.
import { cpuSeconds, rssKib } from './stack.mjs';

/// What `load` measures of the processes `pids`, with their CPU in s for 100,000 requests: `{rate, p50, p99, max, cpu}`, times in ms.
export async function measureTurn(pids, load) {
  const before = cpuSeconds(pids);
  const { requests, seconds, p50, p99, max } = await load();
  return { rate: requests / seconds, p50, p99, max, cpu: (cpuSeconds(pids) - before) / requests * 100_000 };
}

/// In MiB.
export const residentMemory = ({ pids }) => pids().reduce((sum, pid) => sum + rssKib(pid), 0) / 1024;

export function shuffle(items) {
  const all = [...items];
  for (let i = all.length - 1; i > 0; i -= 1) {
    const j = Math.floor(Math.random() * (i + 1));
    [all[i], all[j]] = [all[j], all[i]];
  }
  return all;
}
