/**
 * Applies events to the state of a cluster: the master's own actions, messages and deaths of workers, orders of the operator.
 * Nothing here touches a process.
 */
import { afterDeath } from './backoff.ts'
import { EXIT } from '../shared/exit_codes.ts'
import type { Action } from './decide.ts'
import {
  type ExitReason,
  type ClusterState,
  isReady,
  readyCount,
  type SlotState,
  type WorkerState,
} from './state.ts'

export function spawned(
  state: ClusterState,
  { slot, region, prepare, replaces }: Extract<Action, { do: 'spawn' }>,
  pid: number,
  nowMs: number,
): WorkerState {
  if (replaces) replaces.worker.reason = replaces.reason
  const { generation } = state
  const worker: WorkerState = {
    pid,
    slot,
    region,
    generation,
    spawnedMs: nowMs,
    phase: 'starting',
    isPreparing: prepare,
  }
  if (!prepare) worker.bootsSinceMs = nowMs
  slotOf(state, worker).workers.push(worker)
  return worker
}

/** The system had no room for a process: it is tried again after the back-off. */
export function spawnFailed(state: ClusterState, slotId: number, nowMs: number): void {
  const slot = state.slots[slotId - 1]!
  Object.assign(slot, afterDeath(slot, false, nowMs))
}

export function becameReady(state: ClusterState, worker: WorkerState, nowMs: number): void {
  worker.phase = 'ready'
  worker.readyMs = nowMs
  const served = state.slots.filter(({ workers }) => workers.some(isReady)).length
  state.hasServed ||= served >= state.wanted
}

/** A message of a worker of an older generation says nothing about the code that should run now. */
export function prepared(state: ClusterState, worker: WorkerState, nowMs: number): void {
  worker.bootsSinceMs = nowMs
  worker.isPreparing = false
  if (worker.generation === state.generation) state.isPrepared = true
}

/** @param deadlineMs when the worker is killed. A second drain, which ends the wait for silent clients, keeps the first deadline. */
export function drainBegun(
  worker: WorkerState,
  reason: ExitReason,
  isReplaced: boolean | undefined,
  deadlineMs: number,
): void {
  worker.reason = reason
  worker.isReplaced = isReplaced
  worker.deadlineMs = worker.phase === 'draining' ? worker.deadlineMs! : deadlineMs
  worker.phase = 'draining'
}

export function killed(worker: WorkerState, reason: ExitReason): void {
  worker.reason = reason
  worker.phase = 'killed'
}

export interface Exit {
  code: number | null
  /** The signal that killed the worker. */
  signal: NodeJS.Signals | null
  /** Whether the kernel killed a process to free memory since the last death. */
  isOutOfMemory: boolean
}

export interface Outcome {
  reason: ExitReason
  /** The exit code of the cluster, if it cannot go on. */
  fatal: number | undefined
  /** Whether this death ends a reload, because the new worker could not boot. */
  isReloadAbandoned: boolean
}

/** Takes a dead worker out of its slot. @returns what its death means for the cluster. */
export function exited(state: ClusterState, worker: WorkerState, exit: Exit, nowMs: number): Outcome {
  const slot = slotOf(state, worker)
  slot.workers = slot.workers.filter((each) => each !== worker)
  const isOurs = worker.phase === 'draining' || worker.phase === 'killed'
  const reason = isOurs ? worker.reason! : reasonOf(exit)
  const isUnplanned = worker.deadlineMs === undefined && reason !== 'scale' && reason !== 'stop'
  if (!isUnplanned) return { reason, fatal: undefined, isReloadAbandoned: false }

  const wasReady = worker.readyMs !== undefined
  Object.assign(slot, afterDeath(slot, wasReady, nowMs))
  const isReloadAbandoned = !wasReady && state.reload !== undefined && !state.isStopping
  if (isReloadAbandoned) abandonReload(state)
  return { reason, fatal: wasReady ? undefined : fatalCode(state, exit), isReloadAbandoned }
}

/** A boot failure is fatal before the cluster has served once; later only if no worker serves and its exit code is known. */
function fatalCode(state: ClusterState, { code }: Exit): number | undefined {
  const isKnown = code === EXIT.badConfig || code === EXIT.couldNotStart
  if (state.isStopping) return undefined
  if (!state.hasServed) return isKnown ? code : EXIT.couldNotStart
  return isKnown && readyCount(state) === 0 ? code : undefined
}

export function reloadAsked(state: ClusterState): void {
  if (state.reload) {
    state.reload.isAskedAgain = true
    return
  }
  state.reload = { from: state.generation, isAskedAgain: false }
  state.generation = ++state.lastGeneration
  state.isPrepared = false
}

/** If another reload was asked for during this one, it begins now. */
export function reloadEnded(state: ClusterState): void {
  const isAskedAgain = state.reload?.isAskedAgain
  state.reload = undefined
  if (isAskedAgain) reloadAsked(state)
}

/** The workers that serve go on. Those that were replaced before the failure run the new code, and stay. */
function abandonReload(state: ClusterState): void {
  state.generation = state.reload!.from
  state.isPrepared = true
  reloadEnded(state)
}

/** @returns whether the number changes: it is at least 1, and at most the number of slots. */
export function scaledBy(state: ClusterState, difference: number): boolean {
  const wanted = Math.min(Math.max(state.wanted + difference, 1), state.slots.length)
  const isChange = wanted !== state.wanted
  state.wanted = wanted
  return isChange
}

function reasonOf({ signal, isOutOfMemory }: Exit): ExitReason {
  if (signal === null) return 'crash'
  return signal === 'SIGKILL' && isOutOfMemory ? 'oom' : 'signal'
}

function slotOf({ slots }: ClusterState, { slot }: WorkerState): SlotState {
  return slots[slot - 1]!
}
