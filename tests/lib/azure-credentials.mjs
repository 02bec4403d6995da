// Who may do what to a storage account: Shared Key, SAS, and bearer tokens, each computed or read once more.
import { randomBytes } from 'node:crypto';
import { isDelegation, isInForce, sign, stringToSign } from './azure-sas.mjs';
import { claimsOf, isValidNow } from './jwt.mjs';
import { registerSecret } from './secrets.mjs';

/// What an account trusts: its keys, a fixed token, identities whose tokens are valid, and user delegation keys.
export const makeTrust = () => ({ account: '', keys: [], token: null, identities: [], delegations: [] });

/// Whether the request's credential allows it `permissions`, any of whose letters is enough. `nowMs` is the account's clock.
export function isAuthorized(request, url, permissions, trust, { nowMs, isEncrypted }) {
  const { authorization, 'x-ms-version': version } = request.headers;
  if (!authorization) return isSigned(request, url, permissions, trust, { nowMs, isEncrypted });
  if (!version) return false;
  if (authorization.startsWith('Bearer ')) return isTrusted(authorization, trust);
  const isBy = (key) => authorization === `SharedKey ${trust.account}:${sharedKeySignature(request, url, trust.account, key)}`;
  return isDatedWell(request, nowMs) && trust.keys.some(isBy);
}

/// The claims of a bearer token that is valid now; null if there is none. Entra's clock is ours, whatever the account's is.
export function bearerOf(authorization = '') {
  const [, token] = /^Bearer (\S+)$/.exec(authorization) ?? [];
  const claims = claimsOf(token ?? '');
  return claims && isValidNow(claims, Date.now()) ? claims : null;
}

/// The identity that is trusted and whose claims these are.
export const identityOf = (claims, { identities }) => identities.find(
  ({ oid, tid }) => claims?.oid === oid && claims.tid === tid);

const isTrusted = (authorization, trust) => (trust.token !== null && authorization === `Bearer ${trust.token}`)
  || identityOf(bearerOf(authorization), trust) !== undefined;

const kLargestSkewMs = 15 * 60_000;

const isDatedWell = ({ headers }, nowMs) => (
  Math.abs(Date.parse(headers['x-ms-date'] ?? headers.date) - nowMs) <= kLargestSkewMs);

// "Authorize with Shared Key" (learn.microsoft.com): the path as it was sent, every x-ms- header, sorted.
function sharedKeySignature({ method, headers, bytes }, url, account, key) {
  const field = (name) => headers[name] ?? '';
  const own = Object.keys(headers).filter((name) => name.startsWith('x-ms-')).sort()
    .map((name) => `${name}:${headers[name]}\n`);
  const query = [...url.searchParams].sort().map(([name, value]) => `\n${name.toLowerCase()}:${value}`);
  return sign(key, [
    method, field('content-encoding'), field('content-language'), bytes.length || '', field('content-md5'),
    field('content-type'), field('date'), field('if-modified-since'), field('if-match'), field('if-none-match'),
    field('if-unmodified-since'), field('range'), `${own.join('')}/${account}${url.pathname}${query.join('')}`,
  ].join('\n'));
}

function isSigned({ headers }, { pathname, searchParams: params }, permissions, trust, { nowMs, isEncrypted }) {
  const text = stringToSign(params, `/blob/${trust.account}${decodeURIComponent(pathname)}`, headers);
  if (text === null || !keysFor(params, trust).some((key) => params.get('sig') === sign(key, text))) return false;
  return [...permissions].some((letter) => params.get('sp')?.includes(letter)) && isInForce(params, nowMs, isEncrypted);
}

function keysFor(params, { keys, delegations }) {
  if (!isDelegation(params)) return keys;
  const isUsed = (key) => Object.entries(kKeyFields).every(([name, field]) => params.get(name) === key[field]);
  return delegations.filter(isUsed).map(({ value }) => Buffer.from(value, 'base64'));
}

// --- Get User Delegation Key ----------------------------------------------------------------------------------

const kKeyFields = { skoid: 'oid', sktid: 'tid', skt: 'start', ske: 'expiry', sks: 'service', skv: 'version' };
const kFirstKeyVersion = '2018-11-09';
const kLongestKeyMs = 7 * 86_400_000;

/// A key for an identity, `{oid, tid, start, expiry, service, version, value}`.
export const makeDelegation = ({
  oid, tid, start, expiry, version = '2023-11-03', value = randomBytes(32).toString('base64'),
}) => ({ oid, tid, start, expiry, service: 'b', version, value: registerSecret(value, 'a user delegation key') });

/// What is asked for, `{start, expiry, version}`, or `{code}`, why it cannot be had.
export function readKeyRequest({ headers, body }, nowMs) {
  const { 'x-ms-version': version, 'content-type': type } = headers;
  if (!version || version < kFirstKeyVersion) return { code: 'MissingRequiredHeader' };
  if (type !== 'application/xml') return { code: 'InvalidHeaderValue' };
  const [, start, expiry] = kKeyInfo.exec(body) ?? [];
  if (!start) return { code: 'InvalidXmlDocument' };
  const [from, to] = [Date.parse(start), Date.parse(expiry)];
  if (!(from < to && nowMs < to && to <= nowMs + kLongestKeyMs)) return { code: 'InvalidXmlNodeValue' };
  return { start, expiry, version };
}

const kTime = '\\d{4}-\\d\\d-\\d\\dT\\d\\d:\\d\\d:\\d\\dZ';
const kKeyInfo = new RegExp('^<\\?xml version="1\\.0" encoding="(?:utf-8|UTF-8)"(?: standalone="yes")?\\?>\\s*'
  + `<KeyInfo><Start>(${kTime})</Start><Expiry>(${kTime})</Expiry></KeyInfo>\\s*$`);

/// The service's answer, which begins with a byte order mark.
export const describeKey = ({ oid, tid, start, expiry, service, version, value }) => '\ufeff<?xml version="1.0" encoding='
  + `"utf-8"?><UserDelegationKey><SignedOid>${oid}</SignedOid><SignedTid>${tid}</SignedTid><SignedStart>${start}</SignedStart>`
  + `<SignedExpiry>${expiry}</SignedExpiry><SignedService>${service}</SignedService><SignedVersion>${version}</SignedVersion>`
  + `<Value>${value}</Value></UserDelegationKey>`;
