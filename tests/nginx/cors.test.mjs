// Cross-origin use: who gets CORS headers, on which answers, and what the worker is told about the page's origin.
import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { plainSite } from '../lib/nginx.mjs';
import { tempDir } from '../lib/process.mjs';
import { corsOf, passwordFile, startStack } from './stack.mjs';

const passwords = join(tempDir(), 'htpasswd');
writeFileSync(passwords, passwordFile({ alice: 'wonderland' }));

const { nginx, echo, ask, passed } = await startStack({
  origins: ['https://app.example.com', 'https://app.example.com:8443', 'http://plain.example.com'],
  customHeaders: ['X-Csrf-Token', 'X-Session'],
  http: 'limit_req_zone $server_name zone=tiny:1m rate=1r/m;',
  render: plainSite(`
    set $blobvalet_user "";
    add_header X-Site yes;
    include snippets/blobvalet.conf;
    location = /private {
        include snippets/blobvalet-signature.conf;
        auth_basic "Uploads";
        auth_basic_user_file ${passwords};
    }
    location = /denied { include snippets/blobvalet-signature.conf; deny all; }
    location = /without-session { include snippets/blobvalet-signature.conf; auth_request /answers/401; }
    location = /with-broken-login { include snippets/blobvalet-signature.conf; auth_request /answers/500; }
    location = /answers/401 { return 401; }
    location = /answers/500 { return 500; }
    location = /limited { include snippets/blobvalet-signature.conf; limit_req zone=tiny; }
  `),
});
const here = `localhost:${nginx.httpsPort}`;
await ask('/limited');  // from now on, one request in a minute is over the limit

const signature = (query) => ['/blobvalet/signature', query].join('?');
const answers = [
  { name: 'a signature', path: signature('a=b'), status: 200 },
  { name: 'a session', path: '/blobvalet/session?container=a', status: 200 },
  { name: '503 by the worker for a session', path: '/blobvalet/session?status=503', status: 503 },
  { name: 'a health check', path: '/blobvalet/health', status: 200 },
  { name: 'metrics', path: '/blobvalet/metrics', status: 200 },
  { name: 'a callback', path: '/blobvalet/success', method: 'POST', body: 'a=b', status: 200 },
  ...[400, 401, 403, 404, 405, 415, 500, 503].map((status) => (
    { name: `${status} by the worker`, path: signature(`status=${status}`), status })),
  { name: '401 by nginx', path: '/private', status: 401 },
  { name: '401 by auth_request', path: '/without-session', status: 401 },
  { name: '500 by auth_request', path: '/with-broken-login', status: 500 },
  { name: '403 by nginx', path: '/denied', status: 403 },
  { name: '413 by nginx', path: '/blobvalet/success', method: 'POST', body: 'x'.repeat(65_537), status: 413 },
  { name: '414 by nginx', path: signature('x'.repeat(30_000)), status: 414 },
  { name: '429 by nginx', path: '/limited', status: 429 },
  { name: 'no worker lives', path: signature('die=1'), status: 503 },
  { name: 'no worker lives to take a callback', path: '/blobvalet/success?die=1', method: 'POST', body: 'a=b', status: 503 },
  { name: 'a worker is late', path: signature('sleep=12000'), status: 503 },
];

const origins = [
  { name: 'a listed one', origin: 'https://app.example.com', listed: true },
  { name: 'a listed one with a port', origin: 'https://app.example.com:8443', listed: true },
  { name: 'a listed one without TLS', origin: 'http://plain.example.com', listed: true },
  { name: 'none', origin: undefined },
  { name: 'an empty one', origin: '' },
  { name: 'another site', origin: 'https://evil.com' },
  { name: 'null, as a sandboxed frame sends', origin: 'null' },
  { name: 'a listed one with something behind', origin: 'https://app.example.com.evil.com' },
  { name: 'a listed one with a letter behind', origin: 'https://app.example.como' },
  { name: 'a listed one with something before', origin: 'https://evilapp.example.com' },
  { name: 'a name below a listed one', origin: 'https://evil.app.example.com' },
  { name: 'the domain above a listed one', origin: 'https://example.com' },
  { name: 'another letter for the dot', origin: 'https://appxexample.com' },
  { name: 'another scheme', origin: 'http://app.example.com' },
  { name: 'TLS for one listed without', origin: 'https://plain.example.com' },
  { name: 'another port', origin: 'https://app.example.com:444' },
  { name: 'a port written out which is the default', origin: 'https://app.example.com:443' },
  { name: 'no scheme', origin: 'app.example.com' },
  { name: 'a slash at the end', origin: 'https://app.example.com/' },
  { name: 'a dot at the end', origin: 'https://app.example.com.' },
  { name: 'a listed one as user name', origin: 'https://app.example.com@evil.com' },
  { name: 'a listed one in the path', origin: 'https://evil.com/https://app.example.com' },
  { name: 'two with a blank', origin: 'https://app.example.com https://evil.com' },
  { name: 'two with a comma', origin: 'https://app.example.com, https://evil.com' },
  { name: 'a star', origin: '*' },
  { name: 'the word default', origin: 'default' },
];

const originHeader = (origin) => (origin === undefined ? {} : { Origin: origin });

for (const { name, status, path, ...how } of answers) {
  test(`CORS headers on ${name}`, async (t) => {
    const all = await Promise.all(origins.map(({ origin }) => ask(path, { ...how, headers: originHeader(origin) })));
    for (const [i, row] of origins.entries()) {
      await t.test(`for ${row.name}`, () => {
        assert.equal(all[i].status, status);
        assert.equal(all[i].headers.vary, 'Origin');
        assert.deepEqual(corsOf(all[i]),
          row.listed ? { 'allow-origin': row.origin, 'allow-credentials': 'true', 'expose-headers': 'Date' } : {});
      });
    }
  });
}

const guarded = ['/private', '/without-session', '/with-broken-login', '/denied', '/limited'];
for (const path of [signature('a=b'), '/blobvalet/success', '/blobvalet/session?a=b', ...guarded]) {
  test(`a preflight for ${path}`, async (t) => {
    const arrived = echo.requests.length;
    for (const { name, origin, listed } of origins) {
      const answer = await ask(path, {
        method: 'OPTIONS',
        headers: {
          ...originHeader(origin), 'Access-Control-Request-Method': 'POST', 'Access-Control-Request-Headers': 'x-csrf-token',
        },
      });
      await t.test(`from ${name}`, () => {
        assert.equal(answer.status, 204);
        assert.equal(answer.body, '');
        assert.equal(answer.headers.vary, 'Origin');
        assert.deepEqual(corsOf(answer), !listed ? {} : {
          'allow-origin': origin, 'allow-credentials': 'true', 'expose-headers': 'Date', 'allow-methods': 'GET, POST, PUT',
          'allow-headers': 'X-Requested-With, Cache-Control, Content-Type, X-Csrf-Token, X-Session', 'max-age': '7200',
        });
      });
    }
    assert.equal(echo.requests.length, arrived, 'no worker was asked');
  });
}

test('each CORS header is there once', async () => {
  const { rawHeaders } = await ask(signature('a=b'), { headers: { Origin: 'https://app.example.com' } });
  const names = rawHeaders.filter((_, i) => i % 2 === 0).map((name) => name.toLowerCase());
  assert.deepEqual(names, [...new Set(names)]);
});

test('capital letters, which no browser sends, make no other site', async () => {
  const answer = await ask(signature('a=b'), { headers: { Origin: 'HTTPS://App.Example.com' } });
  assert.equal(corsOf(answer)['allow-origin'], 'HTTPS://App.Example.com');
});

const told = [
  ...origins.filter(({ listed }) => listed).map(({ name, origin }) => ({ name, origin, told: origin })),
  ...origins.filter(({ listed, origin }) => !listed && origin).map(({ name, origin }) => ({ name, origin, told: '-' })),
  { name: 'none', origin: undefined, told: '' },
  { name: 'an empty one', origin: '', told: '' },
  { name: 'the same', origin: `https://${here}`, told: `https://${here}` },
  { name: 'the same on the default port', origin: 'https://a.example.com', host: 'a.example.com', told: 'https://a.example.com' },
  { name: 'the same without TLS', tls: false, origin: 'http://a.example.com', host: 'a.example.com', told: 'http://a.example.com' },
  { name: 'the same host by another scheme', origin: `http://${here}`, told: '-' },
  { name: 'the same host by TLS, asked without', tls: false, origin: `https://${here}`, host: here, told: '-' },
  { name: 'the same host on another port', origin: 'https://localhost:1', told: '-' },
  { name: 'the same host without its port', origin: 'https://localhost', told: '-' },
  { name: 'the same with something behind', origin: `https://${here}.evil.com`, told: '-' },
  { name: 'the same with something before', origin: `https://evil.${here}`, told: '-' },
  { name: 'the same twice', origin: `https://${here} https://${here}`, told: '-' },
  { name: 'the same behind another', origin: `https://evil.com https://${here}`, told: '-' },
  { name: 'the same with a slash', origin: `https://${here}/`, told: '-' },
  { name: 'the same host in X-Forwarded-Host', origin: 'https://evil.com', more: { 'X-Forwarded-Host': 'evil.com' }, told: '-' },
];
for (const { name, origin, host = here, tls, more, told: expected } of told) {
  test(`what a worker is told of an origin: ${name}`, async () => {
    const headers = { Host: host, ...originHeader(origin), ...more };
    const arrived = await passed('/blobvalet/success', { tls, method: 'POST', body: 'a=b', headers });
    assert.equal(arrived.get('BLOBVALET_ORIGIN'), expected);
  });
}

test('a page on the same origin needs no CORS header and gets none', async () => {
  const answer = await ask('/blobvalet/success', { method: 'POST', body: 'a=b', headers: { Origin: `https://${here}` } });
  assert.deepEqual(corsOf(answer), {});
});
