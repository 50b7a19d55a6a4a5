/**
 * What the master does now: a pure function of what is, what is wanted and what time it is. Each turn asks the same
 * questions in the same order, and each answer is a list of actions that is empty when there is nothing to do.
 */
import type { ExitReason, FamilyState, SlotState, Vitals, WorkerState } from './state.ts'
import { freeRegion, isReady, isStarting, workersOf } from './state.ts'

/** What is wanted of workers. Milliseconds; 0 switches a limit off. */
export interface Policy {
  harakiriMs: number
  maxRequests: number
  maxRequestsDelta: number
  maxLifetimeMs: number
  reloadOnRssBytes: number
}

export type Action =
  /** `prepare`: it first does what comes before serving. `replaces`: who goes when it is ready, and why. */
  | { do: 'spawn'; slot: number; region: number; prepare: boolean; replaces?: Replaced }
  | { do: 'drain'; worker: WorkerState; reason: ExitReason; isReplaced: boolean }
  | { do: 'kill'; worker: WorkerState; reason: ExitReason }
  | { do: 'endReload' }
  | { do: 'exit' }

interface Replaced {
  worker: WorkerState
  reason: ExitReason
}

/** A worker that is not ready by then never will be. */
export const START_WITHIN_MS = 30_000

export function decide(
  state: FamilyState,
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

/** Workers that had their time: to boot, to turn their event loop, to drain. */
function timeOut(
  state: FamilyState,
  vitalsOf: (worker: WorkerState) => Vitals,
  { harakiriMs }: Policy,
  nowMs: number,
): Action[] {
  return workersOf(state).flatMap((worker): Action[] => {
    const { phase, bootsSinceMs = Infinity, deadlineMs = Infinity, reason } = worker
    if (phase === 'killed') return []
    if (phase === 'starting') {
      return nowMs - bootsSinceMs > START_WITHIN_MS ? [{ do: 'kill', worker, reason: 'crash' }] : []
    }
    if (nowMs >= deadlineMs) return [{ do: 'kill', worker, reason: reason ?? 'stop' }]
    const isHung = harakiriMs > 0 && vitalsOf(worker).heartbeatAgeMs > harakiriMs
    return isHung ? [{ do: 'kill', worker, reason: 'harakiri' }] : []
  })
}

/** Everything goes; who serves nothing yet need not drain. */
function stop(state: FamilyState): Action[] {
  const workers = workersOf(state)
  if (workers.length === 0) return [{ do: 'exit' }]
  return workers.flatMap((worker): Action[] => {
    if (isStarting(worker)) return [{ do: 'kill', worker, reason: 'stop' }]
    // One that waits for the clients of its successor need not any more.
    const mayHurry = isReady(worker) || worker.isReplaced === true
    return mayHurry ? [{ do: 'drain', worker, reason: worker.reason ?? 'stop', isReplaced: false }] : []
  })
}

/** Workers that are too many: in slots above what is wanted, or beside their own successor. */
function cull({ slots, wanted }: FamilyState): Action[] {
  return slots.flatMap(({ id, workers }): Action[] => {
    if (id > wanted) {
      return workers.flatMap((worker): Action[] => {
        if (isStarting(worker)) return [{ do: 'kill', worker, reason: 'scale' }]
        return isReady(worker) ? [{ do: 'drain', worker, reason: 'scale', isReplaced: wanted > 0 }] : []
      })
    }
    const [predecessor, successor] = workers.filter(isReady)
    if (!predecessor || !successor) return []
    return [{ do: 'drain', worker: predecessor, reason: predecessor.reason ?? 'reload', isReplaced: true }]
  })
}

/** Slots without a worker get one. The first of a generation goes ahead alone and prepares. */
function spawn(state: FamilyState, nowMs: number): Action[] {
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

/** One worker at a time, the next when the last one's successor is ready. */
function replace(
  state: FamilyState,
  why: (worker: WorkerState) => ExitReason | undefined,
  nowMs: number,
): Action[] {
  if (workersOf(state).some(isStarting)) return []
  for (const slot of state.slots.slice(0, state.wanted)) {
    const worker = slot.workers.find(isReady)
    const region = freeRegion(slot)
    if (!worker || region === undefined || nowMs < slot.notBeforeMs) continue
    const reason = why(worker)
    if (!reason) continue
    return [{ do: 'spawn', slot: slot.id, region, prepare: !state.isPrepared, replaces: { worker, reason } }]
  }
  return []
}

function whyReplace(
  { slot, generation, spawnedMs }: WorkerState,
  state: FamilyState,
  { requests, rssBytes }: Vitals,
  { maxRequests, maxRequestsDelta, maxLifetimeMs, reloadOnRssBytes }: Policy,
  nowMs: number,
): ExitReason | undefined {
  if (generation < state.generation) return 'reload'
  // Staggered by slot, so that workers that began together do not end together.
  if (maxRequests > 0 && requests >= maxRequests + maxRequestsDelta * (slot - 1)) return 'max_requests'
  if (maxLifetimeMs > 0 && nowMs - spawnedMs >= maxLifetimeMs) return 'max_lifetime'
  return reloadOnRssBytes > 0 && rssBytes >= reloadOnRssBytes ? 'rss' : undefined
}

/** A reload is over when every wanted slot is served by the code that is meant, and by no other. */
function endReload(state: FamilyState): Action[] {
  if (!state.reload) return []
  const isNew = ({ workers }: SlotState) => {
    const ready = workers.filter(isReady)
    return ready.length > 0 && ready.every(({ generation }) => generation >= state.generation)
  }
  return state.slots.slice(0, state.wanted).every(isNew) ? [{ do: 'endReload' }] : []
}

const isPreparer = (worker: WorkerState, { generation }: FamilyState): boolean =>
  isStarting(worker) && worker.generation === generation
