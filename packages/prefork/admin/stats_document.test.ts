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

test("each value of the document is that of the snapshot, under uWSGI's name and in its unit", () => {
  const facts = { inFlight: 5, oldestRequestMs: 1.5, eventLoopLagMs: 2.5, exits: { crash: 4, harakiri: 6 } }
  const document = statsDocument({ ...cluster(facts), listenOverflows: 9 })
  expect(document).toEqual({
    version: '0.1.0',
    listen_queue: 5,
    listen_queue_errors: 0,
    signal_queue: 0,
    load: 5,
    pid: 42,
    uid: process.getuid!(),
    gid: process.getgid!(),
    cwd: '/srv',
    daemons: [],
    locks: [],
    sockets: [
      { name: '127.0.0.1:8001', proto: 'http', queue: 6, max_queue: 1024, shared: 0, can_offload: 0 },
      { name: '127.0.0.1:8003', proto: 'http', queue: 5, max_queue: 512, shared: 0, can_offload: 0 },
    ],
    workers: [
      {
        id: 1,
        pid: 42,
        accepting: 1,
        requests: 3,
        delta_requests: 2,
        exceptions: 1,
        harakiri_count: 6,
        signals: 0,
        signal_queue: 0,
        status: 'busy',
        rss: 4096,
        vsz: 8192,
        running_time: 4568,
        last_spawn: 1_700_000_000,
        respawn_count: 3,
        tx: 1000,
        avg_rt: 1523,
        apps: [],
        cores: [],
        state: 'busy',
        in_flight: 5,
        cpu_us: 10_000,
        heartbeat_age_us: 12_346,
        eventloop_lag_us: 2500,
        oldest_request_us: 1500,
        open_files: 14,
        exits: { crash: 4, harakiri: 6 },
      },
    ],
    name: 'dogs',
    listen_overflows: 9,
    reloads: 2,
    reloads_failed: 1,
    last_reload: 1_700_000_001,
  })
})

test('it has each key of the document that uWSGI 2.0 writes', async () => {
  const path = `${import.meta.dir}/../../../exporter/testdata/uwsgi-stats.json`
  const real = (await Bun.file(path).json()) as { sockets: object[]; workers: object[] }
  const ours = statsDocument(cluster())
  expect(Object.keys(ours)).toEqual(expect.arrayContaining(Object.keys(real)))
  expect(Object.keys(ours.sockets[0]!)).toEqual(Object.keys(real.sockets[0]!))
  expect(Object.keys(ours.workers[0]!)).toEqual(expect.arrayContaining(Object.keys(real.workers[0]!)))
})

test('a port without a listener has an empty queue', () => {
  const sockets = [{ name: ':1', lengths: [], limit: 512 }]
  expect(statsDocument({ ...cluster(), sockets })).toMatchObject({
    listen_queue: 0,
    load: 0,
    sockets: [{ queue: 0, max_queue: 0 }],
  })
})

test('a worker that was never killed for a block has 0', () => {
  expect(statsDocument(cluster({ exits: {} })).workers[0]!.harakiri_count).toBe(0)
})

/** All numbers of a document, at any depth: a strict reader of uWSGI's document demands integers. */
function numbersOf(node: unknown): number[] {
  if (typeof node === 'number') return [node]
  return typeof node === 'object' && node !== null ? Object.values(node).flatMap(numbersOf) : []
}

test('all numbers are integers', () => {
  expect(numbersOf(statsDocument(cluster())).filter((value) => !Number.isSafeInteger(value))).toEqual([])
})

test('the listen queue is that of the fullest listener, as in uWSGI; those of one address are added up', () => {
  const { listen_queue, load, sockets } = statsDocument(cluster())
  expect({ listen_queue, load }).toEqual({ listen_queue: 5, load: 5 })
  expect(sockets.map(({ queue, max_queue }) => [queue, max_queue])).toEqual([
    [6, 1024],
    [5, 512],
  ])
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
