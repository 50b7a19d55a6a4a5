/** The workers of all process families as the exporter reads them from their masters: state, load, deaths, queues. */

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
import { dashboardOf, detail, line, section } from './dashboard.ts'
import { atLeast, below, graph, stat } from './panels.ts'
import { eachWorker, max, perEvent, rate, share, spread, sum, targets, workers } from './promql.ts'

const perWorker = (name: string) => `prefork_worker_${name}`
const ofEach = (gauge: string) => `${perWorker(gauge)}{${workers}}`
const rateOfEach = (counter: string) => `rate(${perWorker(counter)}{${workers}}[$__rate_interval])`

const state = [
  line(
    4,
    stat(
      'Workers ready',
      Short,
      'Workers that can take a request, busy ones included.',
      sum('prefork_workers', `${workers}, state=~"ready|busy"`, ['app']),
      {
        steps: atLeast(1),
      },
    ),
    stat(
      'Hung',
      Short,
      'Workers whose event loop does not turn. HARAKIRI_MS says when they are killed.',
      sum('prefork_workers', `${workers}, state="hung"`, ['app']),
      {
        steps: below(1, 1),
      },
    ),
    stat(
      'Stats answered',
      Short,
      'Whether the exporter could read the stats of each process family.',
      sum('exporter_target_up', targets, ['target']),
      {
        steps: atLeast(1),
      },
    ),
    stat(
      'Last reload',
      DateTimeFromNow,
      'End of the last rolling reload.',
      {
        expr: `max by (app) (prefork_last_reload_timestamp_seconds{${workers}}) * 1000`,
        legend: '{{app}}',
      },
      { nothing: 'none since the start' },
    ),
  ),
  line(
    7,
    graph(
      'Workers by state',
      Short,
      'Starting, ready, busy (a request in flight), draining, hung, dead.',
      sum('prefork_workers', workers, ['app', 'state']),
      {
        isStacked: true,
      },
    ),
    graph(
      'Exits by reason',
      CountsPerSecond,
      'Deaths per second. crash, signal, oom and harakiri are faults; the others were asked for.',
      [rate(perWorker('exits_total'), workers, ['app', 'reason'])],
    ),
    graph(
      'Respawns',
      CountsPerSecond,
      'Starts per second after the first.',
      rate(perWorker('respawns_total'), workers, ['app']),
    ),
    graph(
      'Reloads',
      CountsPerSecond,
      'Rolling reloads per second, by result.',
      rate('prefork_reloads_total', workers, ['app', 'result']),
    ),
  ),
]

const load = [
  section(
    'Load',
    7,
    graph(
      'Requests per worker',
      RequestsPerSecond,
      'Requests per second of the busiest worker and of the mean one: equal, if the balance is right.',
      spread(rateOfEach('requests_total'), 'busiest'),
    ),
    graph(
      'CPU per worker',
      PercentUnit,
      'CPU time per second of the busiest worker and of the mean one: at 100 % its one thread is full.',
      spread(rateOfEach('cpu_seconds_total'), 'busiest'),
      { limit: 0.9 },
    ),
    graph(
      'Time per request',
      Seconds,
      'Mean time from the beginning of a request to its end.',
      perEvent(perWorker('running_seconds_total'), perWorker('requests_total'), workers, ['app']),
    ),
    graph('In flight', Short, 'Requests being served now.', sum(perWorker('in_flight'), workers, ['app'])),
  ),
  line(
    7,
    graph(
      'Event loop lag',
      Seconds,
      'How late the event loop of the worst worker was when it last turned.',
      max(perWorker('eventloop_lag_seconds'), workers, ['app']),
      { limit: 0.1 },
    ),
    graph(
      'Heartbeat age',
      Seconds,
      'Time since the event loop of the worst worker last turned: a line that climbs is a hung worker.',
      max(perWorker('heartbeat_age_seconds'), workers, ['app']),
      { limit: 5 },
    ),
    graph(
      'Oldest request',
      Seconds,
      'Age of the oldest request being served.',
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

const resources = [
  section(
    'Resources and queues',
    7,
    graph(
      'Memory per worker',
      BytesIEC,
      'Resident memory of the largest worker and of the mean one. Pages that workers share are counted in each.',
      spread(ofEach('resident_memory_bytes'), 'largest'),
    ),
    graph(
      'Open files per worker',
      Short,
      'Open file descriptors, connections among them, of the worker that has most and of the mean one.',
      spread(ofEach('open_files'), 'most'),
    ),
    graph(
      'Sent',
      BytesPerSecondIEC,
      'Bytes per second of answers.',
      rate(perWorker('transmitted_bytes_total'), workers, ['app']),
    ),
  ),
  line(
    7,
    graph(
      'Listen queue',
      Short,
      'Connections that no worker has taken yet. Above zero, workers are too few.',
      sum('prefork_listen_queue_length', workers, ['app', 'socket']),
    ),
    graph(
      'Listen queue of its limit',
      PercentUnit,
      'At 100 % the kernel refuses connections.',
      share('prefork_listen_queue_length', 'prefork_listen_queue_limit', workers, ['app', 'socket']),
      {
        limit: 0.5,
      },
    ),
    graph(
      'Refused by a full queue',
      CountsPerSecond,
      'Connections that found a full queue, in the whole network namespace of a target: several targets on one machine show the same.',
      {
        expr: `max by (target) (rate(prefork_listen_overflows_total{${targets}}[$__rate_interval]))`,
        legend: '{{target}}',
      },
    ),
    graph(
      'Time to read stats',
      Seconds,
      'How long the exporter took to read each target.',
      max('exporter_target_scrape_duration_seconds', targets, ['target']),
    ),
  ),
]

/** Choose an instance first where there are many. */
const each = detail(
  'Each worker',
  9,
  graph(
    'Requests by worker',
    RequestsPerSecond,
    'Requests per second of each worker.',
    eachWorker(rateOfEach('requests_total')),
  ),
  graph(
    'CPU by worker',
    PercentUnit,
    'CPU time per second of each worker.',
    eachWorker(rateOfEach('cpu_seconds_total')),
    { limit: 0.9 },
  ),
  graph(
    'Memory by worker',
    BytesIEC,
    'Resident memory of each worker.',
    eachWorker(ofEach('resident_memory_bytes')),
  ),
  graph(
    'Age by worker',
    Seconds,
    'Time since each worker was spawned: a line that falls is a new process.',
    eachWorker(`time() - ${ofEach('last_spawn_timestamp_seconds')}`),
  ),
)

/** All workers, by app. */
export const workersDashboard = dashboardOf({
  uid: 'workers',
  title: 'Workers',
  description: 'Masters and workers: who lives, who dies and why, who is full.',
  lines: [...state, ...load, ...resources, each],
})
