/** Takes the snapshot of a cluster with workers, from the master's state, its counts, the scoreboards and /proc. */
import {
  type ClusterSnapshot,
  commonSnapshot,
  type ShownWorker,
  slotSnapshot,
  type WorkerSnapshot,
  type WorkerStatus,
} from '../admin/snapshot.ts'
import type { Cluster } from '../shared/cluster.ts'
import type { SlotStats } from './slot_stats.ts'
import { type ClusterState, isReady, type SlotState, type WorkerState } from './state.ts'
import type { WorkerHandle } from './worker_handle.ts'

type Handles = ReadonlyMap<WorkerState, WorkerHandle>

export interface ClusterSources {
  state: ClusterState
  handles: Handles
  slotStats: SlotStats
}

export function clusterSnapshot(
  cluster: Pick<Cluster, 'name' | 'version'>,
  address: { hostname: string; port: number },
  { state, handles, slotStats }: ClusterSources,
): ClusterSnapshot {
  const nowMs = performance.now()
  const used = state.slots.filter(({ id, workers }) => id <= state.wanted || workers.length > 0)
  return {
    ...commonSnapshot(cluster, address),
    workers: used.map((slot) => snapshotOf(slot, handles, slotStats, nowMs)),
    reloads: slotStats.reloads,
    reloadsFailed: slotStats.reloadsFailed,
    lastReloadEpochMs: slotStats.lastReloadEpochMs,
  }
}

/** The worker that stands for the slot is the one that serves, or else the newest. */
function snapshotOf(
  { id, workers }: SlotState,
  handles: Handles,
  slotStats: SlotStats,
  nowMs: number,
): WorkerSnapshot {
  const worker = workers.find(isReady) ?? workers.at(-1)
  const handle = worker && handles.get(worker)
  return slotSnapshot({
    id,
    counts: slotStats.slot(id),
    total: (cell) => slotStats.total(id, cell),
    pids: workers.map(({ pid }) => pid),
    oldestRequestMs: Math.max(0, ...workers.map((each) => handles.get(each)?.oldest(nowMs)?.ageMs ?? 0)),
    shown: worker && handle && shownWorker(worker, handle, nowMs),
  })
}

const shownWorker = (worker: WorkerState, handle: WorkerHandle, nowMs: number): ShownWorker => ({
  pid: worker.pid,
  status: statusOf(worker, handle, nowMs),
  heartbeatAgeMs: handle.heartbeatAgeMs(nowMs),
  eventLoopLagMs: handle.lagMs,
})

function statusOf(worker: WorkerState, handle: WorkerHandle, nowMs: number): WorkerStatus {
  if (worker.phase !== 'ready') return worker.phase === 'starting' ? 'starting' : 'draining'
  return handle.isHung(nowMs) ? 'hung' : 'ready'
}
