// A FastCGI responder that answers with the parameters it got: it shows what nginx passes on, and misbehaves on demand.
import { chmodSync } from 'node:fs';
import { createServer } from 'node:net';

const kType = { begin: 1, end: 3, params: 4, stdin: 5, stdout: 6 };

/// Listens on a unix socket; `{socket, requests, answered, abandoned, accepted(), unsent(), start(), stop()}`. `requests`
/// holds what arrived, in order, as `{params: [[name, value], ...], get(name), query, body}`; each of them is in
/// `answered` or `abandoned` later, as nginx still waited for its answer or not. `accepted()` counts connections.
///
/// In the request's query, `sleep=MS` delays the answer, `status=NNN` sets its status, `die=1` closes the
/// connection in place of it, `die=once` does that to the first request with this query only, and `bytes=N` makes the
/// answer longer by so many. `unsent()` is what nginx has not taken of answers yet.
export async function startEcho({ socket }) {
  const requests = [];
  const answered = [];
  const abandoned = [];
  const connections = new Set();
  let accepted = 0;

  const isRepeated = (request) => requests.filter((r) => r.query === request.query).length > 1;
  const serve = (connection, request) => {
    requests.push(request);
    const how = new URLSearchParams(request.query);
    const dies = how.get('die') === '1' || (how.get('die') === 'once' && !isRepeated(request));
    setTimeout(() => {
      if (dies) connection.destroy();
      (connection.destroyed ? abandoned : answered).push(request);
      if (connection.destroyed) return;
      connection.write(answer(request, how.get('status') ?? '200', Number(how.get('bytes') ?? 0)));
      if (!request.keep) connection.end();
    }, Number(how.get('sleep') ?? 0)).unref();  // an answer that nobody waits for keeps no test file running
  };

  const server = createServer((connection) => {
    accepted += 1;
    connections.add(connection);
    connection.on('close', () => connections.delete(connection));
    connection.on('error', () => connection.destroy());
    readRequests(connection, (request) => serve(connection, request));
  });
  const echo = {
    socket, requests, answered, abandoned,
    accepted: () => accepted,
    unsent: () => [...connections].reduce((sum, { writableLength }) => sum + writableLength, 0),
    async start() {
      await new Promise((resolve, reject) => server.once('error', reject).listen(socket, resolve));
      chmodSync(socket, 0o666);
    },
    async stop() {
      connections.forEach((connection) => connection.destroy());
      await new Promise((resolve) => server.close(resolve));
    },
  };
  await echo.start();
  return echo;
}

function answer({ id, params, body }, status, bytes) {
  const content = JSON.stringify({ params, body }) + ' '.repeat(bytes);
  const head = `Status: ${status}\r\nContent-Type: application/json\r\nCache-Control: no-store\r\n`
    + `Content-Length: ${Buffer.byteLength(content)}\r\n\r\n`;
  return Buffer.concat([...records(kType.stdout, id, head + content), endRecord(id)]);
}

// Collects records into requests. nginx sends one request at a time on a connection.
function readRequests(connection, onRequest) {
  let pending = Buffer.alloc(0);
  let request;
  connection.on('data', (chunk) => {
    pending = Buffer.concat([pending, chunk]);
    for (let record; (record = takeRecord(pending)); pending = pending.subarray(record.size)) {
      const { type, id, content } = record;
      if (type === kType.begin) request = { id, keep: content[2] === 1, head: [], stdin: [] };
      if (type === kType.params) request.head.push(content);
      if (type !== kType.stdin) continue;
      if (content.length > 0) request.stdin.push(content);
      else onRequest(finish(request));
    }
  });
}

function takeRecord(buffer) {
  if (buffer.length < 8) return null;
  const length = buffer.readUInt16BE(4);
  const size = 8 + length + buffer[6];
  if (buffer.length < size) return null;
  return { type: buffer[1], id: buffer.readUInt16BE(2), content: buffer.subarray(8, 8 + length), size };
}

function finish({ id, keep, head, stdin }) {
  const params = [...nameValuePairs(Buffer.concat(head))];
  const get = (name) => params.find(([key]) => key === name)?.[1];
  return { id, keep, params, get, query: get('QUERY_STRING') ?? '', body: Buffer.concat(stdin).toString() };
}

function* nameValuePairs(buffer) {
  for (let at = 0; at < buffer.length;) {
    const sizes = [];
    for (let i = 0; i < 2; i++) {
      const long = buffer[at] & 0x80;
      sizes.push(long ? buffer.readUInt32BE(at) & 0x7fffffff : buffer[at]);
      at += long ? 4 : 1;
    }
    const [name, value] = sizes.map((size) => buffer.toString('utf8', at, (at += size)));
    yield [name, value];
  }
}

function header(type, id, length) {
  const head = Buffer.from([1, type, 0, 0, 0, 0, 0, 0]);
  head.writeUInt16BE(id, 2);
  head.writeUInt16BE(length, 4);
  return head;
}

function records(type, id, text) {
  const content = Buffer.from(text);
  const parts = [];
  for (let at = 0; at < content.length; at += 0xffff) {
    const part = content.subarray(at, at + 0xffff);
    parts.push(header(type, id, part.length), part);
  }
  return [...parts, header(type, id, 0)];
}

const endRecord = (id) => Buffer.concat([header(kType.end, id, 8), Buffer.alloc(8)]);
