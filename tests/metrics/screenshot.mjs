// Takes tests/metrics/dashboard.png: node tests/metrics/screenshot.mjs [file] [seconds]
//
// Grafana is not to be had from Debian. So this asks a real Prometheus, which watches a real site, what the shipped dashboard
// asks, and draws the answers by uPlot, which Grafana draws with, too.
import { createRequire } from 'node:module';
import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { launchBrowser, openContext } from '../lib/browser.mjs';
import { startBusySite } from './busy-site.mjs';
import { asGrafana, dashboard, panels, startPrometheus } from './prometheus.mjs';

const file = process.argv[2] ?? fileURLToPath(new URL('dashboard.png', import.meta.url));
const seconds = Number(process.argv[3] ?? 180);
const kRateInterval = 15;
const uplot = dirname(createRequire(import.meta.url).resolve('uplot/package.json'));

const site = await startBusySite();
const prometheus = await startPrometheus({ port: site.nginx.httpPort });
const browser = await launchBrowser();
try {
  // Three rushes, the second one the greatest.
  const perSecond = (fraction) => 8 + 30 * Math.exp(-(((fraction - 0.2) / 0.06) ** 2))
    + 60 * Math.exp(-(((fraction - 0.5) / 0.1) ** 2)) + 35 * Math.exp(-(((fraction - 0.82) / 0.05) ** 2));
  await site.run({ seconds, perSecond });
  const end = Math.floor(Date.now() / 1000);  // the same for all, so that their times are
  const drawn = await Promise.all(panels.map(async ({ title, description, type, gridPos, fieldConfig, options, targets }) => {
    const results = await Promise.all(targets.map(({ expr }) => prometheus.range(
      asGrafana(expr, kRateInterval), { seconds: seconds - kRateInterval, end })));
    const series = results.flatMap((result, i) => result.map(({ metric, values }) => (
      { name: legend(targets[i].legendFormat, metric), values: values.map(([time, value]) => [time, Number(value)]) })));
    return { title, description, type, gridPos, options, series, defaults: fieldConfig.defaults };
  }));

  const context = await openContext(browser, { viewport: { width: 1440, height: 1180 } });
  const page = await context.newPage();
  await page.setContent('<!doctype html><html><body></body></html>');
  await page.addStyleTag({ path: join(uplot, 'dist/uPlot.min.css') });
  await page.addStyleTag({ content: readFileSync(new URL('dashboard.css', import.meta.url), 'utf8') });
  await page.addScriptTag({ path: join(uplot, 'dist/uPlot.iife.min.js') });
  await page.addScriptTag({ content: readFileSync(new URL('dashboard-page.js', import.meta.url), 'utf8') });
  await page.evaluate(([title, shown]) => globalThis.drawDashboard(title, shown), [dashboard.title, drawn]);
  await page.locator('.grid').screenshot({ path: file, animations: 'disabled' });
} finally {
  await browser.close();
  await prometheus.stop();
  await site.stop();
}
console.log(file);

/// `{{endpoint}} {{rule}}` with the labels' values.
function legend(format, labels) {
  return format.replace(/\{\{(\w+)\}\}/g, (_, label) => labels[label] ?? '').replace(/ +/g, ' ').trim();
}
