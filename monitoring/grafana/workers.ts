/** The dashboard Workers: the workers of all apps as the exporter reads them from their masters: state, load, exits, queues. */

import {
  BytesIEC,
  BytesPerSecondIEC,
  CountsPerSecond,
  DateTimeFromNow,
  PercentUnit,
  RequestsPerSecond,
  Seconds,
  Short,
} from '@grafana/grafana-foundation-sdk/units'
import { quoted } from '../rules/rule.ts'
import { dashboardOf, detail, line, section } from './dashboard.ts'
import { atLeast, below, graph, never, stat } from './panels.ts'
import {
  eachWorker,
  inOrder,
  type Matchers,
  max,
  perEvent,
  rate,
  ratesOf,
  serving,
  share,
  spread,
  sum,
  workersReady,
} from './promql.ts'

const perWorker = (name: string) => `prefork_worker_${name}`
const ofEach = (gauge: string, matchers: string) => `${perWorker(gauge)}{${matchers}}`
const rateOfEach = (counter: string, matchers: string) =>
  `rate(${perWorker(counter)}{${matchers}}[$__rate_interval])`

const state = (matchers: Matchers, { apps, targets, workers } = matchers) => [
  line(
    5,
    stat(
      'Workers ready',
      Short,
      'Workers that can take a request, busy ones included.',
      inOrder(serving(apps), (app) => workersReady(matchers, app)),
      {
        steps: atLeast(1),
      },
    ),
    stat(
      'Hung',
      Short,
      'Workers whose event loop is blocked. The master kills them after HARAKIRI_MS.',
      inOrder(serving(apps), (app) => sum('prefork_workers', `${workers}, state="hung", app=${quoted(app)}`)),
      {
        steps: below(1, 1),
      },
    ),
    stat(
      'Stats read',
      PercentUnit,
      'Share of targets whose stats document the exporter can read.',
      { expr: `avg(exporter_target_up{${targets}})`, legend: 'read' },
      {
        steps: atLeast(1),
      },
    ),
    stat(
      'Last reload',
      DateTimeFromNow,
      'End of the last rolling reload.',
      inOrder(serving(apps), (app) => ({
        // The series of an app begins with its first reload.
        expr: `max(prefork_last_reload_timestamp_seconds{${workers}, app=${quoted(app)}}) * 1000\nor NaN * sum(prefork_workers{${workers}, app=${quoted(app)}})`,
        legend: app,
      })),
      { mappings: [never] },
    ),
  ),
  line(
    8,
    graph(
      'Workers by state',
      Short,
      'starting, ready, busy (a request in flight), draining, hung, dead.',
      sum('prefork_workers', workers, ['state']),
      {
        isStacked: true,
        hasMany: true,
      },
    ),
    graph(
      'Exits by reason',
      CountsPerSecond,
      'Exits per second. crash, signal, oom and harakiri are faults; the other exits are planned.',
      ratesOf(perWorker('exits_total'), workers, 'reason'),
    ),
    graph(
      'Respawns',
      CountsPerSecond,
      'Restarts of workers per second.',
      rate(perWorker('respawns_total'), workers, ['app']),
    ),
    graph(
      'Reloads',
      CountsPerSecond,
      'Rolling reloads per second, by result.',
      rate('prefork_reloads_total', workers, ['result']),
    ),
  ),
]

const load = ({ workers }: Matchers) => [
  section(
    'Load',
    8,
    graph(
      'Requests per worker',
      RequestsPerSecond,
      'Requests per second of the busiest worker and the mean of all. The closer the lines, the better the balance.',
      spread(rateOfEach('requests_total', workers), 'busiest'),
    ),
    graph(
      'CPU per worker',
      PercentUnit,
      'CPU time per second of the busiest worker and the mean of all. At 100 % its one thread is busy all the time.',
      spread(rateOfEach('cpu_seconds_total', workers), 'busiest'),
      { limit: 0.9 },
    ),
    graph(
      'Time per request',
      Seconds,
      'Mean time from the start of a request to its end.',
      perEvent(perWorker('running_seconds_total'), perWorker('requests_total'), workers, ['app']),
    ),
    graph('In flight', Short, 'Requests in progress.', sum(perWorker('in_flight'), workers, ['app'])),
  ),
  line(
    8,
    graph(
      'Event loop lag',
      Seconds,
      'Delay of the last turn of the event loop, of the slowest worker.',
      max(perWorker('eventloop_lag_seconds'), workers, ['app']),
      { limit: 0.1 },
    ),
    graph(
      'Heartbeat age',
      Seconds,
      'Time since the last turn of the event loop, of the slowest worker. A rising line: a hung worker.',
      max(perWorker('heartbeat_age_seconds'), workers, ['app']),
      { limit: 5 },
    ),
    graph(
      'Oldest request',
      Seconds,
      'Age of the oldest request in progress.',
      max(perWorker('oldest_request_seconds'), workers, ['app']),
    ),
    graph(
      'Exceptions',
      CountsPerSecond,
      'Errors per second that a handler threw.',
      rate(perWorker('exceptions_total'), workers, ['app']),
    ),
  ),
]

const resources = ({ targets, workers }: Matchers) => [
  section(
    'Resources and queues',
    8,
    graph(
      'Memory per worker',
      BytesIEC,
      'Resident memory of the largest worker and the mean of all. Shared pages count in each worker.',
      spread(ofEach('resident_memory_bytes', workers), 'largest'),
    ),
    graph(
      'Open files per worker',
      Short,
      'Open file descriptors, connections included: the highest count of a worker and the mean of all.',
      spread(ofEach('open_files', workers), 'most'),
    ),
    graph(
      'Sent',
      BytesPerSecondIEC,
      'Bytes per second in responses.',
      rate(perWorker('transmitted_bytes_total'), workers, ['app']),
    ),
  ),
  line(
    8,
    graph(
      'Listen queue',
      Short,
      'Connections that no worker has accepted yet. If it stays above zero, there are too few workers.',
      sum('prefork_listen_queue_length', workers, ['app', 'socket']),
    ),
    graph(
      'Listen queue of its limit',
      PercentUnit,
      'Length of the listen queue as a share of its limit. At 100 % the kernel drops connections.',
      share('prefork_listen_queue_length', 'prefork_listen_queue_limit', workers, ['app', 'socket']),
      {
        limit: 0.5,
      },
    ),
    graph(
      'Dropped by a full queue',
      CountsPerSecond,
      'Connections per second that the kernel dropped because a queue was full. It counts for the whole network namespace: targets on one machine have the same value.',
      {
        expr: `max by (target) (rate(prefork_listen_overflows_total{${targets}}[$__rate_interval]))`,
        legend: '{{target}}',
      },
    ),
    graph(
      'Time to read stats',
      Seconds,
      'Time that the exporter needed to read each target.',
      max('exporter_target_scrape_duration_seconds', targets, ['target']),
    ),
  ),
]

/** With many workers, choose an instance first. Closed: the queries run only when a viewer opens a row. */
const each = ({ workers }: Matchers) => [
  detail(
    'Each worker: requests and CPU',
    9,
    graph(
      'Requests by worker',
      RequestsPerSecond,
      'Requests per second of each worker.',
      eachWorker(rateOfEach('requests_total', workers)),
      { hasMany: true },
    ),
    graph(
      'CPU by worker',
      PercentUnit,
      'CPU time per second of each worker.',
      eachWorker(rateOfEach('cpu_seconds_total', workers)),
      { limit: 0.9, hasMany: true },
    ),
  ),
  detail(
    'Each worker: memory and age',
    9,
    graph(
      'Memory by worker',
      BytesIEC,
      'Resident memory of each worker.',
      eachWorker(ofEach('resident_memory_bytes', workers)),
      { hasMany: true },
    ),
    graph(
      'Age by worker',
      Seconds,
      'Time since the start of each worker. A drop: a new process.',
      // A slot without a process has no start.
      eachWorker(`time() - (${ofEach('last_spawn_timestamp_seconds', workers)} > 0)`),
      { hasMany: true },
    ),
  ),
]

/** The workers of all apps. */
export const workersDashboard = (matchers: Matchers) =>
  dashboardOf(matchers, {
    uid: 'workers',
    title: 'Workers',
    description: 'Masters and workers: state, load, exits and queues.',
    lines: [...state(matchers), ...load(matchers), ...resources(matchers), ...each(matchers)],
  })
