// Whoever balances the load is told in time: readiness, and the sign of life that stays.
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { waitFor } from '../lib/process.mjs';
import { closed } from '../lib/stub-server.mjs';
import { startMeteredSite } from './support.mjs';

describe('healthz and readyz', { timeout: 90_000 }, () => {
  let site;
  before(async () => { site = await startMeteredSite({ workers: 1 }); });
  after(() => site?.stop());

  const complaintsOf = ({ checks }) => checks.filter(({ status }) => status !== 'ok' && status !== 'unknown')
    .map(({ check, status, reason }) => `${check} ${status} ${reason}`);
  /// Waits until readiness is so, and asserts what life says meanwhile.
  async function becomes(status, complaints) {
    let last;
    await waitFor(async () => {
      last = await site.probe('readyz');
      return last.status === status && complaints.length === complaintsOf(last).length
        && complaints.every((wanted, i) => wanted.test(complaintsOf(last)[i]));
    }, { what: `${status} ${complaints}`, timeoutMs: 20_000, intervalMs: 100 })
      .catch((error) => { throw new Error(`${error.message}: ${JSON.stringify(last)}`); });
    assert.equal(last.code, status === 'ready' ? 200 : 503);
    const alive = await site.probe('healthz');
    assert.deepEqual([alive.code, alive.status], [200, 'ok']);
  }

  test('all is well', async () => {
    await becomes('ready', []);
    const { checks } = await site.probe('readyz');
    assert.deepEqual(checks.map(({ check }) => check), ['configuration', 'keys', 'clock', 'azure', 'metrics']);
  });

  /// `keys renew` reads a file that was written, and asks Azure at once; else it does so every minute.
  const askNow = () => site.write(site.config());

  const causes = [
    {
      name: 'a faulty configuration', status: 'ready', complaints: [/^configuration warning the old one is in use: /],
      begin: () => site.write('{}'), end: () => site.write(site.config()),
    },
    {
      name: 'Azure is away, which callbacks ask', status: 'not_ready',
      complaints: [/^azure failing acmeuploads: cannot be reached$/],
      begin() { site.machine.azure.fault = closed; askNow(); }, end: () => { site.machine.azure.fault = null; },
    },
    {
      name: 'a clock that differs', status: 'not_ready', complaints: [/^clock failing this machine is \d+ s behind Azure$/],
      begin() { site.machine.azure.dateOffsetSeconds = 300; askNow(); },
      end() { site.machine.azure.dateOffsetSeconds = 0; askNow(); },
    },
  ];
  for (const { name, status, complaints, begin, end } of causes) {
    test(`${status}: ${name}`, async () => {
      begin();
      await becomes(status, complaints);
      end();
      await becomes('ready', []);
    });
  }
});
