/** The namespace `prefork`: metrics of process clusters, with values that uWSGI's document does not have. */
import { BUILD } from '../config/version.ts'
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
  type Value,
} from './metric_table.ts'
import { type App, type Cache, type Stats, type Worker, WORKER_STATES } from '../stats/parse.ts'
import type { Reading } from '../stats/scrape.ts'

interface Kinds {
  target: Reading
  cluster: Stats
  state: number
  reload: Value
  socket: { queue: Value; max_queue: Value }
  worker: Worker
  exit: Value
  app: App
  cache: Cache
}

/** No counter, size or age can be negative, so such a value has no series. */
const publish = (value: Value): Value => (value === undefined || value < 0 ? undefined : value)

const { gauge, counter } = rowsOf<Kinds>('prefork_', publish)

const ROWS = [
  gauge('state', 'workers', 'Workers by state.', (count: number) => count),
  counter('worker', 'worker_requests_total', 'Completed requests.', 'requests'),
  counter('worker', 'worker_exceptions_total', 'Errors thrown by handlers.', 'exceptions'),
  counter('worker', 'worker_transmitted_bytes_total', 'Bytes sent in responses.', 'tx'),
  counter('worker', 'worker_running_seconds_total', 'Time spent in requests.', (w) =>
    seconds(w.running_time),
  ),
  counter('worker', 'worker_cpu_seconds_total', 'CPU time, user and system.', (w) => seconds(w.cpu_us)),
  counter('worker', 'worker_respawns_total', 'Starts after the first.', (w) => respawns(w.respawn_count)),
  counter('exit', 'worker_exits_total', 'Exits by reason.', (count) => count),
  gauge('worker', 'worker_in_flight', 'Requests in flight.', 'in_flight'),
  gauge('worker', 'worker_resident_memory_bytes', 'Resident memory.', (w) => positive(w.rss)),
  gauge('worker', 'worker_virtual_memory_bytes', 'Virtual memory.', (w) => positive(w.vsz)),
  gauge('worker', 'worker_open_files', 'Open file descriptors.', 'open_files'),
  gauge('worker', 'worker_heartbeat_age_seconds', 'Time since the last turn of the event loop.', (w) =>
    seconds(w.heartbeat_age_us),
  ),
  gauge('worker', 'worker_eventloop_lag_seconds', 'Delay of the last turn of the event loop.', (w) =>
    seconds(w.eventloop_lag_us),
  ),
  gauge(
    'worker',
    'worker_oldest_request_seconds',
    'Age of the oldest request in flight, 0 if there is none.',
    (w) => seconds(w.oldest_request_us),
  ),
  gauge(
    'worker',
    'worker_last_spawn_timestamp_seconds',
    'Start time of the process, Unix time.',
    'last_spawn',
  ),
  counter('reload', 'reloads_total', 'Rolling reloads by result.', (count) => count),
  gauge(
    'cluster',
    'last_reload_timestamp_seconds',
    'End of the last reload, Unix time; absent before the first.',
    (c) => positive(c.last_reload),
  ),
  gauge('socket', 'listen_queue_length', 'Connections that wait to be accepted.', 'queue'),
  gauge('socket', 'listen_queue_limit', 'Limit of the listen queue.', 'max_queue'),
  counter(
    'target',
    'listen_overflows_total',
    'Connections that met a full listen queue, in the whole network namespace of the target: do not sum over targets.',
    (t) => ('stats' in t ? t.stats.listen_overflows : undefined),
  ),

  // Only uWSGI has these.
  counter('worker', 'worker_signals_total', 'uWSGI signals received.', (w) => w.uwsgiSignals),
  counter('app', 'worker_app_requests_total', 'Requests to the app.', 'requests'),
  counter('app', 'worker_app_exceptions_total', 'Exceptions of the app.', 'exceptions'),
  gauge('app', 'worker_app_startup_seconds', 'Time that the app took to load.', 'startup_time'),
  counter('cache', 'cache_hits_total', 'Lookups that found something.', 'hits'),
  counter('cache', 'cache_misses_total', 'Lookups that found nothing.', 'miss'),
  counter('cache', 'cache_full_total', 'Times that the cache was full.', 'full'),
  gauge('cache', 'cache_items', 'Items in the cache.', 'items'),
  gauge('cache', 'cache_items_limit', 'Items that the cache can hold.', 'max_items'),
]

const ofTargets = rowsOf<Kinds>('exporter_target_', publish)

const TARGET_ROWS = [
  ofTargets.gauge('target', 'up', '1 if the target responded with a stats document.', (t) =>
    Number('stats' in t),
  ),
  ofTargets.gauge('target', 'scrape_duration_seconds', 'Duration of reading the target.', 'durationSeconds'),
]

const BUILD_INFO = single(
  'exporter_build_info',
  'gauge',
  'Versions of the exporter and of Bun.',
  1,
  labelled(BUILD),
)

/** The metrics of some targets, and whether each could be read. */
export const preforkFamilies = (readings: readonly Reading[]): Family[] =>
  familiesOf([...ROWS, ...TARGET_ROWS], thingsOf(readings))

/** The metrics page: the same, and the version of the exporter. */
export const preforkPage = (readings: readonly Reading[]): Family[] => [
  ...preforkFamilies(readings),
  BUILD_INFO,
]

function thingsOf(readings: readonly Reading[]): Things<Kinds> {
  const up = readings.flatMap((reading) => {
    if (!('stats' in reading)) return []
    const { stats, target } = reading
    return [{ labels: labelled({ app: stats.name ?? target, target }), thing: stats }]
  })
  const worker = firstOfEach(
    up.flatMap(({ labels, thing: { workers = [] } }) =>
      workers.map((thing) => ({ labels: `${labels},worker="${thing.id}"`, thing })),
    ),
  )
  return {
    target: readings.map((thing) => ({ labels: labelled({ target: thing.target }), thing })),
    cluster: up,
    state: up.flatMap(({ labels, thing: { workers } }) =>
      (workers ? WORKER_STATES : []).map((state) => ({
        labels: `${labels},state="${state}"`,
        thing: workers!.filter((each) => each.state === state).length,
      })),
    ),
    reload: up.flatMap(({ labels, thing: { reloads, reloads_failed } }) => [
      { labels: `${labels},result="success"`, thing: reloads },
      { labels: `${labels},result="failure"`, thing: reloads_failed },
    ]),
    socket: up.flatMap(socketsOf),
    worker,
    exit: worker.flatMap(({ labels, thing: { exits } }) =>
      Object.entries(exits).map(([reason, thing]) => ({
        labels: `${labels},${labelled({ reason })}`,
        thing,
      })),
    ),
    app: firstOfEach(
      worker.flatMap(({ labels, thing: { apps = [] } }) =>
        apps.map((thing) => ({
          labels: `${labels},${labelled({ app_id: String(thing.id), mountpoint: thing.mountpoint, chdir: thing.chdir })}`,
          thing,
        })),
      ),
    ),
    cache: firstOfEach(
      up.flatMap(({ labels, thing: { caches = [] } }) =>
        caches.map((thing) => ({ labels: `${labels},${labelled({ cache: thing.name })}`, thing })),
      ),
    ),
  }
}

/** Listeners that share an address (SO_REUSEPORT) have a queue each; the queues are added. */
function socketsOf({ labels, thing: { sockets = [] } }: Labelled<Stats>): Labelled<Kinds['socket']>[] {
  const named = sockets.filter(({ name }) => name !== '')
  const byName = Map.groupBy(named, ({ name }) => name)
  return Array.from(byName, ([name, listeners]) => ({
    labels: `${labels},${labelled({ socket: name })}`,
    thing: {
      queue: sumOf(listeners.map(({ queue }) => queue)),
      max_queue: sumOf(listeners.map(({ max_queue }) => max_queue)),
    },
  }))
}

function sumOf(values: readonly Value[]): Value {
  const known = values.filter((value) => value !== undefined)
  return known.length === 0 ? undefined : known.reduce((sum, value) => sum + value)
}

/** A process has memory and a reload has a time: 0 means that the value is unknown. */
const positive = (value: Value): Value => (value === 0 ? undefined : value)

/** `respawn_count` includes the first start. */
const respawns = (spawns: Value): Value => (spawns === undefined ? undefined : Math.max(0, spawns - 1))
