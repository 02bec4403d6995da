// On what a worker serves, and on what it does not even start.
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';
import { blobvaletBinary } from '../lib/pool.mjs';
import { startProcess } from '../lib/process.mjs';
import { logLines, startWorker, writeSite } from './support.mjs';

const kDuties = [[], ['--signatures-only']];
const kUsage = 2;

const refused = [
  { name: 'everybody can read and write it', mode: '0666' },
  { name: 'everybody can do everything with it', mode: '0777' },
  { name: 'everybody but its group can write it', mode: '0602' },
];
for (const { name, mode } of refused) {
  for (const args of kDuties) {
    test(`no worker starts on a socket of mode ${mode}: ${name} ${args}`, async () => {
      const site = writeSite();
      const socket = join(site.dir, 'worker.sock');
      const worker = startProcess('spawn-fcgi', [
        '-s', socket, '-M', mode, '-n', '--', blobvaletBinary, 'serve', '--config', site.file, ...args,
      ]);
      assert.deepEqual(await worker.exited, { code: kUsage, signal: null });
      const [{ event, detail }] = logLines(worker.output());
      assert.equal(event, 'start_failed');
      assert.equal(detail, `${socket}: has mode ${mode}, so everybody on this machine could ask in any user's name; `
        + "let it have mode 0660 and nginx's group (spawn-fcgi: -M 0660, systemd: SocketMode=0660)");
    });
  }
}

for (const args of kDuties) {
  test(`no worker starts without a listening socket ${args}`, async () => {
    const worker = startProcess(blobvaletBinary, ['serve', '--config', writeSite().file, ...args]);
    assert.deepEqual(await worker.exited, { code: kUsage, signal: null });
    assert.match(logLines(worker.output())[0].detail, /^fd 0 is not a listening socket; start blobvalet by spawn-fcgi or systemd$/);
  });

  test(`a worker starts on a socket of mode 0660 ${args}`, async () => {
    const worker = await startWorker({ args });
    await worker.stop();
  });
}
