// Microsoft Entra's token endpoint, for an application that has a secret or an assertion of somebody whom Entra trusts.
import { randomUUID } from 'node:crypto';
import { kAudience } from './jwt.mjs';
import { onlyOnce, Refusal } from './strict-service.mjs';

const kAssertionType = 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer';
const kFormType = 'application/x-www-form-urlencoded';

/// `application` of the stub is `{clientId, objectId, secret, assertion}`.
export const authority = (stub) => ({
  env: (url) => ({
    AZURE_TENANT_ID: stub.tenantId, AZURE_CLIENT_ID: stub.application.clientId, AZURE_AUTHORITY_HOST: `${url}/`,
  }),
  judge(request, url) {
    checkPost(request, url, stub.tenantId);
    checkForm(request, stub.application);
    return () => ({ body: tokenAnswer(stub) });
  },
});

function tokenAnswer(stub) {
  const { token } = stub.issue(stub.application);
  return { token_type: 'Bearer', expires_in: stub.lifetimeSeconds, ext_expires_in: stub.lifetimeSeconds, access_token: token };
}

const refusal = (error, code, why, status = 400) => new Refusal(why, status, {
  error, error_description: `AADSTS${code}: ${why}. Trace ID: ${randomUUID()}`, error_codes: [code],
  timestamp: new Date().toISOString(), trace_id: randomUUID(), correlation_id: randomUUID(),
});

const malformed = (why) => refusal('invalid_request', 900144, why);

function checkPost({ method, headers }, url, tenantId) {
  if (method !== 'POST') throw malformed(`the method is ${method}`);
  const [, tenant] = /^\/([^/]+)\/oauth2\/v2\.0\/token$/.exec(url.pathname) ?? [];
  if (tenant !== tenantId) throw refusal('invalid_request', 90002, `Tenant '${tenant}' not found`);
  if (url.search) throw malformed('it has a query');
  if (headers['content-type'] !== kFormType) throw malformed(`Content-Type ${headers['content-type']}`);
}

function checkForm({ body }, application) {
  const params = onlyOnce(new URLSearchParams(body));
  if (!params) throw malformed('a parameter came twice');
  const { grant_type: grant, client_id: client, scope, ...credential } = params;
  if (grant !== 'client_credentials') throw refusal('unsupported_grant_type', 70003, `grant_type ${grant}`);
  if (client !== application.clientId) throw refusal('unauthorized_client', 700016, `Application '${client}' not found`);
  if (scope !== `${kAudience}/.default`) throw refusal('invalid_scope', 70011, `scope ${scope}`);
  checkCredential(application, credential);
}

function checkCredential({ secret, assertion }, { client_secret, client_assertion, client_assertion_type: type, ...unknown }) {
  if (Object.keys(unknown).length > 0) throw malformed(`unknown parameters ${Object.keys(unknown)}`);
  if (client_secret !== undefined) {
    if (client_assertion !== undefined || type !== undefined) throw malformed('two credentials');
    if (client_secret !== secret) throw refusal('invalid_client', 7000215, 'Invalid client secret provided', 401);
  } else {
    if (type !== kAssertionType) throw malformed(`client_assertion_type ${type}`);
    if (client_assertion !== assertion) throw refusal('invalid_client', 700024, 'Client assertion is not valid', 401);
  }
}
