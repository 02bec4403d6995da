// A site without any account key: what signs is a user delegation key of the machine's identity.
import assert from 'node:assert/strict';
import { existsSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { account, startAzurite } from '../lib/azurite.mjs';
import { startIdentityStub } from '../lib/identity-stub.mjs';
import { blobvaletBinary } from '../lib/pool.mjs';
import { startProcess } from '../lib/process.mjs';
import { kRules, openRule } from '../lib/site.mjs';
import {
  answersFor, chunks, eventsOf, pattern, sha256, stored, upload, uploaderOptions, useSite, waitFor,
} from './support.mjs';

const kKeys = 'keys';

/// The usual site, whose only account has an identity and no key that anybody but Azurite knows.
function useIdentity() {
  const machine = {};
  before(async () => { machine.identity = await startIdentityStub(); });
  after(() => machine.identity?.stop());
  return Object.assign(machine, {
    options: {
      privately: true,
      rules: [...kRules, openRule('pictures')],
      success: { thumbnail: { type: 'read_sas', lifetime_seconds: 600 } },
      startStorage: () => startAzurite({ oauth: true, accounts: [{ name: account }] }),
      changeConfig: (usual, dir, { caFile }) => ({
        ...usual, keys: { directory: kKeys }, sas: { protocol: 'https' },
        accounts: usual.accounts.map((it) => ({ ...it, ca_file: caFile, credential: { type: 'managed_identity' } })),
      }),
      startBeside: (config) => startProcess(blobvaletBinary, ['keys', 'renew', '--config', config], {
        env: machine.identity.imds.env(), log: join(dirname(config), 'renew.log'),
      }),
    },
  });
}

describe('without an account key', { timeout: 180_000 }, () => {
  const machine = useIdentity();
  const stack = useSite(machine.options);
  const options = (more) => uploaderOptions(stack.site, 'drop', more);
  const container = (name = 'drop') => stack.site.storage.container(name);
  const directory = () => dirname(stack.site.config);
  const keyFile = () => join(directory(), kKeys, `${account}.delegation-key`);
  before(async () => {
    await waitFor(() => existsSync(keyFile()), { what: 'a delegation key' });
    await stack.site.storage.allowOrigins([stack.site.origins.site], 'PUT,DELETE,GET');
  });

  /// Files of the site as it runs, links to this project's own left out.
  const files = (dir = directory()) => readdirSync(dir, { withFileTypes: true }).flatMap((entry) => {
    const path = join(dir, entry.name);
    if (entry.isDirectory()) return files(path);
    return entry.isFile() ? [path] : [];
  });

  /// Whose first key comes at once.
  function useAnotherIdentity() {
    const config = JSON.parse(readFileSync(stack.site.config));
    config.accounts[0].credential.client_id = machine.identity.users[0].clientId;
    writeFileSync(stack.site.config, JSON.stringify(config));
  }

  it('stores a whole file', async () => {
    const { result } = await upload(await stack.open(), options(), { name: 'whole.bin', size: 300_001 });
    assert.equal(result.success, true, JSON.stringify(result));
    assert.equal(sha256(await container().read('whole.bin')), sha256(pattern(300_001)));
    const { callbacks: [callback] } = await answersFor(stack.site, 'drop', 'whole.bin', 2);
    assert.deepEqual([callback.status, callback.verified, callback.size], [200, true, 300_001]);
  });

  it('stores a file below the folder of who is logged in, by a name that needs care', async () => {
    const page = await stack.open({ user: 'alice' });
    const name = '%41 #1?&+ "見本" 🦀.bin';
    const { result } = await upload(page, uploaderOptions(stack.site, 'uploads/alice'), { name });
    assert.equal(result.success, true, JSON.stringify(result));
    assert.equal(sha256(await container('uploads').read(`alice/${name}`)), sha256(pattern(1000)));
  });

  it('stores a file in chunks, several at a time', async () => {
    const size = 5_000_123;
    const { result } = await upload(await stack.open(), options({ chunking: chunks(500_000) }), { name: 'chunks.bin', size });
    assert.equal(result.success, true, JSON.stringify(result));
    assert.equal(sha256(await container().read('chunks.bin')), sha256(pattern(size)));
    assert.equal((await container().committedBlocks('chunks.bin')).length, 11);
  });

  it('deletes', async () => {
    const page = await stack.open();
    await upload(page, options(), { name: 'delete me.txt' });
    assert.ok((await container().names()).includes('delete me.txt'));
    await page.evaluate(() => uploader.deleteFile(0));
    const [complete] = await eventsOf(page, 'onDeleteComplete');
    assert.equal(complete.args[2], false, 'no error');
    assert.ok(!(await container().names()).includes('delete me.txt'));
    assert.deepEqual(stored(stack.site, 'DELETE', '/drop/delete me.txt').map(({ status }) => status), [202]);
  });

  it('shows a thumbnail, which is read by a delegation SAS, too', async () => {
    const page = await stack.openGallery(uploaderOptions(stack.site, 'pictures'), { previews: false });
    await page.evaluate(() => addPicture('picture.png', 400, 300));
    const [{ args: [, , result] }] = await eventsOf(page, 'onComplete');
    assert.equal(result.success, true, JSON.stringify(result));
    assert.equal(new URL(result.thumbnailUrl).searchParams.get('skoid'), machine.identity.system.objectId);
    const image = page.locator('img.qq-thumbnail-selector');
    await waitFor(() => image.evaluate(({ naturalWidth, src }) => naturalWidth > 0 && src.startsWith('data:image/png')),
      { what: 'a thumbnail' });
  });

  it('refuses whom it would refuse otherwise', async () => {
    const page = await stack.open({ user: 'alice' });
    const { result, answer } = await upload(page, uploaderOptions(stack.site, 'uploads/bob'), { name: 'a.txt' });
    assert.deepEqual([result.success, answer.status], [false, 403]);
    assert.equal(stored(stack.site, 'PUT', '/uploads/bob/a.txt').length, 0);
  });

  it('goes on with a new key while a file is uploaded in chunks', async () => {
    const page = await stack.open();
    const { ino } = statSync(keyFile());
    const uploading = upload(page, options({ chunking: chunks(200_000, false) }), { name: 'renewed.bin', size: 4_000_000 });
    await eventsOf(page, 'onUploadChunkSuccess', 2);
    useAnotherIdentity();
    await waitFor(() => statSync(keyFile()).ino !== ino, { what: 'another key' });
    assert.equal((await uploading).result.success, true);
    assert.equal(sha256(await container().read('renewed.bin')), sha256(pattern(4_000_000)));
  });

  it('has asked for each key once, and knows no account key', () => {
    assert.deepEqual(machine.identity.refused, []);
    const all = files();
    assert.ok(all.some((file) => file.endsWith('.delegation-key')));
    assert.ok(!all.some((file) => file.endsWith('account.key')));
    for (const key of stack.site.storage.keys()) {
      for (const file of all) assert.ok(!readFileSync(file).includes(key), `${file} holds an account key`);
    }
    assert.deepEqual(stack.site.answers().filter(({ status }) => status >= 500), []);
  });
});
