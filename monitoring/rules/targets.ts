/** Alerts about targets that Prometheus or the exporter cannot reach, and about metrics that cannot be trusted. */

import { current } from './promql.ts'
import { type Alert, type Apps, alertsOf, dashboardFor, jobs, type RuleFile } from './rule.ts'

const app = '{{ $labels.job }}'

/** Prometheus drops a page with more series: sample_limit of prometheus.yml. */
const SAMPLE_LIMIT = 50_000

export const targets = (apps: Apps): RuleFile => ({
  name: 'targets',
  comment:
    'Whether Prometheus and the exporter reach all their targets, and whether the metrics can be trusted. All other rules depend on this.',
  groups: [
    { name: 'targets', rules: [...reachable(apps), ...trusted(apps)] },
    { name: 'prometheus', rules: prometheus(apps) },
  ],
})

function reachable(apps: Apps): Alert[] {
  const alert = alertsOf(apps)
  const about = { app, runbook: 'targets', dashboard: dashboardFor('service') } as const
  const serving = [...new Set([...apps.edge, ...apps.services])]
  const absent = (names: readonly string[]) => names.map((job) => `absent(up{${jobs([job])}})`).join(' or ')
  const missing = {
    ...about,
    for: '2m',
    summary: 'Prometheus has no target for {{ $labels.job }}',
    description:
      'The file or the DNS name that lists the targets of this job is empty, so TargetDown cannot fire for it. Check targets/ and the service names in compose.',
    dashboard: 'overview',
  } as const
  return [
    alert('AppDown', {
      ...about,
      expr: `avg by (job) ${current(`up{${jobs(serving)}}`, apps)} < 0.5`,
      for: '1m',
      severity: 'page',
      summary: 'most instances of {{ $labels.job }} do not respond to Prometheus',
      description:
        'Clients get errors, or the rest of the instances carries the whole load. Check whether the processes run and read their last log lines, then start them again.',
    }),
    alert('TargetDown', {
      ...about,
      expr: `${current('up', apps)} == 0`,
      for: '1m',
      severity: 'ticket',
      summary: '{{ $labels.job }} at {{ $labels.instance }} does not respond to Prometheus',
      description:
        'Its admin port returns no metrics page, so Prometheus has no data about it. Check whether the process runs and read its last log lines, then start it again.',
    }),
    // A process that ends soon after each start is up at most scrapes, and its exits are counted by no other process.
    alert('ProcessRestarting', {
      ...about,
      expr: 'changes(process_start_time_seconds[15m]) > 3',
      severity: 'ticket',
      summary:
        '{{ $labels.job }} at {{ $labels.instance }} started {{ $value | printf "%.0f" }} times in 15 minutes',
      description:
        'Something starts it again each time that it ends. The last lines of its log before a start have the reason and its exit code.',
    }),
    alert('TargetMissing', { ...missing, expr: absent(serving), severity: 'page' }),
    alert('TargetMissing', {
      ...missing,
      expr: absent([apps.exporter, apps.prometheus]),
      severity: 'ticket',
    }),
    // `instance` becomes that of the process that cannot be read, as Prometheus names it; the exporter's own is dropped.
    alert('ExporterTargetDown', {
      ...about,
      app: apps.exporter,
      dashboard: 'workers',
      expr: `label_replace(${current('exporter_target_up', apps)} == 0, "instance", "$1", "target", "https?://(.+?)/.*")`,
      for: '1m',
      severity: 'ticket',
      summary: 'the exporter cannot read {{ $labels.target }}',
      description:
        'Metrics about the workers of this app are missing. Its master does not respond to /stats, or the response is not a stats document; the log of the exporter has the error.',
    }),
  ]
}

function trusted(apps: Apps): Alert[] {
  const alert = alertsOf(apps)
  const about = { app, runbook: 'metrics', dashboard: dashboardFor('service') } as const
  return [
    alert('ScrapeNearLimit', {
      ...about,
      expr: `scrape_samples_post_metric_relabeling > ${0.8 * SAMPLE_LIMIT}`,
      for: '5m',
      severity: 'ticket',
      summary: `{{ $labels.job }} publishes {{ $value | printf "%.0f" }} series, and ${SAMPLE_LIMIT} is the limit`,
      description:
        'Above sample_limit Prometheus drops the whole page and the target counts as down. A label has too many values: the runbook has the query that finds the family.',
    }),
    alert('ScrapeSlow', {
      ...about,
      dashboard: 'overview',
      expr: 'scrape_duration_seconds > 5',
      for: '5m',
      severity: 'ticket',
      summary: 'a scrape of {{ $labels.job }} takes {{ $value | humanizeDuration }}',
      description:
        'That is half of the scrape timeout or more. Masters respond even when workers are busy, so either the page is very large or the machine has no CPU time left.',
    }),
    alert('CounterReset', {
      ...about,
      expr: `sum by (job, instance) (resets(http_server_request_duration_seconds_count[15m])) > 0
unless on (job, instance) changes(process_start_time_seconds[15m]) > 0`,
      severity: 'ticket',
      summary: 'counters of {{ $labels.job }} fell {{ $value | printf "%.0f" }} times without a restart',
      description:
        'Every rate was too high at that moment. Counters are kept in memory that outlives workers, so the cause is a fault of the metrics library or two masters behind one address.',
    }),
    alert('MetricsDropped', {
      ...about,
      expr: 'increase(metrics_dropped_series_total[15m]) > 0',
      severity: 'ticket',
      summary: '{{ $value | printf "%.0f" }} events of {{ $labels.job }} were counted without their labels',
      description:
        'A family reached its limit of label sets, or the segment is full. The events are counted under __overflow__. Find the label that grows, or raise METRICS_BYTES_PER_WORKER.',
    }),
    alert('MetricsInconsistent', {
      ...about,
      expr: 'metrics_conflicting_families > 0 or metrics_damaged_regions > 0',
      for: '5m',
      severity: 'ticket',
      summary: 'workers of {{ $labels.job }} disagree about their metrics',
      description:
        'Workers of two versions declare a family differently for longer than a deploy takes, or a region of the shared memory cannot be read. A restart of the master creates a new segment.',
    }),
  ]
}

function prometheus(apps: Apps): Alert[] {
  const alert = alertsOf(apps)
  const about = { app: apps.prometheus, runbook: 'prometheus', dashboard: 'overview' } as const
  return [
    alert('Watchdog', {
      ...about,
      expr: 'vector(1)',
      severity: 'none',
      summary: 'alerts are being evaluated',
      description:
        "Always fires. A dead man's switch outside this machine receives it and raises the alarm when it stops.",
    }),
    alert('PrometheusConfigReloadFailed', {
      ...about,
      expr: 'prometheus_config_last_reload_successful == 0',
      for: '5m',
      severity: 'ticket',
      summary: 'Prometheus runs on an old configuration',
      description: 'The last reload was rejected. `promtool check config prometheus.yml` prints the line.',
    }),
    alert('PrometheusRuleFailures', {
      ...about,
      expr: 'increase(prometheus_rule_evaluation_failures_total[5m]) > 0',
      severity: 'ticket',
      summary: '{{ $value | printf "%.0f" }} evaluations of rules in {{ $labels.rule_group }} failed',
      description:
        'Alerts of that group may not fire. The log of Prometheus has the error; the most common one is that two series match where one is expected.',
    }),
    alert('PrometheusNotificationsFailing', {
      ...about,
      expr: 'increase(prometheus_notifications_errors_total[5m]) > 0',
      for: '5m',
      severity: 'ticket',
      summary: 'Prometheus cannot send alerts to {{ $labels.alertmanager }}',
      description:
        'Alerts fire but are not delivered. Check whether Alertmanager runs: docker compose --profile alertmanager ps.',
    }),
    alert('PrometheusStorageFailing', {
      ...about,
      expr: 'increase(prometheus_tsdb_wal_writes_failed_total[5m]) > 0 or increase(prometheus_tsdb_compactions_failed_total[3h]) > 0',
      severity: 'page',
      summary: 'Prometheus cannot write to its disk',
      description:
        'The most common cause is a full disk. Graphs and alerts will stop soon. Free space or lower the retention.',
    }),
  ]
}
