/** The snapshot of a cluster: which worker stands for its slot, and in which state. The workers are played. */
import { expect, setDefaultTimeout, test } from 'bun:test'
import { CELL } from '../shared/scoreboard.ts'
import { PlayedCluster } from './testing_master.ts'

/** The machine may be busy. */
setDefaultTimeout(120_000)

const shown = (cluster: PlayedCluster) =>
  cluster.snapshot().workers.map(({ id, pid, status }) => `${id}: ${pid} ${status}`)

test('a worker starts, is ready, and drains', async () => {
  await using cluster = new PlayedCluster()
  expect(shown(cluster)).toEqual(['1: 1 starting', '2: 0 dead'])
  await cluster.workers[0]!.say({ type: 'prepared' })
  await cluster.workers[0]!.say({ type: 'ready' })
  expect(shown(cluster)).toEqual(['1: 1 ready', '2: 2 starting'])
  await cluster.signal('SIGTERM')
  expect(shown(cluster)).toEqual(['1: 1 draining', '2: 2 draining'])
})

test('the worker that serves stands for its slot, or else the newest', async () => {
  await using cluster = await PlayedCluster.serving()
  await cluster.signal('SIGHUP')
  expect(shown(cluster)).toEqual(['1: 1 ready', '2: 2 ready'])
  const [first, , third] = cluster.workers
  await third!.say({ type: 'prepared' })
  await third!.say({ type: 'ready' })
  expect(shown(cluster)[0]).toBe('1: 3 ready')
  await third!.end({ code: 1 })
  // Its predecessor drains, its successor boots.
  expect(shown(cluster)[0]).toBe('1: 5 starting')
  expect(first!.received).toHaveLength(1)
})

test('a slot above the wanted number is shown while it has a worker', async () => {
  await using cluster = await PlayedCluster.serving()
  await cluster.signal('SIGTTOU')
  expect(shown(cluster)).toEqual(['1: 1 ready', '2: 2 draining'])
  await cluster.workers[1]!.end({ code: 0 })
  expect(shown(cluster)).toEqual(['1: 1 ready'])
})

test('a ready worker whose event loop does not turn for two seconds is hung, and does not count as ready', async () => {
  await using cluster = await PlayedCluster.serving({ TOYS_WORKERS: '3', TOYS_HARAKIRI_MS: '0' })
  const turning = setInterval(() => {
    // Each look of the master must find another time.
    cluster.segment.board(0)[CELL.turnedMs] = performance.now()
    cluster.segment.board(2)[CELL.turnedMs] = performance.now()
  }, 20)
  while (cluster.snapshot().workers[2]!.status === 'ready') await Bun.sleep(5)
  expect(shown(cluster)).toEqual(['1: 1 ready', '2: 2 ready', '3: 3 hung'])
  expect(cluster.snapshot().workers[2]!.heartbeatAgeMs).toBeGreaterThan(2000)
  expect(cluster.master.whyNotReady()).toBeUndefined()
  clearInterval(turning)
  while (cluster.snapshot().workers[0]!.status === 'ready') await Bun.sleep(5)
  expect(cluster.master.whyNotReady()).toBe('0 of 3 workers are ready, 2 are needed')
})

test('lag and the oldest request are those of the scoreboard, on the clock of the worker', async () => {
  await using cluster = await PlayedCluster.serving()
  const cells = cluster.segment.board(2)
  cells[CELL.turnedMs] = 5000
  cells[CELL.lagMs] = 12
  cells[CELL.oldestMs] = 4000
  cells[CELL.latestMs] = 4500
  const [, second] = cluster.snapshot().workers
  expect(second!.eventLoopLagMs).toBe(12)
  expect(second!.oldestRequestMs).toBeGreaterThanOrEqual(1000)
  expect(second!.oldestRequestMs).toBeLessThan(1000 + 10_000)
  // It grows while the worker does not turn its event loop.
  while (cluster.snapshot().workers[1]!.oldestRequestMs <= second!.oldestRequestMs) await Bun.sleep(1)
})

test('counts go on over all processes of a slot; reloads are those of the cluster', async () => {
  await using cluster = await PlayedCluster.serving()
  cluster.segment.board(0)[CELL.requests] = 5
  cluster.segment.board(1)[CELL.requests] = 7
  await cluster.workers[0]!.end({ code: 1 })
  cluster.segment.board(0)[CELL.requests] = 6
  const [first, second] = cluster.snapshot().workers
  expect(first).toMatchObject({ requests: 13, newRequests: 1, spawns: 2, cpuUs: 5000, exits: { crash: 1 } })
  expect(second).toMatchObject({ requests: 0, newRequests: 0, spawns: 1, exits: { crash: 0 } })
  await cluster.workers[2]!.say({ type: 'ready' })
  await cluster.workers[2]!.end({ code: 1 })
  expect(cluster.snapshot().workers[0]).toMatchObject({ spawns: 3, cpuUs: 10_000, exits: { crash: 2 } })
  expect(first!.startedEpochMs).toBeGreaterThan(Date.now() - 60_000)
  expect(cluster.snapshot()).toMatchObject({
    name: 'toys',
    version: '1',
    reloads: 0,
    reloadsFailed: 0,
    lastReloadEpochMs: 0,
  })
  await cluster.signal('SIGHUP')
  await cluster.workers.at(-1)!.end({ code: 1 })
  const { reloadsFailed, lastReloadEpochMs } = cluster.snapshot()
  expect(reloadsFailed).toBe(1)
  expect(lastReloadEpochMs).toBeGreaterThan(Date.now() - 60_000)
})
