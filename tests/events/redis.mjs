// A real redis-server of the test's own.
import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { startProcess, waitFor } from '../lib/process.mjs';

/// Starts one that keeps its data in `dir`, and listens on a `port` of 127.0.0.1, too, if there is one: `{socket, pid, stop()}`.
export async function startRedis({ dir, port = 0 }) {
  const socket = join(dir, 'redis.sock');
  const redis = startProcess('redis-server', ['--port', String(port), '--bind', '127.0.0.1', '--unixsocket', socket, '--dir', dir, '--save', '',
    '--appendonly', 'yes']);
  const ping = () => execFileSync('redis-cli', ['-s', socket, 'ping'], { encoding: 'utf8', stdio: 'pipe' });
  await waitFor(() => ping().startsWith('PONG'), { what: 'redis-server (tests/install installs it)' }).catch(async (error) => {
    await redis.stop();
    throw error;
  });
  return { socket, pid: redis.pid, stop: redis.stop };
}
