/**
 * What is published, as one list: each family with its name, help and type, and where its samples come from. Pure:
 * readings in, families out. A value that a document does not have gives no sample, never a made-up 0.
 */
import { type Stats, type Worker, WORKER_STATES } from './parse.ts'
import type { Reading } from './scrape.ts'
import type { MetricFamily, Sample } from './text.ts'

/** A family, and the samples of it that one target gives. */
interface Collector extends Omit<MetricFamily, 'samples'> {
  collect(reading: Reading): Sample[]
}

type Type = MetricFamily['type']
type Value = number | undefined

const COLLECTORS: readonly Collector[] = [
  perFamily('prefork_workers', 'gauge', 'Workers by state.', ({ workers }) =>
    WORKER_STATES.flatMap((state) =>
      sample({ state }, workers?.filter((worker) => worker.state === state).length),
    ),
  ),
  perWorker('requests_total', 'counter', 'Requests that were answered.', (w) => w.requests),
  perWorker('exceptions_total', 'counter', 'Errors that a handler threw.', (w) => w.exceptions),
  perWorker('transmitted_bytes_total', 'counter', 'Bytes that were sent in answers.', (w) => w.tx),
  perWorker('running_seconds_total', 'counter', 'Time spent in requests.', (w) => seconds(w.running_time)),
  perWorker('cpu_seconds_total', 'counter', 'CPU time, user and system.', (w) => seconds(w.cpu_us)),
  perWorker('respawns_total', 'counter', 'Starts after the first.', (w) => respawns(w.respawn_count)),
  perFamily('prefork_worker_exits_total', 'counter', 'Exits by reason.', ({ workers }) =>
    (workers ?? []).flatMap((worker) =>
      Object.entries(worker.exits).flatMap(([reason, count]) =>
        sample({ worker: String(worker.id), reason: reason.toWellFormed() }, count),
      ),
    ),
  ),
  perWorker('in_flight', 'gauge', 'Requests being served now.', (w) => w.in_flight),
  perWorker('resident_memory_bytes', 'gauge', 'Resident memory.', (w) => w.rss),
  perWorker('virtual_memory_bytes', 'gauge', 'Virtual memory.', (w) => w.vsz),
  perWorker('open_files', 'gauge', 'Open file descriptors.', (w) => w.open_files),
  perWorker('heartbeat_age_seconds', 'gauge', 'Time since the event loop last turned.', (w) =>
    seconds(w.heartbeat_age_us),
  ),
  perWorker('eventloop_lag_seconds', 'gauge', 'How late the event loop was when it last turned.', (w) =>
    seconds(w.eventloop_lag_us),
  ),
  perWorker('oldest_request_seconds', 'gauge', 'Age of the oldest request being served, 0 for none.', (w) =>
    seconds(w.oldest_request_us),
  ),
  perWorker(
    'last_spawn_timestamp_seconds',
    'gauge',
    'Start of the present process, Unix time.',
    (w) => w.last_spawn,
  ),
  perFamily('prefork_reloads_total', 'counter', 'Rolling reloads by result.', (stats) => [
    ...sample({ result: 'success' }, stats.reloads),
    ...sample({ result: 'failure' }, stats.reloads_failed),
  ]),
  perFamily(
    'prefork_last_reload_timestamp_seconds',
    'gauge',
    'End of the last reload, Unix time; absent before the first.',
    ({ last_reload: time }) => sample({}, time === 0 ? undefined : time),
  ),
  perFamily('prefork_listen_queue_length', 'gauge', 'Connections waiting to be accepted.', (stats) =>
    perSocket(stats, 'queue'),
  ),
  perFamily('prefork_listen_queue_limit', 'gauge', 'Most connections that may wait.', (stats) =>
    perSocket(stats, 'max_queue'),
  ),
  perTarget(
    'prefork_listen_overflows_total',
    'counter',
    'Connections that found a full queue, in the whole network namespace of the target: do not add targets up.',
    (reading) => ('stats' in reading ? reading.stats.listen_overflows : undefined),
  ),
  perTarget('exporter_target_up', 'gauge', '1 if the target answered with a stats document.', (reading) =>
    'stats' in reading ? 1 : 0,
  ),
  perTarget(
    'exporter_target_scrape_duration_seconds',
    'gauge',
    'Time that reading the target took.',
    (reading) => reading.durationSeconds,
  ),
]

/** All families of a scrape; those without samples, too. `build` is what `exporter_build_info` tells. */
export function familiesOf(readings: readonly Reading[], build: Sample['labels']): MetricFamily[] {
  const families = COLLECTORS.map(({ name, type, help, collect }) => ({
    name,
    type,
    help,
    samples: readings.flatMap((reading) => collect(reading)),
  }))
  return [
    ...families,
    {
      name: 'exporter_build_info',
      type: 'gauge',
      help: 'Versions of the exporter and of Bun.',
      samples: sample(build, 1),
    },
  ]
}

function perTarget(name: string, type: Type, help: string, valueOf: (reading: Reading) => Value): Collector {
  return { name, type, help, collect: (reading) => sample({ target: reading.target }, valueOf(reading)) }
}

function perFamily(name: string, type: Type, help: string, samplesOf: (stats: Stats) => Sample[]): Collector {
  const collect = (reading: Reading) => {
    if (!('stats' in reading)) return []
    const { stats, target } = reading
    const own = { app: stats.name ?? target, target }
    return samplesOf(stats).map(({ labels, value }) => ({ labels: { ...own, ...labels }, value }))
  }
  return { name, type, help, collect }
}

function perWorker(name: string, type: Type, help: string, valueOf: (worker: Worker) => Value): Collector {
  return perFamily(`prefork_worker_${name}`, type, help, ({ workers }) =>
    (workers ?? []).flatMap((worker) => sample({ worker: String(worker.id) }, valueOf(worker))),
  )
}

/** Listeners that share an address (SO_REUSEPORT) have a queue each: they are added. */
function perSocket({ sockets }: Stats, key: 'queue' | 'max_queue'): Sample[] {
  const sums = new Map<string, number>()
  for (const { name, [key]: value } of sockets ?? []) {
    if (value !== undefined) sums.set(name, (sums.get(name) ?? 0) + value)
  }
  return Array.from(sums, ([socket, value]) => ({ labels: { socket }, value }))
}

const sample = (labels: Sample['labels'], value: Value): Sample[] =>
  value === undefined ? [] : [{ labels, value }]

const seconds = (microseconds: Value): Value => (microseconds === undefined ? undefined : microseconds / 1e6)

/** uWSGI counts the first start, too. */
const respawns = (spawns: Value): Value => (spawns === undefined ? undefined : Math.max(0, spawns - 1))
