// How long a worker takes from its start to its first answer, and from SIGHUP to the first answer by a new
// configuration. spawn-fcgi, which makes the socket, is part of the first figure.
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { ask } from '../lib/fcgi-client.mjs';
import { startProcess } from '../lib/process.mjs';
import { signature, siteConfig, writeSite } from '../fcgi/support.mjs';
import { binaries, median } from './stack.mjs';

const rounds = Number(process.argv[2] ?? 40);

const nextTurn = () => new Promise((resolve) => { setImmediate(resolve); });

/// Asks until there is an answer of which `isExpected` holds.
async function untilAnswered(socket, isExpected) {
  for (;;) {
    const answer = await ask(socket, signature()).catch(() => null);
    if (answer !== null && isExpected(answer)) return;
    await nextTurn();
  }
}

function start(site, args) {
  const socket = join(site.dir, 'start.sock');
  rmSync(socket, { force: true });
  const begun = performance.now();
  const worker = startProcess('spawn-fcgi',
    ['-s', socket, '-M', '0660', '-n', '--', binaries.blobvalet, 'serve', ...args, '--config', site.file],
    { log: join(site.dir, 'start.log') });
  return { worker, socket, begun };
}

async function measureStart(site, args) {
  const { worker, socket, begun } = start(site, args);
  await untilAnswered(socket, ({ status }) => status === 200);
  const ms = performance.now() - begun;
  await worker.stop();
  return ms;
}

/// Each configuration has another SAS version, which shows in the answers.
async function measureReloads(site, args, count) {
  const { worker, socket } = start(site, args);
  await untilAnswered(socket, ({ status }) => status === 200);
  const figures = [];
  for (let i = 0; i < count; ++i) {
    const version = ['2022-11-02', '2023-11-03'][i % 2];
    site.write(siteConfig({ sas: { version } }));
    const begun = performance.now();
    process.kill(worker.pid, 'SIGHUP');
    await untilAnswered(socket, ({ body }) => body.includes(`sv=${version}`));
    figures.push(performance.now() - begun);
  }
  await worker.stop();
  return figures;
}

const site = writeSite();
for (const [name, args] of [['signatures only', ['--signatures-only']], ['everything', []]]) {
  const starts = [];
  for (let i = 0; i < rounds; ++i) starts.push(await measureStart(site, args));
  const reloads = await measureReloads(site, args, rounds);
  console.log(`${name.padEnd(16)} start to first answer ${median(starts).toFixed(1)} ms (best ${Math.min(...starts).toFixed(1)}), `
    + `SIGHUP to first answer by the new configuration ${median(reloads).toFixed(1)} ms (best ${Math.min(...reloads).toFixed(1)})`);
}
