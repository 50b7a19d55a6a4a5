/**
 * The namespace `uwsgi`: names, types and labels of uwsgi_exporter 1.3, so that its dashboards and alerts work unchanged.
 * This includes its errors: `running_time_seconds` is a gauge.
 * https://github.com/timonwong/uwsgi_exporter/blob/v1.3.0/pkg/collector/exporter.go
 */
import {
  type Family,
  familiesOf,
  labelled,
  rowsOf,
  seconds,
  single,
  type Things,
  type Value,
} from './metric_table.ts'
import type { App, Cache, Core, Socket, Stats, Worker } from '../stats/parse.ts'
import type { Reading } from '../stats/scrape.ts'

interface Kinds {
  target: Stats
  socket: Socket
  worker: Worker
  app: App
  core: Core
  cache: Cache
}

const row = rowsOf<Kinds>('uwsgi_')

const ROWS = [
  row(
    'target',
    'listen_queue_length',
    'gauge',
    'Connections in the longest listen queue.',
    (t) => t.listen_queue,
  ),
  row(
    'target',
    'listen_queue_errors',
    'gauge',
    'Errors of the listen queue; uWSGI always reports 0.',
    (t) => t.listen_queue_errors,
  ),
  row('target', 'signal_queue_length', 'gauge', 'Signals in the queue of the master.', (t) => t.signal_queue),
  row('target', 'workers', 'gauge', 'Number of workers.', (t) => t.workers?.length),

  row(
    'socket',
    'socket_queue_length',
    'gauge',
    'Connections that wait to be accepted; 0 for unix sockets.',
    (s) => s.queue,
  ),
  row(
    'socket',
    'socket_max_queue_length',
    'gauge',
    'Limit of the queue; 0 for unix sockets.',
    (s) => s.max_queue,
  ),
  row('socket', 'socket_shared', 'gauge', 'Whether the socket is shared.', (s) => s.shared),
  row(
    'socket',
    'socket_can_offload',
    'gauge',
    'Whether its requests can be offloaded.',
    (s) => s.can_offload,
  ),

  row('worker', 'worker_accepting', 'gauge', 'Whether the worker accepts requests.', (w) => w.accepting),
  row(
    'worker',
    'worker_delta_requests',
    'gauge',
    'Requests since the last start of the worker.',
    (w) => w.delta_requests,
  ),
  row(
    'worker',
    'worker_signal_queue_length',
    'gauge',
    'Signals in the queue of the worker.',
    (w) => w.signal_queue,
  ),
  row('worker', 'worker_rss_bytes', 'gauge', 'Resident memory; 0 unless uWSGI measures it.', (w) => w.rss),
  row('worker', 'worker_vsz_bytes', 'gauge', 'Virtual memory; 0 unless uWSGI measures it.', (w) => w.vsz),
  row('worker', 'worker_running_time_seconds', 'gauge', 'Time spent in requests; it only grows.', (w) =>
    seconds(w.running_time),
  ),
  row(
    'worker',
    'worker_last_spawn_time_seconds',
    'gauge',
    'Start time of the process, Unix time.',
    (w) => w.last_spawn,
  ),
  row(
    'worker',
    'worker_average_response_time_seconds',
    'gauge',
    'Moving average; half of it is the last request.',
    (w) => seconds(w.avg_rt),
  ),
  row('worker', 'worker_apps', 'gauge', 'Number of apps.', (w) => w.apps?.length),
  row('worker', 'worker_cores', 'gauge', 'Number of cores.', (w) => w.coreCount),
  row('worker', 'worker_busy', 'gauge', '1 in this status.', (w) => isInStatus(w, 'busy')),
  row('worker', 'worker_idle', 'gauge', '1 in this status.', (w) => isInStatus(w, 'idle')),
  row('worker', 'worker_cheap', 'gauge', '1 in this status; `pause` and `sigN` have no metric.', (w) =>
    isInStatus(w, 'cheap'),
  ),
  row('worker', 'worker_requests_total', 'counter', 'Requests.', (w) => w.requests),
  row('worker', 'worker_exceptions_total', 'counter', 'Exceptions.', (w) => w.exceptions),
  row(
    'worker',
    'worker_harakiri_count_total',
    'counter',
    'Kills of the worker because a request took too long.',
    (w) => w.harakiri_count,
  ),
  row('worker', 'worker_signals_total', 'counter', 'uWSGI signals received.', (w) => w.signals),
  row(
    'worker',
    'worker_respawn_count_total',
    'counter',
    'Starts of the worker, including the first.',
    (w) => w.respawn_count,
  ),
  row('worker', 'worker_transmitted_bytes_total', 'counter', 'Bytes sent in responses.', (w) => w.tx),

  row(
    'app',
    'worker_app_startup_time_seconds',
    'gauge',
    'Time that the app took to load.',
    (a) => a.startup_time,
  ),
  row('app', 'worker_app_requests_total', 'counter', 'Requests to the app.', (a) => a.requests),
  row('app', 'worker_app_exceptions_total', 'counter', 'Exceptions of the app.', (a) => a.exceptions),

  row('core', 'worker_core_busy', 'gauge', 'Whether the core is in a request.', (c) => c.in_request),
  row('core', 'worker_core_requests_total', 'counter', 'Requests of the core.', (c) => c.requests),
  row(
    'core',
    'worker_core_static_requests_total',
    'counter',
    'Requests for static files.',
    (c) => c.static_requests,
  ),
  row(
    'core',
    'worker_core_routed_requests_total',
    'counter',
    'Requests that were routed.',
    (c) => c.routed_requests,
  ),
  row(
    'core',
    'worker_core_offloaded_requests_total',
    'counter',
    'Requests that were offloaded.',
    (c) => c.offloaded_requests,
  ),
  row('core', 'worker_core_write_errors_total', 'counter', 'Errors while writing.', (c) => c.write_errors),
  row('core', 'worker_core_read_errors_total', 'counter', 'Errors while reading.', (c) => c.read_errors),

  row('cache', 'cache_hits', 'counter', 'Lookups that found something.', (c) => c.hits),
  row('cache', 'cache_misses', 'counter', 'Lookups that found nothing.', (c) => c.miss),
  row('cache', 'cache_full', 'counter', 'Times that the cache was full.', (c) => c.full),
  row('cache', 'cache_items', 'gauge', 'Items in the cache.', (c) => c.items),
  row('cache', 'cache_max_items', 'gauge', 'Items that the cache can hold.', (c) => c.max_items),
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

function thingsOf(up: readonly { target: string; stats: Stats }[]): Things<Kinds> {
  const target = up.map(({ target: uri, stats }) => ({ labels: labelled({ stats_uri: uri }), thing: stats }))
  const worker = target.flatMap(({ labels, thing: { workers = [] } }) =>
    workers.map((thing) => ({ labels: `${labels},worker_id="${thing.id}"`, thing })),
  )
  return {
    target,
    socket: target.flatMap(({ labels, thing: { sockets = [] } }) =>
      firstOfEach(sockets).map((thing) => ({
        labels: `${labelled({ name: thing.name, proto: thing.proto })},${labels}`,
        thing,
      })),
    ),
    worker,
    app: worker.flatMap(({ labels, thing: { apps = [] } }) =>
      apps.map((thing) => ({
        labels: `${labelled({ app_id: String(thing.id), chdir: thing.chdir, mountpoint: thing.mountpoint })},${labels}`,
        thing,
      })),
    ),
    // Present only with --collect.cores.
    core: worker.flatMap(({ labels, thing: { cores = [] } }) =>
      cores.map((thing) => ({ labels: `core_id="${thing.id}",${labels}`, thing })),
    ),
    cache: target.flatMap(({ labels, thing: { caches = [] } }) =>
      caches.map((thing) => ({ labels: `${labelled({ name: thing.name })},${labels}`, thing })),
    ),
  }
}

/** Listeners can share an address; like the Go program, this takes the first. */
function firstOfEach(sockets: readonly Socket[]): Socket[] {
  const groups = Map.groupBy(sockets, ({ name, proto }) => `${proto} ${name}`)
  return Array.from(groups.values(), ([first]) => first!)
}

const isInStatus = ({ status }: Worker, wanted: string): Value =>
  status === undefined ? undefined : Number(status === wanted)
