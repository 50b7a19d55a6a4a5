/** Cases for rules/targets.yml; alerts.ts explains them. */

import { type AlertCase, dogs, app, of, prometheus, up } from './series.ts'

export const targetsCases: Record<string, AlertCase> = {
  TargetDown: {
    fires: { [of('up', dogs)]: '1x10 0x120' },
    quiet: { [of('up', dogs)]: '1x10 0x3 1x120' },
    labels: dogs,
  },
  TargetMissing: {
    fires: Object.fromEntries(['gateway', 'dogs', 'exporter', 'prometheus'].map((job) => [up(job), '1x120'])),
    quiet: Object.fromEntries(
      ['gateway', 'dogs', 'cats', 'exporter', 'prometheus'].map((job) => [up(job), '0x120']),
    ),
    labels: { job: 'cats' },
  },
  ExporterTargetDown: {
    fires: { [of('exporter_target_up', { target: app.target })]: '0x120' },
    quiet: { [of('exporter_target_up', { target: app.target })]: '1x120' },
    labels: { target: app.target, instance: dogs.instance },
  },
  ScrapeNearLimit: {
    fires: { [of('scrape_samples_post_metric_relabeling', dogs)]: '45000x120' },
    quiet: { [of('scrape_samples_post_metric_relabeling', dogs)]: '39000x120' },
    labels: dogs,
    value: '45000',
  },
  ScrapeSlow: {
    fires: { [of('scrape_duration_seconds', dogs)]: '6x120' },
    quiet: { [of('scrape_duration_seconds', dogs)]: '1x60 6 1x60' },
    labels: dogs,
    value: '6s',
  },
  CounterReset: {
    fires: {
      [of('http_server_request_duration_seconds_count', dogs)]: '100+5x30 0+5x90',
      [of('process_start_time_seconds', dogs)]: '1000x120',
    },
    quiet: {
      [of('http_server_request_duration_seconds_count', dogs)]: '100+5x30 0+5x90',
      [of('process_start_time_seconds', dogs)]: '1000x30 1300x90',
    },
    labels: dogs,
    value: '1',
  },
  MetricsDropped: {
    fires: { [of('metrics_dropped_series_total', dogs)]: '0x50 9x70' },
    quiet: { [of('metrics_dropped_series_total', dogs)]: '9x120' },
    labels: dogs,
    value: '9',
  },
  MetricsInconsistent: {
    fires: { [of('metrics_damaged_regions', dogs)]: '1x120' },
    quiet: { [of('metrics_damaged_regions', dogs)]: '0x120' },
    labels: dogs,
  },
  PrometheusConfigReloadFailed: {
    fires: { [of('prometheus_config_last_reload_successful', prometheus)]: '0x120' },
    quiet: { [of('prometheus_config_last_reload_successful', prometheus)]: '0x10 1x120' },
    labels: prometheus,
  },
  PrometheusRuleFailures: {
    fires: {
      [of('prometheus_rule_evaluation_failures_total', prometheus, { rule_group: 'red' })]: '0+1x120',
    },
    quiet: { [of('prometheus_rule_evaluation_failures_total', prometheus, { rule_group: 'red' })]: '7x120' },
    labels: { ...prometheus, rule_group: 'red' },
    value: '30',
  },
  PrometheusNotificationsFailing: {
    fires: {
      [of('prometheus_notifications_errors_total', prometheus, { alertmanager: 'http://a:9093' })]: '0+1x120',
    },
    quiet: {
      [of('prometheus_notifications_errors_total', prometheus, { alertmanager: 'http://a:9093' })]: '0x120',
    },
    labels: { ...prometheus, alertmanager: 'http://a:9093' },
  },
  PrometheusStorageFailing: {
    fires: { [of('prometheus_tsdb_wal_writes_failed_total', prometheus)]: '0+1x120' },
    quiet: { [of('prometheus_tsdb_wal_writes_failed_total', prometheus)]: '2x120' },
    labels: prometheus,
  },
}
