// What a client says must not come back as a header, nor as markup, nor as more JSON than it was. Echoed are: a listed Origin in
// Access-Control-Allow-Origin; the blob's URL in a signature; names in thumbnailUrl and in lists of earlier uploads, whose suites
// look at that. All else that is answered is our own text.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { assertSigned, callback, cutAnswers, kEndpoint, kForm, kListed, signing, startTarget } from './abuse.mjs';

const target = await startTarget();
await target.assertUnharmed();

const kMarker = 'injected-7f3a';
const kHeaders = new Set([
  'server', 'date', 'content-type', 'content-length', 'connection', 'keep-alive', 'cache-control', 'x-content-type-options', 'vary',
  'allow', 'retry-after', 'access-control-allow-origin', 'access-control-allow-credentials', 'access-control-expose-headers',
  'access-control-allow-methods', 'access-control-allow-headers', 'access-control-max-age',
]);

/// What holds for every answer, whatever was asked.
function assertOurs(answer) {
  for (const [name] of answer.headers) assert.ok(kHeaders.has(name), name);
  const values = answer.headers.map(([, value]) => value).join('\n');
  assert.ok(!values.includes(kMarker), values);
  assert.ok(!/[<>]/.test(answer.body) && !/[\x00-\x1f\x7f]/.test(answer.body), answer.body);
}

const payloads = {
  'a CRLF': `\r\nX-Injected: ${kMarker}`,
  'a LF': `\nX-Injected: ${kMarker}`,
  'a CR': `\rX-Injected: ${kMarker}`,
  'an empty line and a body': `\r\n\r\n${kMarker}`,
  'a NUL': `\0${kMarker}`,
  'DEL': `\x7f${kMarker}`,
  'a line separator': `\u2028${kMarker}`,
  'a next line': `\u0085${kMarker}`,
  quotes: `","success":true,"x":"${kMarker}`,
  'an apostrophe': `'${kMarker}`,
  'a backslash': `\\u000d\\u000a${kMarker}`,
  markup: `<script>${kMarker}</script>`,
  'the end of a script': `</script>${kMarker}`,
  'a right-to-left override': `\u202e${kMarker}`,
  'a percent sign': `%0d%0a${kMarker}`,
  'two percent signs': `%250d%250a${kMarker}`,
  '8 kB': kMarker.repeat(630),
};
const isControl = (text) => /[\x00-\x1f\x7f-\x9f]/.test(text);  // separators of lines are letters like any other: encoded, they end nothing
const isName = (text) => !isControl(text) && !text.includes('\\') && text.length <= 1024;

const once = (path, how) => target.ask(path, how).then((answer) => ({
  status: answer.status, body: answer.body, type: answer.headers['content-type'],
  headers: answer.rawHeaders.flatMap((name, i, all) => (i % 2 ? [] : [[name.toLowerCase(), all[i + 1]]])),
}));

for (const [what, text] of Object.entries(payloads)) {
  test(`in a blob's name: ${what}`, async () => {
    const blob = `a${text}`;
    const answer = await once(signing(blob));
    if (answer.status === 200) {
      assert.equal(answer.type, 'text/plain; charset=utf-8');
      assert.ok(isName(blob), 'such a name is not to be signed');
      assertSigned(answer.body, { name: `drop/${blob}` });
      assert.match(answer.body, /^[!-~]+$/);
      answer.body = '';
    } else {
      assert.equal(answer.type, 'application/json');
      assert.ok(!isName(blob), `${JSON.stringify(blob)}: ${answer.body}`);
      assert.ok(!answer.body.includes(kMarker) && !answer.body.includes('sig='), answer.body);
    }
    assertOurs(answer);
    await target.assertUnharmed();
  });

  test(`encoded twice in a blob's name: ${what}`, async () => {
    const blob = encodeURIComponent(`a${text}`);
    const answer = await once(signing(blob));
    if (answer.status === 200) assertSigned(answer.body, { name: `drop/${blob}` });
    assert.ok(answer.status === 200 || !answer.body.includes(kMarker), answer.body);
    assertOurs({ ...answer, body: '' });
  });

  for (const field of ['blob', 'uuid', 'name', 'container', 'note']) {
    test(`in the callback's ${field}: ${what}`, async () => {
      const fields = { blob: 'a.png', name: 'a.png', [field]: (field === 'container' ? `${kEndpoint}/drop` : 'a') + text };
      const answer = await once('/blobvalet/success', {
        method: 'POST', body: callback(fields), headers: { 'Content-Type': kForm, Origin: kListed },
      });
      assert.equal(answer.type, 'application/json');
      const { success, error, ...more } = JSON.parse(answer.body);
      assert.equal(success, answer.status === 200);
      assert.deepEqual(Object.keys(more).filter((key) => !['code', 'preventRetry', 'reset'].includes(key)), []);
      assert.ok(!error?.includes(kMarker), error);
      assertOurs(answer);
    });
  }

  for (const field of ['_method', 'qqtimestamp', 'qqsize', 'qqtype', 'qqpart', 'bloburi', 'unknown']) {
    test(`in the query's ${field}: ${what}`, async () => {
      const query = new URLSearchParams({ bloburi: `${kEndpoint}/drop/a.txt`, _method: 'PUT', [field]: text });
      const answer = await once(`/blobvalet/signature?${query}`, { headers: { Origin: kListed } });
      if (answer.status === 200) assertSigned(answer.body, { name: 'drop/a.txt' });
      assert.ok(!answer.body.includes(kMarker), answer.body);
      assertOurs(answer);
    });
  }
}

// Headers go as bytes; those that nginx refuses are no HTTP.
const kEchoable = [
  'Origin', 'Referer', 'User-Agent', 'Cookie', 'Accept', 'Accept-Language', 'Range', 'If-None-Match', 'X-Forwarded-For', 'X-Forwarded-Host',
  'X-Forwarded-Proto', 'X-Request-Id', 'X-Original-URL', 'X-HTTP-Method-Override', 'Forwarded', 'Via', 'Proxy', 'Content-Type', 'Authorization',
  'Access-Control-Request-Method', 'Access-Control-Request-Headers',
];
const inHeaders = {
  'a marker': kMarker, 'an escaped CRLF': `%0d%0aX-Injected: ${kMarker}`, 'markup': `<script>${kMarker}</script>`,
  'bytes above 127': `\xe2\x80\xa8\xff${kMarker}`, 'a tab': `a\t${kMarker}`, quotes: `"${kMarker}"`, '8 kB': kMarker.repeat(600),
};
for (const [what, text] of Object.entries(inHeaders)) {
  for (const method of ['GET', 'OPTIONS']) {
    test(`in every header of a ${method}: ${what}`, async () => {
      for (const name of kEchoable) {
        const bytes = `${method} ${signing('a.txt')} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n${name}: ${text}\r\n\r\n`;
        const [answer, ...others] = cutAnswers(await target.exchange(Buffer.from(bytes, 'latin1')));
        assert.equal(others.length, 0);
        if (answer.status === 200) assertSigned(answer.body, { name: 'drop/a.txt' });
        assert.ok([200, 204].includes(answer.status), `${name}: ${answer.status}`);
        assertOurs(answer);
        assert.ok(!answer.headers.some(([key]) => key === 'access-control-allow-origin'), name);
      }
    });
  }
}

// Names that would become parameters of FastCGI, or a user, if headers were passed on.
const kShadows = [
  'Remote-User: mallory', 'Remote_User: mallory', 'Blobvalet-User: mallory', 'BLOBVALET_USER: mallory', 'X-Blobvalet-User: mallory',
  'HTTP_BLOBVALET_USER: mallory', 'Blobvalet_Endpoint: metrics', 'Request_Method: DELETE', 'Query_String: _method=DELETE',
  'Script_Filename: /etc/passwd', 'Proxy: http://evil.example', 'Http_Proxy: http://evil.example', 'X-Forwarded-User: mallory',
  'X_Forwarded_For: 203.0.113.9', 'Content_Length: 5', 'Transfer_Encoding: chunked',
];
for (const header of kShadows) {
  test(`a client is nobody, whatever it calls itself: ${header}`, async () => {
    const get = (container) => `GET ${signing('mallory/a.txt', { container })} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n`;
    const [refused] = cutAnswers(await target.exchange(`${get('uploads')}${header}\r\n\r\n`));
    assert.deepEqual([refused.status, JSON.parse(refused.body).code], [403, 'login_required']);
    const [signed] = cutAnswers(await target.exchange(`${get('drop')}${header}\r\n${header}\r\n\r\n`));
    assertSigned(signed.body, { name: 'drop/mallory/a.txt' });
  });
}
