/** Cases for rules/targets.yml. */

import { stack } from '../../stack.ts'
import { type AlertCase, always, app, dogs, of, prometheus, step, up } from './series.ts'

const allJobs = ['gateway', ...stack.services, 'exporter', 'prometheus']
const down = { ...dogs }
const restarts = '100+5x30 0+5x90'
const requestCounter = of('http_server_request_duration_seconds_count', dogs)
const failures = of('prometheus_rule_evaluation_failures_total', prometheus, { rule_group: 'red' })
const notifications = of('prometheus_notifications_errors_total', prometheus, {
  alertmanager: 'http://a:9093',
})
const replicas = (...values: string[]) =>
  Object.fromEntries(values.map((value, index) => [up('dogs', `dogs${index}:9001`), value]))

export const targetsCases: Record<string, readonly AlertCase[]> = {
  AppDown: [
    ...['gateway', 'cats'].map((job) => ({
      claim: `${job} is down`,
      series: { [up(job)]: always(0) },
      looks: { '50s': [], '60s': [{ labels: { job } }] },
    })),
    {
      claim: '9 of 17 replicas are down',
      series: replicas(...Array.from({ length: 17 }, (_, index) => always(index < 9 ? 0 : 1))),
      looks: { '10m': [{ labels: { job: 'dogs' } }] },
    },
    {
      claim: 'the only instance is down',
      series: { [of('up', dogs)]: step(1, 120, 0) },
      looks: { '170s': [], '180s': [{ labels: { job: 'dogs' } }] },
    },
    {
      claim: 'two of three replicas are down',
      series: replicas(always(1), step(1, 120, 0), step(1, 120, 0)),
      looks: { '170s': [], '180s': [{ labels: { job: 'dogs' } }] },
    },
    {
      claim: 'one of two replicas is down',
      series: replicas(always(1), step(1, 120, 0)),
      looks: { '10m': [] },
    },
    {
      claim: 'the exporter and Prometheus serve no clients',
      series: { [up('exporter')]: always(0), [up('prometheus')]: always(0) },
      looks: { '10m': [] },
    },
  ],
  TargetDown: [
    {
      claim: 'no response for a minute',
      series: { [of('up', dogs)]: step(1, 120, 0) },
      looks: { '170s': [], '180s': [{ labels: down }] },
    },
    {
      claim: 'the exporter is down',
      series: { [up('exporter')]: always(0) },
      looks: { '50s': [], '60s': [{ labels: { job: 'exporter', instance: 'exporter:1' } }] },
    },
    {
      claim: 'a minute without one scrape',
      series: { [of('up', dogs)]: '1x10 0x4 1x60' },
      looks: { '160s': [], '3m': [] },
    },
  ],
  ProcessRestarting: [
    {
      claim: 'four starts in 15 minutes, and no response in between',
      series: {
        [of('process_start_time_seconds', dogs)]:
          '0x59 stale 600x9 stale 700x9 stale 800x9 stale 900x9 900x200',
      },
      looks: { '890s': [], '15m': [], '1100s': [{ labels: dogs, value: '4' }] },
    },
    {
      claim: 'four starts, until the first is more than 15 minutes ago, and one of another instance',
      series: {
        [of('process_start_time_seconds', dogs)]: '0x9 100x49 600x9 700x9 800x200',
        [of('process_start_time_seconds', { ...dogs, instance: 'b:1' })]: '0x59 600x200',
      },
      looks: { '15m': [{ labels: dogs, value: '4' }], '20m': [] },
    },
  ],
  TargetMissing: allJobs.flatMap((missing) => [
    {
      claim: `${missing} has no target for two minutes`,
      series: Object.fromEntries(
        allJobs.map((job) => [up(job), job === missing ? '1x11 stale _x100' : always(1)]),
      ),
      looks: {
        '230s': [],
        '240s': [
          {
            labels: { job: missing },
            severity: ['exporter', 'prometheus'].includes(missing) ? 'ticket' : 'page',
          },
        ],
      },
    },
  ]),
  ExporterTargetDown: [
    {
      claim: 'a target cannot be read for a minute',
      series: { [of('exporter_target_up', { target: app.target })]: step(1, 120, 0) },
      looks: { '170s': [], '180s': [{ labels: { target: app.target, instance: dogs.instance } }] },
    },
    {
      claim: 'a target over TLS',
      series: { [of('exporter_target_up', { target: 'https://dogs:9001/stats' })]: always(0) },
      looks: { '60s': [{ labels: { target: 'https://dogs:9001/stats', instance: dogs.instance } }] },
    },
  ],
  ScrapeNearLimit: [
    {
      claim: 'above 40000 for five minutes',
      series: { [of('scrape_samples_post_metric_relabeling', dogs)]: step(40_000, 60, 40_001) },
      looks: { '350s': [], '360s': [{ labels: dogs, value: '40001' }] },
    },
    {
      claim: 'at 40000',
      series: { [of('scrape_samples_post_metric_relabeling', dogs)]: always(40_000) },
      looks: { '15m': [] },
    },
  ],
  ScrapeSlow: [
    {
      claim: 'above 5 s for five minutes',
      series: { [of('scrape_duration_seconds', dogs)]: step(5, 60, 5.1) },
      looks: { '350s': [], '360s': [{ labels: dogs, value: '5.1s' }] },
    },
    { claim: 'at 5 s', series: { [of('scrape_duration_seconds', dogs)]: always(5) }, looks: { '15m': [] } },
  ],
  CounterReset: [
    {
      claim: 'two counters fall, while another instance and another job of the same address restart',
      series: {
        [requestCounter]: '100+5x30 0+5x200',
        [of('http_server_request_duration_seconds_count', dogs, { http_route: 'x' })]: '100+5x30 0+5x200',
        [of('process_start_time_seconds', dogs)]: '1000x240',
        [of('process_start_time_seconds', dogs, { instance: 'b:1' })]: '1000x30 1300x210',
        [of('process_start_time_seconds', dogs, { job: 'cats' })]: '1000x30 1300x210',
      },
      looks: { '600s': [{ labels: dogs, value: '2' }] },
      fires: [310, 1200],
    },
    {
      claim: 'a counter falls 20 minutes after a restart',
      series: {
        [requestCounter]: '100+5x150 0+5x60',
        [of('process_start_time_seconds', dogs)]: '1000x30 1300x210',
      },
      looks: { '1600s': [{ labels: dogs, value: '1' }] },
    },
    {
      claim: 'a counter falls and the process is the same',
      series: { [requestCounter]: restarts, [of('process_start_time_seconds', dogs)]: '1000x120' },
      looks: { '5m': [], '310s': [{ labels: dogs, value: '1' }] },
    },
    {
      claim: 'a counter falls with a restart',
      series: { [requestCounter]: restarts, [of('process_start_time_seconds', dogs)]: '1000x30 1300x90' },
      looks: { '310s': [], '15m': [] },
    },
  ],
  MetricsDropped: [
    {
      claim: 'one event is dropped',
      series: { [of('metrics_dropped_series_total', dogs)]: '0x59 1x200' },
      looks: { '15m': [{ labels: dogs, value: '1' }] },
      fires: [600, 1490],
    },
    {
      claim: 'events were dropped long ago',
      series: { [of('metrics_dropped_series_total', dogs)]: always(9) },
      looks: { '15m': [] },
    },
  ],
  MetricsInconsistent: [
    {
      claim: 'a damaged region for five minutes',
      series: { [of('metrics_damaged_regions', dogs)]: step(0, 60, 1) },
      looks: { '350s': [], '360s': [{ labels: dogs }] },
    },
    {
      claim: 'workers declare a family differently for five minutes',
      series: { [of('metrics_conflicting_families', dogs)]: '0x5 1x60 0x60' },
      looks: { '370s': [{ labels: dogs }] },
      fires: [360, 670],
    },
    {
      claim: 'a deploy during which workers differ, and no damage',
      series: {
        [of('metrics_conflicting_families', dogs)]: '0x5 1x28 0x60',
        [of('metrics_damaged_regions', dogs)]: always(0),
      },
      looks: { '15m': [] },
    },
  ],
  PrometheusConfigReloadFailed: [
    {
      claim: 'a rejected reload for five minutes',
      series: { [of('prometheus_config_last_reload_successful', prometheus)]: step(1, 60, 0) },
      looks: { '350s': [], '360s': [{ labels: prometheus }] },
    },
  ],
  PrometheusRuleFailures: [
    {
      claim: 'a rule fails once',
      series: { [failures]: '0x59 1x100' },
      looks: { '15m': [], '800s': [{ labels: { ...prometheus, rule_group: 'red' }, value: '1' }] },
      fires: [600, 890],
    },
    { claim: 'rules failed long ago', series: { [failures]: always(7) }, looks: { '15m': [] } },
  ],
  PrometheusNotificationsFailing: [
    {
      claim: 'notifications fail for five minutes',
      series: { [notifications]: '0x5 0+1x200' },
      looks: { '360s': [], '370s': [{ labels: { ...prometheus, alertmanager: 'http://a:9093' } }] },
    },
    {
      claim: 'notifications fail for six minutes',
      series: { [notifications]: '0x59 1+1x36 37x200' },
      looks: {},
      fires: [900, 1250],
    },
    { claim: 'notifications failed long ago', series: { [notifications]: always(7) }, looks: { '15m': [] } },
  ],
  PrometheusStorageFailing: [
    {
      claim: 'one write to the log fails',
      series: { [of('prometheus_tsdb_wal_writes_failed_total', prometheus)]: '0x59 1x100' },
      looks: { '800s': [{ labels: prometheus }] },
      fires: [600, 890],
    },
    {
      claim: 'a compaction failed within three hours',
      series: { [of('prometheus_tsdb_compactions_failed_total', prometheus)]: '0x59 1x1200' },
      looks: { '30m': [{ labels: prometheus }] },
      fires: [600, 600 + 3 * 3600 - 10],
    },
    {
      claim: 'writes failed long ago',
      series: {
        [of('prometheus_tsdb_wal_writes_failed_total', prometheus)]: always(2),
        [of('prometheus_tsdb_compactions_failed_total', prometheus)]: always(1),
      },
      looks: { '15m': [] },
    },
  ],
}
