// Access tokens as Microsoft Entra issues them to identities, without a signature: nobody in these tests checks one.
import { randomUUID } from 'node:crypto';

export const kAudience = 'https://storage.azure.com';

const encode = (value) => Buffer.from(JSON.stringify(value)).toString('base64url');

// Entra backdates its tokens, since clocks differ.
const kBackdateSeconds = 300;

/// A token for the identity `oid` of the tenant `tid`, valid for so long from now. Further claims replace its own.
export function makeToken({ oid, tid, lifetimeSeconds = 86_400, ...more }) {
  const now = Math.floor(Date.now() / 1000);
  const claims = {
    aud: kAudience, iss: `https://sts.windows.net/${tid}/`, iat: now - kBackdateSeconds,
    nbf: now - kBackdateSeconds, exp: now + lifetimeSeconds, oid, sub: oid, tid, idtyp: 'app',
    uti: randomUUID(), ver: '1.0', ...more,
  };
  return `${encode({ alg: 'none', typ: 'JWT' })}.${encode(claims)}.${encode(randomUUID())}`;
}

/// The claims of a token; null if it is none.
export function claimsOf(token) {
  try {
    const [header, claims, signature, ...rest] = token.split('.');
    JSON.parse(Buffer.from(header, 'base64url'));
    return signature && rest.length === 0 ? JSON.parse(Buffer.from(claims, 'base64url')) : null;
  } catch {
    return null;
  }
}

/// Whether claims are those of a token for Azure Storage that is valid at `nowMs`.
export const isValidNow = ({ aud, iss, nbf, exp, tid }, nowMs) => aud === kAudience
  && iss === `https://sts.windows.net/${tid}/` && nbf * 1000 <= nowMs && nowMs < exp * 1000;
