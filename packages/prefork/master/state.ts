/**
 * The state of a cluster: its slots and the workers in them. It is plain data, which decide.ts reads and transitions.ts
 * changes. Settings are in shared/config.ts. All times are the master's monotonic milliseconds.
 */

/** Why a worker ended. Counted for each slot and published as `exits`, from the start at 0. */
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

/** `stop`: the cluster ends; this is not counted. */
export type ExitReason = (typeof EXIT_REASONS)[number] | 'stop'

/** starting -> ready -> draining. `killed`: SIGKILL was sent, the process has not ended yet. */
export type Phase = 'starting' | 'ready' | 'draining' | 'killed'

export interface WorkerState {
  readonly pid: number
  readonly slot: number
  /** The region of the segment that the worker writes. No other worker writes it until this one has ended. */
  readonly region: number
  readonly generation: number
  readonly spawnedMs: number
  phase: Phase
  /** It runs the migrations. */
  isPreparing: boolean
  /** Start of the time that it has for its boot. Unset during the migrations, which have no time limit. */
  bootsSinceMs?: number
  readyMs?: number
  /** Why the worker must end, once that is decided. */
  reason?: ExitReason
  /** When a draining worker is killed. */
  deadlineMs?: number
  /**
   * What a draining worker waits for beside requests in flight. Undefined: its successor, because a signal from outside told it
   * to end. True: its silent clients, which reconnect to its successor. False: nothing.
   */
  isReplaced?: boolean | undefined
}

/** What the master reads about each living worker at every turn. */
export interface Vitals {
  heartbeatAgeMs: number
  /** Since the worker was spawned. */
  requests: number
  rssBytes: number
}

export interface SlotState {
  /** From 1. */
  readonly id: number
  /** At most two: one that serves, and one that drains or boots as its successor. */
  workers: WorkerState[]
  /** Deaths in a row that call for a longer wait. */
  strikes: number
  /** Times of recent unplanned deaths. */
  deathsMs: number[]
  /** Back-off: no spawn before. */
  notBeforeMs: number
}

export interface ClusterState {
  slots: SlotState[]
  /** How many workers there should be, in slots 1 to `wanted`. */
  wanted: number
  /** The generation of the code that should run. Workers of an older generation are replaced. */
  generation: number
  /** The highest generation so far. */
  lastGeneration: number
  /** Whether a worker of this generation has run the migrations. */
  isPrepared: boolean
  /** The rolling reload that runs, with the generation to go back to if it fails. */
  reload: { from: number; isAskedAgain: boolean } | undefined
  /** Whether all wanted workers have been ready at the same time. */
  hasServed: boolean
  isStopping: boolean
}

export function newCluster(slotCount: number, wanted: number): ClusterState {
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

export const workersOf = ({ slots }: ClusterState): WorkerState[] => slots.flatMap(({ workers }) => workers)

export const isReady = ({ phase }: WorkerState): boolean => phase === 'ready'
export const isDraining = ({ phase }: WorkerState): boolean => phase === 'draining'
export const isStarting = ({ phase }: WorkerState): boolean => phase === 'starting'

export const readyCount = (state: ClusterState): number => workersOf(state).filter(isReady).length

/** How many ready workers `/readyz` needs: half of those wanted, rounded up. Fewer would be overloaded. */
export const enough = ({ wanted }: ClusterState): number => Math.ceil(wanted / 2)

/** The two regions of slot 1 are 0 and 1. @returns one that no worker writes, if there is one. */
export function freeRegion({ id, workers }: SlotState): number | undefined {
  const first = 2 * (id - 1)
  return [first, first + 1].find((region) => workers.every((worker) => worker.region !== region))
}
