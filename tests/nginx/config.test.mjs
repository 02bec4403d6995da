// The shipped files as configuration: samples which nginx accepts, and sites of all kinds that include them.
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { checkNginx, plainSite, sampleSite } from '../lib/nginx.mjs';
import { tempDir } from '../lib/process.mjs';
import { corsOf, sampleFiles, startStack } from './stack.mjs';

const shipped = fileURLToPath(new URL('../../nginx/', import.meta.url));
const filesBelow = (dir) => readdirSync(dir, { withFileTypes: true }).flatMap((entry) => (
  entry.isDirectory() ? filesBelow(join(dir, entry.name)) : [join(dir, entry.name)]));
const twoLines = 'set $blobvalet_user ""; include snippets/blobvalet.conf;';

for (const file of readdirSync(join(shipped, 'sites'))) {
  test(`nginx -t: sites/${file}`, async () => {
    const render = sampleSite(file.replace(/\.conf$/, ''));
    const { ok, output } = await checkNginx({ render, files: sampleFiles({ alice: 'wonderland' }) });
    assert.ok(ok, output);
    assert.doesNotMatch(output, /\[warn\]/);
  });
}

// A directive has its comment at the end of its line or right above it; the entries of a map share the map's.
function uncommented(text) {
  let above = '';
  let inMap = false;
  return text.split('\n').filter((whole) => {
    const line = whole.trim();
    const explained = inMap || above.startsWith('#') || /^(#|\}|$)|;\s+#|\{\s+#/.test(line);
    inMap = line.startsWith('map ') || (inMap && !line.startsWith('}'));
    above = line;
    return !explained;
  });
}

for (const file of filesBelow(shipped).filter((name) => /\.(conf|map)$/.test(name))) {
  test(`every directive is explained: ${relative(shipped, file)}`, () => {
    assert.deepEqual(uncommented(readFileSync(file, 'utf8')), []);
  });
}

const originsMap = (text) => ({ 'blobvalet/origins.map': text });
const refused = [
  { name: 'a site which does not say who the user is', body: 'include snippets/blobvalet.conf;', fault: /unknown "blobvalet_user"/ },
  { name: 'both lines twice', body: `${twoLines} ${twoLines}`, fault: /duplicate location/ },
  { name: 'a location without blobvalet-errors.conf', body: 'include snippets/blobvalet-signature.conf;', fault: /not allowed here/ },
  { name: 'an origin without its 1', files: originsMap('https://app.example.com;'), fault: /invalid number of the map parameters/ },
  { name: 'an origin without semicolon', files: originsMap('https://app.example.com 1'), fault: /unexpected end of file/ },
  { name: 'an origin twice', origins: ['https://app.example.com', 'https://app.example.com'], fault: /conflicting parameter/ },
  { name: 'a very long origin', origins: [`https://${'long.'.repeat(30)}example.com`], fault: /map_hash_bucket_size/ },
];
for (const { name, body = twoLines, fault, ...how } of refused) {
  test(`nginx -t refuses ${name}`, async () => {
    const { ok, output } = await checkNginx({ ...how, render: plainSite(body) });
    assert.ok(!ok);
    assert.match(output, fault);
  });
}

test('a very long origin needs map_hash_bucket_size', async () => {
  const origin = `https://${'long.'.repeat(30)}example.com`;
  const { ask } = await startStack({ origins: [origin], http: 'map_hash_bucket_size 256;', render: plainSite(twoLines) });
  const answer = await ask('/blobvalet/signature', { headers: { Origin: origin } });
  assert.equal(corsOf(answer)['allow-origin'], origin);
});

test('the list of origins as shipped is empty, and its examples work', async (t) => {
  const list = readFileSync(join(shipped, 'blobvalet/origins.map'), 'utf8');
  const examples = [...list.matchAll(/^# {3}(\S+) +1;$/gm)].map((match) => match[1]);
  assert.equal(examples.length, 2);
  const edited = list.replace(/^# {3}(?=\S+ +1;$)/gm, '');

  const asShipped = await startStack({ render: plainSite(twoLines) });
  const withExamples = await startStack({ files: originsMap(edited), render: plainSite(twoLines) });
  for (const origin of examples) {
    await t.test(origin, async () => {
      const how = { method: 'OPTIONS', headers: { Origin: origin } };
      assert.deepEqual(corsOf(await asShipped.ask('/blobvalet/signature', how)), {});
      assert.equal(corsOf(await withExamples.ask('/blobvalet/signature', how))['allow-origin'], origin);
    });
  }
  await t.test('custom headers as shipped are none', async () => {
    const how = { method: 'OPTIONS', headers: { Origin: examples[0] } };
    assert.equal(corsOf(await withExamples.ask('/blobvalet/signature', how))['allow-headers'],
      'X-Requested-With, Cache-Control, Content-Type');
  });
});

const cache = tempDir();
const sites = [
  { name: 'static files', body: `
      root /var/www/html;
      index index.html;
      location / { try_files $uri $uri/ =404; }` },
  { name: 'PHP, with the FastCGI parameters of Debian', body: `
      include /etc/nginx/fastcgi_params;
      fastcgi_param REMOTE_USER mallory;
      fastcgi_param BLOBVALET_USER mallory;
      location ~ \\.php$ { fastcgi_pass unix:/run/php.sock; }` },
  { name: 'a regular expression that matches everything', body: 'location ~ . { return 418; }' },
  { name: 'a prefix that ends the search', body: 'location ^~ /blobvalet/ { return 418; }' },
  { name: 'a proxied application', body: `
      proxy_set_header X-User mallory;
      location / { proxy_pass http://127.0.0.1:9; proxy_intercept_errors on; }` },
  { name: 'headers of its own', body: `
      add_header Access-Control-Allow-Origin * always;
      add_header Cache-Control "public, max-age=86400";
      add_header Strict-Transport-Security max-age=31536000;` },
  { name: 'an expiry date for everything', body: 'expires 1d;' },
  { name: 'compression of everything', body: 'gzip on; gzip_types *; gzip_min_length 1; gzip_proxied any;' },
  { name: 'error pages of its own', body: `
      error_page 401 403 404 413 414 500 502 503 504 /page.html;
      recursive_error_pages on;
      fastcgi_intercept_errors on;` },
  { name: 'a FastCGI cache for everything', http: `fastcgi_cache_path ${cache} keys_zone=all:1m;`, body: `
      fastcgi_cache_key $uri;
      fastcgi_cache all;
      fastcgi_cache_valid any 1h;
      fastcgi_cache_methods GET HEAD POST;
      fastcgi_ignore_headers Cache-Control Expires Vary;` },
  { name: 'other FastCGI settings', body: `
      fastcgi_pass_request_headers on;
      fastcgi_buffering off;
      fastcgi_request_buffering off;
      fastcgi_read_timeout 1s;
      fastcgi_next_upstream off;
      fastcgi_keep_conn off;` },
  { name: 'a smaller body limit', body: 'client_max_body_size 1;' },
];

for (const { name, body, http = '' } of sites) {
  test(`two lines into a site with ${name}`, async (t) => {
    const { ask, passed } = await startStack({
      http, origins: ['https://app.example.com'], render: plainSite(`${body}\n${twoLines}`),
    });
    const headers = { Origin: 'https://app.example.com', 'Accept-Encoding': 'gzip', 'REMOTE-USER': 'mallory' };

    await t.test('a signature', async () => {
      for (const query of ['a=b', 'c=d']) {
        const answer = await ask(`/blobvalet/signature?${query}`, { headers });
        assert.equal(answer.status, 200);
        assert.equal(answer.headers['cache-control'], 'no-store');
        assert.equal(answer.headers.vary, 'Origin');
        assert.equal(answer.headers.expires, undefined);
        assert.equal(answer.headers['content-encoding'], undefined);
        assert.equal(answer.headers['content-length'], String(answer.body.length));
        assert.deepEqual(corsOf(answer), { 'allow-origin': headers.Origin, 'allow-credentials': 'true', 'expose-headers': 'Date' });
        const { BLOBVALET_USER: user, QUERY_STRING: own, ...more } = Object.fromEntries(answer.json().params);
        assert.equal(user, '');
        assert.equal(own, query);
        assert.equal(Object.keys(more).length, 7);
      }
    });
    await t.test('a callback', async () => {
      const arrived = await passed('/blobvalet/success', { method: 'POST', body: 'a=b', headers, chunked: true });
      assert.equal(arrived?.body, 'a=b');
      assert.equal(arrived.get('CONTENT_LENGTH'), '3');
    });
    await t.test('a worker that dies', async () => {
      assert.equal((await ask('/blobvalet/signature?die=once')).status, 200);
    });
    await t.test('a refusal of the worker', async () => {
      const answer = await ask('/blobvalet/signature?status=403', { headers });
      assert.equal(answer.status, 403);
      assert.equal(answer.json().params.length, 9);
    });
    await t.test('a refusal of nginx', async () => {
      const answer = await ask('/blobvalet/success', { method: 'POST', body: 'x'.repeat(70_000), headers });
      assert.equal(answer.status, 413);
      assert.equal(answer.json().code, 'body_too_large');
      assert.equal(answer.headers['cache-control'], 'no-store');
    });
    await t.test('a preflight', async () => {
      const answer = await ask('/blobvalet/success', { method: 'OPTIONS', headers });
      assert.equal(answer.status, 204);
      assert.equal(corsOf(answer)['allow-origin'], headers.Origin);
    });
  });
}

test('two sites, two ways to know the user', async (t) => {
  const site = (name, user) => (ports) => plainSite(`set $blobvalet_user ${user}; include snippets/blobvalet.conf;`)(ports)
    .replace('server_name localhost', `server_name ${name}`);
  const { passed } = await startStack({
    render: (ports) => ['alice', 'bob'].map((user) => site(`${user}.example.com`, user)(ports)).join(''),
  });
  for (const user of ['alice', 'bob']) {
    await t.test(user, async () => {
      const arrived = await passed('/blobvalet/signature', { headers: { Host: `${user}.example.com` } });
      assert.equal(arrived.get('BLOBVALET_USER'), user);
    });
  }
});
