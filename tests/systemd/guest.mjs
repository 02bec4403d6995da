// A guest with a systemd of its own: this machine's root file system, with blobvalet installed into it (see boot).
import { execFile } from 'node:child_process';
import { existsSync, readdirSync, readFileSync, rmdirSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { blobvaletBinary } from '../lib/pool.mjs';
import { sleep, startProcess, tempDir, waitFor } from '../lib/process.mjs';

const kHint = 'A guest needs root with the right to mount, the packages systemd-container, systemd-sysv, nginx, spawn-fcgi,\n'
  + 'multiwatch, wrk, gdb and curl, and a finished build. Where that cannot be, BLOBVALET_SKIP_BOOT=1 skips this test.';
/// How many requests are under way at most while there is load.
export const kClients = 8;
const kBeginMs = 100;      // until clients have begun
const kSettleMs = 200;     // until they have seen what came of an act
const here = (name) => fileURLToPath(new URL(name, import.meta.url));

/// Boots, with blobvalet installed from `build` unless that is null, and returns `{sh, run, curl, path, processes, workers,
/// load, written, stop}`, see guestOf below; `written` is the directory with all that the guest has written to its disk.
export async function bootGuest({ build = dirname(dirname(blobvaletBinary)) } = {}) {
  const dir = tempDir('guest');
  const nspawn = startProcess('unshare', ['--mount', '--propagation', 'private', here('boot'), dir, build ?? '']);
  const stop = async () => {
    await nspawn.stop();  // at SIGTERM nspawn shuts the guest down
    await waitFor(() => removeControlGroups(basename(dir)) ?? true, { what: 'the control groups of the guest are empty' });
  };
  try {
    const guest = guestOf(await started(nspawn));
    return { ...guest, written: `/proc/${nspawn.pid}/root${dir}/upper`, stop };
  } catch (error) {
    await stop();
    throw new Error(`No guest could be booted: ${error.message}\n${nspawn.output()}\n${kHint}`);
  }
}

// The process id of the guest's init, once it has started all there is to start.
async function started(nspawn) {
  let ended = false;
  nspawn.exited.finally(() => { ended = true; });
  const init = await waitFor(async () => {
    const [pid] = childrenOf(nspawn.pid);
    return ended || (pid && await hasStarted(pid) && pid);
  }, { timeoutMs: 40_000, intervalMs: 100, what: 'systemd in the guest has started' });
  if (ended) throw new Error('it ended while starting');
  return init;
}

// Degraded: something else of this machine may not like to be in a guest.
const hasStarted = (init) => enter(init, ['-a'], 'sh', '-c', 'systemctl is-system-running | grep -E "running|degraded"');

const guestOf = (init) => {
  const path = (name) => join(`/proc/${init}/root`, name);
  return {
    /// Runs a command line in the guest; its output, or an error.
    sh: (command) => enter(init, ['-a'], 'sh', '-c', command),
    /// Runs a program in the guest, however long it takes; `{code, output}`.
    run: async (...command) => {
      const program = startProcess('nsenter', ['-t', String(init), '-a', '--', ...command]);
      const { code } = await program.exited;
      return { code, output: program.output() };
    },
    /// Runs curl in the guest's network, where nginx is on 127.0.0.1:80.
    curl: (...args) => enter(init, ['-n'], 'curl', '--silent', '--show-error', '--max-time', '5', ...args),
    /// Where a file of the guest is found from here.
    path,
    /// Processes of all pools, and the workers of one, whichever kind of pool it is.
    processes: () => processesIn(path('/proc'), '/blobvalet-'),
    workers: (endpoint) => processesIn(path('/proc'), `/blobvalet-${endpoint}`)
      .filter((pid) => read(path(`/proc/${pid}/comm`)) === 'blobvalet\n'),
    load: (urlPath, form) => startLoad(init, urlPath, form),
    cloud: () => startCloud(init),
  };
};

// `namespaces` are options of nsenter: -a to be in the guest altogether, -n to have its network only.
function enter(pid, namespaces, ...command) {
  return new Promise((resolve, reject) => {
    execFile('nsenter', ['-t', String(pid), ...namespaces, '--', ...command], { timeout: 60_000, maxBuffer: 2 ** 28 }, (error, stdout, stderr) => {
      if (error) reject(new Error(`${command.join(' ')}: ${stderr || error.message}`));
      else resolve(stdout);
    });
  });
}

// By control group: systemd names it after the unit.
const processesIn = (proc, group) => readdirSync(proc)
  .filter((name) => /^\d+$/.test(name) && read(join(proc, name, 'cgroup')).includes(group))
  .map(Number).sort((a, b) => a - b);

// Processes end while one is looking.
function read(file) {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return '';
  }
}

const childrenOf = (pid) => read(`/proc/${pid}/task/${pid}/children`).split(' ').filter(Boolean).map(Number);

/// Clients in the guest's network which ask for `urlPath` as fast as they are answered, or post `form` there, until
/// `finish()` tells `{asked, failures}`; `stop()` ends them in any case.
async function startLoad(init, urlPath, form) {
  const clients = startProcess('nsenter', ['-t', String(init), '-n', '--',
    'wrk', '--threads', '1', '--connections', String(kClients), '--duration', '600s', '--timeout', '15s', '--script', here('load.lua'),
    `http://127.0.0.1${urlPath}`, ...form ? ['--', form] : []]);
  await sleep(kBeginMs);
  return {
    async finish() {
      await sleep(kSettleMs);
      await clients.stop('SIGINT');
      return JSON.parse(clients.output().trim().split('\n').pop());
    },
    stop: () => clients.stop('SIGKILL'),
  };
}

/// An identity service and a storage account in the guest's network: what cloud.mjs says of them, and `stop()`.
async function startCloud(init) {
  const cloud = startProcess('nsenter', ['-t', String(init), '-n', '--', process.execPath, here('cloud.mjs')]);
  const said = await waitFor(() => JSON.parse(cloud.output()), { what: 'the cloud is there' });
  return { ...said, stop: () => cloud.stop() };
}

// nspawn leaves the control groups of a guest behind. They are empty, and rmdir is all that works on them.
function removeControlGroups(name) {
  for (const hierarchy of ['/sys/fs/cgroup', '/sys/fs/cgroup/unified', '/sys/fs/cgroup/systemd']) {
    if (existsSync(join(hierarchy, name))) removeDirectories(join(hierarchy, name));
  }
}

function removeDirectories(dir) {
  for (const entry of readdirSync(dir, { withFileTypes: true })) {
    if (entry.isDirectory()) removeDirectories(join(dir, entry.name));
  }
  rmdirSync(dir);
}
