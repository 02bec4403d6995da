// Which of several keys has signed.
import { createHash } from 'node:crypto';
import { sign, stringToSign } from '../lib/azure-sas.mjs';

/// The name of the key in `keys` (an object of base64 texts) that has signed a SAS of Azurite's; `none` if none has.
export function signerOf(url, keys) {
  const [, account, container, ...name] = url.pathname.split('/').map(decodeURIComponent);
  const text = stringToSign(url.searchParams, `/blob/${account}/${container}/${name.join('/')}`);
  const signature = url.searchParams.get('sig');
  const found = Object.entries(keys).find(([, key]) => sign(Buffer.from(key, 'base64'), text) === signature);
  return found?.[0] ?? 'none';
}

/// As blobvalet shows it.
export const fingerprintOf = (key) => createHash('sha256').update(Buffer.from(key, 'base64')).digest('hex').slice(0, 16);
