// A signer with nothing but what Node.js has. `node bare.mjs PORT`, with the key in BENCH_KEY.
import { createHmac } from 'node:crypto';
import { createServer } from 'node:http';

const kLifetimeMs = 900_000;
const kPrefix = 'https://acme.blob.core.windows.net/uploads/';
const kVersion = '2023-11-03';
const key = Buffer.from(process.env.BENCH_KEY, 'base64');

function sign(name) {
  const expiry = `${new Date(Date.now() + kLifetimeMs).toISOString().slice(0, 19)}Z`;
  const text = `cw\n\n${expiry}\n/blob/acme/uploads/${name}\n\n\nhttps\n${kVersion}\nb\n\n\n\n\n\n\n`;
  const signature = encodeURIComponent(createHmac('sha256', key).update(text).digest('base64'));
  const path = name.split('/').map(encodeURIComponent).join('/');
  return `${kPrefix}${path}?sv=${kVersion}&spr=https&se=${encodeURIComponent(expiry)}&sr=b&sp=cw&sig=${signature}`;
}

createServer((request, response) => {
  const query = new URLSearchParams(request.url.slice(request.url.indexOf('?')));
  const uri = query.get('bloburi') ?? '';
  const name = uri.slice(kPrefix.length);
  if (query.get('_method') !== 'PUT' || !uri.startsWith(kPrefix) || !name.startsWith('alice/')) {
    response.writeHead(403).end();
    return;
  }
  const answer = sign(name);
  response.writeHead(200, {
    'Content-Type': 'text/plain; charset=utf-8', 'Cache-Control': 'no-store', 'Content-Length': Buffer.byteLength(answer),
  }).end(answer);
}).listen(Number(process.argv[2]), '127.0.0.1');
