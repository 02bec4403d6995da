// Everything that hands out tokens to a program with an identity: IMDS, App Service, Arc, and Microsoft Entra itself. Each is
// strict about every request, and each takes the faults of stub-server.mjs.
import { randomUUID } from 'node:crypto';
import { makeCertificate } from './certificate.mjs';
import { authority } from './entra.mjs';
import { claimsOf, makeToken } from './jwt.mjs';
import { appService, arc, imds, makeIdentity, makeKeyFiles } from './managed-identities.mjs';
import { registerSecret } from './secrets.mjs';
import { startStrictService } from './strict-service.mjs';

/// The only place where an Arc server's agent leaves its key files; whoever runs the tests has to be root to write there.
export const kTokenDirectory = '/var/opt/azcmagent/tokens';

/// Starts them. What it returns has, each as startStubServer() returns it and with `env()`, the variables by which a
/// program finds it:
///
/// - `imds` and `appService`: they know the identities `system` (null: there is none) and `users`, which a test may change;
/// - `arc`, which knows `system`; `arc.keys.write(name, content)` makes a key file by hand;
/// - `authority`, by https with `certificate`; it knows `application` (`{clientId, objectId, secret, assertion}`) of the
///   tenant `tenantId`. Where the program has the secret or the assertion is up to the test.
///
/// And `lifetimeSeconds` of the tokens from now on, `issued`, all of them, `refused`, what was wrong with requests (`{at, why,
/// url}`), `newAssertion()`, which takes the place of the one before, `clear()` and `stop()`.
export async function startIdentityStub({
  system = makeIdentity('system'), users = [makeIdentity('one'), makeIdentity('two')], tokenDirectory = kTokenDirectory,
  certificate = makeCertificate(), lifetimeSeconds = 86_400,
} = {}) {
  const stub = {
    tenantId: randomUUID(), system, users, certificate, lifetimeSeconds, issued: [], refused: [],
    application: { clientId: randomUUID(), objectId: randomUUID(), secret: `~8Q~${randomUUID()}+/=&%` },
    issue: (identity) => issue(stub, identity),
    newAssertion: () => newAssertion(stub),
  };
  stub.newAssertion();
  const keys = makeKeyFiles(tokenDirectory);
  const services = { imds: imds(stub), appService: appService(stub), arc: arc(stub, keys), authority: authority(stub) };
  for (const [at, service] of Object.entries(services)) stub[at] = await start(stub, at, service);
  const all = Object.keys(services).map((at) => stub[at]);
  stub.arc.keys = keys;
  return Object.assign(stub, {
    clear() {
      all.forEach((service) => service.clear());
      stub.issued.length = stub.refused.length = 0;
    },
    async stop() {
      await Promise.all(all.map((service) => service.stop()));
      keys.removeAll();
    },
  });
}

async function start(stub, at, { judge, env }) {
  const refuse = (why, { url }) => stub.refused.push({ at, why, url });
  const service = await startStrictService({ judge, refuse, tls: at === 'authority' ? stub.certificate : undefined });
  return Object.assign(service, { env: () => env(service.url) });
}

function issue({ tenantId, lifetimeSeconds, issued }, { objectId, clientId }) {
  const token = makeToken({ oid: objectId, tid: tenantId, appid: clientId, lifetimeSeconds });
  issued.push(registerSecret(token, 'a token'));
  return { token, expires: claimsOf(token).exp };
}

// What a cluster would write to the file of a federated token: signed by somebody else, for Entra.
function newAssertion({ application, tenantId }) {
  application.assertion = makeToken({
    oid: randomUUID(), tid: tenantId, iss: 'https://cluster.example/', aud: 'api://AzureADTokenExchange', lifetimeSeconds: 3600,
  });
  return registerSecret(application.assertion, 'an assertion');
}
