// The life of an installation under a real systemd: installed by apt, set up as the README says, upgraded under load,
// removed, installed again and purged. nginx runs all the time, and nobody but the operator ever tells it anything.
import assert from 'node:assert/strict';
import { copyFileSync, existsSync, readFileSync, readdirSync, readlinkSync, rmSync, writeFileSync } from 'node:fs';
import { test } from 'node:test';
import { newKey } from '../fcgi/support.mjs';
import { waitFor } from '../lib/process.mjs';
import { findSecretInFile, refuse } from '../lib/secrets.mjs';
import { bootGuest } from '../systemd/guest.mjs';
import { buildPackage, laterPackage, versionOf } from './support.mjs';

const kPrograms = ['/usr/bin/blobvalet', '/usr/libexec/blobvalet/blobvalet'];
const kContainer = 'https://acmeuploads.blob.core.windows.net/uploads';
// nginx sends signatures for DELETE to the success pool.
const pathOf = (method) => `/blobvalet/signature?_method=${method}&bloburi=${encodeURIComponent(`${kContainer}/alice/photo.jpg`)}`;
const kEndpoints = { signature: pathOf('PUT'), success: pathOf('DELETE') };
const kUpgraded = ['etc/default/blobvalet', 'etc/nginx/snippets/blobvalet-common.conf'];

const kTargets = 'blobvalet-signature.target blobvalet-success.target';

// As for anybody who lets it run unattended: conffiles that were edited stay, others are replaced.
const kApt = 'DEBIAN_FRONTEND=noninteractive apt-get -q -y --no-install-recommends --allow-downgrades'
  + ' -o Dpkg::Options::=--force-confdef -o Dpkg::Options::=--force-confold';

function put(guest, deb) {
  const name = `/root/blobvalet_${versionOf(deb)}_amd64.deb`;
  copyFileSync(deb, guest.path(name));
  return name;
}

const install = (guest, deb) => guest.sh(`${kApt} install ${put(guest, deb)} 2>&1`);

// What apt does in the end, ahead of the clients, which take all of the machine.
const upgrade = (guest, deb) => guest.sh(`nice -n -15 dpkg --force-confdef --force-confold --install ${put(guest, deb)} 2>&1`);

/// Every process of nginx that takes requests: others after a restart, and other workers after a reload.
const nginxProcesses = (guest) => guest.sh("pgrep -f '^nginx: (master process .*|worker process)$'");

const sharedLines = (one, other) => one.trim().split('\n').filter((line) => other.split('\n').includes(line)).length;

async function status(guest, path) {
  return Number(await guest.curl('--output', '/dev/null', '--write-out', '%{http_code}', `http://127.0.0.1${path}`));
}

async function answers(guest) {
  for (const path of Object.values(kEndpoints)) {
    const signed = new URL(await guest.curl(`http://127.0.0.1${path}`));
    assert.equal(signed.origin + signed.pathname, `${kContainer}/alice/photo.jpg`);
    assert.ok(signed.searchParams.get('sig'));
  }
}

// What the guest has written to its disk and this machine does not have, by name; changed files count, too. Left out is what
// any package, boot or nginx leaves behind.
const kNotes = /^\/(root|tmp|var\/(tmp|log|cache|lib\/(dpkg|apt|systemd|PackageKit|nginx)))\//;

const written = (dir, path = '') => readdirSync(dir + path, { withFileTypes: true }).flatMap((entry) => {
  const name = `${path}/${entry.name}`;
  if (kNotes.test(name)) return [];
  const below = entry.isDirectory() ? written(dir, name) : [];
  return entry.isDirectory() && existsSync(name) ? below : [name, ...below];
});

async function configure(guest) {
  writeFileSync(guest.path('/root/pasted'), newKey());
  await guest.sh(`
    install -m 0400 -o blobvalet -g blobvalet /dev/stdin /etc/blobvalet/acmeuploads.key < /root/pasted
    install -m 0640 -o root -g blobvalet /usr/share/doc/blobvalet/examples/blobvalet.json /etc/blobvalet/
    sed -i '/"accounts"/i \\  "server": { "access_log": false, "audit_log": false },' /etc/blobvalet/blobvalet.json
    blobvalet check`);
  writeFileSync(guest.path('/etc/nginx/sites-enabled/uploads'), `
server {
    listen 127.0.0.1:80;
    set $blobvalet_user alice;
    include snippets/blobvalet.conf;
}
`);
  const before = await nginxProcesses(guest);
  await guest.sh(`systemctl enable --now ${kTargets} && nginx -t && systemctl reload nginx`);
  // The workers of the configuration before end when they have answered.
  await waitFor(async () => sharedLines(before, await nginxProcesses(guest)) === 1, { what: 'all but the master are new' });
}

const workers = (guest) => Object.keys(kEndpoints).flatMap((endpoint) => guest.workers(endpoint));

/// Upgrades while clients ask both pools; every worker is another one then, and runs the program that is on the disk.
async function upgradeUnderLoad(guest, deb) {
  const before = workers(guest);
  const nginx = await nginxProcesses(guest);
  const loads = await Promise.all(Object.values(kEndpoints).map((path) => guest.load(path)));
  try {
    const said = await upgrade(guest, deb);
    assert.match(said, /nginx -t && systemctl reload nginx/);
    const seen = await Promise.all(loads.map((load) => load.finish()));
    assert.deepEqual(seen.map(({ failures }) => failures), [{}, {}]);
    assert.ok(seen.every(({ asked }) => asked > 200), JSON.stringify(seen));
  } finally {
    await Promise.all(loads.map((load) => load.stop()));
  }
  assert.equal(await nginxProcesses(guest), nginx);
  await waitFor(() => workers(guest).length === before.length, { what: 'as many workers as before' });
  for (const pid of workers(guest)) {
    assert.ok(!before.includes(pid), 'another worker');
    assert.ok(kPrograms.includes(readlinkSync(guest.path(`/proc/${pid}/exe`))), 'the program that is installed now');
  }
  assert.equal(await guest.sh("dpkg-query --show --showformat='${Version}' blobvalet"), versionOf(deb));
  await answers(guest);
}

async function usePool(guest, name) {
  await guest.sh(`/usr/libexec/blobvalet/use-pool ${name}`);
  await waitFor(() => workers(guest).length === 4, { what: `the ${name} pool` });
  await waitFor(async () => await status(guest, kEndpoints.success) === 200, { what: 'answers' });
}

const isGone = async (guest) => {
  await waitFor(() => guest.processes().length === 0, { what: 'no process' });
  assert.equal(existsSync(guest.path('/run/blobvalet')), false);
  assert.equal((await guest.sh("systemctl list-units --no-legend 'blobvalet*'")).trim(), '');
};

const skip = process.env.BLOBVALET_SKIP_BOOT === '1' && 'BLOBVALET_SKIP_BOOT=1';

test('the package, from installation to purge', { skip, timeout: 290_000 }, async (t) => {
  const { deb } = buildPackage();
  const second = laterPackage(deb, '+second', kUpgraded);
  const third = laterPackage(deb, '+third', kUpgraded);
  const guest = await bootGuest({ build: null });
  let hasFailed = false;
  const step = (name, body) => t.test(name, async (step) => {
    if (hasFailed) return step.skip('an earlier step failed');
    try {
      await body(step);
    } catch (error) {
      hasFailed = true;
      error.message += `\n${await guest.sh('journalctl --no-pager --lines=60; tail -n 20 /var/log/nginx/error.log')}`;
      throw error;
    }
  });

  try {
    // A machine on which packages get built may forbid them to start anything.
    rmSync(guest.path('/usr/sbin/policy-rc.d'), { force: true });
    const before = written(guest.written);
    const nginx = await nginxProcesses(guest);
    const edited = { '/etc/default/blobvalet': '# ours\nWORKERS=2\n', '/etc/nginx/blobvalet/origins.map': '"https://www.example.com" 1;\n' };
    const text = (name) => readFileSync(guest.path(name), 'utf8');

    await step('installs, and starts nothing', async () => {
      await install(guest, deb);
      assert.deepEqual(guest.processes(), []);
      assert.equal((await guest.sh("systemctl list-units --no-legend --state=active,activating,failed 'blobvalet*'")).trim(), '');
      assert.equal(await nginxProcesses(guest), nginx);
      assert.match(await guest.sh('systemctl is-enabled blobvalet-signature.target blobvalet-success.target || true'),
        /^disabled\ndisabled\n$/);
      assert.equal(await guest.sh('stat -c "%a %U %G" /etc/blobvalet /run/blobvalet'), '750 root blobvalet\n2750 blobvalet www-data\n');
      assert.match(await guest.sh('getent passwd blobvalet'), /:\/usr\/sbin\/nologin$/m);
    });
    await step('nginx takes the files with the next reload', () => guest.sh('nginx -t'));
    await step('is set up as the README says', async () => {
      await configure(guest);
      await waitFor(() => workers(guest).length === 4, { what: 'both pools' });
      await waitFor(async () => await status(guest, kEndpoints.success) === 200, { what: 'nginx has taken the site' });
      await answers(guest);
      for (const [name, line] of Object.entries(edited)) writeFileSync(guest.path(name), line);
    });

    await step('socket pool: upgraded under load', () => upgradeUnderLoad(guest, second));
    await step('what the operator has edited is kept, the rest is new', () => {
      for (const [name, line] of Object.entries(edited)) assert.equal(text(name), line);
      assert.match(text('/etc/default/blobvalet.dpkg-dist'), /as of \+second/);
      assert.match(text(`/${kUpgraded[1]}`), /as of \+second/);
    });
    await step('spawn-fcgi pool: upgraded under load', async () => {
      await usePool(guest, 'spawn');
      await upgradeUnderLoad(guest, third);
    });
    await step('what is stopped stays stopped, and the first version comes back', async () => {
      await usePool(guest, 'socket');
      await guest.sh(`systemctl stop ${kTargets}`);
      await install(guest, deb);
      assert.deepEqual(guest.processes(), []);
      await guest.sh(`systemctl start ${kTargets}`);
      await waitFor(() => workers(guest).length === 4, { what: 'both pools' });
    });

    await step('removed: the pools are gone, the configuration and nginx are not', async () => {
      const processes = await nginxProcesses(guest);
      await guest.sh(`${kApt} remove blobvalet`);
      await isGone(guest);
      assert.equal(await nginxProcesses(guest), processes);
      assert.equal(await status(guest, kEndpoints.signature), 503);
      await guest.sh('nginx -t');
      assert.ok(existsSync(guest.path('/etc/blobvalet/acmeuploads.key')));
      for (const [name, line] of Object.entries(edited)) assert.equal(text(name), line);
    });
    await step('installed again, it is as it was', async () => {
      await install(guest, deb);
      assert.deepEqual(guest.processes(), []);
      assert.match(await guest.sh(`systemctl is-enabled ${kTargets}`), /^enabled\nenabled\n$/);
      await guest.sh(`systemctl start ${kTargets}`);
      await waitFor(async () => await status(guest, kEndpoints.success) === 200, { what: 'answers' });
      await answers(guest);
    });
    await step('purged: nothing is left', async () => {
      const processes = await nginxProcesses(guest);
      await guest.sh(`mkdir -p /etc/systemd/system/blobvalet-.service.d && cp /usr/share/doc/blobvalet/examples/systemd/credentials.conf \\
        /etc/systemd/system/blobvalet-.service.d/ && echo AZURE_CLIENT_ID= > /etc/default/blobvalet-keys`);
      const said = await guest.sh(`${kApt} purge blobvalet 2>&1`);
      assert.match(said, /includes snippets that are gone/);
      await isGone(guest);
      assert.equal(await nginxProcesses(guest), processes);
      rmSync(guest.path('/etc/nginx/sites-enabled/uploads'));
      const left = written(guest.written).filter((name) => !before.includes(name));
      assert.deepEqual(left.filter((name) => !kAccounts.test(name)), []);
      assert.equal(await guest.sh("find /run /etc /var/lib/systemd /var/lib/dpkg -name '*blobvalet*'"), '');
      await guest.sh('nginx -t');
    });
    await step('no secret is in the journal', async () => {
      await guest.sh('journalctl --no-pager --output=cat > /root/journal');
      refuse(findSecretInFile(guest.path('/root/journal')), 'the journal');
    });
  } finally {
    await guest.stop();
  }
});

// The user stays, in these files and their copies.
const kAccounts = /^\/etc\/(passwd|shadow|group|gshadow)-?$/;
