// blobvalet.js as nginx serves it: how long browsers keep it, who gets it, and how large it is.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import https from 'node:https';
import { test } from 'node:test';
import { gunzipSync } from 'node:zlib';
import { minify } from 'terser';
import { plainSite } from '../lib/nginx.mjs';
import { corsOf, startStack } from './stack.mjs';

const source = readFileSync(new URL('../../nginx/blobvalet.js', import.meta.url), 'utf8');
const kPath = '/blobvalet/blobvalet.js';

const { echo, ask, nginx } = await startStack({
  origins: ['https://app.example.com'],
  render: plainSite(`
    set $blobvalet_user $remote_user;
    auth_request /session;
    add_header X-Site yes;
    add_header Set-Cookie site=yes;
    expires 30d;
    include snippets/blobvalet.conf;
    location = /session { internal; return 401; }
    location = /of/ones/own.js { include snippets/blobvalet-script.conf; }
  `),
});

test('it is at most 3 kB without comments and blanks', async () => {
  const { code } = await minify(source);
  assert.ok(code.length > 1000 && code.length <= 3000, `${code.length} bytes`);
});

test('it needs nothing but Fine Uploader', () => {
  assert.doesNotMatch(source, /\b(import|require|eval|document|localStorage|fetch)\b *\(|^import /m);
});

for (const path of [kPath, '/of/ones/own.js']) {
  test(`${path} is sent to everybody as a script that may be kept for an hour`, async () => {
    const answer = await ask(path);
    assert.equal(answer.status, 200);
    assert.equal(answer.body, source);
    assert.equal(answer.headers['content-type'], 'text/javascript; charset=utf-8');
    assert.equal(answer.headers['cache-control'], 'public, max-age=3600');
    assert.equal(answer.headers['x-content-type-options'], 'nosniff');
    assert.equal(answer.headers['cross-origin-resource-policy'], 'cross-origin');
    assert.equal(answer.headers.vary, 'Accept-Encoding');
    assert.match(answer.headers.etag, /^"[^"]+"$/);
    assert.equal(answer.headers.expires, undefined);
    assert.equal(answer.headers['set-cookie'], undefined);
    assert.deepEqual(echo.requests, [], 'no worker is asked');
  });
}

test('it is not sent again while it is the same', async () => {
  const { headers: { etag, 'last-modified': date } } = await ask(kPath);
  for (const [name, value, status] of [
    ['If-None-Match', etag, 304], ['If-None-Match', `W/${etag}`, 304], ['If-None-Match', '"another"', 200],
    ['If-Modified-Since', date, 304], ['If-Modified-Since', 'Thu, 01 Jan 1970 00:00:00 GMT', 200],
  ]) {
    const answer = await ask(kPath, { headers: { [name]: value } });
    assert.equal(answer.status, status, `${name}: ${value}`);
    assert.equal(answer.headers['cache-control'], 'public, max-age=3600');
    assert.equal(answer.body, status === 304 ? '' : source);
  }
});

test('it is compressed for whoever takes that, and the tag of that is good for a 304, too', async () => {
  const bytes = await raw({ 'Accept-Encoding': 'gzip' });
  assert.equal(bytes.headers['content-encoding'], 'gzip');
  assert.equal(gunzipSync(bytes.body).toString(), source);
  assert.ok(bytes.body.length < source.length / 2, `${bytes.body.length} bytes of ${source.length}`);
  assert.equal((await raw({ 'Accept-Encoding': 'gzip', 'If-None-Match': bytes.headers.etag })).status, 304);
});

for (const [what, origin] of [['a listed origin', 'https://app.example.com'], ['another', 'https://evil.example'], ['none', undefined]]) {
  test(`${what} may load it, integrity attribute included, without credentials`, async () => {
    const answer = await ask(kPath, { headers: origin ? { Origin: origin } : {} });
    assert.equal(answer.status, 200);
    assert.deepEqual(corsOf(answer), { 'allow-origin': '*' });
  });
}

test('it can only be read', async () => {
  const head = await ask(kPath, { method: 'HEAD' });
  assert.deepEqual([head.status, head.body, head.headers['content-length']], [200, '', String(Buffer.byteLength(source))]);
  for (const method of ['POST', 'PUT', 'DELETE']) assert.equal((await ask(kPath, { method })).status, 405, method);
});

test('nothing around it is served', async () => {
  for (const path of ['/blobvalet/', '/blobvalet/CMakeLists.txt', '/blobvalet/blobvalet.js/', '/blobvalet/blobvalet.jsx',
    '/blobvalet/../blobvalet.json', '/blobvalet/blobvalet.js/../conf.d/blobvalet.conf']) {
    assert.notEqual((await ask(path)).status, 200, path);
  }
});

test('a range of it is what it says', async () => {
  const answer = await ask(kPath, { headers: { Range: 'bytes=0-9' } });
  assert.deepEqual([answer.status, answer.body], [206, source.slice(0, 10)]);
});

/// The answer with its body as it came.
function raw(headers) {
  return new Promise((resolve, reject) => {
    https.get({ host: '127.0.0.1', port: nginx.httpsPort, path: kPath, headers, rejectUnauthorized: false, agent: false }, (response) => {
      const chunks = [];
      response.on('data', (chunk) => chunks.push(chunk));
      response.once('end', () => resolve({ status: response.statusCode, headers: response.headers, body: Buffer.concat(chunks) }));
    }).once('error', reject);
  });
}
