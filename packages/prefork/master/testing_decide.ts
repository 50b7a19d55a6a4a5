/** For tests of decide.ts: makes the state of a cluster from a short description, and words of the actions that follow. */
import { type Action, decide, type Policy } from './decide.ts'
import { type ClusterState, newCluster, type Vitals, type WorkerState } from './state.ts'

export const NOW_MS = 100_000
const POLICY: Policy = {
  bootTimeoutMs: 60_000,
  harakiriMs: 30_000,
  maxRequests: 0,
  maxRequestsDelta: 0,
  maxLifetimeMs: 0,
  reloadOnRssBytes: 0,
}
const HEALTHY: Vitals = { heartbeatAgeMs: 50, requests: 0, rssBytes: 1 }

interface Case {
  wanted?: number
  /** The workers of each slot, from slot 1. Region, generation and the like have defaults. */
  slots?: Partial<WorkerState>[][]
  cluster?: Partial<ClusterState>
  notBeforeMs?: number
  policy?: Partial<Policy>
  /** By pid. Other workers are healthy. */
  vitals?: Record<number, Partial<Vitals>>
}

/** Pids are 11 and 12 in slot 1, 21 and 22 in slot 2, and so on. */
export function actionsOf({
  wanted = 2,
  slots = [],
  cluster = {},
  notBeforeMs = 0,
  policy = {},
  vitals = {},
}: Case) {
  const state = Object.assign(newCluster(4, wanted), { isPrepared: true, ...cluster })
  slots.forEach((workers, index) => {
    state.slots[index]!.workers = workers.map((worker, place) => ({
      pid: (index + 1) * 10 + place + 1,
      slot: index + 1,
      region: 2 * index + place,
      generation: 1,
      spawnedMs: NOW_MS - 5000,
      phase: 'ready',
      isPreparing: false,
      ...worker,
    }))
  })
  state.slots[0]!.notBeforeMs = notBeforeMs
  const vitalsOf = ({ pid }: WorkerState) => ({ ...HEALTHY, ...vitals[pid] })
  return decide(state, vitalsOf, { ...POLICY, ...policy }, NOW_MS).map(describeAction)
}

function describeAction(action: Action): string {
  switch (action.do) {
    case 'spawn': {
      const { slot, region, prepare, replaces } = action
      const instead = replaces ? ` for ${replaces.worker.pid} (${replaces.reason})` : ''
      return `spawn ${slot} in ${region}${prepare ? ' to prepare' : ''}${instead}`
    }
    case 'drain':
      return `drain ${action.worker.pid} (${action.reason})${action.isReplaced ? ' replaced' : ''}`
    case 'kill':
      return `kill ${action.worker.pid} (${action.reason})`
    default:
      return action.do
  }
}

export const ready = {}
export const starting = { phase: 'starting' } as const
export const draining = {
  phase: 'draining',
  reason: 'reload',
  deadlineMs: NOW_MS + 1000,
  isReplaced: false,
} as const
export const killed = { phase: 'killed', reason: 'harakiri' } as const

/** A topic and its cases: the state, and the actions that follow. */
export type Topic = [string, [what: string, given: Case, actions: string[]][]]
