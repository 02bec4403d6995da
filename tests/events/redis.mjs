// A real redis-server of the test's own.
import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { startProcess, waitFor } from '../lib/process.mjs';

/// Starts one that keeps its data in `dir`: `{socket, stop()}`.
export async function startRedis({ dir }) {
  const socket = join(dir, 'redis.sock');
  const redis = startProcess('redis-server', ['--port', '0', '--unixsocket', socket, '--dir', dir, '--save', '',
    '--appendonly', 'yes']);
  const ping = () => execFileSync('redis-cli', ['-s', socket, 'ping'], { encoding: 'utf8', stdio: 'pipe' });
  await waitFor(() => ping().startsWith('PONG'), { what: 'redis-server (tests/install installs it)' }).catch(async (error) => {
    await redis.stop();
    throw error;
  });
  return { socket, stop: redis.stop };
}
