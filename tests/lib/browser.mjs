// Debian's Chromium, driven by playwright-core, which brings no browser of its own.
import { chromium } from 'playwright-core';

/// Starts headless Chromium; the caller closes it.
export function launchBrowser() {
  return chromium.launch({
    executablePath: '/usr/bin/chromium',
    args: [
      '--no-sandbox',                       // root has none
      '--disable-gpu', '--disable-quic', '--no-first-run',
      '--disable-background-networking', '--disable-component-update', '--disable-sync',
    ],
  });
}

/// A context as fresh as a private window, which takes the test's own certificate.
export const openContext = (browser, options = {}) => browser.newContext({ ignoreHTTPSErrors: true, ...options });
