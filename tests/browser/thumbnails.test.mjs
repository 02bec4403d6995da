// Thumbnails: the real gallery shows a stored picture from a container that nobody else can read.
import assert from 'node:assert/strict';
import { before, beforeEach, describe, it } from 'node:test';
import { accept, say } from '../lib/application.mjs';
import { openRule } from '../lib/site.mjs';
import { eventsOf, upload, uploaderOptions, useSite, waitFor } from './support.mjs';

const template = { type: 'template', url: 'https://cdn.example.com/{container}/{blob}?w=120&id={uuid}' };

describe('thumbnails', { timeout: 180_000 }, () => {
  const stack = useSite({
    privately: true,
    rules: [openRule('pictures'), openRule('plain', { thumbnail: { type: 'none' } }), openRule('cdn', { thumbnail: template })],
    success: { thumbnail: { type: 'read_sas', lifetime_seconds: 600 }, hook: { mode: 'sync' } },
  });
  const options = (target) => uploaderOptions(stack.site, target);
  const allow = (methods) => stack.site.storage.allowOrigins([stack.site.origins.site], methods);
  before(() => allow('PUT,DELETE,GET'));
  beforeEach(() => { stack.site.application.answers = [accept]; });

  // What is shown can come from nowhere but the answer: the page makes no previews of its own.
  const openGallery = (target) => stack.openGallery(options(target), { previews: false });
  /// Uploads a picture of 400 x 300 to the page and returns what onComplete got.
  const uploadPicture = async (page, name) => {
    await page.evaluate((it) => addPicture(it, 400, 300), name);
    const [complete] = await eventsOf(page, 'onComplete');
    assert.equal(complete.args[2].success, true, JSON.stringify(complete));
    return complete.args[2];
  };
  const resultOf = async (target, file) => {
    const page = await stack.open();
    const { result } = await upload(page, options(target), file);
    assert.equal(result.success, true, JSON.stringify(result));
    return result;
  };
  const shownIn = (page) => page.locator('img.qq-thumbnail-selector').evaluate((image) => ({
    src: image.src, width: image.naturalWidth, height: image.naturalHeight, visible: image.offsetWidth > 0,
  }));
  /// Colour in the middle of the picture that is shown.
  const colourIn = (page) => page.locator('img.qq-thumbnail-selector').evaluate((image) => {
    const canvas = new OffscreenCanvas(image.naturalWidth, image.naturalHeight);
    const context = canvas.getContext('2d');
    context.drawImage(image, 0, 0);
    return [...context.getImageData(image.naturalWidth / 2, image.naturalHeight / 2, 1, 1).data];
  });

  for (const name of ['picture.png', 'ärger & 100% #1?.png']) {
    it(`shows the stored picture ${name}, which is readable with its own link alone`, async () => {
      const page = await openGallery('pictures');
      const { thumbnailUrl } = await uploadPicture(page, name);
      const shown = await waitFor(async () => {
        const it = await shownIn(page);
        return it.visible && it.width > 0 && it;
      }, { what: 'a thumbnail' });
      assert.match(shown.src, /^data:image\/png/, 'scaled by the page, which so must be allowed to read it');
      assert.deepEqual([shown.width, shown.height], [120, 90]);
      const [red, green, blue, alpha] = await colourIn(page);
      assert.ok(alpha === 255 && red > 100 && green > 150 && blue < 150, 'between teal and gold');

      const { origin, pathname } = new URL(thumbnailUrl);
      assert.notEqual(origin, new URL(page.url()).origin);
      assert.ok([403, 404].includes((await page.request.get(origin + pathname)).status()));
    });
  }

  it('shows none where the account\'s CORS rules leave GET out', async () => {
    await allow('PUT,DELETE');
    try {
      const page = await openGallery('pictures');
      const blocked = page.waitForEvent('console', (message) => /Access to image .*no%20cors\.png.* CORS/.test(message.text()));
      await uploadPicture(page, 'no cors.png');
      await blocked;
      assert.ok(!(await shownIn(page)).src.startsWith('data:'));
    } finally {
      await allow('PUT,DELETE,GET');
    }
  });

  it('gives a link that only reads, only this blob, only for a while', async () => {
    const page = await openGallery('pictures');
    const { thumbnailUrl } = await uploadPicture(page, 'linked.png');
    const query = new URL(thumbnailUrl).searchParams;
    assert.deepEqual([query.get('sp'), query.get('sr')], ['r', 'b']);
    const seconds = (Date.parse(query.get('se')) - Date.now()) / 1000;
    assert.ok(seconds > 540 && seconds <= 600, `${seconds} s`);
    const statuses = await page.evaluate(async (url) => {
      const status = async (method, to) => (await fetch(to, { method })).status;
      return [await status('GET', url), await status('DELETE', url), await status('GET', url.replace('linked', 'picture'))];
    }, thumbnailUrl);
    assert.deepEqual(statuses, [200, 403, 403]);
  });

  it('lets nobody open the link as a page: it downloads', async () => {
    const page = await openGallery('pictures');
    const { thumbnailUrl } = await uploadPicture(page, 'downloaded.png');
    const [download] = await Promise.all([
      page.waitForEvent('download'),
      page.goto(thumbnailUrl).catch((error) => assert.match(error.message, /Download is starting|ERR_ABORTED/)),
    ]);
    assert.equal(download.url(), thumbnailUrl);
    const { headers } = await fetchHeaders(page, thumbnailUrl);
    assert.deepEqual([headers['content-type'], headers['content-disposition']], ['image/png', 'attachment']);
  });

  it('keeps the type of the link when the blob is replaced by something active', async () => {
    const page = await openGallery('pictures');
    const { thumbnailUrl } = await uploadPicture(page, 'replaced.png');
    await stack.site.storage.container('pictures').write('replaced.png', '<script>alert(1)</script>');
    const { headers, text } = await fetchHeaders(page, thumbnailUrl);
    assert.deepEqual([headers['content-type'], headers['content-disposition'], text],
      ['image/png', 'attachment', '<script>alert(1)</script>']);
  });

  const active = {
    'an SVG image': { name: 'drawing.svg', type: 'image/svg+xml' },
    'an HTML page': { name: 'page.html', type: 'text/html' },
    'an SVG image that is named like a picture': { name: 'drawing.png', type: 'image/svg+xml' },
    'a picture of which nobody told the type': { name: 'untyped.png' },
  };
  for (const [what, file] of Object.entries(active)) {
    it(`gives no link to ${what}`, async () => {
      assert.equal((await resultOf('pictures', { ...file, size: 100 })).thumbnailUrl, undefined);
    });
  }

  it('gives no link where the rule says so', async () => {
    assert.equal((await resultOf('plain', { name: 'a.png', type: 'image/png' })).thumbnailUrl, undefined);
  });

  it('gives the address of the site\'s own thumbnails by a template', async () => {
    const { thumbnailUrl } = await resultOf('cdn', { name: 'summer #1.png', type: 'image/png' });
    assert.match(thumbnailUrl, /^https:\/\/cdn\.example\.com\/cdn\/summer%20%231\.png\?w=120&id=[0-9a-f-]{36}$/);
  });

  it('prefers what the application says', async () => {
    stack.site.application.answers = [say(200, { thumbnailUrl: '/fine-uploader/placeholders/waiting-generic.png' })];
    const page = await openGallery('pictures');
    const { thumbnailUrl } = await uploadPicture(page, 'own.png');
    assert.equal(thumbnailUrl, '/fine-uploader/placeholders/waiting-generic.png');
    await waitFor(async () => (await shownIn(page)).width > 0, { what: 'a thumbnail' });
  });

  it('gives no link with a refusal', async () => {
    stack.site.application.answers = [say(403, { error: 'No.', thumbnailUrl: '/x.png' })];
    const page = await stack.open();
    const { result } = await upload(page, options('pictures'), { name: 'refused.png', type: 'image/png' });
    assert.deepEqual(result, { success: false, error: 'No.', code: 'hook_refused', preventRetry: true });
  });
});

async function fetchHeaders(page, url) {
  const answer = await page.request.get(url);
  return { headers: answer.headers(), text: await answer.text() };
}
