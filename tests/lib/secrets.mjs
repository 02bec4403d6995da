// What no output may hold: the secrets that suites make, in every form in which one could get out, and signatures.
import { closeSync, openSync, readSync } from 'node:fs';

const kSignature = 'sig=';
const kHmacBlock = 64;
const kPiece = 16;           // so many bytes at either end of a form give it away
const kReadSize = 1 << 20;

const pieces = new Map();    // piece, a byte a character -> what it is of
let longest = kSignature.length;

/// Registers the text of a secret, which it returns. From then on no output of blobvalet may hold it, see process.mjs.
export function registerSecret(text, name = 'a secret') {
  if (text.trim() === '') return text;
  for (const [form, bytes] of formsOf(text.trim())) {
    for (const piece of [bytes.subarray(0, kPiece), bytes.subarray(-kPiece)]) {
      pieces.set(piece.toString('latin1'), `${name} (${form})`);
      longest = Math.max(longest, piece.length);
    }
  }
  return text;
}

function formsOf(text) {
  const bytes = Buffer.from(text, 'base64');
  const isKey = bytes.length >= kPiece && bytes.toString('base64') === text;
  return [['as text', Buffer.from(text)], ...(isKey ? formsOfKey(bytes) : formsOfText(Buffer.from(text)))];
}

const formsOfText = (bytes) => [...encodings(bytes), ['base64', Buffer.from(bytes.toString('base64').replace(/=+$/, ''))]];

// An HMAC begins with the key's block, each byte changed by one of two constants (RFC 2104).
const formsOfKey = (bytes) => [
  ...encodings(bytes),
  ['bytes', bytes],
  ['inner HMAC block', padded(bytes, 0x36)],
  ['outer HMAC block', padded(bytes, 0x5c)],
];

const encodings = (bytes) => [
  ['base64url', Buffer.from(bytes.toString('base64url'))],
  ['percent-encoded', Buffer.from(encodeURIComponent(bytes.toString('base64')))],
  ['hexadecimal', Buffer.from(bytes.toString('hex'))],
  ['HEXADECIMAL', Buffer.from(bytes.toString('hex').toUpperCase())],
];

const padded = (bytes, constant) => Buffer.alloc(kHmacBlock, bytes).map((byte) => byte ^ constant).subarray(0, bytes.length);

/// What `bytes` (or a text) hold that they must not, by its name, or null. `signatures`: those may be there.
export function findSecret(bytes, { signatures = false } = {}) {
  const text = Buffer.from(bytes).toString('latin1');
  for (const [piece, name] of pieces) if (text.includes(piece)) return name;
  return !signatures && text.includes(kSignature) ? 'a signature' : null;
}

/// The same of a file, however large.
export function findSecretInFile(file, options) {
  const fd = openSync(file, 'r');
  try {
    const search = searchStream(options);
    const buffer = Buffer.alloc(kReadSize);
    for (let size; (size = readSync(fd, buffer)) > 0;) search.take(buffer.subarray(0, size));
    return search.found();
  } finally {
    closeSync(fd);
  }
}

/// The same of bytes as they come: `{take(bytes), found()}`.
export function searchStream(options) {
  let end = Buffer.alloc(0);
  let found = null;
  return {
    take(chunk) {
      const bytes = Buffer.concat([end, Buffer.from(chunk)]);
      found ??= findSecret(bytes, options);
      end = bytes.subarray(-longest);
    },
    found: () => found,
  };
}

/// Throws, without telling the secret, if `bytes` hold one.
export function assertNoSecret(bytes, where, options) {
  refuse(findSecret(bytes, options), where);
}

/// The same for what findSecretInFile() or searchStream() found.
export function refuse(found, where) {
  if (found) throw new Error(`${where} holds ${found}`);
}
