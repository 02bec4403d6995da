// How exposed each service is by systemd's own reckoning: 0 is locked in, Debian's nginx.service has 9.6.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';

const units = fileURLToPath(new URL('../../systemd/system/', import.meta.url));
const services = readdirSync(units).filter((name) => name.endsWith('.service'));

// By the unit's file: the test reads what is shipped, whatever may be installed on this machine.
function exposure(service) {
  const report = execFileSync('systemd-analyze', ['security', '--offline=true', '--no-pager', join(units, service)], {
    encoding: 'utf8', env: { ...process.env, LC_ALL: 'C' },
  });
  return Number(/Overall exposure level for \S+: (\d+\.\d+)/.exec(report)?.[1]);
}

test('there are five services', () => assert.equal(services.length, 5));

// What callbacks and keys cost: any network, to any address.
const limits = { signature: 0.2, success: 1.1, keys: 1.1 };

for (const service of services) {
  const limit = limits[/^blobvalet-([a-z]+)/.exec(service)[1]];
  test(`${service} is exposed no more than ${limit}`, () => {
    const level = exposure(service);
    assert.ok(level <= limit, `exposure ${level}`);
  });
}
