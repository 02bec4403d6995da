// A stub that judges every request, so that a test can say at its end: every request was right.
import { startStubServer } from './stub-server.mjs';

/// Why a request is refused, and what its sender is told: a status and the body of a JSON answer.
export class Refusal extends Error {
  constructor(why, status, body) {
    super(why);
    Object.assign(this, { status, body });
  }
}

/// Starts one; what startStubServer() returns. `judge(request, url)` returns a function that makes the answer
/// (`{status, headers, body}`), or throws a Refusal, which goes to `refuse(why, request)`. It sees all requests, also those
/// which a fault answers.
export async function startStrictService({ judge, refuse, ...options }) {
  const answers = new WeakMap();
  return startStubServer({
    ...options,
    inspect: (request) => answers.set(request, decide(judge, request, refuse)),
    answer: (request, response) => sendJson(response, answers.get(request)()),
  });
}

function decide(judge, request, refuse) {
  try {
    return judge(request, new URL(request.url, 'http://localhost'));
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
    refuse(error.message, request);
    return () => error;
  }
}

function sendJson(response, { status = 200, headers = {}, body }) {
  const text = JSON.stringify(body);
  response.writeHead(status, {
    'Content-Type': 'application/json; charset=utf-8', 'Content-Length': Buffer.byteLength(text), 'Cache-Control': 'no-store',
    ...headers,
  }).end(text);
}

/// The parameters of a query or form as an object; null if one of them came twice.
export function onlyOnce(params) {
  const names = [...params.keys()];
  return new Set(names).size === names.length ? Object.fromEntries(params) : null;
}
