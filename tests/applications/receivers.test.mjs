// The receivers in README.md do what it says, word for word: with messages of a test, and with blobvalet's own.
import assert from 'node:assert/strict';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';
import { form, kRule, kUnverified, siteConfig, startSitePool, success } from '../fcgi/support.mjs';
import { secret, signatureOf } from '../lib/application.mjs';
import { ask } from '../lib/fcgi-client.mjs';
import { request } from '../lib/http.mjs';
import { freePort, startProcess, tempDir, waitFor } from '../lib/process.mjs';

const readme = readFileSync(fileURLToPath(new URL('../../README.md', import.meta.url)), 'utf8');

const receivers = {
  'uploads.php': (port) => ['php', '-d', 'display_errors=0', '-S', `127.0.0.1:${port}`, 'uploads.php'],
  'uploads.py': () => ['python3', 'uploads.py'],
  'uploads.mjs': () => [process.execPath, 'uploads.mjs'],
};

/// The text of the code block that begins with a comment of this name (in PHP, behind the line that has to be first).
function snippet(name) {
  const start = `\`\`\`\\w+\\n((?:<\\?php\\n)?(?://|#) ${name.replace('.', '\\.')}\\n`;
  const [, text] = new RegExp(`${start}[^]*?)\`\`\``).exec(readme) ?? [];
  assert.ok(text, `README.md has no ${name}`);
  return text;
}

async function startReceiver(name) {
  const dir = tempDir('blobvalet-receiver');
  const port = await freePort();
  mkdirSync(join(dir, 'seen'));
  writeFileSync(join(dir, 'secret'), `${secret}\n`, { mode: 0o600 });
  writeFileSync(join(dir, name), snippet(name));
  const [command, ...args] = receivers[name](port);
  const server = startProcess(command, args, {
    cwd: dir, env: { PORT: String(port), SEEN_DIR: join(dir, 'seen'), BLOBVALET_SECRET_FILE: join(dir, 'secret') },
  });
  const send = (body, signature) => request({
    port, tls: false, method: 'POST', path: '/uploads', body,
    headers: { 'Content-Type': 'application/json', ...(signature !== undefined && { 'Blobvalet-Signature': signature }) },
  });
  await waitFor(() => server.ended() ?? send('', undefined), { what: `${name} answering` });
  assert.equal(server.ended(), null, server.output());
  return { url: `http://127.0.0.1:${port}/uploads`, secretFile: join(dir, 'secret'), send, stop: server.stop };
}

let count = 0;
const message = (more) => JSON.stringify({
  id: `message-${count += 1}`, event: 'upload_success', user: 'alice', name: 'Größe "#1" 🦀.txt', params: {}, ...more,
});
const now = () => Math.floor(Date.now() / 1000);
const sign = (body, { time = now(), key } = {}) => `t=${time},v1=${signatureOf(time, body, key)}`;

for (const name of Object.keys(receivers)) {
  describe(name, { timeout: 60_000 }, () => {
    let receiver;
    before(async () => { receiver = await startReceiver(name); });
    after(() => receiver?.stop());

    it('takes a signed message and answers with data', async () => {
      const body = message();
      const answer = await receiver.send(body, sign(body));
      assert.equal(answer.status, 200, answer.body);
      assert.match(answer.headers['content-type'], /^application\/json/);
      assert.match(answer.json().receipt, /^[0-9a-f]{16}$/);
    });

    it('takes one that was a while under way', async () => {
      const body = message();
      assert.equal((await receiver.send(body, sign(body, { time: now() - 290 }))).status, 200);
    });

    it('gives a repeated message the answer it had, and another one another', async () => {
      const [body, other] = [message(), message()];
      const first = await receiver.send(body, sign(body));
      const again = await receiver.send(body, sign(body, { time: now() - 1 }));
      assert.deepEqual([again.status, again.json()], [200, first.json()]);
      assert.notDeepEqual((await receiver.send(other, sign(other))).json(), first.json());
    });

    it('refuses an upload with a message for the user, and judges it anew when it is tried again', async () => {
      const body = message({ id: 'tried again', user: '' });
      for (const attempt of [1, 2]) {
        const answer = await receiver.send(body, sign(body));
        assert.deepEqual([attempt, answer.status, answer.json()], [attempt, 403, { error: 'Please log in to upload.' }]);
      }
      const later = message({ id: 'tried again' });
      assert.equal((await receiver.send(later, sign(later))).status, 200);
    });

    const good = (body) => signatureOf(now(), body);
    const wrong = {
      'no signature': () => undefined,
      'an empty signature': () => '',
      'the signature of another secret': (body) => sign(body, { key: 'another secret of good length' }),
      'the signature of another body': (body) => sign(`${body} `),
      'the signature of another time': (body) => `t=${now() - 1},v1=${good(body)}`,
      'a time that is too old': (body) => sign(body, { time: now() - 310 }),
      'a time far ahead': (body) => sign(body, { time: now() + 310 }),
      'no time': (body) => `v1=${good(body)}`,
      'a time that is no number': (body) => `t=now,v1=${good(body)}`,
      'a time in other digits': (body) => `t=${Buffer.from('١٢٣').toString('latin1')},v1=${good(body)}`,
      'a time beyond all bounds': (body) => sign(body, { time: '9'.repeat(40) }),
      'a time only': () => `t=${now()}`,
      'half a signature': (body) => sign(body).slice(0, -32),
      'a signature that is no hexadecimal number': () => `t=${now()},v1=${'g'.repeat(64)}`,
      'a signature in capitals': (body) => `t=${now()},v1=${good(body).toUpperCase()}`,
      'something behind the signature': (body) => `${sign(body)},v2=0`,
      'something before it': (body) => `v0=0,${sign(body)}`,
      'two times': (body) => `t=${now()},${sign(body)}`,
      'blanks between its parts': (body) => sign(body).replace(',', ', '),
    };
    for (const [what, header] of Object.entries(wrong)) {
      it(`refuses ${what}`, async () => {
        const body = message();
        const answer = await receiver.send(body, header(body));
        assert.deepEqual([answer.status, answer.json()], [401, { error: 'The signature is wrong.' }]);
        assert.equal((await receiver.send(body, sign(body))).status, 200, 'it still answers');
      });
    }

    it('refuses a body that was changed on the way', async () => {
      const body = message({ user: 'alice' });
      assert.equal((await receiver.send(body.replace('alice', 'mallet'), sign(body))).status, 401);
    });

    describe('behind blobvalet', () => {
      let pool;
      before(async () => {
        const hook = { url: receiver.url, secret_file: receiver.secretFile };
        const rules = [{ ...kRule, blobs: ['**'], anonymous: true }];
        pool = await startSitePool({ config: siteConfig({ success: { ...kUnverified, hook }, rules }) });
      });
      after(() => pool?.stop());
      const report = async (user, fields) => JSON.parse(
        (await ask(pool.socket, success(form(fields), { BLOBVALET_USER: user }), form(fields))).body);

      it('accepts an upload, once', async () => {
        const { receipt, ...rest } = await report('alice', { name: 'Größe "#1" 🦀.txt', 'a[b]': 'c' });
        assert.deepEqual(rest, { success: true, error: null });
        assert.match(receipt, /^[0-9a-f]{16}$/);
        assert.equal((await report('alice', { name: 'Größe "#1" 🦀.txt', 'a[b]': 'c' })).receipt, receipt);
      });

      it('refuses one of nobody', async () => {
        assert.deepEqual(await report('', {}),
          { error: 'Please log in to upload.', code: 'hook_refused', success: false, preventRetry: true });
      });
    });
  });
}
