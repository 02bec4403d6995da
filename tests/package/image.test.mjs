// The container image: built by buildah from the recipe and the package, run without privileges, asked by FastCGI.
//
// There is no registry here. The base comes from Debian's archive as the published one does, by mmdebstrap; and where podman
// cannot run containers (nested, without control groups of its own), buildah's chroot isolation runs the same image.
import assert from 'node:assert/strict';
import { chmodSync, chownSync, copyFileSync, existsSync, mkdirSync, statSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { assertSigned, kContainer, newKey, signature, siteConfig } from '../fcgi/support.mjs';
import { ask } from '../lib/fcgi-client.mjs';
import { freePort, startProcess, tempDir, waitFor } from '../lib/process.mjs';
import { buildPackage, run } from './support.mjs';

const recipe = fileURLToPath(new URL('../../debian/oci/', import.meta.url));
const kUser = 10001;
const dir = tempDir('image');
const store = ['--root', join(dir, 'storage'), '--runroot', join(dir, 'run'), '--storage-driver', 'vfs'];
const buildah = (...args) => run('buildah', [...store, ...args]).trim();

function buildImage() {
  const { deb } = buildPackage();
  const context = join(dir, 'context');
  mkdirSync(context);
  copyFileSync(deb, join(context, basename(deb)));
  copyFileSync(join(recipe, 'entrypoint'), join(context, 'entrypoint'));
  chmodSync(join(context, 'entrypoint'), 0o755);

  const root = join(dir, 'base.tar');
  run('mmdebstrap', ['--variant=apt', '--dpkgopt=force-unsafe-io', '--quiet', 'bookworm', root]);
  const base = buildah('from', 'scratch');
  buildah('add', '--quiet', base, root, '/');
  buildah('commit', '--quiet', base, 'localhost/bookworm');
  buildah('build', '--isolation', 'chroot', '--layers=false', '--build-arg', 'BASE=localhost/bookworm', '--target', 'worker',
    '--tag', 'blobvalet', '--file', join(recipe, 'Containerfile'), context);
  return buildah('from', 'localhost/blobvalet');
}

const configOf = (container) => JSON.parse(buildah('inspect', container)).OCIv1.config;

/// The process below `ancestor` that runs `name`.
function findProcess(name, ancestor) {
  const all = run('ps', ['-e', '-o', 'pid=,ppid=,comm=']).trim().split('\n').map((line) => line.trim().split(/ +/));
  const below = (pid) => all.filter(([, parent]) => parent === String(pid)).flatMap(([child, , comm]) => [[child, comm], ...below(child)]);
  return Number(below(ancestor).find(([, comm]) => comm === name)[0]);
}

/// Runs the image's entry point with a configuration, and nothing writable but the directory of sockets; `{key, output(),
/// ended(), stop()}`, where stop() does what an engine does: it sends SIGTERM to the container's first process.
function runImage(container, { listen, sockets, args = [] }) {
  const config = tempDir('image-config');
  const key = newKey();
  writeFileSync(join(config, 'blobvalet.json'), JSON.stringify(siteConfig({ keys: undefined, server: { allow_from: ['127.0.0.1'] } })));
  writeFileSync(join(config, 'acmeuploads.key'), key, { mode: 0o400 });
  for (const name of ['', 'blobvalet.json', 'acmeuploads.key']) chownSync(join(config, name), kUser, kUser);
  const [entrypoint] = configOf(container).Entrypoint;
  const engine = startProcess('buildah', [...store, 'run', '--isolation', 'chroot', '--cap-drop', 'all',
    '--env', `BLOBVALET_LISTEN=${listen}`, '--volume', `${config}:/etc/blobvalet:ro`, '--volume', `${sockets}:/run/blobvalet`,
    container, '--', entrypoint, ...args]);
  const stop = async () => {
    process.kill(findProcess('multiwatch', engine.pid), 'SIGTERM');
    return engine.exited;
  };
  return { key, output: engine.output, ended: engine.ended, stop };
}

describe('the container image', () => {
  let container;
  const running = [];
  before(() => { container = buildImage(); });
  after(async () => {
    for (const pool of running.filter((each) => !each.ended())) await pool.stop();
    buildah('rm', '--all');
  });

  test('does not run as root', () => assert.equal(configOf(container).User, `${kUser}:${kUser}`));
  test('keeps nothing of its making', () => {
    const root = buildah('mount', container);
    assert.ok(existsSync(join(root, 'usr/bin/blobvalet')));
    for (const name of ['root', 'var/lib/apt/lists', 'var/cache']) assert.deepEqual(run('find', [join(root, name), '-type', 'f', '!', '-name', '.*']), '', name);
    const { uid, mode } = statSync(join(root, 'run/blobvalet'));
    assert.deepEqual([uid, (mode & 0o7777).toString(8)], [kUser, '2750']);
    buildah('umount', container);
  });

  const sockets = tempDir('image-sockets');
  chownSync(sockets, kUser, 33);        // as the volume is, which takes owner and mode from the image
  chmodSync(sockets, 0o2750);

  for (const [name, listen] of [['a unix socket', '/run/blobvalet/signature.sock'], ['TCP', '']]) {
    test(`signs behind ${name}, without privileges`, async () => {
      const port = await freePort();
      const pool = runImage(container, { listen: listen || `127.0.0.1:${port}`, sockets, args: ['--signatures-only'] });
      running.push(pool);
      const address = listen ? join(sockets, basename(listen)) : { host: '127.0.0.1', port };
      const answer = await waitFor(() => ask(address, signature()), { what: 'an answer' })
        .catch((error) => { throw new Error(`${error.message}\n${pool.output()}`); });
      assert.equal(answer.status, 200);
      assertSigned(answer.body, { url: `${kContainer}/alice/a.txt`, name: 'uploads/alice/a.txt', key: pool.key });
      if (listen) {
        const { gid, mode } = statSync(address);
        assert.deepEqual([gid, (mode & 0o777).toString(8)], [33, '660']);
      }
      assert.deepEqual(await pool.stop(), { code: 0, signal: null });
    });
  }
});
