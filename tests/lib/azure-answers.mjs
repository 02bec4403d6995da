// How Azure Blob Storage words its answers.
import { randomUUID } from 'node:crypto';

export const serviceHeaders = () => ({
  Server: 'Windows-Azure-Blob/1.0 Microsoft-HTTPAPI/2.0', 'x-ms-request-id': randomUUID(), 'x-ms-version': '2023-11-03',
});

/// An error as the service words it: XML behind a byte order mark, but for a HEAD, which has the code in a header only.
export const fail = (status, code, headers = {}) => (request, response) => {
  const message = `${code} as the service words it.\nRequestId:${randomUUID()}\nTime:${new Date().toISOString()}`;
  const body = `\ufeff<?xml version="1.0" encoding="utf-8"?><Error><Code>${code}</Code><Message>${message}</Message></Error>`;
  response.writeHead(status, {
    ...serviceHeaders(), 'x-ms-error-code': code, ...headers,
    ...(request.method === 'HEAD' ? { 'Transfer-Encoding': 'chunked' }
      : { 'Content-Type': 'application/xml', 'Content-Length': Buffer.byteLength(body) }),
  });
  response.end(request.method === 'HEAD' ? undefined : body);
};
