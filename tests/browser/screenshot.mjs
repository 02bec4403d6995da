// Takes tests/page/screenshot.png: node tests/browser/screenshot.mjs [file]
import { fileURLToPath } from 'node:url';
import { launchBrowser, openContext } from '../lib/browser.mjs';
import { startSite } from '../lib/site.mjs';
import { chooseFiles } from './support.mjs';

const file = process.argv[2] ?? fileURLToPath(new URL('../page/screenshot.png', import.meta.url));

const site = await startSite();
const browser = await launchBrowser();
try {
  const context = await openContext(browser, { viewport: { width: 1280, height: 860 }, locale: 'en-GB' });
  const page = await context.newPage();
  await page.goto(site.url);
  await page.getByText('Choose files').waitFor();

  const pictures = await page.evaluate(drawPictures);
  await chooseFiles(page, ...pictures.map(({ name, base64 }) => [name, Buffer.from(base64, 'base64')]));
  await chooseFiles(page, ['measurements 2026.csv', Buffer.alloc(48_200, 'time;value\n')]);
  await page.locator('.qq-upload-success').nth(pictures.length).waitFor();

  await page.locator('[name=target]').selectOption('uploads/bob');
  await chooseFiles(page, ['not for alice.txt', 'hello']);
  await page.locator('.qq-upload-fail').waitFor();

  await page.locator('[name=target]').selectOption('uploads/alice');
  await slowDown(page);                                 // so that one file is seen on its way
  await chooseFiles(page, ['interview.mov', Buffer.alloc(24_000_000)]);
  await page.getByText(/[4-6]\d% of 24/).waitFor();
  await page.screenshot({ path: file, animations: 'disabled' });
} finally {
  await browser.close();
  await site.stop();
}
console.log(file);

async function slowDown(page) {
  const devtools = await page.context().newCDPSession(page);
  await devtools.send('Network.emulateNetworkConditions', {
    offline: false, latency: 0, downloadThroughput: -1, uploadThroughput: 4_000_000,
  });
}

/// Landscapes: a sky, a sun, and hills that get darker towards the front. Runs in the page.
async function drawPictures() {
  const pictures = [
    ['morning in the hills.jpg', ['#f8c98b', '#f3e3c7'], '#fff3d6', [28, 42, 46], 20],
    ['blue hour.jpg', ['#1d3b6f', '#e7a27c'], '#ffd9b0', [222, 38, 40], 4],
    ['forest.jpg', ['#bfe0d4', '#eef6e4'], '#fdfbe3', [150, 30, 38], 33],
    ['desert road.jpg', ['#6fb4d8', '#f6e2bf'], '#fffbe8', [18, 62, 52], 61],
  ];
  const [width, height] = [960, 640];

  const hill = (context, layer, seed) => {
    const base = height * (0.45 + 0.13 * layer);
    context.beginPath();
    context.moveTo(0, height);
    for (let x = 0; x <= width; x += 8) {
      const wave = Math.sin(x / (190 - 30 * layer) + seed + layer * 2) + 0.5 * Math.sin(x / 71 + seed * layer);
      context.lineTo(x, base - wave * 38);
    }
    context.lineTo(width, height);
    context.fill();
  };

  return Promise.all(pictures.map(async ([name, sky, sun, [hue, saturation, lightness], seed]) => {
    const canvas = new OffscreenCanvas(width, height);
    const context = canvas.getContext('2d');
    const gradient = context.createLinearGradient(0, 0, 0, height * 0.7);
    sky.forEach((colour, i) => gradient.addColorStop(i, colour));
    context.fillStyle = gradient;
    context.fillRect(0, 0, width, height);
    context.fillStyle = sun;
    context.beginPath();
    context.arc(width * (0.25 + (seed % 7) / 12), height * 0.33, 58, 0, 7);
    context.fill();
    for (let layer = 0; layer < 4; layer += 1) {
      context.fillStyle = `hsl(${hue} ${saturation}% ${lightness + 14 - layer * 13}%)`;
      hill(context, layer, seed);
    }
    const blob = await canvas.convertToBlob({ type: 'image/jpeg', quality: 0.85 });
    const bytes = new Uint8Array(await blob.arrayBuffer());
    return { name, base64: btoa(Array.from(bytes, (byte) => String.fromCharCode(byte)).join('')) };
  }));
}
