// What a service SAS or a user delegation SAS of a blob has to have signed, by the tables of "Create a service SAS" and "Create
// a user delegation SAS" (learn.microsoft.com), and whether it allows a request.
import { createHmac } from 'node:crypto';

export const sign = (key, text) => createHmac('sha256', key).update(text).digest('base64');

const kFirstVersion = '2020-12-06';           // older ones have other fields; nobody should use them
const kDelegatedUserVersion = '2025-07-05';
const kBoundVersion = '2026-04-06';
const kOverrides = ['rscc', 'rscd', 'rsce', 'rscl', 'rsct'];
const kPermissionOrder = 'racwdxyltfmeop';

/// The text that `params` (a URLSearchParams) sign for the blob `/blob/account/container/name`; null if there is none, since
/// the version is too old, or a header or parameter that is bound is missing from the request.
export function stringToSign(params, resource, headers = {}) {
  const q = (name) => params.get(name) ?? '';
  if (q('sv') < kFirstVersion) return null;
  const head = [q('sp'), q('st'), q('se'), resource];
  const tail = [q('sip'), q('spr'), q('sv'), q('sr'), '', q('ses')];
  const overrides = kOverrides.map(q);
  if (!isDelegation(params)) return [...head, q('si'), ...tail, ...overrides].join('\n');
  const bound = q('sv') >= kBoundVersion ? boundFields(params, headers) : [];
  if (!bound) return null;
  const key = ['skoid', 'sktid', 'skt', 'ske', 'sks', 'skv', 'saoid', 'suoid', 'scid'].map(q);
  const user = q('sv') >= kDelegatedUserVersion ? [q('skdutid'), q('sduoid')] : [];
  return [...head, ...key, ...user, ...tail, ...bound, ...overrides].join('\n');
}

export const isDelegation = (params) => params.has('skoid');

// Names stand in srh and srq; the values are those of the request.
function boundFields(params, headers) {
  const names = (list) => (params.get(list) ? params.get(list).split(',') : []);
  const header = names('srh').map((name) => [name, headers[name.toLowerCase()]]);
  const query = names('srq').map((name) => [name, params.get(name)]);
  if ([...header, ...query].some(([, value]) => value === undefined || value === null)) return null;
  return [
    header.map(([name, value]) => `${name}:${value}\n`).join(''), query.map(([name, value]) => `\n${name}:${value}`).join(''),
  ];
}

const kSasNames = [
  'sv', 'sr', 'sp', 'st', 'se', 'sip', 'spr', 'si', 'ses', 'sig', 'skoid', 'sktid', 'skt', 'ske', 'sks', 'skv', 'saoid',
  'suoid', 'scid', 'skdutid', 'sduoid', 'srh', 'srq', ...kOverrides,
];

/// Whether a SAS is well formed and holds at `nowMs`, on a connection that is encrypted or not, whoever has signed it.
export function isInForce(params, nowMs, isEncrypted) {
  if (kSasNames.some((name) => params.getAll(name).length > 1)) return false;
  const q = (name) => params.get(name) ?? '';
  const permissions = [...q('sp')].map((letter) => kPermissionOrder.indexOf(letter));
  if (permissions.some((place, i) => place < 0 || (i > 0 && place <= permissions[i - 1]))) return false;
  if (q('spr') === 'https' && !isEncrypted) return false;
  return q('sr') === resourceOf(params) && isWithin(nowMs, q('st'), q('se')) && (!isDelegation(params) || isWithinKey(params, nowMs));
}

// A container's SAS is for its listing.
const resourceOf = (params) => (params.get('comp') === 'list' ? 'c' : 'b');

// The key's window bounds that of the SAS.
const isWithinKey = (params, nowMs) => isWithin(nowMs, params.get('skt'), params.get('ske'))
  && Date.parse(params.get('se')) <= Date.parse(params.get('ske'));

const kTime = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/;

function isWithin(nowMs, start, end) {
  if ((start && !kTime.test(start)) || !kTime.test(end)) return false;
  return (!start || Date.parse(start) <= nowMs) && nowMs < Date.parse(end);
}
