// A signer inside nginx: njs. The variable $bench_key is the key in base64.
import crypto from 'crypto';

const kLifetimeMs = 900000;
const kPrefix = 'https://acme.blob.core.windows.net/uploads/';
const kVersion = '2023-11-03';

function sign(key, name) {
  const expiry = new Date(Date.now() + kLifetimeMs).toISOString().slice(0, 19) + 'Z';
  const text = `cw\n\n${expiry}\n/blob/acme/uploads/${name}\n\n\nhttps\n${kVersion}\nb\n\n\n\n\n\n\n`;
  const signature = encodeURIComponent(crypto.createHmac('sha256', key).update(text).digest('base64'));
  const path = name.split('/').map(encodeURIComponent).join('/');
  return `${kPrefix}${path}?sv=${kVersion}&spr=https&se=${encodeURIComponent(expiry)}&sr=b&sp=cw&sig=${signature}`;
}

function answer(request) {
  const uri = request.args.bloburi || '';
  const name = uri.slice(kPrefix.length);
  if (request.args._method !== 'PUT' || !uri.startsWith(kPrefix) || !name.startsWith('alice/')) {
    request.return(403);
    return;
  }
  request.headersOut['Cache-Control'] = 'no-store';
  request.return(200, sign(Buffer.from(request.variables.bench_key, 'base64'), name));
}

export default { answer };
