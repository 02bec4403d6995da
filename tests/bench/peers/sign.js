// A signer inside nginx: njs. The variables $bench_key (base64), $bench_prefix, $bench_resource and $bench_protocol say for what.
import crypto from 'crypto';

const kLifetimeMs = 900000;
const kVersion = '2023-11-03';

function sign(v, name) {
  const key = Buffer.from(v.bench_key, 'base64');
  const expiry = new Date(Date.now() + kLifetimeMs).toISOString().slice(0, 19) + 'Z';
  const text = `cw\n\n${expiry}\n${v.bench_resource}${name}\n\n\n${v.bench_protocol}\n${kVersion}\nb\n\n\n\n\n\n\n`;
  const signature = encodeURIComponent(crypto.createHmac('sha256', key).update(text).digest('base64'));
  const path = name.split('/').map(encodeURIComponent).join('/');
  return `${v.bench_prefix}${path}?sv=${kVersion}&spr=${encodeURIComponent(v.bench_protocol)}&se=${encodeURIComponent(expiry)}&sr=b&sp=cw&sig=${signature}`;
}

function answer(request) {
  const uri = request.args.bloburi || '';
  const prefix = request.variables.bench_prefix;
  const name = uri.slice(prefix.length);
  if (request.args._method !== 'PUT' || !uri.startsWith(prefix) || !name.startsWith('alice/')) {
    request.return(403);
    return;
  }
  request.headersOut['Cache-Control'] = 'no-store';
  request.return(200, sign(request.variables, name));
}

export default { answer };
