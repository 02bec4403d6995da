// The package, as its own rules build it, and others of later versions which are made of it without compiling.
import { execFileSync } from 'node:child_process';
import { appendFileSync, mkdirSync, readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { blobvaletBinary } from '../lib/pool.mjs';
import { tempDir } from '../lib/process.mjs';

const source = fileURLToPath(new URL('../../', import.meta.url));

/// What `command` prints; if it fails, an error with all of that.
export function run(command, args, options = {}) {
  try {
    return execFileSync(command, args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'], ...options });
  } catch (error) {
    throw new Error(`${[command, ...args].join(' ')}: ${error.stdout ?? ''}${error.stderr ?? error.message}`);
  }
}

/// Copies the sources, without what is built, to `dir`.
export function copySources(dir) {
  mkdirSync(dir, { recursive: true });
  run('sh', ['-c', `tar --create --exclude=./build --exclude=node_modules --exclude=.git . | tar --extract --directory="${dir}"`],
    { cwd: source });
}

/// Builds the package of the program that is under test, in a directory of its own; `{deb, changes, dir}`. `umask` and `env`
/// are what another machine might have otherwise.
export function buildPackage({ umask = '022', env = {} } = {}) {
  const dir = tempDir('package');
  copySources(join(dir, 'blobvalet'));
  run('sh', ['-c', `umask ${umask} && exec dpkg-buildpackage --build=binary --unsigned-changes --unsigned-source`], {
    cwd: join(dir, 'blobvalet'),
    env: { ...process.env, BLOBVALET_BUILD: dirname(dirname(blobvaletBinary)), ...env },
  });
  const built = (suffix) => join(dir, readdirSync(dir).find((name) => name.endsWith(suffix)));
  return { deb: built('.deb'), changes: built('.changes'), dir };
}

/// The version in a package's control file.
export const versionOf = (deb) => run('dpkg-deb', ['--field', deb, 'Version']).trim();

/// The same package with `suffix` behind its version, and another line in some conffiles; its file.
export function laterPackage(deb, suffix, conffiles) {
  const tree = join(tempDir('later'), 'tree');
  run('dpkg-deb', ['--raw-extract', deb, tree]);
  const control = join(tree, 'DEBIAN/control');
  writeFileSync(control, readFileSync(control, 'utf8').replace(/^Version: .*$/m, `$&${suffix}`));
  for (const name of conffiles) appendFileSync(join(tree, name), `# as of ${suffix}\n`);
  run('dpkg-deb', ['--root-owner-group', '--build', tree, `${tree}.deb`]);
  return `${tree}.deb`;
}
