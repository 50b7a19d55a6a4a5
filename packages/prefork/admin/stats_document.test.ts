import { expect, test } from 'bun:test'
import type { ClusterSnapshot, WorkerSnapshot } from './snapshot.ts'
import { statsDocument } from './stats_document.ts'

const worker: WorkerSnapshot = {
  id: 1,
  pid: 42,
  status: 'ready',
  startedEpochMs: 1_700_000_000_999,
  requests: 3,
  newRequests: 2,
  exceptions: 1,
  sentBytes: 1000,
  busyMs: 4.5678,
  inFlight: 0,
  oldestRequestMs: 0,
  heartbeatAgeMs: 12.3456,
  eventLoopLagMs: 0.0001,
  rssBytes: 4096,
  vszBytes: 8192,
  cpuUs: 10_000.4,
  openFiles: 14,
  spawns: 3,
  exits: { crash: 1, harakiri: 1 },
}

const cluster = (facts: Partial<WorkerSnapshot> = {}): ClusterSnapshot => ({
  name: 'dogs',
  version: '0.1.0',
  pid: 42,
  cwd: '/srv',
  sockets: [
    { name: '127.0.0.1:8001', lengths: [2, 4], limit: 512 },
    { name: '127.0.0.1:8003', lengths: [5], limit: 512 },
  ],
  listenOverflows: undefined,
  workers: [{ ...worker, ...facts }],
  reloads: 2,
  reloadsFailed: 1,
  lastReloadEpochMs: 1_700_000_001_999,
})

/** All numbers of a document, at any depth: a strict reader of uWSGI's document demands integers. */
function numbersOf(node: unknown): number[] {
  if (typeof node === 'number') return [node]
  return typeof node === 'object' && node !== null ? Object.values(node).flatMap(numbersOf) : []
}

test('all numbers are integers', () => {
  expect(numbersOf(statsDocument(cluster())).filter((value) => !Number.isSafeInteger(value))).toEqual([])
})

test('times are microseconds, the spawn time whole seconds', () => {
  expect(statsDocument(cluster()).workers[0]).toMatchObject({
    running_time: 4568,
    avg_rt: 1523,
    heartbeat_age_us: 12_346,
    eventloop_lag_us: 0,
    cpu_us: 10_000,
    last_spawn: 1_700_000_000,
  })
})

test('the listen queue is that of the fullest listener, as in uWSGI; those of one address are added up', () => {
  const { listen_queue, load, sockets } = statsDocument(cluster())
  expect({ listen_queue, load }).toEqual({ listen_queue: 5, load: 5 })
  expect(sockets.map(({ queue, max_queue }) => [queue, max_queue])).toEqual([
    [6, 1024],
    [5, 512],
  ])
})

test('the ends of earlier processes of the slot are counted', () => {
  expect(statsDocument(cluster()).workers[0]).toMatchObject({
    delta_requests: 2,
    respawn_count: 3,
    harakiri_count: 1,
    exits: { crash: 1, harakiri: 1 },
  })
  expect(statsDocument(cluster())).toMatchObject({
    reloads: 2,
    reloads_failed: 1,
    last_reload: 1_700_000_001,
  })
})

test('a worker without requests has no average', () => {
  expect(statsDocument(cluster({ requests: 0, busyMs: 0 })).workers[0]!.avg_rt).toBe(0)
})

test('a number that the kernel does not provide is absent', () => {
  expect(statsDocument(cluster())).not.toHaveProperty('listen_overflows')
  expect(statsDocument({ ...cluster(), listenOverflows: 0 })).toHaveProperty('listen_overflows', 0)
})

test.each<[Partial<WorkerSnapshot>, string, string, 0 | 1]>([
  [{}, 'ready', 'idle', 1],
  [{ inFlight: 2 }, 'busy', 'busy', 1],
  [{ status: 'starting' }, 'starting', 'idle', 0],
  [{ status: 'draining', inFlight: 1 }, 'draining', 'busy', 0],
  [{ status: 'hung', inFlight: 1 }, 'hung', 'busy', 0],
  [{ status: 'dead', pid: 0 }, 'dead', 'cheap', 0],
])('%j is the state %s', (facts, state, status, accepting) => {
  expect(statsDocument(cluster(facts)).workers[0]).toMatchObject({ state, status, accepting })
})
