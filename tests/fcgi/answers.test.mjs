// Every row of the response table, byte for byte as it leaves the worker.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { after, before, describe, test } from 'node:test';
import { ask } from '../lib/fcgi-client.mjs';
import { blobvaletBinary } from '../lib/pool.mjs';
import {
  assertSigned, form, formOfSize, health, kContainer, kEndpoint, kRule, kUuid, signature, kUnverified, siteConfig, startSitePool,
  success,
} from './support.mjs';

const tenantRule = { name: 'tenant', account: kRule.account, container: 'tenants', blobs: ['{tenant}/**'], methods: ['PUT'] };

let pool;
before(async () => { pool = await startSitePool({ config: siteConfig({ rules: [kRule, tenantRule] }) }); });
after(() => pool?.stop());

const kReason = {
  200: 'OK', 400: 'Bad Request', 403: 'Forbidden', 405: 'Method Not Allowed', 413: 'Content Too Large',
  415: 'Unsupported Media Type', 500: 'Internal Server Error',
};

/// Compares a whole answer: each header, their order, and the body.
function assertAnswer(answer, { status, body, type = 'application/json', headers = {} }) {
  assert.equal(answer.body, body);
  assert.deepEqual(Object.entries(answer.headers), Object.entries({
    Status: `${status} ${kReason[status]}`,
    'Content-Type': type,
    'Content-Length': String(Buffer.byteLength(body)),
    ...headers,
    'Cache-Control': 'no-store',
    'X-Content-Type-Options': 'nosniff',
  }));
  assert.deepEqual([answer.appStatus, answer.protocolStatus], [0, 0]);
}

const query = (text) => signature({ QUERY_STRING: text });
const uri = (text, more) => signature({ uri: text, ...more });
const name = (text) => uri(`${kContainer}/alice/${text}`);
const encodedName = (text) => query(`_method=PUT&bloburi=${encodeURIComponent(kContainer)}/alice/${text}`);
const twice = (params, key, value) => [...Object.entries(params), [key, value]];

const kUnknownEndpoint = 'bloburi: is not at an endpoint of this site; check request.endpoint, and that no form\'s '
  + 'action took its place';
const kNotAllowed = 'bloburi: is not allowed';
const kDots = 'blob name: has a segment . or .. which URLs cannot carry';
const kCharacter = 'blob name: has a control, private-use or non-character';
const kMisconfigured = 'the web server is misconfigured';

describe('signature', () => {
  const signed = [
    ['a new blob', signature(), 'alice/a.txt', 'alice/a.txt', 'cw'],
    ['a blob to delete', signature({ method: 'DELETE' }), 'alice/a.txt', 'alice/a.txt', 'd'],
    ['a name with every kind of character', name('ä #?%41+&\'"/日本 😀.txt'), 'alice/ä #?%41+&\'"/日本 😀.txt',
      'alice/%C3%A4%20%23%3F%2541%2B%26%27%22/%E6%97%A5%E6%9C%AC%20%F0%9F%98%80.txt', 'cw'],
    ['parameters that nobody knows', query(`${signature().QUERY_STRING}&qqtimestamp=1&x=y`), 'alice/a.txt', 'alice/a.txt', 'cw'],
    ['a host in capitals', uri(`${kContainer.replace('https://acme', 'HTTPS://ACME')}/alice/a.txt`), 'alice/a.txt', 'alice/a.txt', 'cw'],
  ];
  for (const [what, params, blob, path, permissions] of signed) {
    test(`200: ${what}`, async () => {
      const start = Math.floor(Date.now() / 1000);
      const answer = await ask(pool.socket, params);
      assertAnswer(answer, { status: 200, type: 'text/plain; charset=utf-8', body: answer.body });
      const url = `${kContainer}/${path}`;
      const expiry = assertSigned(answer.body, { url, name: `uploads/${blob}`, key: pool.site.key, permissions }) / 1000;
      const lifetime = permissions === 'd' ? 300 : 900;
      assert.ok(expiry >= start + lifetime && expiry <= Date.now() / 1000 + lifetime, `${expiry}`);
      assert.doesNotMatch(answer.body, /[\r\n#]/);
    });
  }

  test('200: a value that nginx passes on for the pattern', async () => {
    const answer = await ask(pool.socket, uri(`${kEndpoint}/tenants/Acme/a`, { BLOBVALET_VAR_TENANT: 'Acme' }));
    assertSigned(answer.body, { url: `${kEndpoint}/tenants/Acme/a`, name: 'tenants/Acme/a', key: pool.site.key });
  });

  const refused = [
    ['POST', signature({ REQUEST_METHOD: 'POST' }), 405, 'method_not_allowed', 'only GET is allowed here', { Allow: 'GET' }],
    ['no HTTP method', signature({ REQUEST_METHOD: '' }), 405, 'method_not_allowed', 'only GET is allowed here', { Allow: 'GET' }],
    ['no query', query(''), 400, 'missing_parameter', '_method: is missing'],
    ['no verb', query('bloburi=x'), 400, 'missing_parameter', '_method: is missing'],
    ['no address', query('_method=PUT'), 400, 'missing_parameter', 'bloburi: is missing'],
    ['two verbs', query(`${signature().QUERY_STRING}&_method=DELETE`), 400, 'duplicate_parameter', 'query: gives _method or bloburi more than once'],
    ['two addresses, one name escaped', query(`${signature().QUERY_STRING}&blob%75ri=x`), 400, 'duplicate_parameter', 'query: gives _method or bloburi more than once'],
    ['half an escape', query('_method=PUT&bloburi=%4'), 400, 'bad_encoding', 'query: has a malformed percent escape'],
    ['an escape of no digits', query('_method=PUT&bloburi=%zz'), 400, 'bad_encoding', 'query: has a malformed percent escape'],
    ['a name that is no UTF-8', encodedName('%ff'), 400, 'bad_encoding', 'blob name: is not valid UTF-8'],
    ['a verb in lower case', signature({ method: 'put' }), 400, 'bad_method', '_method: must be PUT or DELETE'],
    ['a verb that reads', signature({ method: 'GET' }), 400, 'bad_method', '_method: must be PUT or DELETE'],
    ['another account', uri('https://other.blob.core.windows.net/uploads/alice/a'), 403, 'unknown_endpoint', kUnknownEndpoint],
    ['a host that begins like ours', uri(`${kEndpoint}.evil.test/uploads/alice/a`), 403, 'unknown_endpoint', kUnknownEndpoint],
    ['plain http', uri(`${kContainer.replace('https', 'http')}/alice/a`), 403, 'unknown_endpoint', kUnknownEndpoint],
    ['a user before our host', uri('https://x@acmeuploads.blob.core.windows.net/uploads/alice/a'), 403, 'unknown_endpoint', kUnknownEndpoint],
    ['another container', uri(`${kEndpoint}/private/alice/a`), 403, 'not_allowed', kNotAllowed],
    ['no legal container', uri(`${kEndpoint}/UP/alice/a`), 403, 'not_allowed', kNotAllowed],
    ['somebody else\'s folder', uri(`${kContainer}/bob/a`), 403, 'not_allowed', kNotAllowed],
    ['a folder that begins like ours', uri(`${kContainer}/alicia/a`), 403, 'not_allowed', kNotAllowed],
    ['a user with a slash', uri(`${kContainer}/alice/x/a`, { user: 'alice/x' }), 403, 'not_allowed', kNotAllowed],
    ['a user of two dots', uri(`${kContainer}/bob/a`, { user: '..' }), 403, 'not_allowed', kNotAllowed],
    ['a tenant of nobody', uri(`${kEndpoint}/tenants/acme/a`), 403, 'not_allowed', kNotAllowed],
    ['a tenant that only the client names', uri(`${kEndpoint}/tenants/acme/a`, { HTTP_BLOBVALET_VAR_TENANT: 'acme' }), 403, 'not_allowed', kNotAllowed],
    ['nobody', uri(`${kContainer}/alice/a`, { user: '' }), 403, 'login_required', 'log in first'],
    ['nobody, with a user that only the client names', uri(`${kContainer}/alice/a`, { user: '', HTTP_BLOBVALET_USER: 'alice', REMOTE_USER: 'alice' }), 403, 'login_required', 'log in first'],
    ['no name', uri(`${kContainer}/`), 403, 'bad_blob_name', 'blob name: is empty'],
    ['a backslash', name('a\\b'), 403, 'bad_blob_name', 'blob name: has a backslash; use / between folders'],
    ['a way up', name('../bob/a'), 403, 'bad_blob_name', kDots],
    ['a way up in escapes', name('%2e%2E/bob/a'), 403, 'bad_blob_name', kDots],
    ['a dot', name('./a'), 403, 'bad_blob_name', kDots],
    ['a NUL', name('a\0b'), 403, 'bad_blob_name', kCharacter],
    ['a line feed', name('a\nb'), 403, 'bad_blob_name', kCharacter],
    ['a non-character', name('a\uffff'), 403, 'bad_blob_name', kCharacter],
    ['1,025 characters', name('x'.repeat(1025 - 6)), 403, 'bad_blob_name', 'blob name: is longer than 1,024 characters'],
    ['255 segments', name(Array(254).fill('x').join('/')), 403, 'bad_blob_name', 'blob name: has more than 254 segments'],
    ['an empty segment', uri(`${kContainer}//alice/a`), 403, 'bad_blob_name', 'blob name: has an empty segment; check that request.endpoint does not end with a slash'],
  ];
  for (const [what, params, status, code, error, headers] of refused) {
    test(`${status} ${code}: ${what}`, async () => {
      assertAnswer(await ask(pool.socket, params), { status, headers, body: JSON.stringify({ error, code }) });
    });
  }

  test('the longest legal name is signed', async () => {
    const longest = 'é'.repeat(1024 - 'alice/'.length);
    const answer = await ask(pool.socket, name(longest));
    assertSigned(answer.body, { url: encodeURI(`${kContainer}/alice/${longest}`), name: `uploads/alice/${longest}`, key: pool.site.key });
  });
});

describe('success', () => {
  const accepted = [
    ['a whole form', form()],
    ['parameters of the page', form({ 'tags[]': 'a', 'meta[size][unit]': 'kB' })],
    ['empty pairs', `&&${form()}&&`],
    ['a charset in quotes', form(), { CONTENT_TYPE: 'application/x-www-form-urlencoded; charset="UTF-8"' }],
    ['an origin on the allow-list', form(), { BLOBVALET_ORIGIN: 'https://app.example.com' }],
    ['the largest body', formOfSize(65_536)],
    ['no Content-Length', form(), { CONTENT_LENGTH: '' }],
  ];
  for (const [what, body, more] of accepted) {
    test(`200: ${what}`, async () => {
      assertAnswer(await ask(pool.socket, success(body, more), body), { status: 200, body: '{"success":true,"error":null}' });
    });
  }

  const without = (key) => form().split('&').filter((pair) => !pair.startsWith(`${key}=`)).join('&');
  const many = (count) => `${form()}${Array.from({ length: count }, (_, i) => `&x${i}=`).join('')}`;
  const kMediaType = 'Content-Type must be application/x-www-form-urlencoded in UTF-8';
  const kHttpMethod = 'this HTTP method is not allowed here';
  const refused = [
    ['GET', form(), { REQUEST_METHOD: 'GET' }, 405, 'method_not_allowed', kHttpMethod, { Allow: 'POST' }],
    ['PUT', form(), { REQUEST_METHOD: 'PUT' }, 405, 'method_not_allowed', kHttpMethod, { Allow: 'POST' }],
    ['JSON', '{}', { CONTENT_TYPE: 'application/json' }, 415, 'unsupported_media_type', kMediaType],
    ['multipart', form(), { CONTENT_TYPE: 'multipart/form-data; boundary=x' }, 415, 'unsupported_media_type', kMediaType],
    ['no type', form(), { CONTENT_TYPE: '' }, 415, 'unsupported_media_type', kMediaType],
    ['another charset', form(), { CONTENT_TYPE: 'application/x-www-form-urlencoded; charset=latin1' }, 415, 'unsupported_media_type', kMediaType],
    ['one byte too many', formOfSize(65_537), {}, 413, 'body_too_large', 'body: is too large'],
    ['a body far too large', 'x'.repeat(1_000_000), {}, 413, 'body_too_large', 'body: is too large'],
    ['257 fields', many(253), {}, 413, 'too_many_fields', 'body: has too many fields'],
    ['a key nested too deeply', form({ 'a[b][c][d][e][f][g][h][i][j]': '1' }), {}, 413, 'too_many_fields', 'body: nests its keys too deeply'],
    ['a body cut short', form().slice(0, -1), { CONTENT_LENGTH: String(form().length) }, 400, 'bad_request', 'body: is shorter than its Content-Length'],
    ['a length that is no number', form(), { CONTENT_LENGTH: '12x' }, 400, 'bad_request', 'body: is shorter than its Content-Length'],
    ['no body', '', {}, 400, 'missing_parameter', 'blob: is missing'],
    ['no blob', without('blob'), {}, 400, 'missing_parameter', 'blob: is missing'],
    ['no uuid', without('uuid'), {}, 400, 'missing_parameter', 'uuid: is missing'],
    ['no name', without('name'), {}, 400, 'missing_parameter', 'name: is missing'],
    ['no container', without('container'), {}, 400, 'missing_parameter', 'container: is missing'],
    ['two blobs', `${form()}&blob=alice/b`, {}, 400, 'duplicate_parameter', 'body: gives a key more than once'],
    ['half an escape', `${form()}&x=%4`, {}, 400, 'bad_encoding', 'body: has a malformed percent escape'],
    ['no UTF-8', `${form()}&x=%ff`, {}, 400, 'bad_encoding', 'body: is not valid UTF-8'],
    ['a NUL', `${form()}&x=%00`, {}, 400, 'bad_request', 'body: holds a NUL'],
    ['a bracket left open', `${form()}&x[=1`, {}, 400, 'bad_request', 'body: has a key with malformed brackets'],
    ['a short uuid', form({ uuid: kUuid.slice(1) }), {}, 400, 'bad_uuid', 'uuid: must be 8-4-4-4-12 hexadecimal digits'],
    ['a strange origin', form(), { BLOBVALET_ORIGIN: '-' }, 403, 'origin_not_allowed', 'this page\'s origin is not allowed'],
    ['another account', form({ container: 'https://other.blob.core.windows.net/uploads' }), {}, 403, 'unknown_endpoint', kUnknownEndpoint],
    ['another container', form({ container: `${kEndpoint}/private` }), {}, 403, 'not_allowed', kNotAllowed],
    ['somebody else\'s blob', form({ blob: 'bob/a.txt' }), {}, 403, 'not_allowed', kNotAllowed],
    ['a way up', form({ blob: 'alice/../bob/a.txt' }), {}, 403, 'bad_blob_name', kDots],
    ['nobody', form(), { BLOBVALET_USER: '' }, 403, 'login_required', 'log in first'],
  ];
  for (const [what, body, more, status, code, error, headers] of refused) {
    test(`${status} ${code}: ${what}`, async () => {
      const expected = JSON.stringify({ error, code, success: false, preventRetry: true });
      assertAnswer(await ask(pool.socket, success(body, more), body), { status, headers, body: expected });
    });
  }

  test('500 misconfigured: retrying may help', async () => {
    const params = twice(success(), 'BLOBVALET_USER', 'bob');
    const expected = JSON.stringify({ error: kMisconfigured, code: 'misconfigured', success: false });
    assertAnswer(await ask(pool.socket, params, form()), { status: 500, body: expected });
  });
});

describe('health', () => {
  test('200: version and configuration, to anybody', async () => {
    const version = execFileSync(blobvaletBinary, ['--version'], { encoding: 'utf8' }).trim().split(' ')[1];
    const answer = await ask(pool.socket, health);
    const { configuration } = JSON.parse(answer.body);
    assert.match(configuration, /^[0-9a-f]{16}$/);
    assertAnswer(answer, { status: 200, body: JSON.stringify({ status: 'ok', version, configuration, problems: [] }) });
  });
});

describe('misconfigured', () => {
  const rows = [
    ['no endpoint', { REQUEST_METHOD: 'GET' }],
    ['an unknown endpoint', { ...signature(), BLOBVALET_ENDPOINT: 'sign' }],
    ['an endpoint in capitals', { ...signature(), BLOBVALET_ENDPOINT: 'SIGNATURE' }],
    ['nothing at all', {}],
    ['a second user', twice(signature(), 'BLOBVALET_USER', 'bob')],
    ['the same user twice', twice(signature(), 'BLOBVALET_USER', 'alice')],
    ['a second user behind an empty one', [['BLOBVALET_USER', ''], ...Object.entries(signature())]],
    ['a second endpoint', twice(signature(), 'BLOBVALET_ENDPOINT', 'health')],
    ['a second value for patterns', [...twice(signature(), 'BLOBVALET_VAR_TENANT', 'a'), ['BLOBVALET_VAR_TENANT', 'b']]],
    ['a second origin', [...twice(signature(), 'BLOBVALET_ORIGIN', '-'), ['BLOBVALET_ORIGIN', '']]],
  ];
  for (const [what, params] of rows) {
    test(`500: ${what}`, async () => {
      assertAnswer(await ask(pool.socket, params), { status: 500, body: JSON.stringify({ error: kMisconfigured, code: 'misconfigured' }) });
    });
  }
});

describe('another configuration', () => {
  let other;
  before(async () => {
    other = await startSitePool({ config: siteConfig({
      success: { ...kUnverified, max_body_bytes: 131_072, methods: ['POST', 'PUT'] },
      rules: [{ ...kRule, blobs: ['**'], anonymous: true }],
    }) });
  });
  after(() => other?.stop());

  test('a body of 131,072 bytes, and none larger', async () => {
    for (const [size, status] of [[131_072, 200], [131_073, 413], [400_000, 413]]) {
      const body = formOfSize(size);
      assert.equal((await ask(other.socket, success(body), body)).status, status, `${size} bytes`);
    }
  });

  test('callbacks by PUT', async () => {
    assert.equal((await ask(other.socket, success(form(), { REQUEST_METHOD: 'PUT' }), form())).status, 200);
    const answer = await ask(other.socket, success(form(), { REQUEST_METHOD: 'PATCH' }), form());
    assert.deepEqual([answer.status, answer.headers.Allow], [405, 'POST, PUT']);
  });

  test('nobody needs to log in', async () => {
    assert.equal((await ask(other.socket, signature({ user: '', uri: `${kContainer}/a` }))).status, 200);
    assert.equal((await ask(other.socket, uri(`${kEndpoint}/private/a`, { user: '' }))).json().code, 'not_allowed');
  });
});
