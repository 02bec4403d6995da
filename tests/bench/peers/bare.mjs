// A signer with nothing but what Node.js has. `node bare.mjs PORT`, with the account in BENCH_SIGNER as
// JSON, see kSigner in stack.mjs.
import { createHmac } from 'node:crypto';
import { createServer } from 'node:http';

const kLifetimeMs = 900_000;
const kVersion = '2023-11-03';
const { account, container, prefix, protocol, ...signer } = JSON.parse(process.env.BENCH_SIGNER);
const key = Buffer.from(signer.key, 'base64');

function sign(name) {
  const expiry = `${new Date(Date.now() + kLifetimeMs).toISOString().slice(0, 19)}Z`;
  const text = `cw\n\n${expiry}\n/blob/${account}/${container}/${name}\n\n\n${protocol}\n${kVersion}\nb\n\n\n\n\n\n\n`;
  const signature = encodeURIComponent(createHmac('sha256', key).update(text).digest('base64'));
  const path = name.split('/').map(encodeURIComponent).join('/');
  return `${prefix}${path}?sv=${kVersion}&spr=${encodeURIComponent(protocol)}&se=${encodeURIComponent(expiry)}&sr=b&sp=cw&sig=${signature}`;
}

createServer((request, response) => {
  const query = new URLSearchParams(request.url.slice(request.url.indexOf('?')));
  const uri = query.get('bloburi') ?? '';
  const name = uri.slice(prefix.length);
  if (query.get('_method') !== 'PUT' || !uri.startsWith(prefix) || !name.startsWith('alice/')) {
    response.writeHead(403).end();
    return;
  }
  const answer = sign(name);
  response.writeHead(200, {
    'Content-Type': 'text/plain; charset=utf-8', 'Cache-Control': 'no-store', 'Content-Length': Buffer.byteLength(answer),
  }).end(answer);
}).listen(Number(process.argv[2]), '127.0.0.1');
