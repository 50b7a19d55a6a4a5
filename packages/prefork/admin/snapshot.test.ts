/** A snapshot has the counts of the slot, and the facts of the process that stands for it. */
import { expect, test } from 'bun:test'
import { readProcess } from '../shared/procfs.ts'
import { CELL } from '../shared/scoreboard.ts'
import { commonSnapshot, type ShownWorker, slotSnapshot, type SlotSources } from './snapshot.ts'

/** Between two looks at a process its memory may change. */
const BYTES_ASIDE = 64 * 1024 * 1024
const ENDED = 2 ** 22 + 1

const shown: ShownWorker = { pid: process.pid, status: 'hung', heartbeatAgeMs: 7, eventLoopLagMs: 8 }
const sources: SlotSources = {
  id: 3,
  counts: { exits: { crash: 2 }, spawns: 4, lastSpawnEpochMs: 1000, goneCpuUs: 5e9, requestsBefore: 10 },
  // Each cell has a value of its own.
  total: (cell) => 100 + cell,
  pids: [process.pid],
  oldestRequestMs: 6,
  shown,
}

test('its counts are those of the slot', () => {
  expect(slotSnapshot(sources)).toMatchObject({
    id: 3,
    pid: process.pid,
    status: 'hung',
    heartbeatAgeMs: 7,
    eventLoopLagMs: 8,
    oldestRequestMs: 6,
    startedEpochMs: 1000,
    spawns: 4,
    exits: { crash: 2 },
    requests: 100 + CELL.requests,
    newRequests: 90 + CELL.requests,
    exceptions: 100 + CELL.exceptions,
    sentBytes: 100 + CELL.sentBytes,
    busyMs: 100 + CELL.busyMs,
    inFlight: 100 + CELL.inFlight,
  })
})

test('memory and files are those of its worker, CPU time that of all processes that the slot has had', async () => {
  await using other = Bun.spawn(['sleep', '60'], { stdio: ['ignore', 'ignore', 'ignore'] })
  const cpuUs = () => [other.pid, process.pid].reduce((sum, pid) => sum + readProcess(pid)!.cpuUs, 5e9)
  // The kernel counts CPU time in hundredths of a second.
  while (cpuUs() === 5e9);
  const least = cpuUs()
  const snapshot = slotSnapshot({ ...sources, pids: [other.pid, process.pid] })
  const own = readProcess(process.pid)!
  expect(Math.abs(snapshot.rssBytes - own.rssBytes)).toBeLessThan(BYTES_ASIDE)
  expect(snapshot.vszBytes).toBeGreaterThan(snapshot.rssBytes)
  expect(snapshot.openFiles).toBeGreaterThan(2)
  expect(snapshot.cpuUs).toBeGreaterThanOrEqual(least)
  expect(snapshot.cpuUs).toBeLessThanOrEqual(cpuUs())
})

test('a slot without a worker is dead, and keeps its counts', () => {
  expect(slotSnapshot({ ...sources, pids: [], shown: undefined })).toMatchObject({
    pid: 0,
    status: 'dead',
    heartbeatAgeMs: 0,
    eventLoopLagMs: 0,
    rssBytes: 0,
    vszBytes: 0,
    openFiles: 0,
    cpuUs: 5e9,
    requests: 100 + CELL.requests,
  })
})

test('a worker that has just ended has no memory', () => {
  const gone = slotSnapshot({ ...sources, pids: [ENDED], shown: { ...shown, pid: ENDED } })
  expect(gone).toMatchObject({ pid: ENDED, rssBytes: 0, openFiles: 0, cpuUs: 5e9 })
})

test('the port of a cluster is one socket, with the queue of each of its listeners', () => {
  using first = Bun.serve({ hostname: '127.0.0.1', port: 0, reusePort: true, fetch: () => new Response() })
  const port = first.port!
  using _ = Bun.serve({ hostname: '127.0.0.1', port, reusePort: true, fetch: () => new Response() })
  const snapshot = commonSnapshot({ name: 'dogs', version: '1.2.3' }, { hostname: '127.0.0.1', port })
  expect(snapshot).toMatchObject({ name: 'dogs', version: '1.2.3', pid: process.pid, cwd: process.cwd() })
  expect(snapshot.sockets).toEqual([
    { name: `127.0.0.1:${port}`, lengths: [0, 0], limit: snapshot.sockets[0]!.limit },
  ])
  expect(snapshot.sockets[0]!.limit).toBeGreaterThan(0)
  expect(snapshot.listenOverflows).toBeGreaterThanOrEqual(0)
  expect(commonSnapshot({ name: '', version: '' }, { hostname: '::1', port }).sockets[0]!.name).toBe(
    `[::1]:${port}`,
  )
})
