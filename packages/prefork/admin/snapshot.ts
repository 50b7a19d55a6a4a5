/**
 * A snapshot of a cluster and its workers at one moment, from which stats_document.ts makes `/stats`. The master takes it of
 * all slots (master/cluster_snapshot.ts), a cluster of one process of itself (run_single.ts).
 */
import { authorityOf } from '../shared/bind.ts'
import type { Cluster } from '../shared/cluster.ts'
import { readListenOverflows, readListenQueue, readProcess } from '../shared/procfs.ts'
import { CELL } from '../shared/scoreboard.ts'

/** The state of a worker, apart from how busy it is. */
export type WorkerStatus = 'starting' | 'ready' | 'draining' | 'hung' | 'dead'

/** One slot, as its present worker stands for it. Counts are those of all its workers. Times are milliseconds. */
export interface WorkerSnapshot {
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

export interface SocketSnapshot {
  name: string
  /** Connections that wait, one number for each listener. */
  lengths: readonly number[]
  /** How many may wait at one listener. */
  limit: number
}

export interface ClusterSnapshot {
  name: string
  version: string
  pid: number
  cwd: string
  sockets: SocketSnapshot[]
  listenOverflows: number | undefined
  workers: WorkerSnapshot[]
  reloads: number
  reloadsFailed: number
  /** 0 for never. */
  lastReloadEpochMs: number
}

/** The counts of a slot that only the master can keep, over all the processes that the slot has had. */
export interface SlotCounts {
  /** By reason. */
  exits: Record<string, number>
  spawns: number
  lastSpawnEpochMs: number
  /** CPU time of the processes that have ended. */
  goneCpuUs: number
  /** Requests that the slot had answered before its present process. */
  requestsBefore: number
}

/** The worker that stands for its slot. */
export interface ShownWorker {
  pid: number
  status: WorkerStatus
  heartbeatAgeMs: number
  eventLoopLagMs: number
}

export interface SlotSources {
  id: number
  counts: SlotCounts
  /** The sum of a scoreboard cell over the slot's regions. */
  total(cell: number): number
  /** All living processes of the slot. */
  pids: readonly number[]
  oldestRequestMs: number
  /** Absent if no worker lives. */
  shown: ShownWorker | undefined
}

const NO_WORKER: ShownWorker = { pid: 0, status: 'dead', heartbeatAgeMs: 0, eventLoopLagMs: 0 }
const NO_PROCESS = { rssBytes: 0, vszBytes: 0, openFiles: 0, cpuUs: 0 }

export function slotSnapshot({
  id,
  counts,
  total,
  pids,
  oldestRequestMs,
  shown = NO_WORKER,
}: SlotSources): WorkerSnapshot {
  const processes = new Map(pids.map((pid) => [pid, processOf(pid)]))
  const requests = total(CELL.requests)
  return {
    ...NO_PROCESS,
    ...processes.get(shown.pid),
    ...shown,
    id,
    requests,
    newRequests: requests - counts.requestsBefore,
    exceptions: total(CELL.exceptions),
    sentBytes: total(CELL.sentBytes),
    busyMs: total(CELL.busyMs),
    inFlight: total(CELL.inFlight),
    oldestRequestMs,
    startedEpochMs: counts.lastSpawnEpochMs,
    cpuUs: [...processes.values()].reduce((sum, each) => sum + each.cpuUs, counts.goneCpuUs),
    spawns: counts.spawns,
    exits: counts.exits,
  }
}

/** Without /proc (another system) a process only knows its own resident memory. */
function processOf(pid: number): typeof NO_PROCESS {
  const own = pid === process.pid ? { ...NO_PROCESS, rssBytes: process.memoryUsage.rss() } : NO_PROCESS
  return readProcess(pid) ?? own
}

/** The part that does not depend on the workers. */
export function commonSnapshot(
  { name, version }: Pick<Cluster, 'name' | 'version'>,
  { hostname, port }: { hostname: string; port: number },
): Omit<ClusterSnapshot, 'workers' | 'reloads' | 'reloadsFailed' | 'lastReloadEpochMs'> {
  const queue = readListenQueue(port)
  return {
    name,
    version,
    pid: process.pid,
    cwd: process.cwd(),
    // One entry for the port, whose listeners have a queue each.
    sockets: [{ name: authorityOf(hostname, port), lengths: queue?.lengths ?? [], limit: queue?.limit ?? 0 }],
    listenOverflows: readListenOverflows(),
  }
}
