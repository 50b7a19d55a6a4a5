/**
 * Decides what the master does now: a pure function of state, policy and time. Each turn asks the same questions in the same
 * order. Each answer is a list of actions, which is empty if there is nothing to do.
 */
import type { ExitReason, ClusterState, SlotState, Vitals, WorkerState } from './state.ts'
import { freeRegion, isDraining, isReady, isStarting, workersOf } from './state.ts'

/** Limits for workers. Times are milliseconds; 0 switches a limit off. */
export interface Policy {
  bootTimeoutMs: number
  harakiriMs: number
  maxRequests: number
  maxRequestsDelta: number
  maxLifetimeMs: number
  reloadOnRssBytes: number
}

export type Action =
  /** `prepare`: the worker runs the migrations. `replaces`: the worker that drains when this one is ready, and why. */
  | { do: 'spawn'; slot: number; region: number; prepare: boolean; replaces?: Replaced }
  | { do: 'drain'; worker: WorkerState; reason: ExitReason; isReplaced: boolean }
  | { do: 'kill'; worker: WorkerState; reason: ExitReason }
  | { do: 'endReload' }
  | { do: 'exit' }

interface Replaced {
  worker: WorkerState
  reason: ExitReason
}

export function decide(
  state: ClusterState,
  vitalsOf: (worker: WorkerState) => Vitals,
  policy: Policy,
  nowMs: number,
): Action[] {
  const overdue = timeOut(state, vitalsOf, policy, nowMs)
  if (overdue.length > 0) return overdue
  if (state.isStopping) return stop(state)
  return [
    ...cull(state),
    ...spawn(state, nowMs),
    ...replace(state, (worker) => whyReplace(worker, state, vitalsOf(worker), policy, nowMs), nowMs),
    ...endReload(state),
  ]
}

/** Kills workers that took too long to boot, to turn their event loop, or to drain. */
function timeOut(
  state: ClusterState,
  vitalsOf: (worker: WorkerState) => Vitals,
  { bootTimeoutMs, harakiriMs }: Policy,
  nowMs: number,
): Action[] {
  return workersOf(state).flatMap((worker): Action[] => {
    const { phase, bootsSinceMs = Infinity, deadlineMs = Infinity, reason } = worker
    if (phase === 'killed') return []
    if (phase === 'starting') {
      const isOverdue = bootTimeoutMs > 0 && nowMs - bootsSinceMs > bootTimeoutMs
      return isOverdue ? [{ do: 'kill', worker, reason: 'crash' }] : []
    }
    if (nowMs >= deadlineMs) return [{ do: 'kill', worker, reason: reason ?? 'stop' }]
    const isHung = harakiriMs > 0 && !worker.isPreparing && vitalsOf(worker).heartbeatAgeMs > harakiriMs
    return isHung ? [{ do: 'kill', worker, reason: 'harakiri' }] : []
  })
}

/** Ends all workers. */
function stop(state: ClusterState): Action[] {
  const workers = workersOf(state)
  if (workers.length === 0) return [{ do: 'exit' }]
  return workers.flatMap((worker) => {
    // A draining worker stops waiting for its successor or its silent clients.
    const mustHurry = isDraining(worker) && worker.isReplaced !== false
    return mustHurry
      ? [{ do: 'drain', worker, reason: worker.reason ?? 'stop', isReplaced: false }]
      : end(worker, 'stop', false)
  })
}

/** A worker that serves drains. So does one that runs the migrations: it may finish them. One that boots is killed. */
function end(worker: WorkerState, reason: ExitReason, isReplaced: boolean): Action[] {
  if (isReady(worker)) return [{ do: 'drain', worker, reason, isReplaced }]
  if (!isStarting(worker)) return []
  return worker.isPreparing
    ? [{ do: 'drain', worker, reason, isReplaced: false }]
    : [{ do: 'kill', worker, reason }]
}

/** Ends surplus workers: those in slots above `wanted`, and those whose successor is ready. One that drains already is told. */
function cull({ slots, wanted }: ClusterState): Action[] {
  return slots.flatMap(({ id, workers }): Action[] => {
    if (id > wanted) return workers.flatMap((worker) => end(worker, 'scale', true))
    const waiting = workers.find((worker) => isDraining(worker) && worker.isReplaced === undefined)
    if (waiting && workers.some(isReady)) {
      return [{ do: 'drain', worker: waiting, reason: waiting.reason!, isReplaced: true }]
    }
    const [predecessor, successor] = workers.filter(isReady)
    if (!predecessor || !successor) return []
    return [{ do: 'drain', worker: predecessor, reason: predecessor.reason ?? 'reload', isReplaced: true }]
  })
}

/** Gives each slot a worker. The first worker of a generation starts alone and runs the migrations. */
function spawn(state: ClusterState, nowMs: number): Action[] {
  const actions: Action[] = []
  let isPreparing = !state.isPrepared && workersOf(state).some((worker) => isPreparer(worker, state))
  for (const slot of state.slots.slice(0, state.wanted)) {
    const isServed = slot.workers.some((worker) => isStarting(worker) || isReady(worker))
    const region = freeRegion(slot)
    if (isServed || region === undefined || nowMs < slot.notBeforeMs || isPreparing) continue
    actions.push({ do: 'spawn', slot: slot.id, region, prepare: !state.isPrepared })
    isPreparing = !state.isPrepared
  }
  return actions
}

/** Replaces one worker at a time, the next one when the successor of the last one is ready. */
function replace(
  state: ClusterState,
  why: (worker: WorkerState) => ExitReason | undefined,
  nowMs: number,
): Action[] {
  if (workersOf(state).some(isStarting)) return []
  for (const slot of state.slots.slice(0, state.wanted)) {
    const worker = slot.workers.find(isReady)
    if (!worker || nowMs < slot.notBeforeMs) continue
    const reason = why(worker)
    if (!reason) continue
    const region = freeRegion(slot)
    if (region === undefined) {
      // A reload does not wait for the silent clients of the worker before this one.
      const last = slot.workers.find((each) => isDraining(each) && each.isReplaced)
      if (reason !== 'reload' || !last) continue
      return [{ do: 'drain', worker: last, reason: last.reason!, isReplaced: false }]
    }
    return [{ do: 'spawn', slot: slot.id, region, prepare: !state.isPrepared, replaces: { worker, reason } }]
  }
  return []
}

function whyReplace(
  { slot, generation, spawnedMs }: WorkerState,
  state: ClusterState,
  { requests, rssBytes }: Vitals,
  { maxRequests, maxRequestsDelta, maxLifetimeMs, reloadOnRssBytes }: Policy,
  nowMs: number,
): ExitReason | undefined {
  if (generation < state.generation) return 'reload'
  // Staggered by slot, so that workers that started together do not end together.
  if (maxRequests > 0 && requests >= maxRequests + maxRequestsDelta * (slot - 1)) return 'max_requests'
  if (maxLifetimeMs > 0 && nowMs - spawnedMs >= maxLifetimeMs) return 'max_lifetime'
  return reloadOnRssBytes > 0 && rssBytes >= reloadOnRssBytes ? 'rss' : undefined
}

/** A reload has ended when each wanted slot is served by the new code and by no other. */
function endReload(state: ClusterState): Action[] {
  if (!state.reload) return []
  const isNew = ({ workers }: SlotState) => {
    const ready = workers.filter(isReady)
    return ready.length > 0 && ready.every(({ generation }) => generation >= state.generation)
  }
  return state.slots.slice(0, state.wanted).every(isNew) ? [{ do: 'endReload' }] : []
}

const isPreparer = (worker: WorkerState, { generation }: ClusterState): boolean =>
  worker.generation === generation && (isStarting(worker) || worker.isPreparing)
