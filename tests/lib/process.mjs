// Child processes, waiting, ports and temporary directories for every suite.
import { spawn } from 'node:child_process';
import { closeSync, mkdtempSync, openSync, readFileSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

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
export function startProcess(command, args = [], { env = {}, cwd, log } = {}) {
  const sink = log ? openSync(log, 'a') : 'pipe';
  const child = spawn('setpriv', ['--pdeathsig', 'TERM', '--', command, ...args], {
    cwd, env: { ...process.env, ...env }, stdio: ['ignore', sink, sink],
  });
  if (log) closeSync(sink);

  let text = '';
  const keep = (chunk) => { text = (text + chunk).slice(-kOutputLimit); };
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
      return exited.finally(() => clearTimeout(kill));
    },
  };
}

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
process.once('exit', () => directories.forEach((dir) => rmSync(dir, { recursive: true, force: true })));

/// A fresh directory, removed when this process exits.
export function tempDir(name = 'blobvalet') {
  const dir = mkdtempSync(join(tmpdir(), `${name}-`));
  directories.push(dir);
  return dir;
}
