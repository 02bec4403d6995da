// The demo page, used as a person would: with its buttons, its settings, and files dropped on it.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { chooseFiles, pattern, sha256, stored, useSite, waitFor, whileStopped, writeFile } from './support.mjs';

describe('demo page', { timeout: 120_000 }, () => {
  const stack = useSite();
  const uploads = () => stack.site.storage.container('uploads');

  const openDemo = async (settings = {}) => {
    const page = await stack.open({ origin: stack.site.url, path: '' });
    const faults = [];
    page.on('pageerror', (error) => faults.push(error.message));
    await page.getByText('Choose files').waitFor();
    for (const [name, value] of Object.entries(settings)) await page.locator(`[name=${name}]`).selectOption(value);
    return { page, faults };
  };
  const tile = (page, name) => page.locator('.tile').filter({ hasText: name });

  it('uploads, links to the stored blob, and deletes it', async () => {
    const { page, faults } = await openDemo();
    await chooseFiles(page, ['small file.txt', 'hello'], ['large.bin', pattern(9_000_000)]);
    await page.locator('.qq-upload-success').nth(1).waitFor();

    assert.equal((await uploads().read('alice/small file.txt')).toString(), 'hello');
    assert.equal(sha256(await uploads().read('alice/large.bin')), sha256(pattern(9_000_000)));
    const link = page.getByRole('link', { name: 'uploads/alice/small file.txt' });
    const answer = await page.request.get(await link.getAttribute('href'));
    assert.equal(await answer.text(), 'hello');

    await page.getByRole('button', { name: 'Delete small file.txt' }).click();
    await link.waitFor({ state: 'detached' });
    await tile(page, 'small file.txt').waitFor({ state: 'detached' });
    assert.deepEqual(await uploads().names(), ['alice/large.bin']);
    assert.deepEqual(faults, []);
  });

  it('shows what was asked and answered, and never a signature', async () => {
    const { page } = await openDemo({ target: 'drop' });
    await chooseFiles(page, ['logged.txt', 'hello']);
    await page.locator('.qq-upload-success').waitFor();

    const rows = await page.locator('#log tr').allInnerTexts();
    assert.equal(rows.length, 2);
    assert.match(rows[1], /PUT\s+drop\/logged\.txt\s+200\s+sp=cw until \S+/);
    assert.match(rows[0], /DONE\s+drop\/logged\.txt\s+200/);
    const text = await page.locator('body').innerText();
    assert.doesNotMatch(text, /sig=[A-Za-z0-9%+/]{8}/);
  });

  it('takes files that are dropped on it', async () => {
    const { page } = await openDemo();
    await dropFile(page, page.locator('#uploader'), writeFile(['dropped.txt', 'dropped']));
    await page.locator('.qq-upload-success').waitFor();
    assert.equal((await uploads().read('alice/dropped.txt')).toString(), 'dropped');
  });

  it('shows a refusal, and a retry after it works', async () => {
    const { page } = await openDemo({ target: 'uploads/bob' });
    await chooseFiles(page, ['for bob.txt', 'hello']);
    await tile(page, 'for bob.txt').getByText('Problem communicating with local server').waitFor();
    assert.match(await page.locator('#log tr').first().innerText(), /403\s+not_allowed/);
    assert.deepEqual(stored(stack.site, 'PUT', '/uploads/bob/for bob.txt'), []);

    await page.evaluate(() => fetch('/login?user=bob', { method: 'POST' }));
    await page.getByRole('button', { name: 'Retry for bob.txt' }).click();
    await page.locator('.qq-upload-success').waitFor();
    assert.equal((await uploads().read('bob/for bob.txt')).toString(), 'hello');
  });

  it('pauses, continues and cancels a file in parts, also while signatures are on their way', async () => {
    const { page } = await openDemo({ partSize: '1000000' });
    await whileStopped(stack.site.pool.pids(), async () => {
      await chooseFiles(page, ['paused.bin', pattern(8_000_000)], ['cancelled.bin', pattern(8_000_000)]);
      await page.getByRole('button', { name: 'Cancel cancelled.bin' }).click();
      await tile(page, 'cancelled.bin').waitFor({ state: 'detached' });
      await page.getByRole('button', { name: 'Pause paused.bin' }).click();
    });
    await tile(page, 'paused.bin').getByText('Paused', { exact: true }).waitFor();

    await page.getByRole('button', { name: 'Continue paused.bin' }).click();
    await page.locator('.qq-upload-success').waitFor();
    assert.equal(sha256(await uploads().read('alice/paused.bin')), sha256(pattern(8_000_000)));
    assert.ok(!(await uploads().names()).includes('alice/cancelled.bin'));
  });

  it('names blobs as chosen, and lists a folder\'s files again after a change of settings', async () => {
    const { page } = await openDemo({ naming: 'folder' });
    await chooseFiles(page, ['named.txt', 'hello']);
    await page.locator('.qq-upload-success').waitFor();
    assert.ok((await uploads().names()).some((name) => /^alice\/[0-9a-f-]{36}\/named\.txt$/.test(name)));

    await page.locator('[name=user]').selectOption('bob');
    await tile(page, 'named.txt').waitFor({ state: 'detached' });
    await page.locator('[name=user]').selectOption('alice');
    await tile(page, 'named.txt').waitFor();
    assert.equal(await waitFor(() => page.locator('.thumbnail img').evaluate((image) => image.complete)), true);
  });
});

// As the browser sees a real drag from a file manager: an event made by a script carries no file entries.
async function dropFile(page, target, file) {
  const { x, y, width, height } = await target.boundingBox();
  const devtools = await page.context().newCDPSession(page);
  for (const type of ['dragEnter', 'dragOver', 'drop']) {
    await devtools.send('Input.dispatchDragEvent', {
      type, x: x + width / 2, y: y + height / 2, data: { items: [], files: [file], dragOperationsMask: 1 },
    });
  }
}
