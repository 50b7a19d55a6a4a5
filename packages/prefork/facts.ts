/** What is known of a family at one moment, gathered from where each fact is: state, ledger, boards, /proc. */
import { authorityOf } from './bind.ts'
import { CELL } from './board.ts'
import type { Family } from './family.ts'
import type { WorkerHandle } from './handle.ts'
import type { Ledger } from './ledger.ts'
import { readListenOverflows, readListenQueue, readProcess } from './procfs.ts'
import { type FamilyState, isReady, type SlotState, type WorkerState } from './state.ts'
import type { FamilyFacts, SocketFacts, WorkerFacts, WorkerStatus } from './stats.ts'

/** What a master knows. */
export interface MasterKnowledge {
  state: FamilyState
  handles: ReadonlyMap<WorkerState, WorkerHandle>
  ledger: Ledger
}

export function familyFacts(
  { name, version }: Pick<Family, 'name' | 'version'>,
  address: { hostname: string; port: number },
  { state, handles, ledger }: MasterKnowledge,
): FamilyFacts {
  const nowMs = performance.now()
  const used = state.slots.filter(({ id, workers }) => id <= state.wanted || workers.length > 0)
  return {
    ...ownFacts({ name, version }, address),
    workers: used.map((slot) => slotFacts(slot, handles, ledger, nowMs)),
    reloads: ledger.reloads,
    reloadsFailed: ledger.reloadsFailed,
    lastReloadEpochMs: ledger.lastReloadEpochMs,
  }
}

/** What does not depend on who the workers are. */
export function ownFacts(
  { name, version }: Pick<Family, 'name' | 'version'>,
  address: { hostname: string; port: number },
) {
  return {
    name,
    version,
    pid: process.pid,
    cwd: process.cwd(),
    sockets: listenSockets(address),
    listenOverflows: readListenOverflows(),
  }
}

/** One worker stands for the slot: the one that serves, or else the newest. What was counted is that of all. */
function slotFacts(
  { id, workers }: SlotState,
  handles: ReadonlyMap<WorkerState, WorkerHandle>,
  ledger: Ledger,
  nowMs: number,
): WorkerFacts {
  const shown = workers.findLast(isReady) ?? workers.at(-1)
  const handle = shown && handles.get(shown)
  const account = ledger.slot(id)
  const processes = new Map(workers.map((worker) => [worker, readProcess(worker.pid)]))
  const cpuUs = [...processes.values()].reduce((sum, facts) => sum + (facts?.cpuUs ?? 0), account.goneCpuUs)
  const counted = countedOn((cell) => ledger.total(id, cell))
  return {
    ...NO_PROCESS,
    ...(shown && processes.get(shown)),
    ...counted,
    id,
    pid: shown?.pid ?? 0,
    status: statusOf(shown, handle, nowMs),
    startedEpochMs: account.lastSpawnEpochMs,
    newRequests: counted.requests - account.requestsBefore,
    oldestRequestMs: Math.max(0, ...workers.map((each) => handles.get(each)?.oldest(nowMs)?.ageMs ?? 0)),
    heartbeatAgeMs: handle?.heartbeatAgeMs(nowMs) ?? 0,
    eventLoopLagMs: handle?.lagMs ?? 0,
    cpuUs,
    spawns: account.spawns,
    exits: account.exits,
  }
}

/** What workers count of themselves. */
export const countedOn = (valueOf: (cell: number) => number) => ({
  requests: valueOf(CELL.requests),
  exceptions: valueOf(CELL.exceptions),
  sentBytes: valueOf(CELL.sentBytes),
  busyMs: valueOf(CELL.busyMs),
  inFlight: valueOf(CELL.inFlight),
})

const NO_PROCESS = { rssBytes: 0, vszBytes: 0, openFiles: 0 }

function statusOf(
  worker: WorkerState | undefined,
  handle: WorkerHandle | undefined,
  nowMs: number,
): WorkerStatus {
  if (!worker || !handle) return 'dead'
  if (worker.phase !== 'ready') return worker.phase === 'starting' ? 'starting' : 'draining'
  return handle.isHung(nowMs) ? 'hung' : 'ready'
}

/** One entry for the port, whose listeners have a queue each. */
function listenSockets({ hostname, port }: { hostname: string; port: number }): SocketFacts[] {
  const queue = readListenQueue(port)
  return [{ name: authorityOf(hostname, port), lengths: queue?.lengths ?? [], limit: queue?.limit ?? 0 }]
}
