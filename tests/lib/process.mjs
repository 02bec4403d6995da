// Child processes, waiting, ports and temporary directories for every suite.
import { spawn } from 'node:child_process';
import { closeSync, mkdtempSync, openSync, readFileSync, readdirSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { findSecretInFile, refuse, searchStream } from './secrets.mjs';

// Without a log file only the end of a child's output is kept: a server under load may write for hours.
const kOutputLimit = 1 << 20;
const kStopTimeoutMs = 10_000;

export const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

/// Calls `fn` until it returns something truthy, and returns that. An exception counts as "not yet".
export async function waitFor(fn, { timeoutMs = 10_000, intervalMs = 20, what = String(fn) } = {}) {
  const deadline = Date.now() + timeoutMs;
  for (let fault = ''; ; await sleep(intervalMs)) {
    try {
      const value = await fn();
      if (value) return value;
    } catch (error) {
      fault = ` (${error.message})`;
    }
    if (Date.now() > deadline) throw new Error(`not within ${timeoutMs} ms: ${what}${fault}`);
  }
}

/// Starts a server and returns `{pid, exited, ended(), stop(signal), output()}`. `exited` resolves to
/// `{code, signal}`, which `ended()` returns too, or null as long as it runs.
/// With `log` both output streams go to that file. The child gets SIGTERM when this process dies, however it dies.
///
/// All that a blobvalet has printed by the time it is stopped is searched for secrets (see secrets.mjs), and `stop()`
/// throws if there is one. Of one that is never stopped, this process says so when it ends, and fails.
export function startProcess(command, args = [], { env = {}, cwd, log } = {}) {
  const sink = log ? openSync(log, 'a') : 'pipe';
  const child = spawn('setpriv', ['--pdeathsig', 'TERM', '--', command, ...args], {
    cwd, env: { ...process.env, ...env }, stdio: ['ignore', sink, sink],
  });
  if (log) closeSync(sink);

  let text = '';
  const search = searchStream();
  const keep = (chunk) => {
    text = (text + chunk).slice(-kOutputLimit);
    if (isBlobvalet) search.take(chunk);
  };
  const isBlobvalet = [command, ...args].some((word) => basename(word) === 'blobvalet');
  const leak = () => (log ? findSecretInFile(log) : search.found());
  const where = `the output of ${[command, ...args].join(' ')}`;
  if (isBlobvalet) searches.set(child, () => refuse(leak(), where));
  child.stdout?.on('data', keep);
  child.stderr?.on('data', keep);
  let end = null;
  const exited = new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('exit', (code, signal) => resolve(end = { code, signal }));
  });
  exited.catch(() => {});  // stop() reports it to whoever waits

  return {
    pid: child.pid,
    exited,
    ended: () => end,
    output: () => (log ? readFileSync(log, 'utf8') : text),
    async stop(signal = 'SIGTERM') {
      child.kill(signal);
      const kill = setTimeout(() => child.kill('SIGKILL'), kStopTimeoutMs);
      const how = await exited.finally(() => clearTimeout(kill));
      assertNoLeak(child);
      return how;
    },
  };
}

const searches = new Map();  // for each blobvalet that has not been searched yet: throws if it leaked

function assertNoLeak(child) {
  const search = searches.get(child);
  searches.delete(child);
  search?.();
}

function searchTheRest() {
  for (const search of searches.values()) {
    try {
      search();
    } catch (error) {
      console.error(error.message);
      process.exitCode = 1;
    }
  }
}

/// What a process holds at this moment: open descriptors, threads, and KiB of memory that is resident.
export const resources = (pid) => ({
  descriptors: readdirSync(`/proc/${pid}/fd`).length,
  threads: readdirSync(`/proc/${pid}/task`).length,
  residentKib: Number(/^VmRSS:\s+(\d+) kB/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))[1]),
});

const given = new Set();

/// A port of 127.0.0.1 which is free now, below the range that outgoing connections take theirs from. Never the
/// same one twice, since whoever got the first may not listen yet.
export async function freePort() {
  for (;;) {
    const port = 20_000 + Math.floor(Math.random() * 12_000);
    if (given.has(port) || !await canListen(port)) continue;
    given.add(port);
    return port;
  }
}

function canListen(port) {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', () => resolve(false));
    server.listen(port, '127.0.0.1', () => server.close(() => resolve(true)));
  });
}

const directories = [];
process.once('exit', () => {
  searchTheRest();
  directories.forEach((dir) => rmSync(dir, { recursive: true, force: true }));
});

/// A fresh directory, removed when this process exits.
export function tempDir(name = 'blobvalet') {
  const dir = mkdtempSync(join(tmpdir(), `${name}-`));
  directories.push(dir);
  return dir;
}
