// Who sees every answer, upload and event, and says at the end what was wrong.
import { readFileSync } from 'node:fs';
import { isDelegation, sign, stringToSign } from '../lib/azure-sas.mjs';
import { makeHistory } from './history.mjs';
import { kLifetimeSeconds, permissionsOf, verdictOn } from './policy.mjs';

const readme = new URL('../../README.md', import.meta.url);
const kGraceMs = 3_000;           // for workers to follow a change, on a machine that is busy
const kMostExamples = 5;         // of each kind

/// A judge without any opinion yet. `tally` are its counters, `violations` its examples of what may never be.
export function makeJudge() {
  const judge = {
    tally: {}, violations: [], active: new Set(), errors: {}, sent: new Map(), accepted: new Map(), delivered: new Map(),
    clock: makeHistory(0, kGraceMs), sometimes: makeHistory(false, kGraceMs), signingKey: makeHistory('', kGraceMs),
    delegations: [],
  };
  const table = readTable();
  const count = (name, by = 1) => { judge.tally[name] = (judge.tally[name] ?? 0) + by; };
  const violate = (kind, what) => {
    count(`violation: ${kind}`);
    if (judge.tally[`violation: ${kind}`] <= kMostExamples) judge.violations.push({ at: new Date().toISOString(), kind, what, during: [...judge.active] });
  };
  return Object.assign(judge, {
    count,
    violate,
    error: (answer, origin) => judgeError({ judge, table, count, violate }, answer, origin),
    signature: (asked, answer) => judgeSignature({ judge, count, violate }, asked, answer),
    callbackSent: (uuid) => judge.sent.set(uuid, (judge.sent.get(uuid) ?? 0) + 1),
    callbackAnswered(uuid, body) {
      if (parse(body)?.success === true) judge.accepted.set(uuid, (judge.accepted.get(uuid) ?? 0) + 1);
    },
    event({ event, uuid, id }) {
      if (event !== 'upload_success') return;
      judge.delivered.set(uuid, [...judge.delivered.get(uuid) ?? [], id]);
    },
    missing: () => [...judge.accepted.keys()].filter((uuid) => !judge.delivered.has(uuid)),
    finish: () => judgeEvents(judge, violate),
  });
}

// --- errors ---------------------------------------------------------------------------------------------------

/// README's table as `code status` pairs.
function readTable() {
  const text = readFileSync(readme, 'utf8').split('## Answers and error codes')[1].split('\n## ')[0];
  const pairs = new Set();
  for (const [, codes, statuses] of text.matchAll(/^\| ((?:`\w+`(?:, )?)+) \| ([\d, ]+) \|/gm)) {
    for (const [, code] of codes.matchAll(/`(\w+)`/g)) statuses.split(', ').forEach((it) => pairs.add(`${code} ${it}`));
  }
  if (pairs.size < 30) throw new Error('README\'s table of errors is not where it was');
  return pairs;
}

// An answer that is no success: listed, JSON, with Retry-After where a client should come again, readable by a listed page.
function judgeError({ judge, table, count, violate }, { status, headers, body }, origin) {
  const code = parse(body)?.code;
  const pair = `${code} ${status}`;
  for (const fault of judge.active.size ? judge.active : ['no fault']) {
    judge.errors[fault] ??= {};
    judge.errors[fault][pair] = (judge.errors[fault][pair] ?? 0) + 1;
  }
  count('errors answered');
  const isJson = /^application\/json/.test(headers['content-type'] ?? '');
  if (!isJson || !table.has(pair)) violate('an error that the table does not have', { status, body: body.slice(0, 200) });
  if ([429, 503].includes(status) && !headers['retry-after']) violate('an error without Retry-After', { pair });
  if (origin?.listed && headers['access-control-allow-origin'] !== origin.name) violate('an error that a page cannot read', { pair });
  if (origin && !origin.listed && headers['access-control-allow-origin']) violate('CORS for a stranger', { pair });
  return code;
}

const parse = (text) => {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
};

// --- signatures -----------------------------------------------------------------------------------------------

// `asked` is what drawRequest() returns, with `base`, `from` and `to`, when it was asked and answered.
function judgeSignature({ judge, count, violate }, asked, { status, body }) {
  const verdict = verdictOn(asked);
  const may = verdict === 'yes' || (verdict === 'sometimes' && judge.sometimes.during(asked.from, asked.to).includes(true));
  const must = verdict === 'yes' || (verdict === 'sometimes' && !judge.sometimes.during(asked.from, asked.to).includes(false));
  const { from, to, base, ...short } = asked;
  if (status !== 200) {
    if (must && status < 500) violate('a refusal of what policy allows', { ...short, status, body });
    else count(must ? 'signatures: not answered now' : 'signatures: refused by policy');
    return false;
  }
  if (!may) violate('a grant outside policy', short);
  const why = whyWrong(judge, asked, body);
  if (why) violate('a wrong signature', { ...short, why });
  else count('signatures: verified');
  return !why && may;
}

function whyWrong(judge, { account, container, name, method, base, from, to }, body) {
  if (!body.startsWith(`${base}/${container}/`)) return 'another blob';
  const url = new URL(body);
  const { searchParams: params } = url;
  const path = url.pathname.slice(new URL(`${base}/${container}/`).pathname.length);
  if (decodeURIComponent(path) !== name) return 'another name';
  if (params.get('sp') !== permissionsOf(method) || params.get('sr') !== 'b') return 'other permissions';
  if (!isExpiryRight(judge, params, from, to)) return `se=${params.get('se')} st=${params.get('st')}`;
  const text = stringToSign(params, `/blob/${account}/${container}/${name}`);
  const keys = isDelegation(params) ? delegationKeys(judge, params) : judge.signingKey.during(from, to);
  return keys.some((key) => sign(Buffer.from(key, 'base64'), text) === params.get('sig')) ? '' : 'sig';
}

function isExpiryRight({ clock }, params, from, to) {
  const expiry = Date.parse(params.get('se'));
  const keyExpiry = params.get('ske') ? Date.parse(params.get('ske')) : Infinity;
  return clock.during(from, to).some((offset) => {
    const [earliest, latest] = [from, to].map((at) => at + offset * 1000 + kLifetimeSeconds * 1000);
    return expiry <= Math.min(latest + 1000, keyExpiry) && expiry >= Math.min(earliest - 2000, keyExpiry);
  });
}

const delegationKeys = ({ delegations }, params) => delegations.filter(({ oid, tid, start, expiry }) => (
  oid === params.get('skoid') && tid === params.get('sktid') && start === params.get('skt') && expiry === params.get('ske')))
  .map(({ value }) => value);

// --- events ---------------------------------------------------------------------------------------------------

// An answer may be lost with the worker that had stored the event already: then a client has sent what nobody confirmed.
function judgeEvents({ accepted, delivered, sent, tally }, violate) {
  for (const uuid of accepted.keys()) if (!delivered.has(uuid)) violate('a lost event', { uuid });
  for (const [uuid, ids] of delivered) {
    if (!sent.has(uuid)) violate('an event that nobody sent', { uuid });
    if (new Set(ids).size > Math.max(sent.get(uuid) ?? 0, 1)) violate('an event with several ids', { uuid, ids });
  }
  const list = [...delivered];
  Object.assign(tally, {
    'callbacks accepted': accepted.size,
    'events delivered of those': [...accepted.keys()].filter((uuid) => delivered.has(uuid)).length,
    'events lost': [...accepted.keys()].filter((uuid) => !delivered.has(uuid)).length,
    'events delivered, answer lost': list.filter(([uuid]) => !accepted.has(uuid)).length,
    'events delivered more than once (same id)': list.filter(([, ids]) => ids.length > new Set(ids).size).length,
    'events with a further id (callback repeated)': list.filter(([, ids]) => new Set(ids).size > 1).length,
  });
}
