// nginx's own refusals, each in the form of the worker's, on both endpoints.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { plainSite } from '../lib/nginx.mjs';
import { startStack } from './stack.mjs';

const refusals = [
  { status: 400, code: 'bad_request', preventRetry: true },
  { status: 401, code: 'login_required', preventRetry: true },
  { status: 403, code: 'not_allowed', preventRetry: true },
  { status: 413, code: 'body_too_large', preventRetry: true },
  { status: 414, code: 'uri_too_long', preventRetry: true },
  { status: 429, code: 'rate_limited', retryAfter: '1' },
  { status: 500, code: 'internal_error' },
  { status: 503, code: 'busy', retryAfter: '1' },
];
const endpoints = ['signature', 'success'];

const { echo, ask } = await startStack({
  render: plainSite(`set $blobvalet_user ""; include snippets/blobvalet-errors.conf;
    ${refusals.flatMap(({ status }) => endpoints.map((endpoint) => `
    location = /${endpoint}/${status} { include snippets/blobvalet-${endpoint}.conf; return ${status}; }`)).join('')}
  `),
});

for (const endpoint of endpoints) {
  for (const { status, code, preventRetry, retryAfter } of refusals) {
    test(`${status} of ${endpoint}`, async () => {
      const answer = await ask(`/${endpoint}/${status}`);
      assert.equal(answer.status, status);
      assert.equal(answer.headers['content-type'], 'application/json');
      assert.equal(answer.headers['content-length'], String(answer.body.length));
      assert.equal(answer.headers['cache-control'], 'no-store');
      assert.equal(answer.headers['x-content-type-options'], 'nosniff');
      assert.equal(answer.headers['retry-after'], retryAfter);
      const { error, ...rest } = answer.json();
      assert.match(error, /^[A-Z][^<>]+\.$/);
      const verdict = endpoint === 'success' ? { success: false, ...(preventRetry && { preventRetry }) } : {};
      assert.deepEqual(rest, { code, ...verdict });
    });
  }
}

test('none of them came from a worker', () => assert.equal(echo.requests.length, 0));
