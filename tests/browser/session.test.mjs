// What a page shows of earlier uploads: Fine Uploader's session feature, and its delete button for files that it finds so.
import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { startIdentityStub } from '../lib/identity-stub.mjs';
import { account, startAzurite } from '../lib/azurite.mjs';
import { blobvaletBinary } from '../lib/pool.mjs';
import { startProcess } from '../lib/process.mjs';
import { openRule } from '../lib/site.mjs';
import {
  addFile, answersFor, chunks, eventsOf, startUploader, stored, upload, uploaderOptions, useSite, waitFor,
} from './support.mjs';

const kRules = [
  { name: 'own-folder', account, container: 'uploads', blobs: ['{user}/**'], methods: ['PUT', 'DELETE'], list: true,
    thumbnail: { type: 'read_sas', lifetime_seconds: 600 } },
  openRule('drop'),
];

/// The options of a page for `user`, which asks for the list as README says.
const sessionOptions = (site, user, { origin = '', ...more } = {}) => {
  const options = uploaderOptions(site, `uploads/${user}`, { origin, naming: 'uuid', ...more });
  return { ...options, session: { endpoint: `${origin}/blobvalet/session`, params: { container: options.request.endpoint } } };
};

/// What the page got: `{files, isFine, answer}`.
async function sessionOf(page) {
  const [{ args: [files, isFine, answer] }] = await eventsOf(page, 'onSessionRequestComplete');
  return { files, isFine, answer };
}

const shown = (page) => page.evaluate(() => uploader.getUploads({ status: qq.status.UPLOAD_SUCCESSFUL })
  .map(({ name, uuid, size }) => ({ name, uuid, size })));

async function reload(page, options) {
  await page.reload();
  await startUploader(page, options);
  return sessionOf(page);
}

function describeSessions(what, { prepare = () => {}, ...siteOptions }) {
  describe(what, { timeout: 180_000 }, () => {
    prepare();
    const stack = useSite({ rules: kRules, ...siteOptions });
    before(() => stack.site.storage.allowOrigins(Object.values(stack.site.origins), 'PUT,DELETE,GET'));
    const container = () => stack.site.storage.container('uploads');
    const uploadOne = async (page, name, more = {}) => {
      const count = (await page.evaluate(() => events)).filter(({ name: event }) => event === 'onComplete').length;
      await addFile(page, name, 1000, more);
      const all = await eventsOf(page, 'onComplete', count + 1);
      assert.equal(all.at(-1).args[2].success, true, JSON.stringify(all.at(-1)));
    };

    it('shows earlier uploads after a reload, deletes one, and it is gone after the next', async () => {
      const page = await stack.open({ user: 'alice' });
      const options = sessionOptions(stack.site, 'alice');
      await startUploader(page, options);
      assert.deepEqual(await sessionOf(page), { files: [], isFine: true, answer: { status: 200, text: '[]' } });
      const names = ['first & second #1.txt', '見本 🦀 100%41.txt', 'no extension'];
      for (const name of names) await uploadOne(page, name);
      const before = await shown(page);

      const { files, isFine } = await reload(page, options);
      assert.equal(isFine, true);
      assert.deepEqual(new Set(files.map(({ name }) => name)), new Set(names));
      const byName = (a, b) => (a.name < b.name ? -1 : 1);
      assert.deepEqual((await shown(page)).sort(byName), before.sort(byName), 'name, UUID and size are those of the upload');

      const gone = names[0];
      const { blobName } = files.find(({ name }) => name === gone);
      await page.evaluate((name) => uploader.deleteFile(uploader.getUploads().find((it) => it.name === name).id), gone);
      const [complete] = await eventsOf(page, 'onDeleteComplete');
      assert.equal(complete.args[2], false, 'no error');
      assert.deepEqual(stored(stack.site, 'DELETE', `/uploads/alice/${blobName}`).map(({ status }) => status), [202]);
      const { signatures } = await answersFor(stack.site, 'uploads', `alice/${blobName}`, 3);
      assert.deepEqual(signatures.map(({ verb, status }) => [verb, status]), [['PUT', 200], ['DELETE', 200]]);

      const after = await reload(page, options);
      assert.deepEqual(new Set(after.files.map(({ name }) => name)), new Set(names.slice(1)));
      assert.ok(!(await container().names()).includes(`alice/${blobName}`));
    });

    it('shows another user nothing of it', async () => {
      assert.ok((await container().names()).some((name) => name.startsWith('alice/')));
      for (const user of ['alice2', 'alic', 'bob']) {
        const page = await stack.open({ user });
        await startUploader(page, sessionOptions(stack.site, user));
        assert.deepEqual((await sessionOf(page)).files, [], user);
      }
    });

    it('refuses whoever asks for the folder of another, or for all', async () => {
      const ask = async (page, options) => {
        await startUploader(page, options);
        return sessionOf(page);
      };
      const refused = async (user, options) => {
        const { isFine, answer } = await ask(await stack.open({ user }), options);
        return [isFine, answer.status, JSON.parse(answer.text).code];
      };
      assert.deepEqual(await refused('bob', sessionOptions(stack.site, 'alice')), [false, 403, 'not_allowed']);
      assert.deepEqual(await refused('bob', sessionOptions(stack.site, 'bo')), [false, 403, 'not_allowed']);
      assert.deepEqual(await refused(undefined, sessionOptions(stack.site, 'alice')), [false, 403, 'login_required']);
      const drop = sessionOptions(stack.site, 'alice');
      drop.session.params.container = `${stack.site.storage.blobEndpoint}/drop`;
      assert.deepEqual(await refused('alice', drop), [false, 403, 'not_allowed']);
    });

    it('shows files that were sent in parts, and those below further folders', async () => {
      const page = await stack.open({ user: 'carol' });
      const options = sessionOptions(stack.site, 'carol', { chunking: chunks(300), naming: 'filename' });
      const { result } = await upload(page, options, { name: 'parts.bin', size: 1000 });
      assert.equal(result.success, true);
      await container().write('carol/more/deep.txt', 'x');
      const { files } = await reload(page, options);
      assert.deepEqual(files.map(({ name, blobName, size }) => [name, blobName, size]).sort(),
        [['deep.txt', 'more/deep.txt', 1], ['parts.bin', 'parts.bin', 1000]]);
      await page.evaluate(() => uploader.deleteFile(uploader.getUploads().find((it) => it.name === 'deep.txt').id));
      await eventsOf(page, 'onDeleteComplete');
      assert.deepEqual((await container().names()).filter((name) => name.startsWith('carol/')), ['carol/parts.bin']);
    });

    it('shows a container whole where the page sends to the container, its own part only', async () => {
      const page = await stack.open({ user: 'carol' });
      const options = sessionOptions(stack.site, 'carol');
      options.session.params.container = `${stack.site.storage.blobEndpoint}/uploads`;
      await startUploader(page, options);
      assert.deepEqual((await sessionOf(page)).files.map(({ blobName }) => blobName), ['carol/parts.bin']);
    });

    it('works from a page on another origin, by CORS', async () => {
      const page = await stack.open({ user: 'carol', origin: stack.site.origins.page, loginAt: stack.site.origins.site });
      const options = sessionOptions(stack.site, 'carol', {
        origin: stack.site.origins.site, cors: { expected: true, sendCredentials: true },
      });
      options.session.customHeaders = { 'X-Requested-With': 'XMLHttpRequest' };   // has it preflighted
      await startUploader(page, options);
      const { files, isFine } = await sessionOf(page);
      assert.equal(isFine, true);
      assert.deepEqual(files.map(({ name }) => name), ['parts.bin']);
    });

    it('shows thumbnails of pictures in the gallery', async () => {
      const options = sessionOptions(stack.site, 'dave');
      const page = await stack.openGallery(options, { user: 'dave' });
      await page.evaluate(() => addPicture('picture.png', 400, 300));
      await eventsOf(page, 'onComplete');

      const { files: [file] } = await reload(page, options);
      const image = page.locator('img.qq-thumbnail-selector');
      await waitFor(() => image.evaluate(({ naturalWidth }) => naturalWidth > 0), { what: 'a thumbnail' });
      const sas = new URL(file.thumbnailUrl).searchParams;
      assert.deepEqual([sas.get('sp'), sas.get('sr'), sas.get('rsct')], ['r', 'b', 'image/png']);
      const given = await waitFor(() => stack.site.answers().find(
        ({ endpoint, blob, permissions }) => endpoint === 'session' && blob === `dave/${file.blobName}` && permissions === 'r'),
      { what: 'a line in the log about the SAS' });
      assert.match(given.signature_sha256, /^[0-9a-f]{64}$/);
    });

    it('gives nobody a SAS that lists', () => {
      const listings = stack.site.answers().filter(({ endpoint }) => endpoint === 'session');
      assert.ok(listings.length > 10);
      assert.deepEqual(listings.filter(({ status }) => status >= 500), []);
      assert.ok(listings.every(({ permissions }) => permissions === undefined || permissions === 'r'));
    });
  });
}

describeSessions('a session, listed by an account key\'s SAS', {});

describeSessions('a session, listed by Shared Key', {
  changeConfig: (usual) => ({
    ...usual, accounts: usual.accounts.map((it) => ({ ...it, requests: { authorization: 'shared_key' } })),
  }),
});

const machine = {};
const kKeys = 'keys';

describeSessions('a session, listed by an identity', {
  prepare() {
    before(async () => { machine.identity = await startIdentityStub(); });
    after(() => machine.identity?.stop());
  },
  privately: true,
  startStorage: () => startAzurite({ oauth: true, accounts: [{ name: account }] }),
  changeConfig: (usual, dir, { caFile }) => ({
    ...usual, keys: { directory: kKeys }, sas: { protocol: 'https' },
    accounts: usual.accounts.map((it) => ({ ...it, ca_file: caFile, credential: { type: 'managed_identity' } })),
  }),
  startBeside: async (config) => {
    const renewing = startProcess(blobvaletBinary, ['keys', 'renew', '--config', config], {
      env: machine.identity.imds.env(), log: join(dirname(config), 'renew.log'),
    });
    await waitFor(() => existsSync(join(dirname(config), kKeys, `${account}.delegation-key`)), { what: 'a delegation key' });
    return renewing;
  },
});
