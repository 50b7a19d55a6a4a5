/** The namespace `prefork`: metrics of process clusters, with values that uWSGI's document does not have. */
import { BUILD } from '../config/version.ts'
import {
  type Family,
  familiesOf,
  type Labelled,
  labelled,
  rowsOf,
  seconds,
  single,
  type Things,
  type Value,
} from './metric_table.ts'
import { type Stats, type Worker, WORKER_STATES } from '../stats/parse.ts'
import type { Reading } from '../stats/scrape.ts'

interface Kinds {
  target: Reading
  cluster: Stats
  state: number
  reload: Value
  socket: { queue: Value; max_queue: Value }
  worker: Worker
  exit: Value
}

const row = rowsOf<Kinds>('prefork_')

const ROWS = [
  row('state', 'workers', 'gauge', 'Workers by state.', (count) => count),
  row('worker', 'worker_requests_total', 'counter', 'Completed requests.', (w) => w.requests),
  row('worker', 'worker_exceptions_total', 'counter', 'Errors thrown by handlers.', (w) => w.exceptions),
  row('worker', 'worker_transmitted_bytes_total', 'counter', 'Bytes sent in responses.', (w) => w.tx),
  row('worker', 'worker_running_seconds_total', 'counter', 'Time spent in requests.', (w) =>
    seconds(w.running_time),
  ),
  row('worker', 'worker_cpu_seconds_total', 'counter', 'CPU time, user and system.', (w) =>
    seconds(w.cpu_us),
  ),
  row('worker', 'worker_respawns_total', 'counter', 'Starts after the first.', (w) =>
    respawns(w.respawn_count),
  ),
  row('exit', 'worker_exits_total', 'counter', 'Exits by reason.', (count) => count),
  row('worker', 'worker_in_flight', 'gauge', 'Requests in flight.', (w) => w.in_flight),
  row('worker', 'worker_resident_memory_bytes', 'gauge', 'Resident memory.', (w) => w.rss),
  row('worker', 'worker_virtual_memory_bytes', 'gauge', 'Virtual memory.', (w) => w.vsz),
  row('worker', 'worker_open_files', 'gauge', 'Open file descriptors.', (w) => w.open_files),
  row('worker', 'worker_heartbeat_age_seconds', 'gauge', 'Time since the last turn of the event loop.', (w) =>
    seconds(w.heartbeat_age_us),
  ),
  row('worker', 'worker_eventloop_lag_seconds', 'gauge', 'Delay of the last turn of the event loop.', (w) =>
    seconds(w.eventloop_lag_us),
  ),
  row(
    'worker',
    'worker_oldest_request_seconds',
    'gauge',
    'Age of the oldest request in flight, 0 if there is none.',
    (w) => seconds(w.oldest_request_us),
  ),
  row(
    'worker',
    'worker_last_spawn_timestamp_seconds',
    'gauge',
    'Start time of the process, Unix time.',
    (w) => w.last_spawn,
  ),
  row('reload', 'reloads_total', 'counter', 'Rolling reloads by result.', (count) => count),
  row(
    'cluster',
    'last_reload_timestamp_seconds',
    'gauge',
    'End of the last reload, Unix time; absent before the first.',
    (c) => (c.last_reload === 0 ? undefined : c.last_reload),
  ),
  row('socket', 'listen_queue_length', 'gauge', 'Connections that wait to be accepted.', (s) => s.queue),
  row('socket', 'listen_queue_limit', 'gauge', 'Limit of the listen queue.', (s) => s.max_queue),
  row(
    'target',
    'listen_overflows_total',
    'counter',
    'Connections that met a full listen queue, in the whole network namespace of the target: do not sum over targets.',
    (t) => ('stats' in t ? t.stats.listen_overflows : undefined),
  ),
]

const own = rowsOf<Kinds>('exporter_target_')

const OWN_ROWS = [
  own('target', 'up', 'gauge', '1 if the target responded with a stats document.', (t) =>
    Number('stats' in t),
  ),
  own(
    'target',
    'scrape_duration_seconds',
    'gauge',
    'Duration of reading the target.',
    (t) => t.durationSeconds,
  ),
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
  familiesOf([...ROWS, ...OWN_ROWS], thingsOf(readings))

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
  const worker = up.flatMap(({ labels, thing: { workers = [] } }) =>
    workers.map((thing) => ({ labels: `${labels},worker="${thing.id}"`, thing })),
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
  }
}

/** Listeners that share an address (SO_REUSEPORT) have a queue each; the queues are added. */
function socketsOf({ labels, thing: { sockets = [] } }: Labelled<Stats>): Labelled<Kinds['socket']>[] {
  const byName = Map.groupBy(sockets, ({ name }) => name)
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

/** `respawn_count` includes the first start. */
const respawns = (spawns: Value): Value => (spawns === undefined ? undefined : Math.max(0, spawns - 1))
