/** The master's decisions, case by case: the state of a cluster, its workers' vitals, and the actions that follow. */
import { describe, expect, test } from 'bun:test'
import { type Action, decide, type Policy } from './decide.ts'
import { type ClusterState, newCluster, type Vitals, type WorkerState } from './state.ts'

const NOW_MS = 100_000
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
function actionsOf({
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

const ready = {}
const starting = { phase: 'starting' } as const
const draining = {
  phase: 'draining',
  reason: 'reload',
  deadlineMs: NOW_MS + 1000,
  isReplaced: false,
} as const
const killed = { phase: 'killed', reason: 'harakiri' } as const

describe.each<[string, [what: string, given: Case, actions: string[]][]]>([
  [
    'spawning',
    [
      [
        'an empty cluster gets one worker, which runs the migrations',
        { cluster: { isPrepared: false } },
        ['spawn 1 in 0 to prepare'],
      ],
      [
        'no other worker starts during the migrations',
        { slots: [[starting]], cluster: { isPrepared: false } },
        [],
      ],
      [
        'all others start after the migrations',
        { wanted: 3, slots: [[starting]] },
        ['spawn 2 in 2', 'spawn 3 in 4'],
      ],
      ['a complete cluster is left alone', { slots: [[ready], [ready]] }, []],
      ['a dead worker is replaced', { slots: [[], [ready]] }, ['spawn 1 in 0']],
      ['not before its back-off is over', { slots: [[], [ready]], notBeforeMs: NOW_MS + 1 }, []],
      ['a draining worker has a successor beside it', { slots: [[draining], [ready]] }, ['spawn 1 in 1']],
      ['there is no third worker: both regions are in use', { slots: [[draining, draining], [ready]] }, []],
      [
        'a killed worker keeps its region until its process has ended',
        { slots: [[killed], [ready]] },
        ['spawn 1 in 1'],
      ],
    ],
  ],
  [
    'time',
    [
      [
        'a blocked event loop is harakiri',
        { slots: [[ready], [ready]], vitals: { 11: { heartbeatAgeMs: 30_001 } } },
        ['kill 11 (harakiri)'],
      ],
      [
        'a slow event loop is not',
        { slots: [[ready], [ready]], vitals: { 11: { heartbeatAgeMs: 29_999 } } },
        [],
      ],
      [
        'without a limit the event loop may block for ever',
        { slots: [[ready], [ready]], policy: { harakiriMs: 0 }, vitals: { 11: { heartbeatAgeMs: 1e9 } } },
        [],
      ],
      [
        'harakiri applies to a draining worker',
        { slots: [[draining, ready], [ready]], vitals: { 11: { heartbeatAgeMs: 30_001 } } },
        ['kill 11 (harakiri)'],
      ],
      [
        'a worker that is not ready in time is killed',
        { slots: [[{ ...starting, bootsSinceMs: NOW_MS - 60_001 }], [ready]] },
        ['kill 11 (crash)'],
      ],
      ['and not before', { slots: [[{ ...starting, bootsSinceMs: NOW_MS - 60_000 }], [ready]] }, []],
      [
        'without a limit a worker may boot for ever',
        { slots: [[{ ...starting, bootsSinceMs: 0 }], [ready]], policy: { bootTimeoutMs: 0 } },
        [],
      ],
      [
        'migrations have no time limit',
        { slots: [[{ ...starting, spawnedMs: 0 }]], cluster: { isPrepared: false } },
        [],
      ],
      [
        'a booting worker has no heartbeat yet',
        { slots: [[starting], [ready]], vitals: { 11: { heartbeatAgeMs: 1e9 } } },
        [],
      ],
      [
        'a worker that does not end its drain is killed',
        { slots: [[{ ...draining, deadlineMs: NOW_MS }, ready], [ready]] },
        ['kill 11 (reload)'],
      ],
      [
        'no worker is killed twice',
        { slots: [[killed, ready], [ready]], vitals: { 11: { heartbeatAgeMs: 1e9 } } },
        [],
      ],
    ],
  ],
  [
    'recycling',
    [
      [
        'after max_requests',
        { slots: [[ready], [ready]], policy: { maxRequests: 100 }, vitals: { 21: { requests: 100 } } },
        ['spawn 2 in 3 for 21 (max_requests)'],
      ],
      [
        'later slots after max_requests_delta more',
        {
          slots: [[ready], [ready]],
          policy: { maxRequests: 100, maxRequestsDelta: 10 },
          vitals: { 11: { requests: 99 }, 21: { requests: 109 } },
        },
        [],
      ],
      [
        'by age',
        { slots: [[ready], [ready]], policy: { maxLifetimeMs: 5000 } },
        ['spawn 1 in 1 for 11 (max_lifetime)'],
      ],
      [
        'by memory',
        { slots: [[ready], [ready]], policy: { reloadOnRssBytes: 1000 }, vitals: { 21: { rssBytes: 1000 } } },
        ['spawn 2 in 3 for 21 (rss)'],
      ],
      ['one at a time', { slots: [[ready, starting], [ready]], policy: { maxLifetimeMs: 1 } }, []],
      [
        'the old worker drains when its successor is ready',
        { slots: [[{ reason: 'rss' }, ready], [ready]] },
        ['drain 11 (rss) replaced'],
      ],
      [
        'not while its slot waits in back-off',
        {
          slots: [[ready], [ready]],
          policy: { reloadOnRssBytes: 1000 },
          vitals: { 11: { rssBytes: 1000 } },
          notBeforeMs: NOW_MS + 1,
        },
        [],
      ],
      [
        'not while both regions are in use',
        { slots: [[draining, ready], [ready]], policy: { maxLifetimeMs: 5000 } },
        ['spawn 2 in 3 for 21 (max_lifetime)'],
      ],
    ],
  ],
  [
    'reloading',
    [
      [
        'the first new worker runs the migrations',
        {
          slots: [[ready], [ready]],
          cluster: { generation: 2, isPrepared: false, reload: { from: 1, isAskedAgain: false } },
        },
        ['spawn 1 in 1 to prepare for 11 (reload)'],
      ],
      [
        'the next replacement begins when the last one is ready',
        {
          slots: [[{ reason: 'reload' }, { generation: 2 }], [ready]],
          cluster: { generation: 2, reload: { from: 1, isAskedAgain: false } },
        },
        ['drain 11 (reload) replaced', 'spawn 2 in 3 for 21 (reload)'],
      ],
      [
        'and not before',
        {
          slots: [[ready, { ...starting, generation: 2 }], [ready]],
          cluster: { generation: 2, reload: { from: 1, isAskedAgain: false } },
        },
        [],
      ],
      [
        'a reload ends when all serve the new code, although old workers still drain',
        {
          slots: [
            [draining, { generation: 2 }],
            [draining, { generation: 2 }],
          ],
          cluster: { generation: 2, reload: { from: 1, isAskedAgain: false } },
        },
        ['endReload'],
      ],
      [
        'a reload waits for a slot whose regions are both in use',
        {
          slots: [[draining, ready], [{ generation: 2 }]],
          cluster: { generation: 2, reload: { from: 1, isAskedAgain: false } },
        },
        [],
      ],
      [
        'it ends the wait for silent clients where it needs their region',
        {
          slots: [[{ ...draining, isReplaced: true }, ready], [{ generation: 2 }]],
          cluster: { generation: 2, reload: { from: 1, isAskedAgain: false } },
        },
        ['drain 11 (reload)'],
      ],
      [
        'a worker that is recycled does not end that wait',
        {
          slots: [[{ ...draining, isReplaced: true }, ready], [{ spawnedMs: NOW_MS }]],
          policy: { maxLifetimeMs: 5000 },
        },
        [],
      ],
      [
        'a worker that was ended from outside is told when its successor is ready',
        { slots: [[{ ...draining, reason: 'signal', isReplaced: undefined }, ready], [ready]] },
        ['drain 11 (signal) replaced'],
      ],
      [
        'and not before',
        { slots: [[{ ...draining, reason: 'signal', isReplaced: undefined }, starting], [ready]] },
        [],
      ],
      [
        'after an abandoned reload newer workers stay',
        { slots: [[{ generation: 2 }], [ready]], cluster: { generation: 1, lastGeneration: 2 } },
        [],
      ],
    ],
  ],
  [
    'scaling',
    [
      ['up', { wanted: 3, slots: [[ready], [ready]] }, ['spawn 3 in 4']],
      ['down', { wanted: 1, slots: [[ready], [ready]] }, ['drain 21 (scale) replaced']],
      [
        'down while the surplus worker runs the migrations: no other begins them meanwhile',
        {
          wanted: 1,
          slots: [[], [{ ...draining, reason: 'scale', isPreparing: true }]],
          cluster: { isPrepared: false },
        },
        [],
      ],
      [
        'down while the surplus worker boots',
        { wanted: 1, slots: [[ready], [starting]] },
        ['kill 21 (scale)'],
      ],
    ],
  ],
  [
    'stopping',
    [
      [
        'all drain',
        { slots: [[ready], [ready]], cluster: { isStopping: true } },
        ['drain 11 (stop)', 'drain 21 (stop)'],
      ],
      [
        'a worker that runs the migrations may finish them',
        {
          slots: [[{ ...starting, isPreparing: true }], []],
          cluster: { isStopping: true, isPrepared: false },
        },
        ['drain 11 (stop)'],
      ],
      [
        'and is told once',
        { slots: [[{ ...draining, isPreparing: true, isReplaced: false }]], cluster: { isStopping: true } },
        [],
      ],
      [
        'it has no heartbeat, but a deadline',
        {
          slots: [
            [{ ...draining, isPreparing: true, deadlineMs: NOW_MS }],
            [{ ...draining, isPreparing: true }],
          ],
          vitals: { 21: { heartbeatAgeMs: 1e9 } },
          cluster: { isStopping: true },
        },
        ['kill 11 (reload)'],
      ],
      [
        'a worker that is not ready is killed',
        { slots: [[starting], [ready]], cluster: { isStopping: true } },
        ['kill 11 (stop)', 'drain 21 (stop)'],
      ],
      [
        'a draining worker no longer waits for silent clients or its successor',
        {
          wanted: 3,
          slots: [[{ ...draining, isReplaced: true }], [{ ...draining, isReplaced: undefined }], [draining]],
          cluster: { isStopping: true },
        },
        ['drain 11 (reload)', 'drain 21 (reload)'],
      ],
      ['no worker is spawned', { slots: [[], [draining]], cluster: { isStopping: true } }, []],
      ['the cluster ends with its last worker', { slots: [[], []], cluster: { isStopping: true } }, ['exit']],
    ],
  ],
])('%s', (_, cases) => {
  test.each(cases)('%s', (_what, given, actions) => expect(actionsOf(given)).toEqual(actions))
})
