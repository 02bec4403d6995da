// Certificates for servers of a test.
import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { tempDir } from './process.mjs';

/// A self-signed certificate for localhost, names below it, and 127.0.0.1: `{cert, key, file, keyFile}`, where `file` is for
/// whoever is to trust it. One that is in `dir` already is taken as it is.
export function makeCertificate({ dir = tempDir('blobvalet-tls'), name = 'localhost' } = {}) {
  const [file, keyFile] = [join(dir, `${name}.crt`), join(dir, `${name}.key`)];
  if (!existsSync(file)) {
    execFileSync('openssl', [
      'req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days', '30',
      '-subj', '/CN=localhost', '-addext', 'subjectAltName=DNS:localhost,DNS:*.localhost,IP:127.0.0.1',
      '-keyout', keyFile, '-out', file,
    ], { stdio: 'pipe' });
  }
  return { cert: readFileSync(file), key: readFileSync(keyFile), file, keyFile };
}
