// A worker that only signs is a program of its own: what it is made of, and how much memory it takes.
import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { copyFileSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { ask } from '../lib/fcgi-client.mjs';
import { blobvaletBinary, isReleased } from '../lib/pool.mjs';
import { resources, tempDir } from '../lib/process.mjs';
import { assertSigned, form, kContainer, signature, startWorker, success } from './support.mjs';

const kSigning = { args: ['--signatures-only'] };
const kMemoryKib = 8192;
const kRequests = 20_000;

const kLibraries = ['libc', 'libcrypto', 'libfcgi', 'libgcc_s', 'libhiredis', 'libm', 'libpugixml', 'libstdc++'];
const kSanitizers = /^lib(asan|tsan|ubsan)$/;

const needed = (binary) => [...execFileSync('readelf', ['--dynamic', binary], { encoding: 'utf8' })
  .matchAll(/NEEDED.*\[([^\]]*?)\.so/g)].map(([, name]) => name);
const programOf = (pid) => readFileSync(`/proc/${pid}/maps`, 'utf8').split('\n')
  .find((line) => /\/blobvalet(_commands)?$/.test(line)).replace(/^.*\//, '');

async function withWorker(options, body) {
  const worker = await startWorker(options);
  try {
    await body(worker);
  } finally {
    await worker.stop();
  }
}

test('it is linked with what signing takes, and with nothing that speaks to anybody', () => {
  const others = needed(blobvaletBinary).filter((name) => !kSanitizers.test(name) && !name.startsWith('ld-linux'));
  assert.deepEqual(others.sort(), kLibraries);
});

describe('which program serves', () => {
  const rows = [
    { name: 'signatures only', args: ['--signatures-only'], program: 'blobvalet' },
    { name: 'everything', args: [], program: 'blobvalet_commands' },
  ];
  for (const { name, args, program } of rows) {
    test(name, () => withWorker({ args }, async (worker) => {
      const { status, body } = await ask(worker.socket, signature());
      assert.equal(status, 200);
      assertSigned(body, { url: `${kContainer}/alice/a.txt`, name: 'uploads/alice/a.txt', key: worker.site.key });
      assert.equal(programOf(worker.pid), program);
    }));
  }
});

test('what it is not made for is refused', () => withWorker(kSigning, async (worker) => {
  const { status, body } = await ask(worker.socket, success(), form());
  assert.deepEqual([status, JSON.parse(body).code], [500, 'misconfigured']);
}));

test('alone, it says what is missing', () => {
  const program = join(tempDir(), 'blobvalet');
  copyFileSync(blobvaletBinary, program);
  const { status, stderr } = spawnSync(program, ['--version'], { encoding: 'utf8' });
  assert.equal(status, 1);
  assert.match(stderr, /^blobvalet: .*\/libexec\/blobvalet\/blobvalet: No such file or directory; .* install blobvalet as a whole\n$/);
});

test(`${kMemoryKib} KiB are enough after ${kRequests} signatures`, { skip: !isReleased }, () =>
  withWorker(kSigning, async (worker) => {
    for (let i = 0; i < kRequests; i += 200) {
      await Promise.all(Array.from({ length: 200 }, () => ask(worker.socket, signature())));
    }
    const rss = resources(worker.pid).residentKib;
    assert.ok(rss <= kMemoryKib, `${rss} KiB`);
  }));
