// The package as built: Debian's own checks, what it asks for, and that it does not depend on where and when it is packed.
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { buildPackage, run, versionOf } from './support.mjs';

const built = buildPackage();
const contents = run('dpkg-deb', ['--contents', built.deb]).trim().split('\n')
  .map((line) => ({ mode: line.slice(0, 10), owner: line.split(/ +/)[1], name: line.slice(line.indexOf('./') + 1) }));
const files = contents.filter(({ mode }) => mode.startsWith('-'));
const control = (name) => run('dpkg-deb', ['--info', built.deb, name]);

test('lintian finds neither errors nor warnings, nor what pedants mind', () => {
  assert.equal(run('lintian', ['--allow-root', '--pedantic', '--fail-on', 'error,warning,pedantic', built.changes]), '');
});

test('has the version of the program', () => {
  const [, version] = /^project\(blobvalet VERSION (\S+)/m.exec(readFileSync(fileURLToPath(new URL('../../CMakeLists.txt', import.meta.url)), 'utf8'));
  assert.equal(versionOf(built.deb), version);
});

test('all that is in /etc is a conffile', () => {
  assert.deepEqual(control('conffiles').trim().split('\n').sort(), files.map(({ name }) => name).filter((name) => name.startsWith('/etc/')).sort());
});

test('nothing can be written by anybody but root, and nothing is set-uid', () => {
  assert.ok(files.length > 30);
  for (const { mode, owner, name } of contents) assert.match(`${mode} ${owner}`, /^[-d](rwx|rw-)r-[x-]r-[x-] root\/root$/, name);
});

test('neither nginx nor anybody else is restarted or triggered', () => {
  for (const name of ['postinst', 'prerm', 'postrm']) {
    const commands = control(name).split('\n').filter((line) => !/^\s*(#|echo )/.test(line)).join('\n');
    assert.doesNotMatch(commands, /nginx (-s|-t)|(reload|restart|stop|start)\b.*nginx|invoke-rc\.d|dpkg-trigger/, name);
  }
  assert.doesNotMatch(run('dpkg-deb', ['--info', built.deb]), /\btriggers\b/);
});

test('the same bytes at another time, in another place, by somebody with another umask', () => {
  const other = buildPackage({ umask: '077', env: { TZ: 'Pacific/Auckland', LC_ALL: 'C', LANG: 'de_DE.UTF-8' } });
  const hash = (deb) => createHash('sha256').update(readFileSync(deb)).digest('hex');
  assert.notEqual(other.dir, built.dir);
  assert.equal(hash(other.deb), hash(built.deb));
});

test('the program does not know where it was built', () => {
  const tree = `${built.dir}/tree`;
  run('dpkg-deb', ['--extract', built.deb, tree]);
  const program = readFileSync(`${tree}/usr/bin/blobvalet`, 'latin1');
  for (const place of [fileURLToPath(new URL('../../', import.meta.url)), built.dir]) assert.ok(!program.includes(place), place);
});
