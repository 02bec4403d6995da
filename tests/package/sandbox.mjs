// Suites that run in a booted guest, against the installed package: its program in the sandbox of its units.
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const tests = fileURLToPath(new URL('../', import.meta.url));

// What a unit's services are called here, and whose place they take. hardening.conf is for every service whose name begins
// with blobvalet-, so it holds for these, too.
const kUnits = { signature: 'blobvalet-signature@.service', success: 'blobvalet-success@.service', keys: 'blobvalet-keys.service' };
const kDirectory = '/srv/suite';

// What suites need of root, to set up files and to look into processes.
const kCapabilities = ['chown', 'dac_override', 'fowner', 'kill', 'setgid', 'setuid', 'sys_ptrace'].map((name) => `+${name}`).join();

/// Makes systemd in the guest sandbox services called blobvalet-suite-NAME-… as it does the packaged unit NAME: by every
/// line of its [Service] but those which say what is run and on which descriptors. What is added is one directory that may
/// be written, because a suite keeps a site's configuration, keys, sockets and state in a directory of its own.
export async function prepare(guest) {
  for (const [name, unit] of Object.entries(kUnits)) {
    const shipped = readFileSync(guest.path(`/usr/lib/systemd/system/${unit}`), 'utf8');
    const lines = shipped.slice(shipped.indexOf('[Service]')).replace(/\\\n/g, ' ').split('\n')
      .filter((line) => !/^(#|$|\[Install|WantedBy|Type=|Sockets=|Standard|Exec|Restart|WatchdogSec|NotifyAccess)/.test(line));
    const dir = guest.path(`/run/systemd/system/blobvalet-suite-${name}-.service.d`);
    mkdirSync(dir, { recursive: true });
    writeFileSync(join(dir, 'zz-unit.conf'), [...lines, `ReadWritePaths=${kDirectory}`, ''].join('\n'));
  }
  await guest.sh(`install -d -o blobvalet -g blobvalet ${kDirectory}; systemctl daemon-reload`);
}

/// Runs test files in the guest, as the workers' user, though with the privileges which a suite needs of root; the sandbox
/// gives none of them on. `pool`, `signature` or `success`, is the unit in whose place `serve` is. What node:test has to say.
export function runSuites(guest, { pool, files, reporter = 'tap' }) {
  const env = {
    BLOBVALET_BINARY: join(tests, 'package/sandbox/blobvalet'), BLOBVALET_SANDBOX: pool, TMPDIR: kDirectory, HOME: kDirectory,
    ...(process.env.BLOBVALET_EVENT_WORKER && { BLOBVALET_EVENT_WORKER: process.env.BLOBVALET_EVENT_WORKER }),
  };
  return guest.run('env', '--unset=NODE_TEST_CONTEXT', ...Object.entries(env).map(([name, value]) => `${name}=${value}`),
    'setpriv', '--reuid=blobvalet', '--regid=blobvalet', '--init-groups', `--inh-caps=${kCapabilities}`, `--ambient-caps=${kCapabilities}`, '--',
    process.execPath, '--test', `--test-reporter=${reporter}`, '--test-concurrency=1', ...files.map((file) => join(tests, file)));
}
