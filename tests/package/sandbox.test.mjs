// The functional suites against the installed package: each worker and each renewer of keys is started by systemd, in the
// sandbox of its unit (see sandbox.mjs). BLOBVALET_SANDBOX_SUITES=all runs every suite that can be run so, otherwise it is a
// wide choice of them.
import assert from 'node:assert/strict';
import { copyFileSync } from 'node:fs';
import { test } from 'node:test';
import { bootGuest } from '../systemd/guest.mjs';
import { prepare, runSuites } from './sandbox.mjs';
import { buildPackage } from './support.mjs';

// What needs neither Azure nor an application has to do without any network.
const kSignature = {
  chosen: ['fcgi/answers', 'fcgi/malformed', 'fcgi/reload', 'nginx/refusals'],
  more: ['fcgi/abuse', 'fcgi/commands', 'fcgi/kept_connections', 'fcgi/log', 'fcgi/signals', 'nginx/cors', 'nginx/daemon',
    'nginx/faults', 'nginx/identity', 'nginx/limits', 'nginx/routing'],
};
const kSuccess = {
  chosen: ['callbacks/azure', 'callbacks/events', 'applications/receivers', 'rotation/commands'],
  more: ['callbacks/application', 'callbacks/session', 'callbacks/load', 'events/commands', 'events/daemon', 'events/kill', 'identity/machine',
    'identity/renew', 'rotation/rotation'],
};

// Tests which look at the process that stands for the worker, or at who runs the suite. All others have to pass.
const kCannot = {
  'fcgi/abuse': ['idle connections are kept, and answered when they ask at last'],                 // counts descriptors
  'fcgi/reload': ['a change that nobody could read, for want of a descriptor'],                    // limits them
  'fcgi/signals': ['are wiped from the process, and remembered by a reload',                       // reads /proc/PID/environ
    'kill -9 of one leaves the other serving, and another one comes'],     // the worker lives a moment longer than its stand-in
  'fcgi/commands': ['exit code 0: a key file of mode 640'],                                        // wants to be root
  'events/commands': ['root leaves nothing behind that the workers cannot use'],                   // likewise
};

// Neither here nor there: identity/clock and secrets/leaks (they preload a library, or look into the worker's memory, by
// the process that stands for it), identity/stubs, nginx/config and secrets/search (no worker at all), browser.

const suitesOf = ({ chosen, more }) => (process.env.BLOBVALET_SANDBOX_SUITES === 'all' ? [...chosen, ...more] : chosen);

// In TAP the innermost failures are those whose diagnosis is no "subtestsFailed".
const failuresIn = (tap) => [...tap.matchAll(/^ *not ok \d+ - (.*)\n(?: .*\n)*? *failureType: '(\w+)'/gm)]
  .filter(([, , type]) => type !== 'subtestsFailed').map(([, name]) => name.replaceAll('\\', ''));

const passedIn = (tap) => Number(/^# pass (\d+)$/m.exec(tap)?.[1] ?? 0);

// Every property by which systemd locks a service in, or limits it.
const kLocks = new RegExp('^(User|Group|DynamicUser|SupplementaryGroups|UMask|Limit|NoNew|Cap|Ambient|SecureBits|Private|Protect|'
  + 'Proc|Restrict|Lock|Memory(Deny|Max|High|Swap)|SystemCall|Keyring|RemoveIPC|IPAddress|Device|TasksMax|StateDirectory|ReadOnly|'
  + 'ReadWrite|Inaccessible|Exec(Paths|Search)|NoExec|Root|Temporary|Bind|MountFlags|Delegate|OOM)');

async function locksOf(guest, service) {
  const shown = await guest.sh(`systemctl show ${service}`);
  const locks = shown.split('\n').filter((line) => kLocks.test(line)).map((line) => line.split(/=(.*)/s));
  // Addresses are a set, in any order.
  return Object.fromEntries(locks.map(([name, value]) => [name, /^IPAddress/.test(name) ? value.split(' ').sort().join(' ') : value]));
}

const skip = process.env.BLOBVALET_SKIP_BOOT === '1' && 'BLOBVALET_SKIP_BOOT=1';

test('the functional suites in the sandbox of the packaged units', { skip, timeout: 1_500_000 }, async (t) => {
  const { deb } = buildPackage();
  const guest = await bootGuest({ build: null });
  try {
    copyFileSync(deb, guest.path('/root/blobvalet.deb'));
    await guest.sh('dpkg --install /root/blobvalet.deb');
    await prepare(guest);

    for (const [name, unit] of [['signature', 'signature@1'], ['success', 'success@1'], ['keys', 'keys']]) {
      await t.test(`the sandbox is that of blobvalet-${unit}.service, and one writable directory`, async () => {
        await guest.sh(`systemd-run --quiet --unit=blobvalet-suite-${name}-probe /bin/sleep 60`);
        const { ReadWritePaths: paths, ...locks } = await locksOf(guest, `blobvalet-suite-${name}-probe`);
        const { ReadWritePaths: packaged, ...expected } = await locksOf(guest, `blobvalet-${unit}`);
        assert.deepEqual(locks, expected);
        assert.ok(Object.keys(locks).length > 60 && locks.User === 'blobvalet', JSON.stringify(locks));
        assert.deepEqual(paths.split(' ').filter((path) => !packaged.split(' ').includes(path)), ['/srv/suite']);
      });
    }

    for (const [pool, suites] of [['signature', suitesOf(kSignature)], ['success', suitesOf(kSuccess)]]) {
      for (const suite of suites) {
        await t.test(`${suite} in place of blobvalet-${pool}@.service`, async (step) => {
          const { output } = await runSuites(guest, { pool, files: [`${suite}.test.mjs`] });
          const failures = failuresIn(output);
          const known = failures.filter((name) => kCannot[suite]?.includes(name));
          assert.deepEqual(failures.filter((name) => !known.includes(name)), [], output.slice(-20_000));
          assert.ok(passedIn(output) > 0, output);
          step.diagnostic(`${passedIn(output)} passed${known.map((name) => `; cannot: ${name}`).join('')}`);
        });
      }
    }
  } finally {
    await guest.stop();
  }
});
