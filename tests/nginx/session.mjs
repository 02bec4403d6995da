// The application of nginx/sites/auth_request.conf in small: it logs users in and knows their session cookies.
import { randomUUID } from 'node:crypto';
import { createServer } from 'node:http';
import { freePort } from '../lib/process.mjs';

/// `{port, url, login(user), revoke(cookie), stop()}`. `users` maps names to passwords; POST /login takes them as
/// a form, GET /session answers 204 and X-User, or 401. `login` is a short cut that returns a Cookie header.
/// A session of a user named in `broken` is answered with that status, as a faulty application would.
export async function startSession({ port, users = {}, broken = {} } = {}) {
  const sessions = new Map();
  const open = (user) => {
    const id = randomUUID();
    sessions.set(id, user);
    return `session=${id}`;
  };
  const whose = (req) => sessions.get(/\bsession=([\w-]+)/.exec(req.headers.cookie ?? '')?.[1]);

  const routes = {
    'GET /session': (req, res) => {
      const user = whose(req);
      if (user === undefined) return res.writeHead(401).end();
      return res.writeHead(broken[user] ?? 204, { 'X-User': user }).end();
    },
    'POST /login': async (req, res) => {
      const form = new URLSearchParams(Buffer.concat(await req.toArray()).toString());
      const user = form.get('user');
      if (!Object.hasOwn(users, user) || users[user] !== form.get('password')) return res.writeHead(403).end();
      // SameSite=None: without it, a page on another site would call without its session.
      return res.writeHead(204, { 'Set-Cookie': `${open(user)}; Path=/; HttpOnly; Secure; SameSite=None` }).end();
    },
  };
  // auth_request asks with the URI of its own location and the method GET, whatever the client sent.
  const server = createServer((req, res) => {
    const route = routes[`${req.method} ${req.url}`];
    return route ? route(req, res) : res.writeHead(404).end();
  });
  port ??= await freePort();
  await new Promise((resolve, reject) => server.once('error', reject).listen(port, '127.0.0.1', resolve));
  return {
    port, url: `http://127.0.0.1:${port}`,
    login: (user) => open(user),
    revoke: (cookie) => sessions.delete(cookie.slice('session='.length)),
    async stop() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
