// Three machines with workers, two with nginx, a stranger, and cables that are pulled: each machine is a network namespace.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { form } from '../fcgi/support.mjs';
import { sleep, waitFor } from '../lib/process.mjs';
import { startHosts } from './hosts.mjs';
import { askThrough, connectionsFrom, machineConfig, signaturePath, startFront, startLoad, startMachine } from './support.mjs';

const running = [];
after(async () => { while (running.length) await running.pop().stop(); });
const start = async (server) => { running.push(await server); return running.at(-1); };

let hosts;
let machines;
let fronts;
before(async () => {
  hosts = await start(startHosts(['nginx1', 'nginx2', 'stranger', 'worker1', 'worker2', 'worker3']));
  const config = machineConfig([hosts.nginx1, hosts.nginx2]);
  machines = [];
  for (const name of ['worker1', 'worker2', 'worker3']) {
    machines.push(await start(startMachine({ host: hosts[name], config })));
  }
  fronts = [];
  for (const name of ['nginx1', 'nginx2']) {
    fronts.push({ host: hosts[name], nginx: await start(startFront({ host: hosts[name], machines })) });
  }
});

/// Waits until the machine has answered some more requests.
async function takesPart(machine, timeoutMs = 12_000) {
  const answered = machine.answered();
  await waitFor(() => machine.answered() >= answered + 20, { what: 'the machine takes part', timeoutMs });
}

/// Waits until every client has had some more answers: sooner than nginx gives a request up that hangs.
async function goesOn(load) {
  const { clients } = load.seen();
  await waitFor(() => load.seen().clients.every((count, i) => count >= clients[i] + 20),
    { what: 'every client is answered', timeoutMs: 8_000 });
}

test('signatures, callbacks and health by way of either nginx', () => {
  for (const { host, nginx } of fronts) {
    const signed = askThrough(host, nginx, signaturePath());
    assert.equal(signed.status, 200);
    assert.match(signed.body, /[?&]sig=/);
    assert.equal(askThrough(host, nginx, signaturePath('alice', 'DELETE')).status, 200);
    assert.equal(askThrough(host, nginx, signaturePath('bob')).status, 403);
    const reported = askThrough(host, nginx, '/blobvalet/success', '--data', form());
    assert.deepEqual(reported.json(), { success: true, error: null });
    assert.equal(askThrough(host, nginx, '/blobvalet/health').json().status, 'ok');
  }
});

test('whoever is not on the list is turned away, and the log says so, once', async () => {
  const { host, signature } = machines[0];
  const attempts = 50;
  const script = `
    const net = require('node:net');
    let left = ${attempts}, got = 0;
    for (let i = 0; i < ${attempts}; i++) {
      const socket = net.connect(9000, '${host.address}');
      socket.on('connect', () => socket.write(Buffer.from([1, 9, 0, 0, 0, 0, 0, 0])));
      socket.on('data', (chunk) => { got += chunk.length; });
      socket.on('error', () => {});
      socket.on('close', () => { if (--left === 0) console.log(got); });
    }`;
  assert.equal(hosts.stranger.run(process.execPath, '-e', script), '0\n', 'not a byte');
  const lines = () => signature.output().split('\n').filter((line) => line.includes('"connection_refused"'));
  await waitFor(() => lines().length > 0, { what: 'a line in the log' });
  assert.ok(lines().length <= 2, 'one for each worker');
  assert.match(lines()[0], new RegExp(`${hosts.stranger.address.replaceAll('.', '\\.')}:\\d+ is not in server\\.allow_from`));
});

// One load for all of it: every single request has to be answered by 200, those included that are under way when something
// breaks, because nginx asks another machine.
test('machines that are cut off, killed, and come back: no request fails', async () => {
  const loads = [];
  for (const { host, nginx } of fronts) loads.push(await start(startLoad({ host, nginx })));
  for (const machine of machines) await takesPart(machine);

  // nginx2 is cut off, with connections open that it cannot close any more.
  const [first, second] = loads;
  await waitFor(() => connectionsFrom(machines[0], hosts.nginx2.address) > 0, { what: 'connections of nginx2' });
  hosts.nginx2.cut();
  const cutAt = Date.now();
  second.stop();
  const held = machines.map((machine) => connectionsFrom(machine, hosts.nginx2.address));
  assert.ok(held.some((count) => count > 0), `connections held: ${held}`);

  // A machine is cut off: packets vanish, nobody says so.
  hosts.worker3.cut();
  await sleep(500);
  const answered = machines[2].answered();
  await goesOn(first);
  assert.equal(machines[2].answered(), answered, 'nothing gets there');
  hosts.worker3.plug();
  await takesPart(machines[2]);

  // All processes of a machine are killed: its kernel says so.
  machines[1].kill();
  await goesOn(first);
  await machines[1].start();
  await takesPart(machines[1]);

  // One worker is killed, and its neighbour and the other machines go on.
  const [victim] = machines[0].signature.pids();
  process.kill(victim, 'SIGKILL');
  await waitFor(() => machines[0].signature.pids().filter((pid) => pid !== victim).length === 2, { what: 'a new worker' });
  await goesOn(first);
  await takesPart(machines[0]);

  // Workers of a machine are replaced, as for a new version.
  for (const pid of machines[0].signature.pids()) {
    process.kill(pid, 'SIGTERM');
    await waitFor(() => machines[0].signature.pids().filter((other) => other !== pid).length === 2, { what: 'a new worker' });
    await sleep(1500);        // as systemd/libexec/replace-workers does
  }
  await goesOn(first);

  // By now nobody waits for nginx2 any more.
  await waitFor(() => machines.every((machine) => connectionsFrom(machine, hosts.nginx2.address) === 0),
    { what: 'connections of the nginx that was cut off are gone', timeoutMs: cutAt + 20_000 - Date.now() });
  const seen = await first.finish();
  assert.deepEqual(seen.answers, { 200: seen.asked });
  assert.ok(seen.asked > 1000, `${seen.asked} requests`);
  console.log(`${seen.asked} requests, all 200; the slowest took ${seen.slowest} ms`);

  hosts.nginx2.plug();
  const { host, nginx } = fronts[1];
  await waitFor(() => askThrough(host, nginx, signaturePath()).status === 200, { what: 'nginx2 is back' });
});
