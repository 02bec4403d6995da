// A FastCGI client that speaks to a worker's socket directly, well or badly, as no web server would.
import { createConnection } from 'node:net';
import { once } from 'node:events';

export const kType = { begin: 1, abort: 2, end: 3, params: 4, stdin: 5, stdout: 6, data: 8, getValues: 9 };
const kMaxContent = 0xffff;
const kTimeoutMs = 10_000;

/// One record. `version`, `length` and `padding` may be told to lie.
export function record(type, content = '', { id = 1, version = 1, padding = 0, length } = {}) {
  const bytes = Buffer.from(content);
  const head = Buffer.from([version, type, 0, 0, 0, 0, padding, 0]);
  head.writeUInt16BE(id, 2);
  head.writeUInt16BE(length ?? bytes.length, 4);
  return Buffer.concat([head, bytes, Buffer.alloc(padding)]);
}

export const begin = ({ id, keep = true, role = 1, version } = {}) =>
  record(kType.begin, [0, role, keep ? 1 : 0, 0, 0, 0, 0, 0], { id, version });

/// A stream in records of at most `size` bytes, ended by the empty one.
export function stream(type, content, { id, size = kMaxContent, padding } = {}) {
  const bytes = Buffer.from(content);
  const records = [];
  for (let at = 0; at < bytes.length; at += size) {
    records.push(record(type, bytes.subarray(at, at + size), { id, padding }));
  }
  return Buffer.concat([...records, record(type, '', { id })]);
}

/// A pair's length: one byte below 128, else (or if `long`) four with the top bit set.
export function pairLength(value, long = value > 127) {
  if (!long) return Buffer.from([value]);
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE((value | 0x80000000) >>> 0);
  return bytes;
}

/// `params` is an object, or a list of pairs where a name may come twice.
export function nameValuePairs(params) {
  const list = Array.isArray(params) ? params : Object.entries(params);
  return Buffer.concat(list.flatMap(([name, value]) => [
    pairLength(Buffer.byteLength(name)), pairLength(Buffer.byteLength(value)), Buffer.from(name), Buffer.from(value),
  ]));
}

/// All records of one request, as nginx would send them.
export function requestRecords(params, body = '', { id, keep, size, padding } = {}) {
  return Buffer.concat([
    begin({ id, keep }),
    stream(kType.params, nameValuePairs(params), { id, size, padding }),
    stream(kType.stdin, body, { id, size, padding }),
  ]);
}

/// Connects to a worker, by the path of its socket or by `{host, port}`. The answers come in the order of the requests.
export async function connect(address) {
  const where = typeof address === 'string' ? { path: address } : address;
  const connection = new Connection(createConnection({ ...where, allowHalfOpen: true }));
  await once(connection.socket, 'connect');
  return connection;
}

/// One request on a connection of its own, which the worker is to close behind the answer.
export async function ask(socket, params, body = '') {
  const connection = await connect(socket);
  try {
    connection.send(requestRecords(params, body, { keep: false }));
    const answer = await connection.answer();
    await connection.closed();
    return answer;
  } finally {
    connection.close();
  }
}

class Connection {
  #pending = Buffer.alloc(0);
  #waiting = [];
  #answers = [];
  #stdout = [];
  #ended;

  constructor(socket) {
    this.socket = socket;
    this.#ended = new Promise((resolve) => {
      socket.once('end', () => resolve('end'));
      socket.once('close', () => resolve('end'));
      socket.on('error', (error) => resolve(error.code));
    });
    socket.on('data', (chunk) => this.#take(chunk));
  }

  send(bytes) {
    this.socket.write(bytes);
    return this;
  }

  /// Sends a request and waits for its answer.
  async ask(params, body = '', options = {}) {
    return this.send(requestRecords(params, body, options)).answer();
  }

  /// The next answer: `{status, headers, body, json()}`.
  async answer({ timeoutMs = kTimeoutMs } = {}) {
    if (this.#answers.length > 0) return this.#answers.shift();
    return within(timeoutMs, 'an answer', new Promise((resolve, reject) => {
      this.#waiting.push(resolve);
      this.#ended.then((how) => reject(new Error(`connection closed without an answer (${how})`)));
    }));
  }

  /// Waits until the worker has closed: `end`, or the error's code such as ECONNRESET.
  async closed({ timeoutMs = kTimeoutMs } = {}) {
    return within(timeoutMs, 'the worker to close', this.#ended);
  }

  /// Tells the worker that nothing more will come; its answer can still be read.
  endWriting() { this.socket.end(); }
  close() { this.socket.destroy(); }

  #take(chunk) {
    this.#pending = Buffer.concat([this.#pending, chunk]);
    for (let record; (record = takeRecord(this.#pending)); this.#pending = this.#pending.subarray(record.size)) {
      if (record.type === kType.stdout) this.#stdout.push(record.content);
      if (record.type === kType.end) this.#finish(parseAnswer(Buffer.concat(this.#stdout.splice(0)), record));
    }
  }

  #finish(answer) {
    const waiting = this.#waiting.shift();
    if (waiting) waiting(answer);
    else this.#answers.push(answer);
  }
}

function takeRecord(buffer) {
  if (buffer.length < 8) return null;
  const length = buffer.readUInt16BE(4);
  const size = 8 + length + buffer[6];
  if (buffer.length < size) return null;
  return { type: buffer[1], id: buffer.readUInt16BE(2), content: buffer.subarray(8, 8 + length), size };
}

// A CGI answer: header lines, an empty one, the body. Header names keep their case, since every byte is ours.
function parseAnswer(bytes, end) {
  const text = bytes.toString();
  const head = text.slice(0, text.indexOf('\r\n\r\n'));
  const body = text.slice(head.length + 4);
  const headers = Object.fromEntries(head.split('\r\n').map((line) => line.split(/: (.*)/s).slice(0, 2)));
  return {
    id: end.id, status: Number.parseInt(headers.Status, 10), headers, body, json: () => JSON.parse(body),
    appStatus: end.content.readUInt32BE(0), protocolStatus: end.content[4],
  };
}

function within(timeoutMs, what, promise) {
  let timer;
  const late = new Promise((_, reject) => {
    timer = setTimeout(() => reject(new Error(`not within ${timeoutMs} ms: ${what}`)), timeoutMs);
  });
  return Promise.race([promise, late]).finally(() => clearTimeout(timer));
}
