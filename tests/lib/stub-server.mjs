// A server that answers as a test tells it to, and the faults that a real one may have.
import { once } from 'node:events';
import http from 'node:http';
import https from 'node:https';
import { freePort, sleep } from './process.mjs';

/// Starts a server on a port of 127.0.0.1, or on a `unixSocket`, by TLS if `tls` (from makeCertificate()) is given.
/// `answer(request, response)` is its usual way to answer; a request is `{method, url, headers, body, bytes}`. `inspect`, if
/// given, sees both first, whatever answers then.
/// Returns `{port, url, requests, connections(), open(), fault, script(...faults), clear(), stop()}`. As long as `fault` is set
/// it answers instead, and those of a script once each before it. `requests` are all that came, `connections()` how many
/// connections, and `open()` how many of them are open.
export async function startStubServer({ answer, inspect, tls, unixSocket, port }) {
  const sockets = new Set();
  const script = [];
  const requests = [];
  let connections = 0;
  const server = tls ? https.createServer(tls) : http.createServer();
  const stub = {
    requests,
    fault: null,
    connections: () => connections,
    open: () => sockets.size,
    script: (...faults) => script.push(...faults),
    clear() {
      stub.fault = null;
      script.length = requests.length = connections = 0;
    },
    async stop() {
      sockets.forEach((socket) => socket.destroy());
      if (server.listening) await once(server.close(), 'close');
    },
  };
  server.on('connection', (socket) => {
    connections += 1;
    sockets.add(socket);
    socket.on('error', () => {});  // whoever gives up on a faulty server resets the connection
    socket.once('close', () => sockets.delete(socket));
  });
  server.on('request', async (incoming, response) => {
    const request = await read(incoming).catch(() => null);
    if (!request) return;          // the client has given up in the middle of its body
    requests.push(request);
    inspect?.(request, response);
    if (!response.socket) return;  // the client has given up already
    const play = script.shift() ?? stub.fault ?? answer;
    await play(request, response, answer);
  });
  server.keepAliveTimeout = 60_000;
  if (unixSocket) await once(server.listen(unixSocket), 'listening');
  else await once(server.listen(port ?? await freePort(), '127.0.0.1'), 'listening');
  stub.port = unixSocket ? undefined : server.address().port;
  stub.url = unixSocket ? 'http://localhost' : `http${tls ? 's' : ''}://localhost:${stub.port}`;
  return stub;
}

async function read(incoming) {
  const chunks = [];
  for await (const chunk of incoming) chunks.push(chunk);
  const { method, url, headers } = incoming;
  const bytes = Buffer.concat(chunks);
  return { method, url, headers, body: bytes.toString(), bytes };
}

// --- faults: each takes (request, response, the usual answer) -------------------------------------------------

const kChunk = 'x'.repeat(65_536);

/// Answers as usual: what a script has between its faults.
export const usual = (request, response, answer) => answer(request, response);

/// Answers as usual, but late.
export const slow = (ms) => async (request, response, answer) => {
  await sleep(ms);
  return answer(request, response);
};

/// Takes the request and says nothing.
export const hung = () => {};

/// Stops in the middle of its headers.
export const hungInHeaders = (request, response) => { response.socket.write('HTTP/1.1 200 OK\r\nContent-Type: appl'); };

/// Stops in the middle of its body.
export const hungInBody = (request, response) => {
  response.socket.write('HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n{"success":');
};

/// Closes its end without an answer.
export const closed = (request, response) => { response.socket.end(); };

/// Resets the connection.
export const reset = (request, response) => { response.socket.resetAndDestroy(); };

/// Closes its end in the middle of its headers.
export const closedInHeaders = (request, response) => { response.socket.end('HTTP/1.1 200 OK\r\nContent-Type: appl'); };

/// Closes its end in the middle of its body.
export const closedInBody = (request, response) => {
  response.socket.end('HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n{"success":');
};

/// Answers in another protocol.
export const garbage = (request, response) => { response.socket.end('\x16\x03\x01 SSH-2.0-220 mail ESMTP\r\n\r\n\x00\xff{}'); };

/// A status, with headers and a body if wanted.
export const status = (code, headers = {}, body = '') => (request, response) => {
  response.writeHead(code, headers).end(request.method === 'HEAD' ? undefined : body);
};

/// More headers than anybody wants to read.
export const hugeHeaders = (request, response) => {
  response.socket.write('HTTP/1.1 200 OK\r\n');
  for (let i = 0; i < 200; i++) response.socket.write(`X-Filler-${i}: ${'x'.repeat(4000)}\r\n`);
  response.socket.end('Content-Length: 0\r\n\r\n');
};

/// One header line that never ends.
export const hugeHeaderLine = (request, response) => {
  response.socket.write('HTTP/1.1 200 OK\r\nX-Filler: ');
  for (let i = 0; i < 16; i++) response.socket.write(kChunk);
  response.socket.end('\r\nContent-Length: 0\r\n\r\n');
};

/// A body of 10 MiB, its length announced or not.
export const hugeBody = (announced) => async (request, response) => {
  const kChunks = 160;
  response.writeHead(200, { 'Content-Type': 'application/json', ...announced && { 'Content-Length': kChunks * kChunk.length } });
  for (let i = 0; i < kChunks && !response.destroyed; i++) {
    if (!response.write(kChunk)) await Promise.race([once(response, 'drain'), once(response, 'close')]);
  }
  response.end();
};

/// Sends the client elsewhere.
export const redirect = (code, location) => status(code, { Location: location });
