/**
 * What happens to a family, and what its state is after it: the master's own acts, words of workers, deaths, wishes of
 * the operator. Nothing here touches a process.
 */
import { afterDeath } from './backoff.ts'
import { EXIT } from './exit.ts'
import type { Action } from './decide.ts'
import {
  type ExitReason,
  type FamilyState,
  isReady,
  readyCount,
  type SlotState,
  type WorkerState,
} from './state.ts'

export function spawned(
  state: FamilyState,
  { slot, region, prepare, replaces }: Extract<Action, { do: 'spawn' }>,
  pid: number,
  nowMs: number,
): WorkerState {
  if (replaces) replaces.worker.reason = replaces.reason
  const { generation } = state
  const worker: WorkerState = { pid, slot, region, generation, spawnedMs: nowMs, phase: 'starting' }
  if (!prepare) worker.bootsSinceMs = nowMs
  slotOf(state, worker).workers.push(worker)
  return worker
}

/** There was no room for a process: it is tried again later. */
export function spawnFailed(state: FamilyState, slotId: number, nowMs: number): void {
  const slot = state.slots[slotId - 1]!
  Object.assign(slot, afterDeath(slot, false, nowMs))
}

export function becameReady(state: FamilyState, worker: WorkerState, nowMs: number): void {
  worker.phase = 'ready'
  worker.readyMs = nowMs
  const served = state.slots.filter(({ workers }) => workers.some(isReady)).length
  state.hasServed ||= served >= state.wanted
}

/** A word of a worker from before a newer reload says nothing of the code that is meant now. */
export function prepared(state: FamilyState, worker: WorkerState, nowMs: number): void {
  worker.bootsSinceMs = nowMs
  if (worker.generation === state.generation) state.isPrepared = true
}

/** @param deadlineMs when it is killed */
export function drainBegun(
  worker: WorkerState,
  reason: ExitReason,
  isReplaced: boolean,
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
  /** The signal that killed it. */
  signal: NodeJS.Signals | null
  /** Whether the kernel had to free memory meanwhile. */
  isOutOfMemory: boolean
}

export interface Outcome {
  reason: ExitReason
  /** The family cannot go on: the exit code for it. */
  fatal: number | undefined
  /** The reload that this ends: it did not start. */
  isReloadAbandoned: boolean
}

/** Takes a dead worker out of its slot and says what it means. */
export function exited(state: FamilyState, worker: WorkerState, exit: Exit, nowMs: number): Outcome {
  const slot = slotOf(state, worker)
  slot.workers = slot.workers.filter((each) => each !== worker)
  const isOurDoing = worker.phase === 'draining' || worker.phase === 'killed'
  const reason = isOurDoing ? worker.reason! : reasonOf(exit)
  const isMissed = worker.deadlineMs === undefined && reason !== 'scale' && reason !== 'stop'
  if (!isMissed) return { reason, fatal: undefined, isReloadAbandoned: false }

  const wasReady = worker.readyMs !== undefined
  Object.assign(slot, afterDeath(slot, wasReady, nowMs))
  const isReloadAbandoned = !wasReady && state.reload !== undefined && !state.isStopping
  if (isReloadAbandoned) abandonReload(state)
  return { reason, fatal: wasReady ? undefined : fatalCode(state, exit), isReloadAbandoned }
}

/** Whether a worker that could not boot ends the family: the first of all do, later ones where no other serves. */
function fatalCode(state: FamilyState, { code }: Exit): number | undefined {
  const isSaid = code === EXIT.badConfig || code === EXIT.couldNotStart
  if (state.isStopping) return undefined
  if (!state.hasServed) return isSaid ? code : EXIT.couldNotStart
  return isSaid && readyCount(state) === 0 ? code : undefined
}

export function reloadAsked(state: FamilyState): void {
  if (state.reload) {
    state.reload.isAskedAgain = true
    return
  }
  state.reload = { from: state.generation, isAskedAgain: false }
  state.generation = ++state.lastGeneration
  state.isPrepared = false
}

/** Where the next one was asked for meanwhile, it begins. */
export function reloadEnded(state: FamilyState): void {
  const isAskedAgain = state.reload?.isAskedAgain
  state.reload = undefined
  if (isAskedAgain) reloadAsked(state)
}

/** The workers that serve go on; those that were replaced already are newer, and stay. */
function abandonReload(state: FamilyState): void {
  state.generation = state.reload!.from
  state.isPrepared = true
  reloadEnded(state)
}

/** @returns whether that changes anything: there is at least one worker, and no more than there are slots. */
export function scaledBy(state: FamilyState, difference: number): boolean {
  const wanted = Math.min(Math.max(state.wanted + difference, 1), state.slots.length)
  const isChange = wanted !== state.wanted
  state.wanted = wanted
  return isChange
}

function reasonOf({ signal, isOutOfMemory }: Exit): ExitReason {
  if (signal === null) return 'crash'
  return signal === 'SIGKILL' && isOutOfMemory ? 'oom' : 'signal'
}

function slotOf({ slots }: FamilyState, { slot }: WorkerState): SlotState {
  return slots[slot - 1]!
}
