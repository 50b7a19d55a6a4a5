/** What is known of a family at one moment, gathered from where each fact is: its state, its tally, its loop, /proc. */
import type { EventLoop } from '@bun-monitoring/metrics'
import { readListenOverflows, readListenQueue, readProcess } from './procfs.ts'
import type { FamilyFacts } from './stats.ts'
import type { RequestTally } from './tally.ts'
import type { Served } from './worker.ts'

/** Where a family is in its life. */
export interface FamilyState {
  startedEpochMs: number
  served: Served | undefined
  isDraining: boolean
}

/** Where there is no /proc: memory is all that a process can tell of itself. */
const processFallback = () => ({ rssBytes: process.memoryUsage.rss(), vszBytes: 0, cpuUs: 0, openFiles: 0 })

export function familyFacts(
  { name, version }: { name: string; version: string },
  { startedEpochMs, served, isDraining }: FamilyState,
  tally: RequestTally,
  loop: EventLoop,
): FamilyFacts {
  const nowMs = performance.now()
  const worker = {
    id: 1,
    pid: process.pid,
    isServing: served !== undefined,
    isDraining,
    startedEpochMs,
    requests: tally.requests,
    exceptions: tally.exceptions,
    sentBytes: tally.sentBytes,
    busyMs: tally.busyMs,
    inFlight: tally.inFlight,
    oldestRequestMs: tally.oldestMs(nowMs),
    heartbeatAgeMs: nowMs - loop.turnedMs,
    eventLoopLagMs: loop.lagMs,
    ...(readProcess(process.pid) ?? processFallback()),
  }
  return {
    name,
    version,
    pid: process.pid,
    cwd: process.cwd(),
    sockets: served ? [listenSocket(served)] : [],
    listenOverflows: readListenOverflows(),
    workers: [worker],
  }
}

function listenSocket({ hostname, port }: Served) {
  return { name: `${hostname}:${port}`, ...(readListenQueue(port) ?? { length: 0, limit: 0 }) }
}
