// Sizes and rates: the longest legal request passes, what is longer or too much is refused in a readable form.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import http2 from 'node:http2';
import { Agent } from 'node:https';
import { connect } from 'node:net';
import { after, test } from 'node:test';
import { plainSite, sampleSite } from '../lib/nginx.mjs';
import { waitFor } from '../lib/process.mjs';
import { basic, corsOf, startStack } from './stack.mjs';

const origin = 'https://app.example.com';
const stack = await startStack({
  origins: [origin],
  render: plainSite('set $blobvalet_user ""; include snippets/blobvalet.conf;'),
});
const { ask, passed } = stack;

const account = encodeURIComponent('https://acmeuploads.blob.core.windows.net/uploads/');
const rest = '&_method=PUT&qqtimestamp=1700000000000';
const named = (name) => `/blobvalet/signature?bloburi=${account}${name}${rest}`;

const twiceEncoded = (name) => encodeURIComponent(encodeURIComponent(name));
const names = [
  { name: '1,024 letters', path: named('a'.repeat(1024)) },
  { name: '1,024 Chinese characters', path: named(encodeURIComponent('文'.repeat(1024))) },
  { name: '1,024 characters of 4 bytes', path: named(encodeURIComponent('𠀀'.repeat(1024))) },
  { name: '1,024 Chinese characters, encoded by the page too', path: named(twiceEncoded('文'.repeat(1024))) },
  { name: '1,024 characters of 4 bytes, encoded by the page too', path: named(twiceEncoded('𠀀'.repeat(1024))) },
  { name: 'a URL of 24,576 bytes', path: `/blobvalet/signature?${'x'.repeat(24_576 - 21)}` },
];
for (const { name, path } of names) {
  test(`passes: ${name}`, async () => {
    const arrived = await passed(path);
    assert.equal(arrived?.get('QUERY_STRING'), path.slice(path.indexOf('?') + 1));
  });
}

const tooLong = { error: 'The URL is too long.', code: 'uri_too_long' };
const callbackTooLong = { ...tooLong, success: false, preventRetry: true };
const longer = [
  { name: '24,577 bytes', path: `/blobvalet/signature?${'x'.repeat(24_577 - 21)}`, body: tooLong },
  { name: '4,096 Chinese characters', path: named(encodeURIComponent('文'.repeat(4096))), body: tooLong },
  { name: '60,000 bytes', path: `/blobvalet/signature?${'x'.repeat(60_000)}`, body: tooLong },
  { name: '60,000 bytes of a callback', path: `/blobvalet/success?${'x'.repeat(60_000)}`, method: 'POST', body: callbackTooLong },
];
for (const { name, path, method, body } of longer) {
  test(`414 which another origin can read: ${name}`, async () => {
    const before = stack.echo.requests.length;
    const answer = await ask(path, { method, headers: { Origin: origin } });
    assert.equal(answer.status, 414);
    assert.deepEqual(answer.json(), body);
    assert.equal(corsOf(answer)['allow-origin'], origin);
    assert.equal(stack.echo.requests.length, before, 'no worker was asked');
  });
}

for (const tls of [true, false]) {
  test(`414 beyond nginx's own limit is JSON, ${tls ? 'with' : 'without'} TLS, and nginx knows no Origin by then`, async () => {
    const answer = await ask(`/blobvalet/signature?${'x'.repeat(70_000)}`, { tls, headers: { Origin: origin } });
    assert.equal(answer.status, 414);
    assert.deepEqual(answer.json(), tooLong);
    assert.equal(answer.headers['cache-control'], 'no-store');
    assert.deepEqual(corsOf(answer), {});
  });
}

test("414 beyond nginx's own limit is the default server's without TLS, the site's with TLS", async () => {
  const site = (name, body) => (ports) => plainSite(body)(ports).replace('server_name localhost', `server_name ${name}`);
  const two = await startStack({
    render: (ports) => site('other.example.com', '')(ports)
      + site('localhost', 'set $blobvalet_user ""; include snippets/blobvalet.conf;')(ports),
  });
  const path = `/blobvalet/signature?${'x'.repeat(70_000)}`;
  assert.deepEqual((await two.ask(path)).json(), tooLong);
  assert.match((await two.ask(path, { tls: false })).body, /<html>/);
});

test('the page of that 414 is not for clients', async () => {
  assert.equal((await ask('/blobvalet/uri-too-long')).status, 404);
});

// Browsers speak HTTP/2, where nginx counts header fields in another place.
test('HTTP/2', async (t) => {
  const authority = `localhost:${stack.nginx.httpsPort}`;
  const connectHttp2 = () => http2.connect(`https://127.0.0.1:${stack.nginx.httpsPort}`, {
    rejectUnauthorized: false, servername: 'localhost',
  }).on('error', () => {});  // its requests say so too
  const session = connectHttp2();
  const answer = async (path) => {
    const stream = session.request({ ':authority': authority, ':path': path, origin });
    const [headers] = await once(stream, 'response');
    stream.resume();
    await once(stream, 'end');
    return headers;
  };
  for (const { name, path } of names) {
    await t.test(`passes: ${name}`, async () => assert.equal((await answer(path))[':status'], 200));
  }
  await t.test('414 which another origin can read', async () => {
    const headers = await answer(`/blobvalet/signature?${'x'.repeat(60_000)}`);
    assert.equal(headers[':status'], 414);
    assert.equal(headers['access-control-allow-origin'], origin);
  });
  await t.test('same origin', async () => {
    const own = `https://${authority}`;
    const stream = session.request({ ':authority': authority, ':path': '/blobvalet/success', ':method': 'POST', origin: own });
    stream.end('a=b');
    await once(stream.resume(), 'end');
    assert.equal(stack.echo.requests.at(-1).get('BLOBVALET_ORIGIN'), own);
  });
  session.close();

  await t.test("beyond nginx's own limit there is no answer", async () => {
    const last = connectHttp2();
    await assert.rejects(once(last.request({ ':path': `/?${'x'.repeat(70_000)}` }), 'response'), /NGHTTP2|closed|GOAWAY|ECONNRESET/);
    last.destroy();
  });
});

const tooLarge = { error: 'The request body is too large.', code: 'body_too_large' };
for (const chunked of [false, true]) {
  const form = `, ${chunked ? 'in chunks' : 'with its length'}`;

  for (const size of [0, 1, 10_000, 20_000, 65_536]) {
    test(`passes: a body of ${size} bytes${form}`, async () => {
      const arrived = await passed('/blobvalet/success', { method: 'POST', body: 'x'.repeat(size), chunked });
      assert.equal(arrived?.get('CONTENT_LENGTH'), String(size));
      assert.equal(arrived.body.length, size);
    });
  }
  for (const size of [65_537, 100_000, 1_000_000]) {
    test(`413: a body of ${size} bytes${form}`, async () => {
      const before = stack.echo.requests.length;
      const answer = await ask('/blobvalet/success', { method: 'POST', body: 'x'.repeat(size), chunked });
      assert.equal(answer.status, 413);
      assert.deepEqual(answer.json(), { ...tooLarge, success: false, preventRetry: true });
      assert.equal(stack.echo.requests.length, before, 'no worker was asked');
    });
  }
}

test('413 on the signature endpoint has no verdict for callbacks', async () => {
  const answer = await ask('/blobvalet/signature', { method: 'POST', body: 'x'.repeat(100_000) });
  assert.equal(answer.status, 413);
  assert.deepEqual(answer.json(), tooLarge);
});

test('no body is ever written to a file', () => {
  assert.doesNotMatch(stack.nginx.errorLog(), /buffered to a temporary file/);
});

test('chunks which are none: 400', async () => {
  const head = 'POST /blobvalet/success HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n';
  const answer = await exchange(`${head}zz\r\nx\r\n`);
  assert.match(answer, /^HTTP\/1\.1 400 /);
  assert.match(answer, /\{"error":"The request is malformed\.","code":"bad_request","success":false,"preventRetry":true\}$/);
});

// For what no HTTP client would send.
async function exchange(text) {
  const socket = connect(stack.nginx.httpPort, '127.0.0.1');
  socket.setTimeout(5000, () => socket.destroy(new Error('no answer')));
  socket.write(text);
  return Buffer.concat(await socket.toArray()).toString();
}

test('the sample with limit_req', async (t) => {
  const agent = new Agent({ keepAlive: true, maxSockets: 16 });
  after(() => agent.destroy());
  const limited = await startStack({
    origins: [origin], render: sampleSite('limit_req'), files: { 'blobvalet.htpasswd': 'alice:{PLAIN}wonderland\n' },
  });
  const headers = (user) => ({ Host: 'uploads.example.com', Origin: origin, Authorization: basic(user, 'wonderland') });
  const many = (path, how) => Promise.all(Array.from({ length: 100 }, (_, i) => limited.ask(path, { agent, ...how(i) })));
  const rate = { error: 'Too many requests. Please try again in a moment.', code: 'rate_limited' };

  // However slow this machine is, at some time a hundred requests come faster than the limit allows.
  const untilLimited = async (...request) => {
    for (const deadline = Date.now() + 20_000; Date.now() < deadline;) {
      const answers = await many(...request);
      if (answers.some(({ status }) => status === 429)) return answers;
    }
    throw new Error('never limited');
  };

  await t.test('lets a burst through', async () => {
    const answers = await many('/api/uploads/sign?a=b', () => ({ headers: headers('alice') }));
    assert.ok(answers.filter(({ status }) => status === 200).length >= 61);
  });
  await t.test('refuses the rest in a form that a page can read', async () => {
    const answers = await untilLimited('/api/uploads/sign?a=b', () => ({ headers: headers('alice') }));
    for (const answer of answers.filter(({ status }) => status !== 200)) {
      assert.equal(answer.status, 429);
      assert.deepEqual(answer.json(), rate);
      assert.equal(answer.headers['retry-after'], '1');
      assert.equal(corsOf(answer)['allow-origin'], origin);
    }
  });
  await t.test('a new name each time does not help', async () => {
    const answers = await untilLimited('/api/uploads/sign', (i) => ({ headers: headers(`guess${i}`) }));
    assert.ok(answers.every(({ status }) => status === 401 || status === 429));
  });
  await t.test('a callback may be repeated', async () => {
    const answers = await untilLimited('/api/uploads/done', () => ({ method: 'POST', body: 'a=b', headers: headers('alice') }));
    assert.deepEqual(answers.find(({ status }) => status === 429).json(), { ...rate, success: false });
  });
  await t.test('preflights do not count', async () => {
    const preflights = await many('/api/uploads/sign', () => ({ method: 'OPTIONS', headers: headers('alice') }));
    assert.ok(preflights.every(({ status }) => status === 204));
  });
});

test('limit_conn answers like limit_req', async () => {
  const limited = await startStack({
    http: 'limit_conn_zone $server_name zone=one:1m;',
    render: plainSite(`set $blobvalet_user "";
      include snippets/blobvalet-errors.conf;
      location = /sign { include snippets/blobvalet-signature.conf; limit_conn one 1; }`),
  });
  const first = limited.ask('/sign?sleep=1000');
  await waitFor(() => limited.echo.requests.length === 1);
  const second = await limited.ask('/sign');
  assert.equal(second.status, 429);
  assert.equal(second.json().code, 'rate_limited');
  assert.equal((await first).status, 200);
});
