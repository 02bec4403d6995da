// Makes bound-grants.json: what the official SDK signs for each kind of PUT that a rule with bind_request grants. Needs
// @azure/storage-blob 12.32 or later, which older service versions of the emulator do not get along with, so it is not
// one of the suite's packages:
//     npm install --prefix DIR @azure/storage-blob@12.32.0
//     node tests/vectors/bound-grants.mjs DIR > tests/vectors/bound-grants.json
import { createRequire } from 'node:module';
import { join, resolve } from 'node:path';

const load = createRequire(join(resolve(process.argv[2] ?? '.'), 'index.js'));
const { BlobSASPermissions, SASProtocol, generateBlobSASQueryParameters } = load('@azure/storage-blob');

const account = 'contosofiles';
const container = 'uploads';
const version = '2026-04-06';
const value = Buffer.from(Array.from({ length: 32 }, (_, i) => i)).toString('base64');    // opens nothing
const key = {
  signedObjectId: '11111111-1111-4111-8111-111111111111',
  signedTenantId: '22222222-2222-4222-8222-222222222222',
  signedStartsOn: new Date('2026-02-28T00:00:00Z'),
  signedExpiresOn: new Date('2026-03-06T23:00:00Z'),
  signedService: 'b',
  signedVersion: '2024-11-04',
  value,
};

const putBlob = (type, length) => ({ operation: 'put_blob', content_type: type, content_length: length });
const putBlock = (id, length) => ({ operation: 'put_block', content_length: length, block_id: btoa(id) });
const putBlockList = (type) => ({ operation: 'put_block_list', content_type: type });

// What each operation binds, written here once more: the vectors are to notice if core forgets some of it.
const bindings = {
  put_blob: ({ content_type, content_length }) => ({
    requestHeaders: { 'content-type': content_type, 'content-length': content_length, 'x-ms-blob-type': 'BlockBlob' },
  }),
  put_block: ({ content_length, block_id }) => ({
    requestHeaders: { 'content-length': content_length }, requestQueryParameters: { comp: 'block', blockid: block_id },
  }),
  put_block_list: ({ content_type }) => ({
    requestHeaders: { 'x-ms-blob-content-type': content_type }, requestQueryParameters: { comp: 'blocklist' },
  }),
};

const rows = [
  ['a small text', 'hello.txt', putBlob('text/plain', '11')],
  ['an empty file', 'empty', putBlob('application/octet-stream', '0')],
  ['the largest whole blob', 'disk.img', putBlob('application/octet-stream', '5242880000')],
  ['a type with parameters, as a recorder gives it', 'talk.webm', putBlob('audio/webm; codecs="vp8, opus"', '4711')],
  ['the longest type', 'long', putBlob(`application/${'x'.repeat(243)}`, '1')],
  ['a name and a type full of signs', "Ün/a b#c?d%20e+f&'\".txt", putBlob('text/x-%41+!;a=&b="=#"', '9')],
  ['the first block', 'hello.txt', putBlock('00000', '4000000')],
  ['a later block', 'folder/hello.txt', putBlock('00017', '1')],
  ['the largest block', 'disk.img', putBlock('99999', '4194304000')],
  ['a block whose id has a plus, a slash and padding', 'hello.txt', putBlock('\xfb\xef\xbe\xff\xff\xff\xfb', '100')],
  ['the longest block id', 'hello.txt', putBlock('n'.repeat(64), '100')],
  ['a list of blocks', 'hello.txt', putBlockList('text/plain')],
  ['a list of blocks, with a type that has parameters', 'talk.webm', putBlockList('video/webm;codecs=vp9')],
];

const vectors = rows.map(([name, blob, declared]) => {
  const sas = generateBlobSASQueryParameters({
    containerName: container, blobName: blob, version, permissions: BlobSASPermissions.parse('cw'),
    expiresOn: new Date('2026-03-01T12:15:00Z'), protocol: SASProtocol.Https, ...bindings[declared.operation](declared),
  }, key, account);
  return { name, blob, declared, query: sas.toString() };
});
console.log(JSON.stringify({
  producedBy: '@azure/storage-blob 12.32.0', account, container, version, now: '2026-03-01T12:00:00Z',
  userDelegationKey: {
    objectId: key.signedObjectId, tenantId: key.signedTenantId, start: '2026-02-28T00:00:00Z',
    expiry: '2026-03-06T23:00:00Z', service: key.signedService, version: key.signedVersion, value,
  },
  vectors,
}, null, 1));
