// The examples for Prometheus and Grafana: every alert fires when it should and not when it should not, and every expression
// finds something in what a real site tells a real Prometheus.
import assert from 'node:assert/strict';
import { cpSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { tempDir, waitFor } from '../lib/process.mjs';
import { asGrafana, dashboard, kExamples, kRulesFile, panels, startPrometheus } from './prometheus.mjs';
import { promtool } from './support.mjs';
import { startBusySite } from './busy-site.mjs';

const it = 'job="blobvalet",instance="web1"';
const requests = (status, values) => [`blobvalet_requests_total{${it},endpoint="signature",status="${status}",code="c"}`, values];
const refusals = (code, values) => [`blobvalet_refusals_total{${it},endpoint="signature",code="${code}"}`, values];
/// A histogram in which as many per minute take at most 50 ms and at most 10 s.
const histogram = (name, labels, fast, all) => [
  [`${name}_bucket{${it}${labels},le="0.05"}`, `0+${fast}x60`], [`${name}_bucket{${it}${labels},le="10"}`, `0+${all}x60`],
  [`${name}_bucket{${it}${labels},le="+Inf"}`, `0+${all}x60`],
];
const workers = (duty, values) => [`blobvalet_workers{${it},duty="${duty}"}`, values];
const account = `${it},account="acme"`;
const key = (kind) => `${account},key="${kind}",fingerprint="f"`;
const signature = ',endpoint="signature"';
const info = (instance, revision, values = '1x60') => [`blobvalet_config_info{job="blobvalet",instance="${instance}",revision="${revision}"}`, values];

// Samples are a minute apart. `fires` is what the alert says at `minute`, which is nothing in the other rows.
const cases = {
  BlobvaletDown: [
    { name: 'nobody answers', series: [[`up{${it}}`, '1x5 0x60']], minute: 8, fires: 'web1: no worker answers. Try: systemctl status "blobvalet-*"' },
    { name: 'one question without an answer', series: [[`up{${it}}`, '1x5 0 1x60']], minute: 6 },
    { name: 'somebody else is down', series: [['up{job="other",instance="web1"}', '0x60']], minute: 8 },
  ],
  BlobvaletNoCallbackWorkers: [
    { name: 'signatures only', series: [workers('signatures', '2x60')], minute: 2, fires: 'web1: no worker for callbacks runs' },
    { name: 'all callback workers have gone', series: [workers('signatures', '2x60'), workers('all', '2x5 0x60')], minute: 8, fires: 'web1: no worker for callbacks runs' },
    { name: 'both pools', series: [workers('signatures', '2x60'), workers('all', '2x60')], minute: 30 },
    { name: 'one pool for both', series: [workers('all', '2x60')], minute: 30 },
    { name: 'no worker of any kind, which is another alert', series: [workers('signatures', '0x60')], minute: 30 },
  ],
  BlobvaletWorkersDie: [
    { name: 'once a minute', series: [workers('all', '2x60'), [`blobvalet_worker_starts_total{${it},duty="all"}`, '2+1x60']], minute: 20, fires: 'web1: workers die and are started again. Try: journalctl -u "blobvalet-*"' },
    { name: 'all replaced twice', series: [workers('all', '2x60'), [`blobvalet_worker_starts_total{${it},duty="all"}`, '2x10 4x2 6x60']], minute: 20 },
  ],
  BlobvaletErrors: [
    { name: 'one in ten fails', series: [requests('200', '0+90x60'), requests('503', '0+10x60')], minute: 12, fires: 'web1: 10% of the requests of pages fail' },
    { name: 'not yet for five minutes', series: [requests('200', '0+90x60'), requests('503', '0+10x60')], minute: 4 },
    { name: 'one in fifty', series: [requests('200', '0+98x60'), requests('503', '0+2x60')], minute: 30 },
    { name: 'refusals are no failures', series: [requests('200', '0+10x60'), requests('403', '0+90x60')], minute: 30 },
    { name: 'nobody asks', series: [requests('200', '5x60'), requests('503', '5x60')], minute: 30 },
    { name: 'readiness that fails', series: [[`blobvalet_requests_total{${it},endpoint="ready",status="503",code="ok"}`, '0+9x60']], minute: 30 },
  ],
  BlobvaletRefusals: [
    { name: 'three of four', series: [requests('403', '0+75x60'), requests('200', '0+25x60'), refusals('not_allowed', '0+75x60')], minute: 35, fires: 'web1: 75% of the requests of pages are refused' },
    { name: 'one of four', series: [requests('403', '0+25x60'), requests('200', '0+75x60'), refusals('not_allowed', '0+25x60')], minute: 35 },
    { name: 'failures are another alert', series: [requests('503', '0+75x60'), requests('200', '0+25x60'), refusals('azure_unavailable', '0+75x60')], minute: 35 },
  ],
  BlobvaletSignaturesSlow: [
    { name: 'two in a hundred', series: histogram('blobvalet_request_duration_seconds', signature, 98, 100), minute: 16, fires: 'web1: one signature in a hundred takes 5.025s or longer' },
    { name: 'none', series: histogram('blobvalet_request_duration_seconds', signature, 100, 100), minute: 30 },
    { name: 'callbacks are another matter', series: histogram('blobvalet_request_duration_seconds', ',endpoint="success"', 50, 100), minute: 30 },
  ],
  BlobvaletAzureSlow: [
    { name: 'two in ten', series: histogram('blobvalet_azure_request_duration_seconds', '', 80, 100), minute: 16, fires: 'web1: one request to Azure in ten takes 5.025s or longer' },
    { name: 'one in twenty', series: histogram('blobvalet_azure_request_duration_seconds', '', 95, 100), minute: 30 },
  ],
  BlobvaletHookSlow: [
    { name: 'two in ten', series: histogram('blobvalet_hook_request_duration_seconds', '', 80, 100), minute: 16, fires: 'web1: one answer of the application in ten takes 5.025s or longer' },
    { name: 'one in twenty', series: histogram('blobvalet_hook_request_duration_seconds', '', 95, 100), minute: 30 },
  ],
  BlobvaletCallbackThreadsBusy: [
    { name: 'nine of ten', series: [[`blobvalet_callback_threads_busy{${it}}`, '9x60'], [`blobvalet_callback_threads{${it}}`, '10x60']], minute: 6, fires: 'web1: 90% of the threads for callbacks are busy' },
    { name: 'eight of ten', series: [[`blobvalet_callback_threads_busy{${it}}`, '8x60'], [`blobvalet_callback_threads{${it}}`, '10x60']], minute: 30 },
    { name: 'for a moment', series: [[`blobvalet_callback_threads_busy{${it}}`, '0x5 10x3 0x60'], [`blobvalet_callback_threads{${it}}`, '10x60']], minute: 9 },
  ],
  BlobvaletAzureUnreachable: [
    { name: 'away', series: [[`blobvalet_azure_reachable{${account}}`, '0x60']], minute: 3, labels: { account: 'acme' }, fires: 'web1: Azure does not answer for acme' },
    { name: 'for a minute', series: [[`blobvalet_azure_reachable{${account}}`, '1x5 0 1x60']], minute: 6 },
    { name: 'there', series: [[`blobvalet_azure_reachable{${account}}`, '1x60']], minute: 30 },
  ],
  BlobvaletKeyRenewalFails: [
    { name: 'for half an hour', series: [[`blobvalet_key_renewal_failing{${account}}`, '1x60']], minute: 31, labels: { account: 'acme' }, fires: 'web1: the key of acme cannot be renewed. Try: blobvalet keys status' },
    { name: 'not yet so long', series: [[`blobvalet_key_renewal_failing{${account}}`, '1x60']], minute: 29 },
    { name: 'it does not', series: [[`blobvalet_key_renewal_failing{${account}}`, '0x60']], minute: 40 },
  ],
  BlobvaletKeyExpires: [
    { name: 'within the hour, and nobody can renew it', series: [[`blobvalet_delegation_key_expiry_timestamp_seconds{${account}}`, '3600x60'], [`blobvalet_key_renewal_failing{${account}}`, '1x60']], minute: 30, labels: { account: 'acme' }, fires: 'web1: the key of acme ends in 30m 0s' },
    { name: 'within the hour, as short-lived keys always do', series: [[`blobvalet_delegation_key_expiry_timestamp_seconds{${account}}`, '3600x60'], [`blobvalet_key_renewal_failing{${account}}`, '0x60']], minute: 30 },
    { name: 'in some hours', series: [[`blobvalet_delegation_key_expiry_timestamp_seconds{${account}}`, '36000x60'], [`blobvalet_key_renewal_failing{${account}}`, '1x60']], minute: 30 },
  ],
  BlobvaletKeyOld: [
    { name: 'two hundred days', series: [[`blobvalet_signing_key_since_timestamp_seconds{${key('current')}}`, '-17280000x60'], [`blobvalet_signing_key_info{${key('current')}}`, '1x60']], minute: 0, labels: { account: 'acme', key: 'current', fingerprint: 'f' }, fires: 'web1: the account key of acme is 200d 0h 0m 0s old' },
    { name: 'a hundred', series: [[`blobvalet_signing_key_since_timestamp_seconds{${key('current')}}`, '-8640000x60'], [`blobvalet_signing_key_info{${key('current')}}`, '1x60']], minute: 0 },
    { name: 'the one that does not sign', series: [[`blobvalet_signing_key_since_timestamp_seconds{${key('next')}}`, '-17280000x60'], [`blobvalet_signing_key_info{${key('next')}}`, '0x60']], minute: 0 },
    { name: 'a user delegation key', series: [[`blobvalet_signing_key_since_timestamp_seconds{${key('user_delegation')}}`, '-17280000x60'], [`blobvalet_signing_key_info{${key('user_delegation')}}`, '1x60']], minute: 0 },
  ],
  BlobvaletClockSkew: [
    { name: 'ahead', series: [[`blobvalet_clock_skew_seconds{${it}}`, '30x60']], minute: 6, fires: 'web1: the clock differs from that of Azure by 30s' },
    { name: 'behind', series: [[`blobvalet_clock_skew_seconds{${it}}`, '-30x60']], minute: 6, fires: 'web1: the clock differs from that of Azure by 30s' },
    { name: 'a little', series: [[`blobvalet_clock_skew_seconds{${it}}`, '-20x60']], minute: 30 },
  ],
  BlobvaletKeysNotWatched: [
    { name: 'nobody asks Azure', series: [[`up{${it}}`, '1x60']], minute: 11, fires: 'web1: blobvalet-keys.service does not run' },
    { name: 'somebody does', series: [[`up{${it}}`, '1x60'], [`blobvalet_azure_reachable{${account}}`, '0x60']], minute: 30 },
    { name: 'nobody answers at all, which is another alert', series: [[`up{${it}}`, '0x60']], minute: 30 },
  ],
  BlobvaletReloadFailed: [
    { name: 'faulty', series: [[`blobvalet_reload_failed{${it}}`, '1x60']], minute: 6, fires: 'web1: the configuration is faulty and the old one in use. Try: blobvalet check' },
    { name: 'soon mended', series: [[`blobvalet_reload_failed{${it}}`, '0x3 1x3 0x60']], minute: 7 },
  ],
  BlobvaletConfigurationsDiffer: [
    { name: 'on one machine', series: [info('web1', 'a'), info('web1', 'b')], minute: 16, labels: { instance: undefined }, fires: 'workers use 2 different configurations or keys' },
    { name: 'on two machines', series: [info('web1', 'a'), info('web2', 'b')], minute: 16, labels: { instance: undefined }, fires: 'workers use 2 different configurations or keys' },
    { name: 'a change', series: [info('web1', 'a', '1x10'), info('web1', 'b', '_x10 1x60')], minute: 20 },
    { name: 'the same on two machines', series: [info('web1', 'a'), info('web2', 'a')], minute: 30 },
  ],
  BlobvaletEventsWait: [
    { name: 'for ten minutes', series: [[`blobvalet_events_oldest_age_seconds{${it}}`, '0+60x60']], minute: 12, fires: 'web1: an event has waited for the application for 12m 0s' },
    { name: 'for four minutes', series: [[`blobvalet_events_oldest_age_seconds{${it}}`, '240x60']], minute: 30 },
  ],
  BlobvaletEventsDead: [
    { name: 'three', series: [[`blobvalet_events{${it},state="dead"}`, '3x60']], minute: 2, labels: { state: 'dead' }, fires: 'web1: 3 events were given up. Try: blobvalet events list' },
    { name: 'some wait', series: [[`blobvalet_events{${it},state="waiting"}`, '3x60'], [`blobvalet_events{${it},state="dead"}`, '0x60']], minute: 30 },
  ],
  BlobvaletMetricsNotShared: [
    { name: 'of one worker', series: [[`blobvalet_metrics_shared{${it}}`, '0x60']], minute: 6, fires: 'web1: the figures are those of one worker only; /blobvalet/health says why' },
    { name: 'of all', series: [[`blobvalet_metrics_shared{${it}}`, '1x60']], minute: 30 },
  ],
  BlobvaletMetricsFull: [
    { name: 'nearly', series: [[`blobvalet_metrics_figures{${it}}`, '950x60'], [`blobvalet_metrics_figures_limit{${it}}`, '1000x60']], minute: 6, fires: 'web1: 95% of the room for figures is taken' },
    { name: 'room enough', series: [[`blobvalet_metrics_figures{${it}}`, '900x60'], [`blobvalet_metrics_figures_limit{${it}}`, '1000x60']], minute: 30 },
  ],
};

describe('alerts', () => {
  const rules = readFileSync(kRulesFile, 'utf8');
  const severities = Object.fromEntries([...rules.matchAll(/- alert: (\w+)[\s\S]*?severity: (\w+)/g)].map(([, name, it]) => [name, it]));
  // What an alert does not keep of the series that it is about.
  const summed = /^Blobvalet(Down|KeysNotWatched|ClockSkew|ReloadFailed|MetricsNotShared|MetricsFull|EventsWait|EventsDead|AzureUnreachable|Key.*)$/;

  test('promtool accepts the files', () => {
    promtool(['check', 'rules', kRulesFile]);
    promtool(['check', 'config', join(kExamples, 'prometheus/prometheus.yml')]);
  });

  test('each has rows in which it fires, and others', () => {
    assert.deepEqual(Object.keys(cases), Object.keys(severities));
    for (const [alert, rows] of Object.entries(cases)) {
      assert.ok(rows.some(({ fires }) => fires) && rows.some(({ fires }) => !fires), alert);
    }
  });

  for (const [alert, rows] of Object.entries(cases)) {
    test(alert, () => {
      const dir = tempDir('blobvalet-alerts');
      cpSync(kRulesFile, join(dir, 'blobvalet.rules.yml'));
      const labels = (more) => ({
        instance: 'web1', severity: severities[alert], ...summed.test(alert) && { job: 'blobvalet' }, ...more,
      });
      const expected = ({ fires, labels: more }) => (fires ? [{ exp_labels: labels(more), exp_annotations: { summary: fires } }] : []);
      const tests = rows.map((row) => ({
        name: row.name, interval: '1m', input_series: row.series.map(([series, values]) => ({ series, values })),
        alert_rule_test: [{ eval_time: `${row.minute}m`, alertname: alert, exp_alerts: expected(row) }],
      }));
      writeFileSync(join(dir, 'tests.json'), JSON.stringify({ rule_files: ['blobvalet.rules.yml'], evaluation_interval: '1m', tests }));
      promtool(['test', 'rules', 'tests.json'], '', dir);
    });
  }
});

describe('in a real Prometheus', { timeout: 120_000 }, () => {
  const kSeconds = 12;
  let site;
  let prometheus;
  before(async () => {
    site = await startBusySite();
    prometheus = await startPrometheus({ port: site.nginx.httpPort });
    await site.run({ seconds: kSeconds });
  });
  after(async () => {
    await prometheus?.stop();
    await site?.stop();
  });

  for (const { title, targets } of panels) {
    test(`the panel "${title}" is not empty`, async () => {
      for (const { expr } of targets) {
        const found = await prometheus.range(asGrafana(expr, kSeconds), { seconds: kSeconds });
        const values = found.flatMap(({ values: points }) => points.map(([, value]) => Number(value)));
        assert.ok(values.some(Number.isFinite), `${expr} finds nothing`);
      }
    });
  }

  test('the list of machines is not empty', async () => {
    const { definition } = dashboard.templating.list.find(({ name }) => name === 'instance');
    const [, metric, label] = /^label_values\((\w+), (\w+)\)$/.exec(definition);
    assert.ok((await prometheus.query(metric)).every(({ metric: labels }) => labels[label]));
  });

  test('alerts are about what there is, and none fires at a healthy site', async () => {
    const rules = await waitFor(async () => {
      const all = await prometheus.rules();
      return all.every(({ health }) => health === 'ok') && all;
    }, { what: 'all alerts evaluated' });
    assert.equal(rules.length, Object.keys(cases).length);
    for (const { name, query, state } of rules) {
      for (const [metric] of query.matchAll(/\b(blobvalet_\w+|up)\b(?=[{\s[)]|$)/g)) {
        assert.notDeepEqual(await prometheus.query(metric), [], `${name} asks for ${metric}`);
      }
      assert.equal(state, 'inactive', name);
    }
  });
});
