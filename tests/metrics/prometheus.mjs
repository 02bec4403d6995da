// A real Prometheus with the shipped alerts, and the shipped dashboard's questions to it.
import { cpSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { freePort, startProcess, tempDir, waitFor } from '../lib/process.mjs';

export const kExamples = fileURLToPath(new URL('../../systemd/examples/', import.meta.url));
export const kRulesFile = join(kExamples, 'prometheus/blobvalet.rules.yml');
export const dashboard = JSON.parse(readFileSync(join(kExamples, 'grafana/blobvalet.json'), 'utf8'));

/// Starts it with the shipped configuration, which is pointed to the nginx at `port` and asks every second. `{query(text),
/// range(text, {seconds, step}), rules(), stop()}`: results are Prometheus' own.
export async function startPrometheus({ port }) {
  const dir = tempDir('blobvalet-prometheus');
  cpSync(kRulesFile, join(dir, 'blobvalet.rules.yml'));
  const shipped = readFileSync(join(kExamples, 'prometheus/prometheus.yml'), 'utf8');
  const edited = shipped.replaceAll(': 15s', ': 1s').replace('127.0.0.1:80', `127.0.0.1:${port}`);
  writeFileSync(join(dir, 'prometheus.yml'), edited);
  const address = `127.0.0.1:${await freePort()}`;
  const server = startProcess('prometheus', [
    `--config.file=${join(dir, 'prometheus.yml')}`, `--storage.tsdb.path=${join(dir, 'data')}`,
    `--web.listen-address=${address}`, '--log.level=warn',
  ]);
  const api = async (path, parameters = {}) => {
    const answer = await fetch(`http://${address}/api/v1/${path}?${new URLSearchParams(parameters)}`);
    const { status, data, error } = await answer.json();
    if (status !== 'success') throw new Error(`${JSON.stringify(parameters)}: ${error}`);
    return data;
  };
  const query = async (text) => (await api('query', { query: text })).result;
  await waitFor(async () => server.ended() ?? (await query('up{job="blobvalet"} == 1')).length === 1,
    { what: 'Prometheus has asked once', timeoutMs: 30_000 })
    .catch(async (error) => {
      await server.stop();
      throw new Error(`${error.message}\n${server.output()}`);
    });
  return {
    query,
    async range(text, { seconds, step = 1, end = Date.now() / 1000 }) {
      return (await api('query_range', { query: text, start: end - seconds, end, step })).result;
    },
    rules: async () => (await api('rules')).groups.flatMap(({ rules }) => rules),
    stop: () => server.stop(),
  };
}

/// What Grafana would ask: its variables are all machines, and as many seconds as the test has.
export const asGrafana = (text, seconds) => text.replaceAll('$__rate_interval', `${seconds}s`).replaceAll('$instance', '.*');

/// The dashboard's panels that ask something, each with its targets.
export const panels = dashboard.panels.filter(({ targets }) => targets);
