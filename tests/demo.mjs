// The whole stack until Ctrl-C. Called by tests/demo, which installs and builds what it needs.
import { once } from 'node:events';
import { startSite } from './lib/site.mjs';

const [workers, port] = process.argv.slice(2).map(Number);
const stopped = Promise.race(['SIGINT', 'SIGTERM', 'SIGHUP'].map((signal) => once(process, signal)));

try {
  const site = await startSite({ workers, port });
  console.log(`
  ${site.url}

  ${workers} workers that sign and ${workers} for callbacks behind nginx, Azurite at ${site.storage.blobEndpoint}
  The browser warns once about the certificate, which was made a moment ago. Ctrl-C ends the demo.
`);
  await stopped;
  await site.stop();
  process.exit(0);
} catch (error) {
  console.error(error.message);
  process.exit(1);
}
