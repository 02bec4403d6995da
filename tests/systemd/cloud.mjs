// Plays Azure for a guest, in its network: an identity service and a storage account. Prints, as a line of JSON, what
// blobvalet has to know of them: `{env, endpoint, ca, oid}`. Runs until SIGTERM.
import { startAzureStub } from '../lib/azure-stub.mjs';
import { makeCertificate } from '../lib/certificate.mjs';
import { startIdentityStub } from '../lib/identity-stub.mjs';
import { readFileSync } from 'node:fs';

const certificate = makeCertificate();
const identity = await startIdentityStub({ certificate });
const azure = await startAzureStub({ tls: certificate });
azure.trustIdentity({ oid: identity.system.objectId, tid: identity.tenantId });
console.log(JSON.stringify({
  env: identity.imds.env(), endpoint: azure.url, ca: readFileSync(certificate.file, 'utf8'), oid: identity.system.objectId,
}));
process.once('SIGTERM', async () => {
  await Promise.all([identity.stop(), azure.stop()]);
  process.exit();
});
