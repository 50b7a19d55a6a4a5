/**
 * A family as its master sees it: slots, and the workers in them. What is, not what is wanted (config.ts), and not what
 * to do about it (decide.ts). Everything here is plain data that `decide` reads and transitions.ts changes.
 * All times are the master's monotonic milliseconds.
 */

/** Why a worker ended. Counted by slot, published as `exits`, from the start at 0. */
export const EXIT_REASONS = [
  'crash',
  'signal',
  'oom',
  'harakiri',
  'max_requests',
  'max_lifetime',
  'rss',
  'reload',
  'scale',
] as const

/** `stop`: the family ends, and nobody counts any more. */
export type ExitReason = (typeof EXIT_REASONS)[number] | 'stop'

/** starting -> ready -> draining; killed: SIGKILL was sent, its exit is to come. */
export type Phase = 'starting' | 'ready' | 'draining' | 'killed'

export interface WorkerState {
  readonly pid: number
  readonly slot: number
  /** Where it writes: no other worker does until it is gone. */
  readonly region: number
  readonly generation: number
  readonly spawnedMs: number
  phase: Phase
  /** From when its boot is timed: not while it prepares, which takes as long as it takes. */
  bootsSinceMs?: number
  readyMs?: number
  /** Why it is to end, from when that is decided. */
  reason?: ExitReason
  /** By when it must be gone, once it drains. */
  deadlineMs?: number
  /** It drains, and another serves in its place: its clients have somewhere to go. */
  isReplaced?: boolean
}

/** What the master reads of a living worker at every turn. */
export interface Vitals {
  heartbeatAgeMs: number
  /** Since it was spawned. */
  requests: number
  rssBytes: number
}

export interface SlotState {
  /** From 1. */
  readonly id: number
  /** At most two: the one that serves and the one that drains, or that is about to take its place. */
  workers: WorkerState[]
  /** Deaths in a row that call for a longer wait. */
  strikes: number
  /** When its workers died of themselves, lately. */
  deathsMs: number[]
  /** Back-off: no spawn before. */
  notBeforeMs: number
}

export interface FamilyState {
  slots: SlotState[]
  /** How many workers there should be: slots 1 to `wanted`. */
  wanted: number
  /** Which code is meant: workers of an older generation are replaced. */
  generation: number
  /** The highest generation that ever was. */
  lastGeneration: number
  /** Whether a worker of this generation has done what comes before serving (migrations). */
  isPrepared: boolean
  /** A rolling reload that is on its way, and the generation to go back to. */
  reload: { from: number; isAskedAgain: boolean } | undefined
  /** Whether all wanted workers have been ready at one time. */
  hasServed: boolean
  isStopping: boolean
}

export function newFamily(slotCount: number, wanted: number): FamilyState {
  return {
    slots: Array.from({ length: slotCount }, (_, index) => ({
      id: index + 1,
      workers: [],
      strikes: 0,
      deathsMs: [],
      notBeforeMs: 0,
    })),
    wanted,
    generation: 1,
    lastGeneration: 1,
    isPrepared: false,
    reload: undefined,
    hasServed: false,
    isStopping: false,
  }
}

export const workersOf = ({ slots }: FamilyState): WorkerState[] => slots.flatMap(({ workers }) => workers)

export const isReady = ({ phase }: WorkerState): boolean => phase === 'ready'
export const isStarting = ({ phase }: WorkerState): boolean => phase === 'starting'

export const readyCount = (state: FamilyState): number => workersOf(state).filter(isReady).length

/** With fewer the rest would only be overrun: half of what is wanted, rounded up. */
export const enough = ({ wanted }: FamilyState): number => Math.ceil(wanted / 2)

/** The two regions of slot 1 are 0 and 1. @returns the one that nobody writes, if there is one. */
export function freeRegion({ id, workers }: SlotState): number | undefined {
  const first = 2 * (id - 1)
  return [first, first + 1].find((region) => workers.every((worker) => worker.region !== region))
}
