// The compose example. Nothing here can run it; but it is YAML, all that it refers to is there, and what it has for blobvalet
// and for nginx is what they take.
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { runBlobvalet } from '../lib/command.mjs';
import { checkNginx } from '../lib/nginx.mjs';
import { tempDir } from '../lib/process.mjs';
import { registerSecret } from '../lib/secrets.mjs';
import { run } from './support.mjs';

const source = fileURLToPath(new URL('../../', import.meta.url));
const compose = JSON.parse(run('python3', ['-c',
  'import json, sys, yaml; json.dump(yaml.safe_load(open(sys.argv[1])), sys.stdout)', join(source, 'debian/oci/compose.yaml')]));
const services = Object.entries(compose.services);
// As compose does with a dollar that is none of its own.
const contentOf = (name) => compose.configs[name].content.replaceAll('$$', '$');

test('every volume and configuration is declared, and used', () => {
  const used = (key, nameOf) => [...new Set(services.flatMap(([, service]) => (service[key] ?? []).map(nameOf)))].sort();
  assert.deepEqual(used('volumes', (volume) => volume.split(':')[0]), Object.keys(compose.volumes).sort());
  assert.deepEqual(used('configs', ({ source: name }) => name), Object.keys(compose.configs).sort());
});

test('every service has an image, and depends on services that there are', () => {
  for (const [name, { image, depends_on: others = [] }] of services) {
    assert.match(image, /^[a-z0-9./-]+$/, name);
    for (const other of others) assert.ok(compose.services[other], `${name}: ${other}`);
  }
});

test('what is built is a stage of the recipe', () => {
  for (const [, { build }] of services.filter(([, service]) => service.build)) {
    const recipe = readFileSync(join(source, 'debian/oci', build.context, build.dockerfile), 'utf8');
    assert.match(recipe, new RegExp(`^FROM .* AS ${build.target}$`, 'm'));
    for (const [, name] of recipe.matchAll(/^COPY (?!--)(\S+) /gm)) {
      assert.ok(name === 'blobvalet_*.deb' || existsSync(join(source, 'debian/oci', name)), name);
    }
  }
});

test('workers have no way up, signing ones no network, and the sockets are nginx\'s alone', () => {
  for (const name of ['signature', 'success']) {
    const { read_only: readOnly, cap_drop: dropped, ports, security_opt: options } = compose.services[name];
    assert.deepEqual({ readOnly, dropped, ports, options }, {
      readOnly: true, dropped: ['ALL'], ports: undefined, options: ['no-new-privileges:true'] });
  }
  assert.equal(compose.services.signature.network_mode, 'none');
  assert.deepEqual(services.filter(([, { volumes = [] }]) => volumes.some((volume) => volume.startsWith('sockets:'))).map(([name]) => name),
    ['signature', 'success', 'web']);
});

test('blobvalet takes its configuration, and signs', () => {
  const file = join(tempDir('compose'), 'blobvalet.json');
  writeFileSync(file, contentOf('blobvalet'));
  const env = { ACCOUNT_KEY: registerSecret(randomBytes(64).toString('base64'), 'the emulator\'s key') };
  const uri = 'http://127.0.0.1:10000/devstoreaccount1/uploads/a.txt';
  assert.deepEqual(runBlobvalet(['check', '--config', file], { env }).code, 0);
  const { code, out } = runBlobvalet(['sign', '--config', file, '--method', 'PUT', '--blob-uri', uri], { env });
  assert.equal(code, 0);
  assert.ok(out.startsWith(`${uri}?`), 'the address that pages know');
});

test('nginx takes its site', async () => {
  const { ok, output } = await checkNginx({ siteConf: contentOf('site') });
  assert.ok(ok, output);
});
