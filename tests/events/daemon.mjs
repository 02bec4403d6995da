// The real workers, the application that they tell, and clients that report uploads; for killUnderLoad().
import { createServer } from 'node:http';
import { randomUUID } from 'node:crypto';
import { existsSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { form, kAccount, kContainer, siteConfig, success, writeSite } from '../fcgi/support.mjs';
import { runBlobvalet } from '../lib/command.mjs';
import { ask } from '../lib/fcgi-client.mjs';
import { startPool } from '../lib/pool.mjs';
import { sleep, waitFor } from '../lib/process.mjs';
import { registerSecret } from '../lib/secrets.mjs';

const kSubjects = 12;

/// Starts a pool of `count` workers with an asynchronous hook, and a client for each of a dozen blobs which reports
/// one upload of it after the other. What startEventWorkers() returns, and `application` with `down` to set, and
/// `restart()`, which kills everything at once and starts it again.
export async function startDaemons({ store, count }) {
  const application = await startApplication();
  const site = writeSite(siteConfig({
    success: {
      verify: { enabled: false },
      hook: { url: application.url, mode: 'async', secret_file: 'hook.secret', timeout_ms: 2_000, store },
    },
  }));
  writeFileSync(join(site.dir, 'hook.secret'), registerSecret('a secret of the test suites', 'the hook secret'), { mode: 0o600 });
  const start = () => startPool({ config: site.file, workers: count, dir: site.dir, name: 'success' });
  let pool = await start();

  const isAccepted = (body) => ask(pool.socket, success(body), body).then(({ status }) => status === 200, () => false);

  const stored = [];
  let finished = false;
  const clients = Array.from({ length: kSubjects }, (_, i) => report(`s${i}`));
  async function report(subject) {
    const uuid = randomUUID();
    for (let number = 1; !finished; ++number) {
      const body = form({ blob: `alice/${subject}`, uuid, name: String(number), container: kContainer });
      // As a browser would: the same callback again, until somebody lives long enough to answer it.
      while (!await isAccepted(body)) await sleep(20);
      stored.push(`${subject}-${number}`);
    }
  }

  return {
    application,
    pids: () => pool.pids(),
    stored: () => stored,
    delivered: () => application.delivered,
    waiting: () => runBlobvalet(['events', 'list', '--json', '--config', site.file], { maxBuffer: 1 << 28 })
      .out.split('\n').filter(Boolean).length,
    async finish() {
      finished = true;
      await Promise.all(clients);
    },
    async restart() {
      const pids = [pool.pid, ...pool.pids()];
      pids.forEach((pid) => process.kill(pid, 'SIGKILL'));
      await waitFor(() => !pids.some((pid) => existsSync(`/proc/${pid}/exe`)), { what: 'all of them are dead' });
      rmSync(pool.socket);
      pool = await start();
    },
    async stop() {
      finished = true;
      await pool.stop();
      await Promise.all(clients.map((client) => Promise.race([client, sleep(1_000)])));
      await application.stop();
    },
  };
}

/// Takes every message and remembers the order; answers 503 while `down`.
async function startApplication() {
  const application = { delivered: [], down: false };
  const server = createServer(async (request, response) => {
    const chunks = [];
    for await (const chunk of request) chunks.push(chunk);
    const { account, blob, name } = JSON.parse(Buffer.concat(chunks).toString());
    if (account !== kAccount || application.down) return response.writeHead(503).end();
    application.delivered.push(`${blob.slice('alice/'.length)}-${name}`);
    return response.writeHead(204).end();
  });
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  application.url = `http://127.0.0.1:${server.address().port}/uploads`;
  application.stop = () => new Promise((resolve) => { server.close(resolve); server.closeAllConnections(); });
  return application;
}
