// How exposed each service is by systemd's own reckoning: 0 is locked in, Debian's nginx.service has 9.6.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { BlockList, isIPv6 } from 'node:net';
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

// What callbacks and keys cost: a network.
const limits = { signature: 0.2, success: 1.0, keys: 1.0 };

for (const service of services) {
  const limit = limits[/^blobvalet-([a-z]+)/.exec(service)[1]];
  test(`${service} is exposed no more than ${limit}`, () => {
    const level = exposure(service);
    assert.ok(level <= limit, `exposure ${level}`);
  });
}

// IPAddressDeny= is not enforced in every container, so it is read here.
const reachable = ['127.0.0.1', '10.1.2.3', '172.16.0.1', '192.168.1.1', '20.60.1.1', '1.1.1.1', '223.255.255.254', '100.64.0.1',
  '169.254.169.254', '168.63.129.16', '::1', '2603:1030::1', 'fd00::1', 'fe80::1', '64:ff9b::1.2.3.4'];
const unreachable = ['0.0.0.0', '0.1.2.3', '224.0.0.251', '239.255.255.250', '240.0.0.1', '255.255.255.255', '::', 'ff02::fb', '4000::1'];

const addressLines = (service) => readFileSync(join(units, service), 'utf8').split('\n').filter((line) => line.startsWith('IPAddress'));
const allowList = (service) => {
  const list = new BlockList();
  for (const network of addressLines(service).filter((line) => line.startsWith('IPAddressAllow=')).flatMap((line) => line.slice(15).split(' '))) {
    const [address, bits] = network.split('/');
    list.addSubnet(address, Number(bits), isIPv6(address) ? 'ipv6' : 'ipv4');
  }
  return (address) => list.check(address, isIPv6(address) ? 'ipv6' : 'ipv4');
};

for (const service of services) {
  test(`${service} reaches hosts and nothing else`, () => {
    assert.ok(addressLines(service).includes('IPAddressDeny=any'));
    const isAllowed = allowList(service);
    assert.deepEqual(reachable.filter(isAllowed), service.includes('signature') ? [] : reachable);
    assert.deepEqual(unreachable.filter(isAllowed), []);
  });
}
