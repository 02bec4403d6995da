// A site's application, as far as blobvalet knows it: it is sent a message for each upload and answers what a test wants.
import { createHmac } from 'node:crypto';
import { createServer } from 'node:http';
import { freePort } from './process.mjs';
import { registerSecret } from './secrets.mjs';

/// What signs the messages.
export const secret = registerSecret('only the application and blobvalet know this one', 'the hook secret');

/// Starts it, on a port that stays the same, and returns `{url, messages, answers, goDown(), goUp(), stop()}`.
///
/// `messages` are those it got: `{headers, body, event}`, where `event` is the body's JSON. `answers` are functions that
/// take an event and return `{status, body}`: for each message the first of them is used up, and the last one stays. A
/// message whose signature is wrong gets 401.
export async function startApplication() {
  const port = await freePort();
  const application = {
    url: `http://127.0.0.1:${port}/uploads`,
    messages: [],
    answers: [accept],
    async goUp() {
      server = createServer((request, response) => take(application, request, response));
      await new Promise((resolve) => { server.listen(port, '127.0.0.1', resolve); });
    },
    async goDown() {
      server.close();
      server.closeAllConnections();
    },
    stop: () => application.goDown(),
  };
  let server;
  await application.goUp();
  return application;
}

/// Answers for `answers`.
export const accept = () => ({ status: 204 });
export const say = (status, body) => () => ({ status, body });

async function take(application, request, response) {
  const chunks = [];
  for await (const chunk of request) chunks.push(chunk);
  const body = Buffer.concat(chunks).toString();
  if (!isSigned(request.headers['blobvalet-signature'], body)) return response.writeHead(401).end();

  const event = JSON.parse(body);
  application.messages.push({ headers: request.headers, body, event });
  const answer = application.answers.length > 1 ? application.answers.shift() : application.answers[0];
  const { status, body: said } = answer(event);
  return response.writeHead(status, { 'Content-Type': 'application/json' }).end(said && JSON.stringify(said));
}

/// What stands behind `v1=` in the header of a message that is signed at `time`.
export const signatureOf = (time, body, key = secret) => createHmac('sha256', key).update(`${time}.${body}`).digest('hex');

function isSigned(header, body) {
  const [, time, signature] = /^t=(\d+),v1=([0-9a-f]{64})$/.exec(header) ?? [];
  return signature === signatureOf(time, body);
}
