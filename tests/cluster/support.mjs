// Worker machines, and nginx machines in front of them.
import { join } from 'node:path';
import { writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { kContainer, siteConfig, writeSite } from '../fcgi/support.mjs';
import { plainSite, startNginx } from '../lib/nginx.mjs';
import { startPool } from '../lib/pool.mjs';
import { startProcess, waitFor } from '../lib/process.mjs';

export const signaturePath = (user = 'alice', method = 'PUT') => `/blobvalet/signature?${new URLSearchParams({
  bloburi: `${kContainer}/${user}/a.txt`, _method: method, qqtimestamp: '1' })}`;

/// The two pools of one machine: `{signature, success, answered(), stop(), kill(), start()}`. `answered()` is how many requests it
/// has answered so far. Signature workers have no network at all, as in their unit.
export async function startMachine({ host, config, workers = 2 }) {
  const site = writeSite(config);
  const machine = { host, site };
  machine.start = async () => {
    const pool = { config: site.file, dir: site.dir, workers, enter: host.enter };
    machine.signature = await startPool({
      ...pool, name: 'signature', args: ['--signatures-only'], enterWorker: ['/usr/bin/unshare', '--net', '--'],
      tcp: { address: host.address, port: 9000 },
    });
    machine.success = await startPool({ ...pool, name: 'success', tcp: { address: host.address, port: 9001 } });
  };
  machine.answered = () => [machine.signature, machine.success]
    .reduce((sum, pool) => sum + pool.output().split('"status":200').length - 1, 0);
  machine.kill = () => {
    for (const pool of [machine.signature, machine.success]) {
      const pids = pool.pids();
      for (const pid of [pool.pid, ...pids]) process.kill(pid, 'SIGKILL');
    }
  };
  machine.stop = async () => {
    await machine.signature?.stop();
    await machine.success?.stop();
  };
  await machine.start();
  return machine;
}

/// All machines are configured alike, but for what each keeps for itself.
export const machineConfig = (nginx, more = {}) => siteConfig({
  server: { access_log: true, allow_from: nginx.map(({ address }) => address) }, ...more,
});

/// nginx on `host`, in front of three machines.
export const startFront = ({ host, machines, body = 'set $blobvalet_user alice;' }) => startNginx({
  enter: host.enter, machines: machines.map((machine) => machine.host.address),
  render: plainSite(`${body} include snippets/blobvalet.conf;`),
});

/// Clients of an nginx, on its machine. `seen()` is what load.mjs says so far, `finish()` at the end.
export async function startLoad({ host, nginx, clients = 8, path = signaturePath() }) {
  const [command, ...before] = host.enter;
  const load = startProcess(command, [
    ...before, process.execPath, fileURLToPath(new URL('load.mjs', import.meta.url)), String(nginx.httpPort), path, String(clients),
  ]);
  const seen = () => JSON.parse(load.output().trim().split('\n').pop());
  await waitFor(() => seen().asked > 0, { what: 'clients have begun' });
  return {
    seen, stop: load.stop,
    async finish() {
      await load.stop();
      return seen();
    },
  };
}

/// One request to nginx on its machine, by curl: `{status, headers, body, json()}`.
export function askThrough(host, nginx, path, ...options) {
  const text = host.run('curl', '-s', '-i', ...options, `http://127.0.0.1:${nginx.httpPort}${path}`);
  const [head, body] = text.split(/\r\n\r\n(.*)/s);
  const lines = head.split('\r\n');
  return {
    status: Number(lines[0].split(' ')[1]), body, json: () => JSON.parse(body),
    headers: Object.fromEntries(lines.slice(1).map((line) => {
      const [name, value] = line.split(/: (.*)/s);
      return [name.toLowerCase(), value];
    })),
  };
}

/// How many connections to port 9000 or 9001 a machine has from an address.
export const connectionsFrom = (machine, address) => machine.host
  .run('ss', '-Htn', 'state', 'established', 'dst', address).split('\n').filter((line) => /:900[01] /.test(line)).length;

export const write = (site, name, text) => writeFileSync(join(site.dir, name), text, { mode: 0o600 });
