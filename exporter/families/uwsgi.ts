/**
 * The namespace `uwsgi`: names, types and labels of uwsgi_exporter 1.3, so that its dashboards and alerts work unchanged.
 * This includes its errors: `running_time_seconds` is a gauge.
 * https://github.com/timonwong/uwsgi_exporter/blob/v1.3.0/pkg/collector/exporter.go
 */
import type { App, Cache, Core, Socket, Stats, Worker } from '../stats/parse.ts'
import type { Reading } from '../stats/scrape.ts'
import {
  type Family,
  familiesOf,
  firstOfEach,
  type Labelled,
  labelled,
  rowsOf,
  seconds,
  single,
  type Things,
} from './metric_table.ts'

interface Kinds {
  target: Stats
  socket: Socket
  worker: Worker
  app: App
  core: Core
  cache: Cache
}

/** A Go program has 0 for a missing number. */
const { gauge, counter } = rowsOf<Kinds>('uwsgi_', (value) => value ?? 0)

const ROWS = [
  gauge('target', 'listen_queue_length', 'Connections in the longest listen queue.', 'listen_queue'),
  gauge(
    'target',
    'listen_queue_errors',
    'Errors of the listen queue; uWSGI always reports 0.',
    'listen_queue_errors',
  ),
  gauge('target', 'signal_queue_length', 'Signals in the queue of the master.', 'signal_queue'),
  gauge('target', 'workers', 'Number of workers.', (t) => t.workers?.length),

  gauge(
    'socket',
    'socket_queue_length',
    'Connections that wait to be accepted; 0 for unix sockets.',
    'queue',
  ),
  gauge('socket', 'socket_max_queue_length', 'Limit of the queue; 0 for unix sockets.', 'max_queue'),
  gauge('socket', 'socket_shared', 'Whether the socket is shared.', 'shared'),
  gauge('socket', 'socket_can_offload', 'Whether its requests can be offloaded.', 'can_offload'),

  gauge('worker', 'worker_accepting', 'Whether the worker accepts requests.', 'accepting'),
  gauge('worker', 'worker_delta_requests', 'Requests since the last start of the worker.', 'delta_requests'),
  gauge('worker', 'worker_signal_queue_length', 'Signals in the queue of the worker.', 'signal_queue'),
  gauge('worker', 'worker_rss_bytes', 'Resident memory; 0 unless uWSGI measures it.', 'rss'),
  gauge('worker', 'worker_vsz_bytes', 'Virtual memory; 0 unless uWSGI measures it.', 'vsz'),
  gauge('worker', 'worker_running_time_seconds', 'Time spent in requests; it only grows.', (w) =>
    seconds(w.running_time),
  ),
  gauge('worker', 'worker_last_spawn_time_seconds', 'Start time of the process, Unix time.', 'last_spawn'),
  gauge(
    'worker',
    'worker_average_response_time_seconds',
    'Moving average; half of it is the last request.',
    (w) => seconds(w.avg_rt),
  ),
  gauge('worker', 'worker_apps', 'Number of apps.', (w) => w.apps?.length),
  gauge('worker', 'worker_cores', 'Number of cores.', 'coreCount'),
  gauge('worker', 'worker_busy', '1 in this status.', (w) => Number(w.status === 'busy')),
  gauge('worker', 'worker_idle', '1 in this status.', (w) => Number(w.status === 'idle')),
  gauge('worker', 'worker_cheap', '1 in this status; `pause` and `sigN` have no metric.', (w) =>
    Number(w.status === 'cheap'),
  ),
  counter('worker', 'worker_requests_total', 'Requests.', 'requests'),
  counter('worker', 'worker_exceptions_total', 'Exceptions.', 'exceptions'),
  counter(
    'worker',
    'worker_harakiri_count_total',
    'Kills of the worker because a request took too long.',
    'harakiri_count',
  ),
  counter('worker', 'worker_signals_total', 'uWSGI signals received.', 'signals'),
  counter(
    'worker',
    'worker_respawn_count_total',
    'Starts of the worker, including the first.',
    'respawn_count',
  ),
  counter('worker', 'worker_transmitted_bytes_total', 'Bytes sent in responses.', 'tx'),

  gauge('app', 'worker_app_startup_time_seconds', 'Time that the app took to load.', 'startup_time'),
  counter('app', 'worker_app_requests_total', 'Requests to the app.', 'requests'),
  counter('app', 'worker_app_exceptions_total', 'Exceptions of the app.', 'exceptions'),

  gauge('core', 'worker_core_busy', 'Whether the core is in a request.', 'in_request'),
  counter('core', 'worker_core_requests_total', 'Requests of the core.', 'requests'),
  counter('core', 'worker_core_static_requests_total', 'Requests for static files.', 'static_requests'),
  counter('core', 'worker_core_routed_requests_total', 'Requests that were routed.', 'routed_requests'),
  counter(
    'core',
    'worker_core_offloaded_requests_total',
    'Requests that were offloaded.',
    'offloaded_requests',
  ),
  counter('core', 'worker_core_write_errors_total', 'Errors while writing.', 'write_errors'),
  counter('core', 'worker_core_read_errors_total', 'Errors while reading.', 'read_errors'),

  counter('cache', 'cache_hits', 'Lookups that found something.', 'hits'),
  counter('cache', 'cache_misses', 'Lookups that found nothing.', 'miss'),
  counter('cache', 'cache_full', 'Times that the cache was full.', 'full'),
  gauge('cache', 'cache_items', 'Items in the cache.', 'items'),
  gauge('cache', 'cache_max_items', 'Items that the cache can hold.', 'max_items'),
]

/** The metrics of the targets, and `uwsgi_up`, which has no labels: 1 if every target has stats, otherwise 0. */
export function uwsgiFamilies(readings: readonly Reading[]): Family[] {
  const up = readings.filter((reading) => 'stats' in reading)
  const isUp = Number(up.length === readings.length)
  return [
    single('uwsgi_up', 'gauge', 'Whether every target responded with a stats document.', isUp),
    ...familiesOf(ROWS, thingsOf(up)),
  ]
}

/** Labels are in alphabetical order, as on the page of the Go program. */
function thingsOf(up: readonly { target: string; stats: Stats }[]): Things<Kinds> {
  const target = up.map(({ target: uri, stats }) => ({ labels: labelled({ stats_uri: uri }), thing: stats }))
  const worker = firstOfEach(
    target.flatMap(({ labels, thing: { workers = [] } }) =>
      workers.map((thing) => ({ labels: `${labels},worker_id="${thing.id}"`, thing })),
    ),
  )
  return {
    target,
    worker,
    socket: partsOf(
      target,
      ({ sockets }) => sockets,
      ({ name, proto }) => labelled({ name, proto }),
    ),
    app: partsOf(
      worker,
      ({ apps }) => apps,
      ({ id, chdir, mountpoint }) => labelled({ app_id: String(id), chdir, mountpoint }),
    ),
    // Present only with --collect.cores.
    core: partsOf(
      worker,
      ({ cores }) => cores,
      ({ id }) => `core_id="${id}"`,
    ),
    cache: partsOf(
      target,
      ({ caches }) => caches,
      ({ name }) => labelled({ name }),
    ),
  }
}

/** The parts of each thing, with their labels before those of the thing. */
const partsOf = <Thing, Part>(
  things: readonly Labelled<Thing>[],
  listOf: (thing: Thing) => readonly Part[] | undefined,
  labelsOf: (part: Part) => string,
): Labelled<Part>[] =>
  firstOfEach(
    things.flatMap(({ labels, thing }) =>
      (listOf(thing) ?? []).map((part) => ({ labels: `${labelsOf(part)},${labels}`, thing: part })),
    ),
  )
