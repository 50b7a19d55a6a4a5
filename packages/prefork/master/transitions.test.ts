import { expect, test } from 'bun:test'
import { EXIT } from '../shared/exit_codes.ts'
import { FIRST_WAIT_MS } from './backoff.ts'
import { enough, type ExitReason, newCluster, readyCount, type WorkerState } from './state.ts'
import {
  becameReady,
  drainBegun,
  type Exit,
  exited,
  killed,
  prepared,
  reloadAsked,
  reloadEnded,
  scaledBy,
  spawned,
  spawnFailed,
} from './transitions.ts'

const END: Exit = { code: null, signal: null, isOutOfMemory: false }

/** A cluster of which slots 1 to `count` are ready. */
function serving(count = 2) {
  const state = newCluster(4, count)
  const workers = Array.from({ length: count }, (_, index) => {
    const worker = spawned(
      state,
      { do: 'spawn', slot: index + 1, region: 2 * index, prepare: index === 0 },
      index + 1,
      0,
    )
    becameReady(state, worker, 10)
    return worker
  })
  state.isPrepared = true
  return { state, workers, first: workers[0]! }
}

const startOne = ({ state }: ReturnType<typeof serving>, slot = 1): WorkerState =>
  spawned(state, { do: 'spawn', slot, region: 2 * slot - 1, prepare: false }, 99, 100)

test.each<[string, Partial<typeof END>, ExitReason]>([
  ['an exit code', { code: 1 }, 'crash'],
  ['exit code 0 without an order', { code: 0 }, 'crash'],
  ['a signal', { signal: 'SIGSEGV' }, 'signal'],
  ['SIGKILL', { signal: 'SIGKILL' }, 'signal'],
  ['SIGKILL while the kernel freed memory', { signal: 'SIGKILL', isOutOfMemory: true }, 'oom'],
])('a worker that serves and ends with %s', (_, end, reason) => {
  const { state, first } = serving()
  expect(exited(state, first, { ...END, ...end }, 1000)).toEqual({
    reason,
    fatal: undefined,
    isReloadAbandoned: false,
  })
  expect(state.slots[0]).toMatchObject({ workers: [], deathsMs: [1000], notBeforeMs: 1000 })
})

test('a death that the master caused keeps its reason, and a planned one is no strike', () => {
  const { state, workers } = serving(3)
  drainBegun(workers[0]!, 'max_requests', true, 5000)
  killed(workers[1]!, 'harakiri')
  killed(workers[2]!, 'scale')
  const reasons = workers.map((worker) => exited(state, worker, { ...END, signal: 'SIGKILL' }, 1000).reason)
  expect(reasons).toEqual(['max_requests', 'harakiri', 'scale'])
  expect(state.slots.map(({ deathsMs }) => deathsMs.length)).toEqual([0, 1, 0, 0])
})

test.each<[number | null, NodeJS.Signals | null, number]>([
  [EXIT.badConfig, null, EXIT.badConfig],
  [EXIT.couldNotStart, null, EXIT.couldNotStart],
  [7, null, EXIT.couldNotStart],
  [null, 'SIGKILL', EXIT.couldNotStart],
])('before the cluster has served, a worker that ends with %p %p ends it with %p', (code, signal, fatal) => {
  const state = newCluster(4, 2)
  const worker = spawned(state, { do: 'spawn', slot: 1, region: 0, prepare: true }, 1, 0)
  expect(exited(state, worker, { ...END, code, signal }, 100).fatal).toBe(fatal)
})

test('later a worker that cannot boot is tried again while others serve, and ends the cluster when none does', () => {
  const cluster = serving()
  const { state, workers } = cluster
  exited(state, workers[0]!, { ...END, code: 1 }, 100)
  expect(exited(state, startOne(cluster), { ...END, code: EXIT.couldNotStart }, 200).fatal).toBeUndefined()
  expect(state.slots[0]!.notBeforeMs).toBeGreaterThan(200)
  exited(state, workers[1]!, { ...END, code: 1 }, 300)
  expect(exited(state, startOne(cluster), { ...END, code: 1 }, 400).fatal).toBeUndefined()
  expect(exited(state, startOne(cluster), { ...END, code: EXIT.couldNotStart }, 500).fatal).toBe(
    EXIT.couldNotStart,
  )
})

test('a worker that has served and ends with the exit code of a failed boot does not end the cluster', () => {
  const { state, first } = serving(1)
  expect(exited(state, first, { ...END, code: EXIT.couldNotStart }, 100).fatal).toBeUndefined()
})

test('a reload whose worker does not get ready is abandoned: the old generation is wanted again', () => {
  const cluster = serving()
  const { state } = cluster
  reloadAsked(state)
  expect(state).toMatchObject({ generation: 2, isPrepared: false })
  expect(exited(state, startOne(cluster), { ...END, code: 1 }, 200).isReloadAbandoned).toBe(true)
  expect(state).toMatchObject({ generation: 1, isPrepared: true, reload: undefined, lastGeneration: 2 })
  reloadAsked(state)
  expect(state.generation).toBe(3)
})

test('the death of a worker that serves does not end a reload', () => {
  const { state, first } = serving()
  reloadAsked(state)
  expect(exited(state, first, { ...END, signal: 'SIGKILL' }, 200).isReloadAbandoned).toBe(false)
  expect(state.reload).toBeDefined()
})

test('a reload that is asked for during another one follows it', () => {
  const { state } = serving()
  reloadAsked(state)
  reloadAsked(state)
  reloadAsked(state)
  expect(state.generation).toBe(2)
  reloadEnded(state)
  expect(state).toMatchObject({ generation: 3, isPrepared: false, reload: { from: 2, isAskedAgain: false } })
  reloadEnded(state)
  expect(state).toMatchObject({ generation: 3, reload: undefined })
})

test('migrations of an older generation do not count for the new one', () => {
  const { state, first } = serving()
  reloadAsked(state)
  prepared(state, first, 20)
  expect(state.isPrepared).toBe(false)
})

test('scaling stops at one worker and at the last slot', () => {
  const { state } = serving(2)
  expect([scaledBy(state, -1), scaledBy(state, -1)]).toEqual([true, false])
  expect(state.wanted).toBe(1)
  expect([1, 1, 1, 1].map((by) => scaledBy(state, by))).toEqual([true, true, true, false])
  expect(state.wanted).toBe(4)
})

test('a second order to drain keeps the first deadline', () => {
  const { first } = serving()
  drainBegun(first, 'reload', true, 5000)
  drainBegun(first, 'reload', false, 9000)
  expect(first).toMatchObject({ deadlineMs: 5000, isReplaced: false, phase: 'draining' })
})

test('a new cluster has nothing behind it', () => {
  expect(newCluster(1, 1)).toEqual({
    slots: [{ id: 1, workers: [], strikes: 0, deathsMs: [], notBeforeMs: 0 }],
    wanted: 1,
    generation: 1,
    lastGeneration: 1,
    isPrepared: false,
    reload: undefined,
    hasServed: false,
    isStopping: false,
  })
})

test.each([
  [1, 1],
  [2, 1],
  [3, 2],
  [4, 2],
  [5, 3],
])('of %d wanted workers %d are enough to be ready', (wanted, needed) => {
  expect(enough(newCluster(8, wanted))).toBe(needed)
})

test('the time to boot begins with the spawn, or after the migrations', () => {
  const state = newCluster(4, 2)
  const preparer = spawned(state, { do: 'spawn', slot: 1, region: 0, prepare: true }, 1, 100)
  expect(preparer).toMatchObject({ phase: 'starting', isPreparing: true, spawnedMs: 100 })
  expect(preparer.bootsSinceMs).toBeUndefined()
  prepared(state, preparer, 700)
  expect(preparer).toMatchObject({ isPreparing: false, bootsSinceMs: 700 })
  expect(state.isPrepared).toBe(true)
  const other = spawned(state, { do: 'spawn', slot: 2, region: 2, prepare: false }, 2, 800)
  expect(other).toMatchObject({ isPreparing: false, bootsSinceMs: 800 })
  expect(state.slots[1]!.workers).toEqual([other])
})

test('a worker that is replaced is told why when its successor is spawned', () => {
  const { state, first } = serving()
  const replaces = { worker: first, reason: 'rss' } as const
  spawned(state, { do: 'spawn', slot: 1, region: 1, prepare: false, replaces }, 9, 50)
  expect(first).toMatchObject({ phase: 'ready', reason: 'rss' })
})

test('the cluster has served once all wanted slots were ready at the same time', () => {
  const state = newCluster(4, 2)
  const [first, second, third] = [1, 2, 1].map((slot, index) =>
    spawned(state, { do: 'spawn', slot, region: index, prepare: false }, index, 0),
  )
  becameReady(state, first!, 10)
  becameReady(state, third!, 20)
  // Two workers of one slot do not stand for two slots.
  expect([state.hasServed, readyCount(state)]).toEqual([false, 2])
  becameReady(state, second!, 30)
  expect([state.hasServed, readyCount(state)]).toEqual([true, 3])
  expect(second).toMatchObject({ phase: 'ready', readyMs: 30 })
  exited(state, second!, { ...END, code: 1 }, 40)
  becameReady(state, startOne({ state, workers: [], first: first! }, 3), 50)
  expect(state.hasServed).toBe(true)
})

test('a worker that the system cannot spawn is tried again after a wait, which grows', () => {
  const { state } = serving()
  spawnFailed(state, 2, 1000)
  expect(state.slots.map(({ notBeforeMs }) => notBeforeMs)).toEqual([0, 1000 + FIRST_WAIT_MS, 0, 0])
  spawnFailed(state, 2, 2000)
  expect(state.slots[1]!.notBeforeMs).toBe(2000 + 2 * FIRST_WAIT_MS)
})

test.each<[ExitReason]>([['scale'], ['stop']])('a kill with the reason %s is no strike', (reason) => {
  const cluster = serving()
  const worker = startOne(cluster)
  reloadAsked(cluster.state)
  killed(worker, reason)
  expect(worker).toMatchObject({ phase: 'killed', reason })
  expect(exited(cluster.state, worker, { ...END, signal: 'SIGKILL' }, 200)).toEqual({
    reason,
    fatal: undefined,
    isReloadAbandoned: false,
  })
  expect(cluster.state.slots[0]).toMatchObject({ deathsMs: [], notBeforeMs: 0 })
  expect(cluster.state.reload).toBeDefined()
})

test('while the cluster stops, a worker that cannot boot neither ends a reload nor changes the exit code', () => {
  const state = newCluster(4, 2)
  const worker = spawned(state, { do: 'spawn', slot: 1, region: 0, prepare: true }, 1, 0)
  reloadAsked(state)
  state.isStopping = true
  const end = { ...END, code: EXIT.couldNotStart }
  expect(exited(state, worker, end, 100)).toEqual({
    reason: 'crash',
    fatal: undefined,
    isReloadAbandoned: false,
  })
})

test('a boot that took too long is fatal before the cluster has served, and abandons a reload later', () => {
  const state = newCluster(4, 1)
  const worker = spawned(state, { do: 'spawn', slot: 1, region: 0, prepare: false }, 1, 0)
  killed(worker, 'crash')
  expect(exited(state, worker, { ...END, signal: 'SIGKILL' }, 100)).toMatchObject({
    reason: 'crash',
    fatal: EXIT.couldNotStart,
  })
  const cluster = serving()
  reloadAsked(cluster.state)
  const successor = startOne(cluster)
  killed(successor, 'crash')
  expect(exited(cluster.state, successor, { ...END, signal: 'SIGKILL' }, 200)).toEqual({
    reason: 'crash',
    fatal: undefined,
    isReloadAbandoned: true,
  })
})

test('an abandoned reload that was asked for again begins anew', () => {
  const cluster = serving()
  reloadAsked(cluster.state)
  reloadAsked(cluster.state)
  exited(cluster.state, startOne(cluster), { ...END, code: 1 }, 200)
  expect(cluster.state).toMatchObject({
    generation: 3,
    isPrepared: false,
    reload: { from: 1, isAskedAgain: false },
  })
})

test('a drain notes its reason, its deadline and what it waits for', () => {
  const { first } = serving()
  drainBegun(first, 'signal', undefined, 5000)
  expect(first).toMatchObject({ phase: 'draining', reason: 'signal', deadlineMs: 5000 })
  expect(first.isReplaced).toBeUndefined()
})
