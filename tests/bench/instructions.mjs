// How many instructions a signing worker takes for a signature, from the request's FastCGI records to those of its
// answer. callgrind counts them, so that they are the same on every machine of a kind, however busy it is. Two runs of
// which one has twice as many requests leave the start out.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { ask, connect } from '../lib/fcgi-client.mjs';
import { startProcess, waitFor } from '../lib/process.mjs';
import { blobvaletBinary } from '../lib/pool.mjs';
import { health, kContainer, signature, siteConfig, writeSite } from '../fcgi/support.mjs';

// As nginx sends them: see nginx/snippets/blobvalet-common.conf.
const request = (i) => signature({
  uri: `${kContainer}/alice/0b6b7f3e-1c5e-4a9e-9d0b-${String(i).padStart(12, '0')}.jpg`,
  BLOBVALET_ORIGIN: 'https://www.example.org', HTTP_ORIGIN: 'https://www.example.org', REMOTE_ADDR: '203.0.113.7',
  REQUEST_ID: '4bf92f3577b34da6a3ce929d0e0e4736',
});

/// All instructions of a worker that answers `requests` signatures on one kept connection.
async function instructionsOf(requests, config) {
  const site = writeSite(siteConfig(config));
  const socket = join(site.dir, 'worker.sock');
  const report = join(site.dir, 'callgrind.log');
  const worker = startProcess('spawn-fcgi', ['-s', socket, '-M', '0660', '-n', '--',
    '/usr/bin/valgrind', '--tool=callgrind', '--callgrind-out-file=/dev/null', `--log-file=${report}`,
    blobvaletBinary, 'serve', '--signatures-only', '--config', site.file], { log: join(site.dir, 'worker.log') });
  try {
    await waitFor(() => worker.ended() ?? ask(socket, health), { what: 'a first answer', timeoutMs: 60_000 });
    const connection = await connect(socket);
    for (let i = 0; i < requests; ++i) assert.equal((await connection.ask(request(i))).status, 200);
    connection.close();
  } finally {
    await worker.stop();
  }
  return Number(/Collected : (\d+)/.exec(readFileSync(report, 'utf8'))[1]);
}

/// Instructions for one signature; `config` as in blobvalet.json.
export async function instructionsPerSignature(config, requests = 1000) {
  const [once, twice] = await Promise.all([instructionsOf(requests, config), instructionsOf(2 * requests, config)]);
  return (twice - once) / requests;
}
