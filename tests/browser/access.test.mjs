// Who may upload what, from which page: users, sessions, origins, headers.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import {
  answersFor, eventsOf, startUploader, stored, upload, uploaderOptions, useSite, waitFor,
} from './support.mjs';

describe('access', { timeout: 180_000 }, () => {
  const stack = useSite({ customHeaders: ['X-Ticket', 'X-Note'] });
  const options = (target, more) => uploaderOptions(stack.site, target, more);
  const uploads = () => stack.site.storage.container('uploads');

  const assertRefused = ({ result, error, answer }, status, code) => {
    assert.equal(result.success, false);
    assert.equal(error, 'Problem communicating with local server');
    assert.equal(answer.status, status);
    assert.equal(JSON.parse(answer.text).code, code);
  };
  const assertNoPut = (path) => assert.deepEqual(stored(stack.site, 'PUT', path), []);

  describe('users', () => {
    it('lets each of two users write below their own name', async () => {
      for (const user of ['alice', 'bob']) {
        const page = await stack.open({ user });
        const { result } = await upload(page, options(`uploads/${user}`), { name: 'mine.txt', size: user.length });
        assert.equal(result.success, true);
        assert.equal((await uploads().read(`${user}/mine.txt`)).length, user.length);
        const { answers } = await answersFor(stack.site, 'uploads', `${user}/mine.txt`, 2);
        for (const answer of answers) assert.deepEqual([answer.user, answer.rule], [user, 'own-folder']);
      }
    });

    it('refuses to write below the name of another user', async () => {
      const page = await stack.open({ user: 'alice' });
      assertRefused(await upload(page, options('uploads/bob'), { name: 'not yours.txt' }), 403, 'not_allowed');
      assertNoPut('/uploads/bob/not yours.txt');
      const { answers: [answer] } = await answersFor(stack.site, 'uploads', 'bob/not yours.txt');
      assert.deepEqual([answer.user, answer.status, answer.code], ['alice', 403, 'not_allowed']);
    });

    it('refuses to delete what another user has stored', async () => {
      const bob = await stack.open({ user: 'bob' });
      await upload(bob, options('uploads/bob'), { name: 'keep.txt' });

      const alice = await stack.open({ user: 'alice' });
      await startUploader(alice, options('uploads/bob'));
      await alice.evaluate(() => {
        uploader.addInitialFiles([{ name: 'keep.txt', uuid: crypto.randomUUID(), blobName: 'keep.txt' }]);
        uploader.deleteFile(0);
      });
      const [complete] = await eventsOf(alice, 'onDeleteComplete');
      assert.deepEqual([complete.args[2], complete.args[1].status], [true, 403]);
      assert.deepEqual(stored(stack.site, 'DELETE', '/uploads/bob/keep.txt'), []);
      assert.ok((await uploads().names()).includes('bob/keep.txt'));
    });

    it('signs for one blob and one verb: the store refuses everything else', async () => {
      const page = await stack.open({ user: 'alice' });
      const statuses = await page.evaluate(async (endpoint) => {
        const uri = `${endpoint}/uploads/alice/one.txt`;
        const query = new URLSearchParams({ bloburi: uri, _method: 'PUT' });
        const sas = await (await fetch(`/blobvalet/signature?${query}`)).text();
        const status = async (method, to) => (await fetch(to, {
          method, headers: { 'x-ms-blob-type': 'BlockBlob' }, body: method === 'PUT' ? 'text' : undefined,
        })).status;
        return {
          other: await status('PUT', sas.replace('one.txt', 'two.txt')),
          otherUser: await status('PUT', sas.replace('/alice/', '/bob/')),
          asked: await status('PUT', sas),
          deleted: await status('DELETE', sas),
        };
      }, stack.site.storage.blobEndpoint);
      assert.deepEqual(statuses, { other: 403, otherUser: 403, asked: 201, deleted: 403 });
    });

    it('refuses somebody who is nobody where a rule needs a user', async () => {
      const page = await stack.open();
      assertRefused(await upload(page, options('uploads/alice'), { name: 'nobody.txt' }), 403, 'login_required');
      assertNoPut('/uploads/alice/nobody.txt');
    });

    it('refuses a container without a rule, and no PUT is sent', async () => {
      const page = await stack.open({ user: 'alice' });
      assertRefused(await upload(page, options('private'), { name: 'secret.txt' }), 403, 'not_allowed');
      assertNoPut('/private/secret.txt');
      assert.deepEqual(await stack.site.storage.container('private').namesWithUncommitted(), []);
    });

    it('asks four times in all where the page retries refusals, and still sends no PUT', async () => {
      const page = await stack.open({ user: 'alice' });
      const retry = { enableAuto: true, autoAttemptDelay: 0.05 };
      assertRefused(await upload(page, options('private', { retry }), { name: 'retried.txt' }), 403, 'not_allowed');
      const { answers } = await answersFor(stack.site, 'private', 'retried.txt', 4);
      assert.deepEqual(answers.map(({ status }) => status), [403, 403, 403, 403]);
      assertNoPut('/private/retried.txt');
    });
  });

  describe('session cookie through auth_request', () => {
    it('takes the user from the session', async () => {
      const page = await stack.open({ user: 'bob', origin: stack.site.origins.members });
      assert.equal((await upload(page, options('uploads/bob'), { name: 'session.txt' })).result.success, true);
      const { answers: [answer] } = await answersFor(stack.site, 'uploads', 'bob/session.txt');
      assert.equal(answer.user, 'bob');
    });

    it('answers 401 and sends no PUT when the session has ended', async () => {
      const page = await stack.open({ user: 'bob', origin: stack.site.origins.members });
      await page.context().clearCookies();
      assertRefused(await upload(page, options('uploads/bob'), { name: 'ended.txt' }), 401, 'login_required');
      assertNoPut('/uploads/bob/ended.txt');
    });
  });

  describe('other origins', () => {
    const cors = { expected: true, sendCredentials: true };
    const other = () => ({ origin: stack.site.origins.page, loginAt: stack.site.origins.site });
    const fromThere = (more) => ({ origin: stack.site.origins.site, cors, ...more });

    it('lets a listed page upload and delete with the credentials of the signer\'s site', async () => {
      const page = await stack.open({ user: 'alice', ...other() });
      const { result } = await upload(page, options('uploads/alice', fromThere()), { name: 'cors.txt' });
      assert.equal(result.success, true);
      await page.evaluate(() => uploader.deleteFile(0));
      const [complete] = await eventsOf(page, 'onDeleteComplete');
      assert.equal(complete.args[2], false);
      const { answers } = await answersFor(stack.site, 'uploads', 'alice/cors.txt', 3);
      assert.ok(answers.every(({ user, status }) => user === 'alice' && status === 200), JSON.stringify(answers));
    });

    it('lets a listed page read why it was refused', async () => {
      const page = await stack.open({ user: 'alice', ...other() });
      const withoutCookie = fromThere({ cors: { expected: true } });
      const outcome = await upload(page, options('uploads/alice', withoutCookie), { name: 'why.txt' });
      assertRefused(outcome, 403, 'login_required');
    });

    it('answers the preflights of custom headers without asking a worker', async () => {
      const page = await stack.open({ user: 'alice', ...other() });
      const headers = { signatureHeaders: { 'X-Ticket': '42' }, successHeaders: { 'X-Note': 'done' } };
      const { result } = await upload(page, options('uploads/alice', fromThere(headers)), { name: 'ticket.txt' });
      assert.equal(result.success, true);

      const preflights = stack.site.nginx.accessLog().split('\n').filter((line) => /"OPTIONS .*" 204 /.test(line));
      for (const endpoint of ['signature', 'success']) {
        assert.ok(preflights.some((line) => line.includes(`/blobvalet/${endpoint}`)), endpoint);
      }
      const { answers } = await answersFor(stack.site, 'uploads', 'alice/ticket.txt', 2);
      assert.equal(answers.length, 2);
    });

    it('keeps a page with another custom header out', async () => {
      const page = await stack.open({ user: 'alice', ...other() });
      const { result, answer } = await upload(page, options('uploads/alice', fromThere({
        signatureHeaders: { 'X-Other': '42' },
      })), { name: 'other header.txt' });
      assert.deepEqual([result.success, answer.status], [false, 0]);
      assertNoPut('/uploads/alice/other header.txt');
    });

    it('serves a page which forgot to say that it is on another origin', async () => {
      const page = await stack.open(other());
      const forgetful = options('drop', { origin: stack.site.origins.site });
      const { result } = await upload(page, forgetful, { name: 'forgot.txt' });
      assert.equal(result.success, true);
    });

    it('gives a page on an origin that is not listed no signature to read', async () => {
      const page = await stack.open({ origin: stack.site.origins.stranger });
      const { result, answer } = await upload(page, options('drop', fromThere()), { name: 'stranger.txt' });
      assert.deepEqual([result.success, answer.status], [false, 0]);
      assertNoPut('/drop/stranger.txt');
    });

    it('refuses the callback of a page on an origin that is not listed', async () => {
      const page = await stack.open({ origin: stack.site.origins.stranger });
      await page.evaluate(([url, container]) => fetch(url, {
        method: 'POST', mode: 'no-cors', credentials: 'include',
        body: new URLSearchParams({ blob: 'forged.txt', uuid: crypto.randomUUID(), name: 'forged.txt', container }),
      }), [`${stack.site.origins.site}/blobvalet/success`, `${stack.site.storage.blobEndpoint}/drop`]);
      const refusal = await waitFor(() => stack.site.answers().find(({ code }) => code === 'origin_not_allowed'),
        { what: 'a refusal in the log' });
      assert.equal(refusal.status, 403);
    });
  });
});
