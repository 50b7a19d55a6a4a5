/**
 * uWSGI's stats document (docs: "The uWSGI Stats Server") with our own keys beside its own, built from plain facts.
 * Integers only, and nothing of any request in it: readers written for uWSGI decode it strictly.
 */

export type StatsDocument = ReturnType<typeof statsDocument>
export type WorkerStats = ReturnType<typeof workerStats>

/** How a worker is, apart from how busy it is. */
export type WorkerStatus = 'starting' | 'ready' | 'draining' | 'hung' | 'dead'

/** What is known of one worker when the document is made. Times are milliseconds. */
export interface WorkerFacts {
  id: number
  /** 0 for none. */
  pid: number
  status: WorkerStatus
  startedEpochMs: number
  requests: number
  /** Since the last spawn. */
  newRequests: number
  exceptions: number
  sentBytes: number
  busyMs: number
  inFlight: number
  oldestRequestMs: number
  heartbeatAgeMs: number
  eventLoopLagMs: number
  rssBytes: number
  vszBytes: number
  cpuUs: number
  openFiles: number
  spawns: number
  exits: Record<string, number>
}

export interface SocketFacts {
  name: string
  /** Connections that wait, one number for each listener. */
  lengths: readonly number[]
  /** How many may wait at one listener. */
  limit: number
}

export interface FamilyFacts {
  name: string
  version: string
  pid: number
  cwd: string
  sockets: SocketFacts[]
  listenOverflows: number | undefined
  workers: WorkerFacts[]
  reloads: number
  reloadsFailed: number
  /** 0 for never. */
  lastReloadEpochMs: number
}

export function statsDocument(family: FamilyFacts) {
  const longestQueue = Math.max(0, ...family.sockets.flatMap(({ lengths }) => lengths))
  return {
    version: family.version,
    listen_queue: longestQueue,
    /** uWSGI never counts them; ours are `listen_overflows`. */
    listen_queue_errors: 0,
    signal_queue: 0,
    load: longestQueue,
    pid: family.pid,
    uid: process.getuid?.() ?? 0,
    gid: process.getgid?.() ?? 0,
    cwd: family.cwd,
    daemons: [],
    locks: [],
    // uwsgi_exporter takes the first of several entries of one name: the listeners of a port are one entry.
    sockets: family.sockets.map(({ name, lengths, limit }) => ({
      name,
      proto: 'http',
      queue: lengths.reduce((sum, length) => sum + length, 0),
      max_queue: lengths.length * limit,
      shared: 0,
      can_offload: 0,
    })),
    workers: family.workers.map(workerStats),
    name: family.name,
    // Of the whole network namespace, not of this family. Absent where the kernel does not tell.
    ...(family.listenOverflows === undefined ? {} : { listen_overflows: family.listenOverflows }),
    reloads: family.reloads,
    reloads_failed: family.reloadsFailed,
    last_reload: Math.floor(family.lastReloadEpochMs / 1000),
  }
}

/** Times are microseconds, `last_spawn` seconds since the epoch. */
function workerStats(worker: WorkerFacts) {
  const isBusy = worker.inFlight > 0
  return {
    id: worker.id,
    pid: worker.pid,
    accepting: worker.status === 'ready' ? 1 : 0,
    requests: worker.requests,
    delta_requests: worker.newRequests,
    exceptions: worker.exceptions,
    harakiri_count: worker.exits.harakiri ?? 0,
    signals: 0,
    signal_queue: 0,
    status: worker.status === 'dead' ? 'cheap' : isBusy ? 'busy' : 'idle',
    rss: worker.rssBytes,
    vsz: worker.vszBytes,
    running_time: microseconds(worker.busyMs),
    last_spawn: Math.floor(worker.startedEpochMs / 1000),
    respawn_count: worker.spawns,
    tx: worker.sentBytes,
    avg_rt: worker.requests === 0 ? 0 : microseconds(worker.busyMs / worker.requests),
    apps: [],
    cores: [],
    state: worker.status === 'ready' && isBusy ? 'busy' : worker.status,
    in_flight: worker.inFlight,
    cpu_us: Math.round(worker.cpuUs),
    heartbeat_age_us: microseconds(worker.heartbeatAgeMs),
    eventloop_lag_us: microseconds(worker.eventLoopLagMs),
    oldest_request_us: microseconds(worker.oldestRequestMs),
    open_files: worker.openFiles,
    exits: { ...worker.exits },
  }
}

const microseconds = (milliseconds: number): number => Math.round(milliseconds * 1000)
