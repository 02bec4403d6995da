// Machines on a network of their own: each is a network namespace, all are plugged into one switch. Namespaces live as long
// as the process in them, so nothing is left behind, however a test ends, and this machine's network is never touched.
import { execFileSync } from 'node:child_process';
import { startProcess, waitFor } from '../lib/process.mjs';

const kNetwork = '10.77.0';

/// Starts a switch and a host for each of `names`, whose addresses are 10.77.0.1, 10.77.0.2 and so on, and fd77::1 and so on.
/// Returns `{<name>: host, stop()}`; a host is `{address, address6, enter, cut(), plug(), run(command, ...args)}`, where
/// `enter` is what has to stand before a command that is to run there. `cut()` pulls its cable: packets vanish.
export async function startHosts(names) {
  const running = [];
  const namespace = async () => {
    const holder = startProcess('unshare', ['--net', '--', 'sleep', 'infinity']);
    running.push(holder);
    const own = execFileSync('readlink', ['/proc/self/ns/net'], { encoding: 'utf8' });
    const theirs = () => execFileSync('readlink', [`/proc/${holder.pid}/ns/net`], { encoding: 'utf8' });
    await waitFor(() => holder.ended() ?? theirs() !== own, { what: 'a network namespace' });
    if (holder.ended()) throw new Error(`no network namespace: ${holder.output()}`);
    return holder.pid;
  };
  const stop = async () => { await Promise.all(running.splice(0).map((holder) => holder.stop('SIGKILL'))); };

  try {
    const hub = await namespace();
    ip(hub, 'link add hub type bridge');
    ip(hub, 'link set hub up');
    const hosts = {};
    for (const [i, name] of names.entries()) hosts[name] = plugIn(hub, await namespace(), i + 1);
    return { ...hosts, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

const enter = (pid) => ['nsenter', '-t', String(pid), '-n', '--'];

function run(pid, command, ...args) {
  const [first, ...rest] = [...enter(pid), command, ...args];
  return execFileSync(first, rest, { encoding: 'utf8' });
}

const ip = (pid, command) => run(pid, 'ip', ...command.split(' '));

function plugIn(hub, pid, number) {
  const port = `port${number}`;
  const address = `${kNetwork}.${number}`;
  const address6 = `fd77::${number}`;
  ip(hub, `link add ${port} type veth peer name eth0 netns ${pid}`);
  ip(hub, `link set ${port} master hub up`);
  ip(pid, `address add ${address}/24 dev eth0`);
  ip(pid, `address add ${address6}/64 dev eth0 nodad`);
  ip(pid, 'link set lo up');
  ip(pid, 'link set eth0 up');
  return {
    address, address6, enter: enter(pid),
    run: (command, ...args) => run(pid, command, ...args),
    // The host itself sees nothing of it: its own end stays up.
    cut: () => ip(hub, `link set ${port} nomaster`),
    plug: () => ip(hub, `link set ${port} master hub`),
  };
}
