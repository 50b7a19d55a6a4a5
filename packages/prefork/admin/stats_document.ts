/**
 * Makes `/stats` from a snapshot: uWSGI's stats document (docs: "The uWSGI Stats Server") with our own keys beside uWSGI's.
 * It has integers only, because readers written for uWSGI decode it strictly, and no content of any request.
 */
import type { ClusterSnapshot, WorkerSnapshot } from './snapshot.ts'

export type StatsDocument = ReturnType<typeof statsDocument>
export type WorkerStats = ReturnType<typeof workerStats>

export function statsDocument(cluster: ClusterSnapshot) {
  const longestQueue = Math.max(0, ...cluster.sockets.flatMap(({ lengths }) => lengths))
  return {
    version: cluster.version,
    listen_queue: longestQueue,
    /** uWSGI never counts them. The true number is `listen_overflows`. */
    listen_queue_errors: 0,
    signal_queue: 0,
    load: longestQueue,
    pid: cluster.pid,
    uid: process.getuid?.() ?? 0,
    gid: process.getgid?.() ?? 0,
    cwd: cluster.cwd,
    daemons: [],
    locks: [],
    // uwsgi_exporter takes the first of several entries of one name: the listeners of a port are one entry.
    sockets: cluster.sockets.map(({ name, lengths, limit }) => ({
      name,
      proto: 'http',
      queue: lengths.reduce((sum, length) => sum + length, 0),
      max_queue: lengths.length * limit,
      shared: 0,
      can_offload: 0,
    })),
    workers: cluster.workers.map(workerStats),
    name: cluster.name,
    // Of the whole network namespace, not of this cluster. Absent where the kernel does not tell.
    ...(cluster.listenOverflows === undefined ? {} : { listen_overflows: cluster.listenOverflows }),
    reloads: cluster.reloads,
    reloads_failed: cluster.reloadsFailed,
    last_reload: Math.floor(cluster.lastReloadEpochMs / 1000),
  }
}

/** Times are microseconds, `last_spawn` seconds since the epoch. */
function workerStats(worker: WorkerSnapshot) {
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
    exits: worker.exits,
  }
}

const microseconds = (milliseconds: number): number => Math.round(milliseconds * 1000)
