// A worker's TCP socket: where it may be, who may connect, and what a reload changes.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { logLines, siteConfig, writeSite } from '../fcgi/support.mjs';
import { blobvaletBinary } from '../lib/pool.mjs';
import { startProcess, waitFor } from '../lib/process.mjs';
import { startHosts } from './hosts.mjs';

let hosts;
before(async () => { hosts = await startHosts(['front', 'worker', 'stranger']); });
after(() => hosts?.stop());

const configOf = (server) => siteConfig({ server });

/// A worker that listens on `address` of the host; how it ends is how the program ends.
function startWorker({ address, server, site = writeSite(configOf(server)) }) {
  const [command, ...enter] = hosts.worker.enter;
  const worker = startProcess(command, [
    ...enter, 'spawn-fcgi', '-a', address, '-p', '9000', '-n', '--', blobvaletBinary, 'serve', '--config', site.file,
  ]);
  return { ...worker, site, lines: () => logLines(worker.output()) };
}

const kNobody = 'server.allow_from: must list the addresses of nginx, since these workers listen on TCP';
const kAll = 'server.allow_public_bind: must be true for workers to listen on all addresses of the machine; better name one';
const kPublic = 'server.allow_public_bind: must be true for workers to listen on an address that is not private';
const refused = [
  { name: 'nobody may connect', address: '10.77.0.2', server: {}, fault: kNobody },
  { name: 'an empty list', address: '10.77.0.2', server: { allow_from: [] }, fault: kNobody },
  { name: 'nobody, by loopback', address: '127.0.0.1', server: {}, fault: kNobody },
  { name: 'all addresses', address: '0.0.0.0', server: { allow_from: ['10.77.0.1'] }, fault: kAll },
  { name: 'all addresses of IPv6', address: '::', server: { allow_from: ['10.77.0.1'] }, fault: kAll },
  { name: 'a public address', address: '203.0.113.7', server: { allow_from: ['10.77.0.1'] }, fault: kPublic },
];
for (const { name, address, server, fault } of refused) {
  test(`no worker starts: ${name}`, async () => {
    if (address === '203.0.113.7') hosts.worker.run('ip', 'address', 'add', `${address}/32`, 'dev', 'lo');
    const worker = startWorker({ address, server });
    assert.deepEqual(await worker.exited, { code: 4, signal: null });
    assert.deepEqual(worker.lines().map(({ event, detail }) => [event, detail]), [['bad_configuration', fault]]);
    await worker.stop();
  });
}

const allowed = [
  { name: 'a private address', address: '10.77.0.2', server: { allow_from: ['10.77.0.1'] } },
  { name: 'IPv6', address: 'fd77::2', server: { allow_from: ['fd77::1'] } },
  { name: 'all addresses, if one wants it', address: '0.0.0.0', to: '10.77.0.2', server: { allow_from: ['10.77.0.0/24'], allow_public_bind: true } },
  { name: 'IPv4 by a socket of IPv6', address: '::', to: '10.77.0.2', server: { allow_from: ['10.77.0.1'], allow_public_bind: true } },
];

// Connects from a host: `connected` if that lasts.
const probe = (host, address) => host.run(process.execPath, '-e', `
  const socket = require('node:net').connect(9000, '${address}');
  socket.on('connect', () => setTimeout(() => { console.log('connected'); process.exit(); }, 200));
  socket.on('close', () => { console.log('closed'); process.exit(); });
  socket.on('error', () => {});`).trim();

for (const { name, address, to = address, server } of allowed) {
  test(`a worker listens: ${name}`, async () => {
    const worker = startWorker({ address, server });
    await waitFor(() => worker.lines().some(({ event }) => event === 'listening'), { what: 'a worker' });
    assert.equal(probe(hosts.front, to), 'connected');
    assert.equal(probe(hosts.stranger, to), server.allow_from[0].endsWith('/24') ? 'connected' : 'closed');
    assert.deepEqual(await worker.stop(), { code: 0, signal: null });
  });
}

test('a reload changes the list, for those who are connected, too; never to nobody', async () => {
  const worker = startWorker({ address: '10.77.0.2', server: { allow_from: ['10.77.0.0/24'] } });
  const said = (event) => worker.lines().filter((line) => line.event === event);
  await waitFor(() => said('listening').length > 0, { what: 'a worker' });
  const [command, ...enter] = hosts.stranger.enter;
  const stranger = startProcess(command, [...enter, process.execPath, '-e', `
    const socket = require('node:net').connect(9000, '10.77.0.2');
    socket.on('connect', () => console.log('connected'));
    socket.on('error', () => {});
    socket.on('close', () => console.log('closed'));`]);
  await waitFor(() => stranger.output() === 'connected\n', { what: 'a connection' });

  worker.site.write(configOf({ allow_from: [] }));
  await waitFor(() => said('reload_failed').length > 0, { what: 'a reload that fails' });
  assert.equal(said('reload_failed')[0].detail, kNobody);
  assert.equal(stranger.output(), 'connected\n', 'the old list stays');

  worker.site.write(configOf({ allow_from: ['10.77.0.1'] }));
  await waitFor(() => stranger.output() === 'connected\nclosed\n', { what: 'the stranger is dropped' });
  assert.equal(probe(hosts.front, '10.77.0.2'), 'connected');
  assert.equal(probe(hosts.stranger, '10.77.0.2'), 'closed');
  await stranger.stop();
  await worker.stop();
});

test('a connection is probed while nobody speaks', async () => {
  const worker = startWorker({ address: '10.77.0.2', server: { allow_from: ['10.77.0.1'] } });
  await waitFor(() => worker.lines().some(({ event }) => event === 'listening'), { what: 'a worker' });
  const [command, ...enter] = hosts.front.enter;
  const idle = startProcess(command, [...enter, process.execPath, '-e', `
    require('node:net').connect(9000, '10.77.0.2').on('connect', () => console.log('connected'));`]);
  await waitFor(() => idle.output() === 'connected\n', { what: 'a connection' });
  const timers = () => hosts.worker.run('ss', '-Htno', 'state', 'established', 'src', '10.77.0.2');
  await waitFor(() => /timer:\(keepalive,[0-4]/.test(timers()), { what: 'a keepalive timer of some seconds' });
  await idle.stop();
  await worker.stop();
});
