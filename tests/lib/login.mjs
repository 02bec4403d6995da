// The smallest application with users and sessions, for sites that ask one by auth_request.
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { createServer } from 'node:http';

const kUsers = ['alice', 'alice2', 'alic', 'bob', 'carol', 'dave'];

/// Starts it on a free port: `{port, stop()}`.
///   POST /login?user=NAME     sets the session cookie; an unknown or empty name ends the session
///   GET  /session             204 with X-User, or 401
///   GET  /session-or-nobody   204 with X-User, or without
export async function startLogin() {
  const sessions = new Map();
  const server = createServer((request, response) => {
    const { status, headers = {} } = answer(sessions, request);
    response.writeHead(status, headers).end();
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    port: server.address().port,
    async stop() {
      server.close();
      server.closeAllConnections();
    },
  };
}

function answer(sessions, request) {
  const { pathname, searchParams } = new URL(request.url, 'http://login');
  const user = sessions.get(/(?:^|; )session=([^;]*)/.exec(request.headers.cookie)?.[1]);
  switch (`${request.method} ${pathname}`) {
    case 'POST /login': return logIn(sessions, searchParams.get('user'));
    case 'GET /session': return user ? { status: 204, headers: { 'X-User': user } } : { status: 401 };
    case 'GET /session-or-nobody': return { status: 204, headers: user ? { 'X-User': user } : {} };
    default: return { status: 404 };
  }
}

function logIn(sessions, user) {
  const session = randomUUID();
  if (kUsers.includes(user)) sessions.set(session, user);
  return { status: 204, headers: { 'Set-Cookie': `session=${session}; Path=/; HttpOnly; Secure; SameSite=Lax` } };
}
