/** The dashboard Service: rate, errors and duration of the chosen apps by route, and the resources of their masters. */

import {
  PercentUnit,
  RequestsPerSecond,
  Seconds,
  Short,
  CountsPerSecond,
  DateTimeFromNow,
} from '@grafana/grafana-foundation-sdk/units'
import { oneOf, quoted } from '../rules/rule.ts'
import { dashboardOf, line, section } from './dashboard.ts'
import { below, down, graph, heatmap, idle, stat, table } from './panels.ts'
import {
  buckets,
  byApp,
  inFlight,
  type Matchers,
  orIdle,
  part,
  quantile,
  quantiles,
  rate,
  serving,
  share,
  sum,
} from './promql.ts'

const duration = 'http_server_request_duration_seconds'
const requests = `${duration}_count`

const health = ({ apps, selected }: Matchers) => [
  line(
    5,
    stat(
      'Requests',
      RequestsPerSecond,
      'Requests per second that got a response.',
      byApp(serving(apps), selected, (matchers) => orIdle(rate(requests, matchers), 0, inFlight(matchers))),
      { mappings: [down] },
    ),
    stat(
      'Errors',
      PercentUnit,
      'Share of requests with a 5xx response.',
      byApp(serving(apps), selected, (matchers) =>
        orIdle(part(requests, matchers, 'http_response_status_code=~"5.."'), 'NaN', inFlight(matchers)),
      ),
      { steps: below(0.001, 0.01), mappings: [down, idle] },
    ),
    stat(
      'p99',
      Seconds,
      '99 of 100 requests get the response head within this time.',
      byApp(serving(apps), selected, (matchers) =>
        orIdle(quantile(0.99, duration, matchers), 'NaN', inFlight(matchers)),
      ),
      { steps: below(0.25, 1), mappings: [down, idle] },
    ),
  ),
  line(
    6,
    table(
      'Versions',
      Short,
      'The running builds and the number of their instances. Two versions of one app: a deploy is in progress or stuck.',
      {
        expr: `count by (job, version, bun_version) (app_info{${selected}} or exporter_build_info{${selected}})`,
        legend: '',
      },
      ['job', 'version', 'bun_version'],
      'instances',
    ),
    table(
      'Running since',
      DateTimeFromNow,
      'Start of the master of each instance.',
      { expr: `process_start_time_seconds{${selected}} * 1000`, legend: '' },
      ['job', 'instance'],
      'start',
    ),
  ),
  line(
    12,
    graph(
      'Requests by route and status',
      RequestsPerSecond,
      'Requests per second. unmatched: no route matches the path.',
      rate(requests, selected, ['job', 'http_route', 'http_response_status_code']),
      { hasMany: true },
    ),
    heatmap(
      'Latency',
      Seconds,
      'Number of requests by duration, from arrival to the response head.',
      // A proxied request counts once: at the services, or at the edge if only the edge is chosen.
      buckets(duration, `${selected}, job!~${quoted(oneOf(apps.edge))}`, selected),
    ),
    graph(
      'Latency by route',
      Seconds,
      'Median and 99th percentile, by route.',
      quantiles(duration, selected, ['job', 'http_route']),
    ),
  ),
  line(
    8,
    graph(
      'Requests by method',
      RequestsPerSecond,
      'Requests per second. _OTHER: a method that is not standard.',
      [rate(requests, selected, ['job', 'http_request_method'])],
    ),
    graph(
      'Requests in flight',
      Short,
      'Requests without a complete response. If it grows at a steady rate of requests, they queue.',
      [sum('http_server_active_requests', selected, ['job', 'http_request_method'])],
    ),
    graph(
      'Errors by type',
      CountsPerSecond,
      'Errors per second that ended a request with a 5xx response, by route and type.',
      [rate('http_server_exceptions_total', selected, ['job', 'http_route', 'error_type'])],
    ),
    graph(
      'Abandoned requests',
      RequestsPerSecond,
      'Requests per second that were in flight in workers when they died. Whether they were processed is unknown.',
      rate('http_server_abandoned_requests_total', selected, ['job']),
    ),
  ),
]

const runtime = ({ selected }: Matchers) => [
  section(
    'Process',
    8,
    heatmap(
      'Event loop lag',
      Seconds,
      'Number of timers by delay, over all workers.',
      buckets('runtime_eventloop_lag_seconds', selected),
    ),
    graph(
      'CPU of the master',
      PercentUnit,
      'CPU time per second of the master, which supervises the workers and serves no requests.',
      [rate('process_master_cpu_seconds_total', selected, ['job', 'instance'])],
    ),
    graph('Memory of the master', 'bytes', 'Resident memory of the master.', [
      sum('process_master_resident_memory_bytes', selected, ['job', 'instance']),
    ]),
    graph(
      'Open files of the master',
      PercentUnit,
      'Open file descriptors of the master, as a share of its limit.',
      share('process_master_open_fds', 'process_max_fds', selected, ['job', 'instance']),
      { limit: 0.8 },
    ),
  ),
  line(
    6,
    graph(
      'Events without a series',
      CountsPerSecond,
      'Events per second that are counted under __overflow__ because there is no room for their label set.',
      rate('metrics_dropped_series_total', selected, ['job']),
    ),
    graph(
      'Families declared twice',
      Short,
      'Families that workers declare differently, for instance because they run two versions.',
      [sum('metrics_conflicting_families', selected, ['job'])],
    ),
    graph('Damaged regions', Short, 'Regions of the shared memory of metrics that cannot be read.', [
      sum('metrics_damaged_regions', selected, ['job']),
    ]),
  ),
]

/** The variable App chooses the apps. */
export const service = (matchers: Matchers) =>
  dashboardOf(matchers, {
    uid: 'service',
    title: 'Service',
    description: 'Rate, errors and duration of the chosen apps, by route.',
    lines: [...health(matchers), ...runtime(matchers)],
  })
