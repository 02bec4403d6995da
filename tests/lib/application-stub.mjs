// A site's application: takes what the hook sends it, checks the signature, and answers as a test wants.
import { createHmac } from 'node:crypto';
import { startStubServer } from './stub-server.mjs';

/// Starts one; what startStubServer() returns, and `says(status, object or text)`, the answer from now on, `messages()`,
/// the bodies of all requests that were signed with `secret`, and `unsigned()`, how many were not.
export async function startApplicationStub({ secret, ...options }) {
  let reply = { status: 200, body: '{}' };
  const stub = await startStubServer({
    ...options,
    answer(request, response) {
      if (!isSignedHook(request, secret)) return response.writeHead(401).end();
      return response.writeHead(reply.status, { 'Content-Type': 'application/json' }).end(reply.body);
    },
  });
  const signed = () => stub.requests.filter((request) => isSignedHook(request, secret));
  return Object.assign(stub, {
    says: (status, body = {}) => { reply = { status, body: typeof body === 'string' ? body : JSON.stringify(body) }; },
    messages: () => signed().map(({ body }) => JSON.parse(body)),
    unsigned: () => stub.requests.length - signed().length,
  });
}

const kToleranceSeconds = 60;

/// True if `Blobvalet-Signature` is `t=<seconds>,v1=<HMAC-SHA256 of "t.body">` by `secret`, and of now.
export function isSignedHook({ headers, body }, secret) {
  const [, time, signature] = /^t=(\d+),v1=([0-9a-f]{64})$/.exec(headers['blobvalet-signature'] ?? '') ?? [];
  if (!time || Math.abs(Date.now() / 1000 - Number(time)) > kToleranceSeconds) return false;
  return signature === createHmac('sha256', secret).update(`${time}.${body}`).digest('hex');
}
