// HTTP that two parsers could read in two ways. What follows on the same connection is answered by itself or not at all, and
// nothing that is refused gets a signature. What is no HTTP is refused by nginx, before it knows whose location it is for, in
// HTML; no page can send it.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { assertSigned, callback, cutAnswers, kForm, kListed, signing, startTarget } from './abuse.mjs';

const target = await startTarget();
await target.assertUnharmed();

const kHost = 'Host: localhost\r\n';
const kSigning = signing('x.txt');
const body = callback();
const length = body.length;
const hexLength = length.toString(16);
const chunked = `${hexLength}\r\n${body}\r\n0\r\n\r\n`;
const get = (headers = '', { version = 'HTTP/1.1', path = kSigning, host = kHost } = {}) => `GET ${path} ${version}\r\n${host}${headers}\r\n`;
const post = (headers, content = body) => (
  `POST /blobvalet/success HTTP/1.1\r\n${kHost}Origin: ${kListed}\r\nContent-Type: ${kForm}\r\n${headers}\r\n${content}`);
const kLength = `Content-Length: ${length}\r\n`;
const kChunked = 'Transfer-Encoding: chunked\r\n';

// A whole request for a signature, as somebody else's body.
const hidden = `GET ${signing('smuggled.txt')} HTTP/1.1\r\n${kHost}\r\n`;

const kHtml = 'text/html';
const kJson = 'application/json';
const kText = 'text/plain; charset=utf-8';
// What becomes of a request: whose answer it is, and whether the connection goes on.
const kAccepted = { status: 200, type: kJson, goesOn: true };
const kSigned = { status: 200, type: kText, goesOn: true };
const kMalformed = { status: 400, type: kHtml };
const kUnknownCoding = { status: 501, type: kHtml };
const kBadChunk = { status: 400, type: kJson };

const rows = [
  ['a callback', post(kLength), kAccepted],
  ['a callback in chunks', post(kChunked, chunked), kAccepted],
  ['chunks in capital letters', post('Transfer-Encoding: CHUNKED\r\n', chunked), kAccepted],
  ['chunks with a blank behind the word', post('Transfer-Encoding: chunked \r\n', chunked), kAccepted],
  ['Content-Length, then Transfer-Encoding', post(kLength + kChunked, chunked), kMalformed],
  ['Transfer-Encoding, then Content-Length', post(kChunked + kLength, chunked), kMalformed],
  ['Transfer-Encoding twice', post(kChunked + kChunked, chunked), kMalformed],
  ['an unknown coding', post('Transfer-Encoding: xchunked\r\n', chunked), kUnknownCoding],
  ['two codings', post('Transfer-Encoding: chunked, identity\r\n', chunked), kUnknownCoding],
  ['identity', post('Transfer-Encoding: identity\r\n', chunked), kUnknownCoding],
  ['a tab before the coding', post('Transfer-Encoding:\tchunked\r\n', chunked), kUnknownCoding],
  ['a vertical tab before the coding', post('Transfer-Encoding: \x0bchunked\r\n', chunked), kUnknownCoding],
  ['the coding in quotes', post('Transfer-Encoding: "chunked"\r\n', chunked), kUnknownCoding],
  ['a blank before the colon', post('Transfer-Encoding : chunked\r\n', chunked), kMalformed],
  ['a folded header', post('Transfer-Encoding:\r\n chunked\r\n', chunked), kMalformed],
  ['a header folded into another', post('X: y\r\n Transfer-Encoding: chunked\r\n', chunked), kMalformed],
  ['chunks of HTTP/1.0', post(kChunked, chunked).replace('HTTP/1.1', 'HTTP/1.0'), kMalformed],
  ['the same length twice', post(kLength + kLength), kMalformed],
  ['two lengths', post(`${kLength}Content-Length: 0\r\n`), kMalformed],
  ['a list of lengths', post(`Content-Length: ${length}, ${length}\r\n`), kMalformed],
  ['a negative length', post('Content-Length: -1\r\n'), kMalformed],
  ['a length with a plus', post(`Content-Length: +${length}\r\n`), kMalformed],
  ['a length in hexadecimal', post(`Content-Length: 0x${hexLength}\r\n`), kMalformed],
  ['a length that overflows', post('Content-Length: 99999999999999999999999\r\n'), kMalformed],
  ['an empty length', post('Content-Length: \r\n'), kMalformed],
  ['the largest length', post('Content-Length: 9223372036854775807\r\n'), { status: 413, type: kJson, lingers: true }],
  ['Connection: Content-Length', post(`${kLength}Connection: Content-Length\r\n`), kAccepted],
  ['a chunk size with 0x', post(kChunked, `0x${chunked}`), kBadChunk],
  ['a chunk size that overflows', post(kChunked, `FFFFFFFFFFFFFFFFF\r\n${body}`), kBadChunk],
  ['a negative chunk size', post(kChunked, `-1\r\n${body}`), kBadChunk],
  ['no chunk size', post(kChunked, `\r\n${chunked}`), kBadChunk],
  ['no line end behind a chunk', post(kChunked, `${hexLength}\r\n${body}0\r\n\r\n`), kBadChunk],
  ['a chunk extension', post(kChunked, chunked.replace('\r\n', ';a=b\r\n')), kAccepted],
  ['a header behind the chunks', post(kChunked, `${chunked.slice(0, -2)}Content-Length: 5\r\n\r\n`), kAccepted],
  ['bare line feeds', post(kLength).replaceAll('\r\n', '\n'), kAccepted],
  ['a bare carriage return in a header', post(`X: a\rb: c\r\n${kLength}`), kMalformed],
  ['a NUL in a header', post(`X: a\0b\r\n${kLength}`), kMalformed],
  ['a NUL in a header\'s name', post(`X\0Y: a\r\n${kLength}`), kMalformed],
  ['a request as a body', post(`Content-Length: ${hidden.length}\r\n`, hidden), { status: 400, type: kJson, goesOn: true }],
  ['a request in chunks', post(kChunked, `${hidden.length.toString(16)}\r\n${hidden}\r\n0\r\n\r\n`), { status: 400, type: kJson, goesOn: true }],
  ['a GET with a body', get(kLength) + body, kSigned],
  ['a GET with a request as its body', get(`Content-Length: ${hidden.length}\r\n`) + hidden, kSigned],
  ['a GET with chunks', get(kChunked) + chunked, kSigned],
  ['a GET with Content-Length and Transfer-Encoding', get(kLength + kChunked) + chunked, kMalformed],
  ['a signature by HTTP/1.1', get(), kSigned],
  ['HTTP/1.2', get('', { version: 'HTTP/1.2' }), kSigned],
  ['HTTP/1.0', get('', { version: 'HTTP/1.0' }), { status: 200, type: kText }],
  ['HTTP/2.0 in the line', get('', { version: 'HTTP/2.0' }), { status: 505, type: kHtml }],
  ['HTTP/2 without TLS', 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n', kMalformed],
  ['an upgrade to h2c', get('Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAARAAAAAAAIAAAAA\r\n'), kSigned],
  ['no host', get('', { host: '' }), kMalformed],
  ['two hosts', get('Host: evil.example\r\n'), kMalformed],
  ['a host with a path', get('', { host: 'Host: a/b\r\n' }), kMalformed],
  ['a whole URL', get('', { path: `http://localhost${kSigning}` }), kSigned],
  ['a whole URL of another host', get('', { path: `http://evil.example${kSigning}` }), kSigned],
  ['an authority', get('', { path: 'localhost:80' }), kMalformed],
  ['CONNECT', `CONNECT localhost:80 HTTP/1.1\r\n${kHost}\r\n`, kMalformed],
  ['TRACE', `TRACE ${kSigning} HTTP/1.1\r\n${kHost}\r\n`, { status: 405, type: kHtml }],
  ['a method in small letters', `get ${kSigning} HTTP/1.1\r\n${kHost}\r\n`, kMalformed],
  ['OPTIONS *', `OPTIONS * HTTP/1.1\r\n${kHost}\r\n`, kMalformed],
  ['a blank in the query', get('', { path: '/blobvalet/signature?a b' }), kMalformed],
  ['tabs in the line', `GET\t${kSigning}\tHTTP/1.1\r\n${kHost}\r\n`, kMalformed],
  ['two blanks in the line', `GET  ${kSigning} HTTP/1.1\r\n${kHost}\r\n`, kSigned],
  ['empty lines before', `\r\n\r\n${get()}`, kSigned],
  ['a header without colon', get('Nonsense\r\n'), kSigned],
  ['a header of 70 kB', get(`Cookie: ${'x'.repeat(70_000)}\r\n`), kMalformed],
  ['5,000 headers', get('X: y\r\n'.repeat(5000)), kMalformed],
  ['a TLS greeting', '\x16\x03\x01\x02\x00\x01', kMalformed],
];

const kFollowing = `GET /blobvalet/healthz HTTP/1.1\r\n${kHost}Connection: close\r\n\r\n`;
const header = ({ headers }, name) => headers.find(([key]) => key === name)?.[1];

for (const [name, bytes, { status, type, goesOn = false, lingers }] of rows) {
  test(name, async () => {
    const received = await target.exchange(Buffer.from(bytes + kFollowing, 'latin1'), { lingers });
    const [answer, ...others] = cutAnswers(received);
    assert.equal(answer.status, status, received);
    assert.equal(header(answer, 'content-type'), type);
    assert.equal(others.length, goesOn ? 1 : 0, received);
    if (goesOn) assert.equal(JSON.parse(others[0].body).status, 'ok', received);
    if (type === kText) assertSigned(answer.body, { name: 'drop/x.txt' });
    if (type === kJson) assert.deepEqual(JSON.parse(answer.body).success, status === 200);
    if (type === kJson) assert.equal(header(answer, 'access-control-allow-origin'), kListed);
    assert.equal(received.split('sig=').length, type === kText ? 2 : 1, received);
    await target.assertUnharmed();
  });
}

test('Expect: 100-continue is answered before the body', async () => {
  const [go, answer] = cutAnswers(await target.exchange(post(`${kLength}Expect: 100-continue\r\n`) + kFollowing));
  assert.equal(go.status, 100);
  assert.deepEqual([answer.status, JSON.parse(answer.body).success], [200, true]);
});

// A line without a version: the answer has no headers, and nothing can follow it.
test('HTTP/0.9 gets the answer\'s text alone', async () => {
  const [{ bare }, ...others] = cutAnswers(await target.exchange(`GET ${kSigning}\r\n${kFollowing}`));
  assertSigned(bare, { name: 'drop/x.txt' });
  assert.equal(others.length, 0);
});

test('a hundred requests at once are answered one by one, each by itself', async () => {
  const all = Array.from({ length: 100 }, (_, i) => (i % 3 === 0 ? post(kLength) : get('', { path: signing(`${i}.txt`) })));
  const answers = cutAnswers(await target.exchange(all.join('') + kFollowing));
  assert.equal(answers.length, 101);
  answers.slice(0, 100).forEach(({ body: text }, i) => {
    if (i % 3 === 0) assert.equal(JSON.parse(text).success, true);
    else assertSigned(text, { name: `drop/${i}.txt` });
  });
});

// What follows is the rest of the body, however much it looks like a request.
test('a length that takes in the next request makes one request of both', async () => {
  const bytes = post(`Content-Length: ${length + kFollowing.length}\r\n`) + kFollowing;
  const answers = cutAnswers(await target.exchange(bytes, { lingers: true }));
  assert.deepEqual(answers.map(({ status, body: text }) => [status < 500 && status >= 400, JSON.parse(text).success]), [[true, false]]);
  await target.assertUnharmed();
});
