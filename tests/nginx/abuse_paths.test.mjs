// Paths and blob addresses that somebody might read in another way: of the endpoints only those that are there answer, and of blobs
// only those that a rule names are signed.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { assertSigned, cutAnswers, kAccount, kEndpoint, startTarget } from './abuse.mjs';

const target = await startTarget();
await target.assertUnharmed();

const query = `?bloburi=${encodeURIComponent(`${kEndpoint}/drop/a.txt`)}&_method=PUT`;
const ask = async (path, host = 'localhost') => {
  const bytes = `GET ${path}${query} HTTP/1.1\r\nHost: ${host}\r\nConnection: close\r\n\r\n`;
  const [answer] = cutAnswers(await target.exchange(Buffer.from(bytes, 'latin1')));
  return answer;
};

// nginx decodes and tidies up a path before it looks for its location (RFC 3986, section 6.2.2): these are the same path.
const same = [
  '/blobvalet/signature', '//blobvalet/signature', '/blobvalet//signature', '/./blobvalet/signature', '/x/../blobvalet/signature',
  '/blobvalet/x/../signature', '/blobvalet/%73ignature', '/blobvalet%2Fsignature', '/blobvalet/x/%2e%2e/signature', '/%62lobvalet/signature',
];
for (const path of same) {
  test(`the endpoint, by another path: ${path}`, async () => {
    const answer = await ask(path);
    assert.equal(answer.status, 200, answer.body);
    assertSigned(answer.body, { name: 'drop/a.txt' });
  });
}

const refused = [
  ['/blobvalet/Signature', 404], ['/BLOBVALET/signature', 404], ['/blobvalet/signature/', 404], ['/blobvalet/signature.', 404],
  ['/blobvalet/signature%20', 404], ['/blobvalet/signature%00', 400], ['/blobvalet/signature%0a', 404], ['/blobvalet/signature;a=b', 404],
  ['/blobvalet/signature.php', 404], ['/blobvalet/signature/x', 404], ['/blobvalet/signature/x.php', 404], ['/blobvalet/signature/../signature/', 404],
  ['/blobvalet/signature%2f', 404], ['/blobvalet/signature%2fx', 404], ['/blobvalet/signature%252f', 404], ['/blobvalet%5csignature', 404],
  ['/blobvalet\\signature', 404], ['/blobvalet/signature\\', 404], ['/blobvalet%252fsignature', 404], ['/blobvalet/%2573ignature', 404],
  ['/blobvalet/signature%3f', 404], ['/blobvalet/signature%23', 404], ['/../blobvalet/signature', 400], ['/..%2fblobvalet/signature', 400],
  ['/blobvalet/..%2f..%2fblobvalet/signature', 400], ['/blobvalet/..;/signature', 404], ['/blobvalet/.%2e', 404], ['/blobvalet/s%u0069gnature', 400],
  ['/blobvalet/signature%', 400], ['/blobvalet/signature%2', 400], ['/blobvalet/signature%c0%af', 404], ['/blobvalet/\xc3\xa5', 404], ['/', 404],
  ['/blobvalet', 404], ['/blobvalet/', 404], ['/signature', 404], ['/blobvalet/uri-too-long', 404], ['/blobvalet/blobvalet.json', 404],
  ['/blobvalet/account.key', 404], ['/blobvalet/../account.key', 404], ['/blobvalet/..%2faccount.key', 404], ['/blobvalet/%2e%2e/%2e%2e/etc/passwd', 400],
  ['/blobvalet/@blobvalet_signature_error', 404], ['/fastcgi.sock', 404],
];
for (const [path, status] of refused) {
  test(`no endpoint: ${path}`, async () => {
    const answer = await ask(path);
    assert.equal(answer.status, status, answer.body);
    assert.ok(!answer.body.includes('sig='), answer.body);
    await target.assertUnharmed();
  });
}

const methods = [
  ['POST', 405], ['PUT', 405], ['DELETE', 405], ['PATCH', 405], ['PROPFIND', 405], ['FOO', 405], ['HEAD', 405],
];
for (const [method, status] of methods) {
  test(`no method of the signature endpoint: ${method}`, async () => {
    const answer = await target.ask(`/blobvalet/signature${query}`, { method });
    assert.equal(answer.status, status, answer.body);
    assert.ok(!answer.body.includes('sig='));
  });
}

const kHost = `${kAccount}.blob.core.windows.net`;
// A name is signed as it is, whatever it holds: `?` and `#` are letters of it, and encoded in what is answered. Otherwise the code, or
// null where it says no more than that such a name is none.
const uris = [
  ['as it is', `${kEndpoint}/drop/a.txt`, { name: 'drop/a.txt' }],
  // Another host, however much it looks like ours.
  ['another host', 'https://evil.example/drop/a.txt', 'unknown_endpoint'],
  ['another account', 'https://other.blob.core.windows.net/drop/a.txt', 'unknown_endpoint'],
  ['ours as a name below another host', `https://${kHost}.evil.example/drop/a.txt`, 'unknown_endpoint'],
  ['ours at the end of another name', `https://evil${kHost}/drop/a.txt`, 'unknown_endpoint'],
  ['ours as a user', `https://${kHost}@evil.example/drop/a.txt`, 'unknown_endpoint'],
  ['ours as a user with a password', `https://${kHost}:443@evil.example/drop/a.txt`, 'unknown_endpoint'],
  ['a user at ours', `https://evil@${kHost}/drop/a.txt`, 'unknown_endpoint'],
  ['ours in another path', `https://evil.example/${kEndpoint}/drop/a.txt`, 'unknown_endpoint'],
  ['another port', `https://${kHost}:8443/drop/a.txt`, 'unknown_endpoint'],
  ['no port behind the colon', `https://${kHost}:/drop/a.txt`, 'unknown_endpoint'],
  ['a dot behind the host', `https://${kHost}./drop/a.txt`, 'unknown_endpoint'],
  ['a backslash behind the host', `https://${kHost}\\.evil.example/drop/a.txt`, 'unknown_endpoint'],
  ['a hash behind the host', `https://${kHost}#.evil.example/drop/a.txt`, 'unknown_endpoint'],
  ['a question mark behind the host', `https://${kHost}?.evil.example/drop/a.txt`, 'unknown_endpoint'],
  ['an escape in the host', `https://${kAccount}%2eblob.core.windows.net/drop/a.txt`, 'unknown_endpoint'],
  ['an address', 'https://20.60.0.1/drop/a.txt', 'unknown_endpoint'],
  ['an address as a number', 'https://339476481/drop/a.txt', 'unknown_endpoint'],
  ['an address in hexadecimal', 'https://0x143c0001/drop/a.txt', 'unknown_endpoint'],
  ['localhost', 'https://127.0.0.1/drop/a.txt', 'unknown_endpoint'],
  ['the metadata service', 'http://169.254.169.254/metadata/instance', 'unknown_endpoint'],
  ['the same without TLS', `http://${kHost}/drop/a.txt`, 'unknown_endpoint'],
  ['another scheme', `ftp://${kHost}/drop/a.txt`, 'unknown_endpoint'],
  ['a file', 'file:///drop/a.txt', 'unknown_endpoint'],
  ['no scheme', `//${kHost}/drop/a.txt`, 'unknown_endpoint'],
  ['a path alone', '/drop/a.txt', 'unknown_endpoint'],
  ['blanks before', ` ${kEndpoint}/drop/a.txt`, 'unknown_endpoint'],
  ['the secondary', `https://${kAccount}-secondary.blob.core.windows.net/drop/a.txt`, 'unknown_endpoint'],
  ['files in place of blobs', `https://${kAccount}.file.core.windows.net/drop/a.txt`, 'unknown_endpoint'],
  // Another container or name.
  ['no path', kEndpoint, null],
  ['the container alone', `${kEndpoint}/drop`, null],
  ['the container with a slash', `${kEndpoint}/drop/`, null],
  ['a container in capitals', `${kEndpoint}/DROP/a.txt`, null],
  ['a container that no rule names', `${kEndpoint}/secret/a.txt`, 'login_required'],  // as of one for users: a stranger cannot tell
  ['the root container', `${kEndpoint}/a.txt`, null],
  ['the root container by name', `${kEndpoint}/$root/a.txt`, null],
  ['logs', `${kEndpoint}/$logs/a.txt`, null],
  ['an escaped letter in the container', `${kEndpoint}/%64rop/a.txt`, null],
  ['an escaped slash behind the container', `${kEndpoint}/drop%2fa.txt`, null],
  ['two slashes before the container', `${kEndpoint}//drop/a.txt`, null],
  ['a dot before the container', `${kEndpoint}/./drop/a.txt`, null],
  ['up and down', `${kEndpoint}/drop/../secret/a.txt`, null],
  ['up at the end', `${kEndpoint}/drop/x/..`, null],
  ['a dot as a name', `${kEndpoint}/drop/.`, null],
  ['a dot in the middle', `${kEndpoint}/drop/./a.txt`, null],
  ['a dot at the end of a name', `${kEndpoint}/drop/a.`, { name: 'drop/a.' }],
  ['a slash at the end', `${kEndpoint}/drop/a/`, null],
  ['an empty segment', `${kEndpoint}/drop//a.txt`, null],
  ['a backslash', `${kEndpoint}/drop\\..\\secret\\a.txt`, null],
  ['a backslash in the name', `${kEndpoint}/drop/..\\secret`, null],
  ['a NUL', `${kEndpoint}/drop/a.txt\0.png`, null],
  ['a name of 1,025 letters', `${kEndpoint}/drop/${'x'.repeat(1025)}`, null],
  ['a SAS behind', `${kEndpoint}/drop/a.txt?sv=2023-11-03&sr=c&sp=racwdl&sig=AAAA`, { name: 'drop/a.txt?sv=2023-11-03&sr=c&sp=racwdl&sig=AAAA' }],
  ['a parameter behind', `${kEndpoint}/drop/a.txt?comp=acl`, { name: 'drop/a.txt?comp=acl' }],
  ['a question mark behind', `${kEndpoint}/drop/a.txt?`, { name: 'drop/a.txt?' }],
  ['a fragment behind', `${kEndpoint}/drop/a.txt#x`, { name: 'drop/a.txt#x' }],
  // Of a user's folder, nobody's.
  ['a user\'s folder', `${kEndpoint}/uploads/alice/a.txt`, 'login_required'],
  ['nobody\'s folder', `${kEndpoint}/uploads//a.txt`, null],
  ['the pattern itself', `${kEndpoint}/uploads/{user}/a.txt`, 'login_required'],
];
for (const [what, uri, expected] of uris) {
  for (const method of ['PUT', 'DELETE']) {
    test(`a blob's URI for ${method}: ${what}`, async () => {
      const answer = await target.ask(`/blobvalet/signature?bloburi=${encodeURIComponent(uri)}&_method=${method}`);
      if (expected?.name) {
        assertSigned(answer.body, { ...expected, permissions: method === 'PUT' ? 'cw' : 'd' });
        return;
      }
      assert.ok([400, 403].includes(answer.status), `${answer.status} ${answer.body}`);
      assert.equal(answer.headers['content-type'], 'application/json');
      assert.ok(!answer.body.includes('sig='), answer.body);
      if (expected) assert.equal(answer.json().code, expected, answer.body);
      await target.assertUnharmed();
    });
  }
}
