// That the search for secrets, which every suite relies on, finds what it should, and fails whoever leaked.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { chmodSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { runBlobvalet } from '../lib/command.mjs';
import { startProcess, tempDir, waitFor } from '../lib/process.mjs';
import { assertNoSecret, findSecret, findSecretInFile, registerSecret, searchStream } from '../lib/secrets.mjs';

const bytes = randomBytes(64);
const key = registerSecret(bytes.toString('base64'), 'the key');
const password = registerSecret('correct horse battery staple', 'the password');

const xored = (constant) => bytes.map((byte) => byte ^ constant);
const hidden = [
  ['as it is', key, /^the key/],
  ['without its padding', key.replace(/=+$/, ''), /^the key/],
  ['its first half', key.slice(0, 44), /^the key/],
  ['its second half', key.slice(44), /^the key/],
  ['for a URL', bytes.toString('base64url'), /^the key/],
  ['percent-encoded', encodeURIComponent(key), /^the key/],
  ['its bytes', bytes, /^the key \(bytes\)$/],
  ['in hexadecimal', bytes.toString('hex'), /^the key/],
  ['in HEXADECIMAL', bytes.toString('hex').toUpperCase(), /^the key/],
  ['as HMAC starts its inner hash', xored(0x36), /^the key \(inner/],
  ['as HMAC starts its outer hash', xored(0x5c), /^the key \(outer/],
  ['a password', password, /^the password/],
  ['a password in base64', Buffer.from(password).toString('base64'), /^the password/],
  ['a signature', 'https://a.example/b?sv=1&sig=x', /^a signature$/],
];
const harmless = ['', 'SIG=', 'si g=', key.slice(20, 30), 'correct horse', bytes.subarray(20, 30), randomBytes(1000)];

describe('the search', () => {
  for (const [what, text, found] of hidden) {
    const within = Buffer.concat([randomBytes(1000), Buffer.from(text), randomBytes(1000)]);
    test(`finds the key or the like: ${what}`, () => {
      assert.match(findSecret(within), found);
      assert.throws(() => assertNoSecret(within, 'a text'), (error) => {
        assert.match(error.message, /^a text holds /);
        return findSecret(error.message) === null;  // and does not tell it
      });
    });

    test(`finds it in pieces: ${what}`, () => {
      const search = searchStream();
      for (let at = 0; at < within.length; at += 7) search.take(within.subarray(at, at + 7));
      assert.match(search.found(), found);
    });

    test(`finds it in a file across two reads: ${what}`, () => {
      const file = join(tempDir(), 'file');
      writeFileSync(file, Buffer.concat([Buffer.alloc((1 << 20) - 5), Buffer.from(text), Buffer.alloc(100)]));
      assert.match(findSecretInFile(file), found);
    });
  }

  harmless.forEach((text, i) => test(`finds nothing in what is harmless, ${i}`, () => assert.equal(findSecret(text), null)));

  test('passes over signatures where there may be some, not over keys', () => {
    assert.equal(findSecret('sig=', { signatures: true }), null);
    assert.match(findSecret(`sig=${key}`, { signatures: true }), /^the key/);
  });

  test('registers no empty secret', () => {
    registerSecret(' \n');
    assert.equal(findSecret(' \n'), null);
  });
});

/// A program by the name of blobvalet, which prints its first argument and waits.
function makeTeller() {
  const file = join(tempDir(), 'blobvalet');
  writeFileSync(file, '#!/bin/sh\nprintf %s "$1"\nprintf ready >&2\nexec sleep 60\n');
  chmodSync(file, 0o755);
  return file;
}

describe('a blobvalet that tells', () => {
  const teller = makeTeller();
  for (const log of [undefined, join(tempDir(), 'log')]) {
    const where = log ? 'log' : 'output';
    test(`a secret to its ${where} fails whoever stops it`, async () => {
      const server = startProcess(teller, [key], { log });
      await waitFor(() => server.output().includes('ready'));
      await assert.rejects(server.stop(), /holds the key/);
    });

    test(`nothing to its ${where} fails nobody`, async () => {
      const server = startProcess(teller, ['no secret'], { log: log && `${log}.harmless` });
      await waitFor(() => server.output().includes('ready'));
      await server.stop();
    });
  }

  test('a secret fails whoever never stops it', () => {
    const lib = (name) => fileURLToPath(new URL(`../lib/${name}`, import.meta.url));
    const script = `
      import { startProcess, waitFor } from '${lib('process.mjs')}';
      import { registerSecret } from '${lib('secrets.mjs')}';
      registerSecret('${key}', 'the key');
      const server = startProcess('${teller}', ['${key}']);
      await waitFor(() => server.output().includes('ready'));
      process.exit();`;
    const { status, stderr } = spawnSync(process.execPath, ['--input-type=module', '--eval', script], { encoding: 'utf8' });
    assert.equal(status, 1);
    assert.match(stderr, /holds the key/);
  });

  test('a secret fails whoever runs it as a command', () => {
    const command = join(tempDir(), 'blobvalet');
    writeFileSync(command, '#!/bin/sh\nprintf %s "$2"\n');
    chmodSync(command, 0o755);
    assert.throws(() => runBlobvalet(['check', key], { binary: command }), /standard output of blobvalet check holds the key/);
    assert.throws(() => runBlobvalet(['check', 'sig='], { binary: command }), /holds a signature/);
    assert.equal(runBlobvalet(['sign', 'sig='], { binary: command }).out, 'sig=');
  });
});
