// One HTTP request exactly as written: no added Origin, no followed redirect, no normalised path.
import http from 'node:http';
import https from 'node:https';

/// Returns `{status, headers, rawHeaders, body, json()}`. `port` is https unless `tls` is false.
/// `headers` is an object or a flat list of names and values (for headers sent twice).
/// `localAddress` is where the client seems to be, `cert` and `key` (PEM) who it is by TLS; `signal` ends the request
/// (default: after 20 s). Each request has a connection of its own unless an `agent` keeps some.
/// A `body` goes with its Content-Length, or in chunks if `chunked`.
export function request({
  port, tls = true, method = 'GET', path = '/', headers = {}, body, chunked = false, localAddress, cert, key, agent = false,
  signal = AbortSignal.timeout(20_000),
}) {
  const list = Array.isArray(headers) ? [...headers] : Object.entries(headers).flat();
  const has = (name) => list.some((item, i) => i % 2 === 0 && item.toLowerCase() === name);
  if (!has('host')) list.unshift('Host', `localhost:${port}`);
  if (body !== undefined) list.push(...(chunked ? ['Transfer-Encoding', 'chunked'] : ['Content-Length', Buffer.byteLength(body)]));

  return new Promise((resolve, reject) => {
    const req = (tls ? https : http).request({
      host: '127.0.0.1', port, method, path, headers: list, rejectUnauthorized: false, servername: 'localhost',
      agent, localAddress, cert, key, signal,
    }, (res) => {
      const chunks = [];
      res.on('data', (chunk) => chunks.push(chunk));
      res.once('error', reject);
      res.once('end', () => {
        const text = Buffer.concat(chunks).toString();
        resolve({
          status: res.statusCode, headers: res.headers, rawHeaders: res.rawHeaders, body: text,
          json: () => JSON.parse(text),
        });
      });
    });
    req.once('error', reject);
    if (body !== undefined && chunked) req.write(body);
    req.end(chunked ? undefined : body);
  });
}
