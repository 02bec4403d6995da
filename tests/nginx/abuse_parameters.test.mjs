// Parameters that come twice, in other spellings, in masses, or where they do not belong. Whatever two readers of the same text
// could disagree about is refused.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { assertSigned, callback, kEndpoint, kForm, kListed, kUuid, startTarget } from './abuse.mjs';

const target = await startTarget();
await target.assertUnharmed();

const kUri = encodeURIComponent(`${kEndpoint}/drop/a.txt`);
const kOther = encodeURIComponent(`${kEndpoint}/uploads/mallory/a.txt`);
const kPut = '_method=PUT';
const whole = `bloburi=${kUri}&${kPut}`;

const queries = [
  // What is asked, as Fine Uploader asks it and in other spellings that mean the same.
  { name: 'as Fine Uploader asks', query: `${kPut}&bloburi=${kUri}&qqtimestamp=1772366400000`, status: 200 },
  { name: 'escaped letters in a name', query: `%62loburi=${kUri}&%5fmethod=PUT`, status: 200 },
  { name: 'the verb in escapes', query: `bloburi=${kUri}&_method=%50%55%54`, status: 200 },
  { name: 'an unknown parameter twice', query: `${whole}&x=1&x=2`, status: 200 },
  { name: 'empty pairs', query: `&&${whole}&&`, status: 200 },
  // Twice.
  { name: 'bloburi twice, the same', query: `${whole}&bloburi=${kUri}`, code: 'duplicate_parameter' },
  { name: 'bloburi twice, different', query: `${whole}&bloburi=${kOther}`, code: 'duplicate_parameter' },
  { name: 'bloburi twice, the second in escapes', query: `${whole}&%62loburi=${kOther}`, code: 'duplicate_parameter' },
  { name: 'bloburi twice, the second empty', query: `${whole}&bloburi=`, code: 'duplicate_parameter' },
  { name: 'bloburi twice, the second without =', query: `${whole}&bloburi`, code: 'duplicate_parameter' },
  { name: '_method twice, the same', query: `${whole}&${kPut}`, code: 'duplicate_parameter' },
  { name: '_method twice, different', query: `${whole}&_method=DELETE`, code: 'duplicate_parameter' },
  { name: '_method twice, different, the other first', query: `_method=DELETE&${whole}`, code: 'duplicate_parameter' },
  { name: 'qqtimestamp twice', query: `${whole}&qqtimestamp=1&qqtimestamp=2`, status: 200 },
  { name: 'qqsize twice', query: `${whole}&qqsize=1&qqsize=2`, code: 'duplicate_parameter' },
  { name: 'qqtype twice', query: `${whole}&qqtype=image/png&qqtype=text/html`, code: 'duplicate_parameter' },
  // Names that are others.
  { name: 'bloburi in capitals', query: `BLOBURI=${kUri}&${kPut}`, code: 'missing_parameter' },
  { name: 'bloburi in capitals beside it', query: `${whole}&BlobUri=${kOther}`, status: 200 },
  { name: 'a list as PHP writes it', query: `bloburi[]=${kUri}&${kPut}`, code: 'missing_parameter' },
  { name: 'a list as PHP writes it beside it', query: `${whole}&bloburi[]=${kOther}`, status: 200 },
  { name: 'a blank before the name', query: `%20bloburi=${kUri}&${kPut}`, code: 'missing_parameter' },
  { name: 'a plus before the name', query: `+bloburi=${kUri}&${kPut}`, code: 'missing_parameter' },
  { name: 'a NUL behind the name', query: `bloburi%00=${kUri}&${kPut}`, code: 'missing_parameter' },
  { name: 'semicolons', query: `bloburi=${kUri};${kPut}`, code: 'missing_parameter' },
  { name: 'an escaped ampersand', query: `bloburi=${kUri}%26${kPut}`, code: 'missing_parameter' },
  { name: 'an escaped equals sign', query: `bloburi%3D${kUri}&${kPut}`, code: 'missing_parameter' },
  { name: 'a second question mark', query: `?${whole}`, code: 'missing_parameter' },
  { name: 'nothing', query: '', code: 'missing_parameter' },
  { name: 'no verb', query: `bloburi=${kUri}`, code: 'missing_parameter' },
  { name: 'no blob', query: kPut, code: 'missing_parameter' },
  // Values that are others.
  { name: 'an empty blob', query: `bloburi=&${kPut}`, status: 403, code: 'unknown_endpoint' },
  { name: 'an empty verb', query: `bloburi=${kUri}&_method=`, status: 400 },
  { name: 'the verb in small letters', query: `bloburi=${kUri}&_method=put`, status: 400 },
  { name: 'the verb with a blank', query: `bloburi=${kUri}&_method=PUT%20`, status: 400 },
  { name: 'the verb with a NUL', query: `bloburi=${kUri}&_method=PUT%00`, status: 400 },
  { name: 'two verbs', query: `bloburi=${kUri}&_method=PUT,DELETE`, status: 400 },
  { name: 'a verb that nobody grants', query: `bloburi=${kUri}&_method=GET`, status: 400 },
  { name: 'a malformed escape', query: `bloburi=${kUri}%4&${kPut}`, code: 'bad_encoding' },
  { name: 'an escape that is none', query: `bloburi=${kUri}%zz&${kPut}`, code: 'bad_encoding' },
  { name: 'overlong UTF-8', query: `bloburi=${kUri}%c0%ae&${kPut}`, status: 400 },
  { name: 'half a character', query: `bloburi=${kUri}%e2%82&${kPut}`, status: 400 },
  { name: 'a surrogate', query: `bloburi=${kUri}%ed%a0%80&${kPut}`, status: 400 },
  { name: 'bytes as they are', query: `bloburi=${kUri}&${kPut}&x=\xff\xfe`, status: 200 },
];
for (const { name, query, code, status = 400 } of queries) {
  test(`a query: ${name}`, async () => {
    const answer = await target.ask(`/blobvalet/signature?${query}`, { headers: { Origin: kListed } });
    assert.equal(answer.status, status, answer.body);
    assert.equal(answer.headers['access-control-allow-origin'], kListed);
    if (status === 200) {
      assertSigned(answer.body, { name: 'drop/a.txt' });
      return;
    }
    assert.equal(answer.headers['content-type'], 'application/json');
    assert.ok(!answer.body.includes('sig='));
    if (code) assert.equal(answer.json().code, code);
    await target.assertUnharmed();
  });
}

const good = callback();
const multipart = ['blob', 'uuid', 'name', 'container'].map((name) => (
  `--b\r\nContent-Disposition: form-data; name="${name}"\r\n\r\n${new URLSearchParams(good).get(name)}\r\n`)).join('') + '--b--\r\n';
const bodies = [
  { name: 'as Fine Uploader posts', body: good, status: 200 },
  { name: 'a field of the page\'s own', body: `${good}&note=1`, status: 200 },
  { name: 'a field of the page\'s own, twice', body: `${good}&note=1&note=2`, code: 'duplicate_parameter' },
  { name: 'a charset', body: good, type: `${kForm}; charset=UTF-8`, status: 200 },
  ...['blob', 'uuid', 'name', 'container'].flatMap((field) => [
    { name: `${field} twice, the same`, body: `${good}&${field}=${encodeURIComponent(new URLSearchParams(good).get(field))}`, code: 'duplicate_parameter' },
    { name: `${field} twice, different`, body: `${good}&${field}=x`, code: 'duplicate_parameter' },
    { name: `${field} twice, the first in escapes`, body: `%${field.charCodeAt(0).toString(16)}${field.slice(1)}=x&${good}`, code: 'duplicate_parameter' },
    { name: `${field} left out`, body: without(field), code: 'missing_parameter' },
    { name: `${field} as a list`, body: `${without(field)}&${field}[]=x`, code: 'missing_parameter' },
    { name: `${field} in the query`, body: without(field), query: `?${good}`, code: 'missing_parameter' },
  ]),
  { name: 'the verb in the body', body: `${good}&_method=DELETE`, status: 200 },
  { name: 'the verb in the query', body: good, query: '?_method=DELETE', status: 200 },
  { name: 'another blob in the query', body: good, query: '?blob=uploads/mallory/a.txt', status: 200 },
  { name: 'multipart', body: multipart, type: 'multipart/form-data; boundary=b', status: 415 },
  { name: 'JSON', body: JSON.stringify(Object.fromEntries(new URLSearchParams(good))), type: 'application/json', status: 415 },
  { name: 'JSON that says it is a form', body: JSON.stringify({ blob: 'a', uuid: kUuid }), code: 'missing_parameter' },
  { name: 'text', body: good, type: 'text/plain', status: 415 },
  { name: 'a form in UTF-7', body: good, type: `${kForm}; charset=utf-7`, status: 415 },
  { name: 'a form in UTF-16', body: good, type: `${kForm}; charset=utf-16`, status: 415 },
  { name: 'a type with something behind', body: good, type: `${kForm}x`, status: 415 },
  { name: 'two types', body: good, type: `${kForm}, text/plain`, status: 415 },
  { name: 'semicolons', body: good.replaceAll('&', ';'), code: 'missing_parameter' },
  { name: 'nothing', body: '', code: 'missing_parameter' },
  { name: 'ampersands', body: '&'.repeat(60_000), code: 'missing_parameter' },
  { name: 'equals signs', body: '='.repeat(60_000), code: 'missing_parameter' },
  { name: 'an empty name', body: `${good}&=x`, status: 200 },
  { name: 'fifty empty names', body: `${good}&${'=x&'.repeat(50)}`, code: 'duplicate_parameter' },
  { name: 'too many fields', body: `${good}&${Array.from({ length: 10_000 }, (_, i) => `${i}=`).join('&')}`, status: 413, code: 'too_many_fields' },
  { name: 'a body over the limit', body: `${good}&note=${'x'.repeat(65_536)}`, status: 413 },
];
function without(field) {
  const fields = new URLSearchParams(good);
  fields.delete(field);
  return fields.toString();
}
for (const { name, body, query = '', type = kForm, code, status = 400 } of bodies) {
  for (const chunked of [false, true]) {
    test(`a callback${chunked ? ' in chunks' : ''}: ${name}`, async () => {
      const answer = await target.ask(`/blobvalet/success${query}`, {
        method: 'POST', body, chunked, headers: { 'Content-Type': type, Origin: kListed },
      });
      assert.equal(answer.status, status, answer.body);
      assert.equal(answer.headers['content-type'], 'application/json');
      assert.equal(answer.headers['access-control-allow-origin'], kListed);
      assert.equal(answer.json().success, status === 200);
      if (code) assert.equal(answer.json().code, code);
      await target.assertUnharmed();
    });
  }
}

// nginx takes 32 kB of a request's line; 8 kB of it are a query of more parameters than any page sends.
test('a query of a thousand parameters', async () => {
  const query = `${whole}&${Array.from({ length: 1000 }, (_, i) => `${i}=`).join('&')}`;
  const answer = await target.ask(`/blobvalet/signature?${query}`);
  assert.equal(answer.status, 200, answer.body);
  assertSigned(answer.body, { name: 'drop/a.txt' });
  await target.assertUnharmed();
});
