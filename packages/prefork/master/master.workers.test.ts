/** What the master does when a worker speaks, blocks or dies. The workers are played; real ones are in death.slow.test.ts. */
import { Gauge, Registry } from '@bun-monitoring/metrics'
import { expect, setDefaultTimeout, test } from 'bun:test'
import { CELL } from '../shared/scoreboard.ts'
import { EXIT_REASONS } from './state.ts'
import { PlayedCluster } from './testing_master.ts'

/** The machine may be busy. */
setDefaultTimeout(120_000)

const DRAIN = { type: 'drain', lameDuckMs: 1500, isReplaced: false }

test('a worker that is not ready in time is killed, and the log names the setting', async () => {
  await using cluster = new PlayedCluster({ TOYS_WORKERS: '1', TOYS_BOOT_TIMEOUT_MS: '1' })
  const [first] = cluster.workers
  await first!.say({ type: 'prepared' })
  while (first!.received.length === 0) await Bun.sleep(1)
  expect(first!.received).toEqual(['SIGKILL'])
  // It may say that it is ready before it dies: it is killed all the same.
  await first!.say({ type: 'ready' })
  expect(cluster.said[0]).toBe(
    'error worker 1 was not ready within 1 ms: if it needs longer to boot, set TOYS_BOOT_TIMEOUT_MS to more. It is killed',
  )
  expect(cluster.said).not.toContain('info worker 1 is ready')
  await first!.end({ signal: 'SIGKILL' })
  expect(cluster.said).toContain('info worker 1 ended (crash)')
  expect(cluster.said).toContain(
    'fatal worker 1 was not ready within 1 ms: if it needs longer to boot, set TOYS_BOOT_TIMEOUT_MS to more.',
  )
  // A second one may boot already.
  for (const worker of cluster.workers.slice(1)) {
    expect(worker.received).toEqual(['SIGKILL'])
    await worker.end({ signal: 'SIGKILL' })
  }
  expect(await cluster.code).toBe(3)
})

test('a worker that was told to end from outside waits for its successor, and is told when that is ready', async () => {
  await using cluster = await PlayedCluster.serving({}, true)
  const [first] = cluster.workers
  await first!.say({ type: 'draining' })
  expect(cluster.master.state.slots[0]!.workers[0]).toMatchObject({ phase: 'draining', reason: 'signal' })
  expect(first!.received).toEqual([])
  const third = cluster.workers[2]!
  expect(third.role).toMatchObject({ slot: 1, region: 1, prepare: false })
  // The second signal that a worker gets is for itself.
  await first!.say({ type: 'draining' })
  await third.say({ type: 'ready' })
  expect(first!.received).toEqual([{ ...DRAIN, isReplaced: true }])
  // A third one does not change that it has been told.
  await first!.say({ type: 'draining' })
  expect(first!.received).toHaveLength(1)
  await first!.end({ code: 0 })
  expect(cluster.said.at(-1)).toBe('info worker 1 ended (signal)')
  expect(cluster.slotStats.slot(1)).toMatchObject({ spawns: 2, exits: { signal: 1 } })
  expect(cluster.master.state.slots[0]).toMatchObject({ deathsMs: [] })
})

test('a worker that drains although the cluster was not told to waits for as long as the lame duck and the drain', async () => {
  await using cluster = await PlayedCluster.serving({ TOYS_LAME_DUCK_MS: '2000', TOYS_DRAIN_MS: '3000' })
  const beforeMs = performance.now()
  await cluster.workers[0]!.say({ type: 'draining' })
  const saidMs = cluster.master.state.slots[0]!.workers[0]!.deadlineMs! - 2000 - 3000 - 1000
  expect(saidMs).toBeWithin(beforeMs, performance.now())
})

test('a worker that dies is replaced at once, and its requests in flight are abandoned', async () => {
  await using cluster = await PlayedCluster.serving({}, true)
  const [first] = cluster.workers
  const cells = cluster.segment.board(0)
  cells.set([1, 2], CELL.turnedMs)
  cells[CELL.requests] = 7
  cells[CELL.inFlight] = 2
  await first!.end({ code: 9 })
  expect(cluster.said.at(-1)).toBe('error worker 1 ended with exit code 9 (crash)')
  expect(cluster.fields.at(-1)).toEqual({ worker: 1, workerPid: 1, reason: 'crash', abandoned: 2 })
  expect(cluster.workers[2]!.role).toMatchObject({ slot: 1, region: 0, prepare: false })
  // Nothing serves the slot: the gateway must not send requests there.
  expect(cluster.withdrawn).toEqual([1])
  expect(cluster.slotStats.endedCpu).toEqual({ userUs: 3000, systemUs: 2000 })
  expect(cluster.slotStats.slot(1)).toMatchObject({ goneCpuUs: 5000, requestsBefore: 7, spawns: 2 })
  // Its successor has the counts of the region, and none of its times.
  expect([cells[CELL.turnedMs], cells[CELL.lagMs], cells[CELL.requests]]).toEqual([0, 0, 7])
  // Messages that arrive after its end change nothing.
  for (const message of [{ type: 'ready' }, { type: 'failed', message: 'late' }] as const)
    await first!.say(message)
  expect(cluster.master.handles.size).toBe(2)
  expect(cluster.master.state.slots[0]!.workers.map(({ pid, phase }) => [pid, phase])).toEqual([
    [3, 'starting'],
  ])
})

test('a worker that dies is replaced also while a child of it keeps its channel open', async () => {
  await using cluster = await PlayedCluster.serving()
  cluster.workers[0]!.endWithOpenChannel({ code: 9 })
  while (cluster.workers.length < 3) await Bun.sleep(1)
  expect(cluster.said.at(-1)).toBe('error worker 1 ended with exit code 9 (crash)')
  expect(cluster.workers[2]!.role).toMatchObject({ slot: 1, region: 0 })
})

test.each([
  [{ signal: 'SIGKILL' }, 'was killed by SIGKILL (signal): perhaps by the kernel, for lack of memory'],
  [{ signal: 'SIGSEGV' }, 'was killed by SIGSEGV (signal)'],
  [{ code: 1 }, 'ended with exit code 1 (crash)'],
] as const)('the log says how a worker died: %j', async (end, words) => {
  await using cluster = await PlayedCluster.serving()
  await cluster.workers[1]!.end(end)
  expect(cluster.said.at(-1)).toBe(`error worker 2 ${words}`)
})

test('SIGKILL is for lack of memory if the kernel has killed a process for it since the last death', async () => {
  await using cluster = await PlayedCluster.serving()
  cluster.oomKills = 1
  await cluster.workers[0]!.end({ signal: 'SIGKILL' })
  expect(cluster.said.at(-1)).toBe(
    'error worker 1 was killed by SIGKILL (oom): the memory limit of its container was reached',
  )
  await cluster.workers[1]!.end({ signal: 'SIGKILL' })
  expect(cluster.said.at(-1)).toContain('worker 2 was killed by SIGKILL (signal)')
})

test('a worker that does not end in time after its drain is killed, and the log says so', async () => {
  await using cluster = await PlayedCluster.serving({ TOYS_LAME_DUCK_MS: '0', TOYS_DRAIN_MS: '0' })
  await cluster.signal('SIGTERM')
  const [first] = cluster.workers
  while (first!.received.length < 2) await Bun.sleep(5)
  expect(first!.received.at(-1)).toBe('SIGKILL')
  expect(cluster.said).toContain('warn worker 1 did not end in time and is killed')
})

test('a worker that was told to end from outside while the cluster stops, stops', async () => {
  await using cluster = await PlayedCluster.serving()
  cluster.master.enqueue({ type: 'signal', signal: 'SIGTERM' })
  await cluster.workers[0]!.say({ type: 'draining' })
  // It must not wait for a successor.
  expect(cluster.workers[0]!.received).toEqual([{ ...DRAIN, isReplaced: false }])
  await cluster.workers[0]!.end({ code: 0 })
  expect(cluster.said.at(-1)).toBe('info worker 1 stopped')
})

test('requests of a dead worker are counted as abandoned, and are in flight no more', async () => {
  await using cluster = await PlayedCluster.serving()
  expect(await cluster.page()).toContain('http_server_abandoned_requests_total 0\n')
  cluster.segment.board(2)[CELL.inFlight] = 3
  expect(cluster.slotStats.inFlight).toBe(3)
  // No other worker takes its region over.
  cluster.hasRoom = false
  await cluster.workers[1]!.end({ code: 1 })
  expect(cluster.slotStats.inFlight).toBe(0)
  expect(await cluster.page()).toContain('http_server_abandoned_requests_total 3\n')
})

test('a slot that is wanted no more has no requests in flight after the death of its worker', async () => {
  await using cluster = await PlayedCluster.serving()
  await cluster.signal('SIGTTOU')
  cluster.segment.board(2)[CELL.inFlight] = 3
  expect(cluster.slotStats.inFlight).toBe(3)
  await cluster.workers[1]!.end({ signal: 'SIGSEGV' })
  expect(cluster.slotStats.inFlight).toBe(0)
  expect(cluster.workers).toHaveLength(2)
})

test('an app that counts more ends than begins has abandoned nothing', async () => {
  await using cluster = await PlayedCluster.serving()
  const registry = new Registry(undefined, cluster.segment.writer(0))
  new Gauge({ name: 'http_server_active_requests', help: 'Active', registers: [registry] }).set(-2)
  cluster.segment.board(0)[CELL.inFlight] = -1
  await cluster.workers[0]!.end({ code: 1 })
  expect(cluster.fields.at(-1)).toMatchObject({ abandoned: 0 })
  expect(await cluster.page()).toContain('http_server_abandoned_requests_total 0\n')
})

test('gauges of requests that an app measures without counting them are abandoned, too', async () => {
  await using cluster = await PlayedCluster.serving()
  const registry = new Registry(undefined, cluster.segment.writer(0))
  new Gauge({ name: 'http_server_active_requests', help: 'Active', registers: [registry] }).set(4)
  await cluster.workers[0]!.end({ code: 1 })
  expect(cluster.fields.at(-1)).toMatchObject({ abandoned: 4 })
})

test('requests of the processes before count for no recycling', async () => {
  await using cluster = await PlayedCluster.serving({ TOYS_WORKERS: '1', TOYS_MAX_REQUESTS: '5' })
  const cells = cluster.segment.board(0)
  cells[CELL.requests] = 4
  await cluster.workers[0]!.end({ code: 1 })
  await cluster.workers[1]!.say({ type: 'ready' })
  cells[CELL.requests] = 8
  // The master looks at the workers.
  await cluster.signal('SIGTTIN')
  expect(cluster.workers.slice(2).map(({ role: { slot } }) => slot)).toEqual([2])
  cells[CELL.requests] = 9
  await cluster.workers[2]!.say({ type: 'ready' })
  expect(cluster.workers.slice(3).map(({ role: { slot, region } }) => [slot, region])).toEqual([[1, 1]])
})

test('a worker is recycled after its last request, which is logged as its reason', async () => {
  await using cluster = await PlayedCluster.serving({ TOYS_WORKERS: '1', TOYS_MAX_REQUESTS: '5' })
  const cells = cluster.segment.board(0)
  cells[CELL.requests] = 4
  await cluster.signal('SIGTTIN')
  await cluster.signal('SIGTTOU')
  await cluster.workers[1]!.end({ signal: 'SIGKILL' })
  expect(cluster.workers).toHaveLength(2)
  cells[CELL.requests] = 5
  while (cluster.workers.length < 3) await Bun.sleep(1)
  await cluster.workers[2]!.say({ type: 'ready' })
  expect(cluster.workers[0]!.received).toEqual([{ ...DRAIN, isReplaced: true }])
  await cluster.workers[0]!.end({ code: 0 })
  expect(cluster.said.at(-1)).toBe('info worker 1 ended (max_requests)')
})

test('the end of a cluster is counted as no exit', async () => {
  await using cluster = await PlayedCluster.serving()
  await cluster.signal('SIGQUIT')
  for (const worker of cluster.workers) await worker.end({ signal: 'SIGKILL' })
  const exits = Object.fromEntries(EXIT_REASONS.map((reason) => [reason, 0]))
  for (const slot of [1, 2, 3]) expect(cluster.slotStats.slot(slot).exits).toEqual(exits)
  expect([1, 2, 3].map((slot) => cluster.slotStats.slot(slot).spawns)).toEqual([1, 1, 0])
  expect(cluster.slotStats.slot(3)).toMatchObject({ lastSpawnEpochMs: 0, goneCpuUs: 0, requestsBefore: 0 })
})

test('exit code 0 without an order is no error line', async () => {
  await using cluster = await PlayedCluster.serving()
  await cluster.workers[1]!.end({ code: 0 })
  expect(cluster.said.at(-1)).toBe('info worker 2 ended (crash)')
})

test('a process that the system has no room for is logged, and tried again', async () => {
  await using cluster = await PlayedCluster.serving()
  cluster.hasRoom = false
  await cluster.workers[0]!.end({ code: 1 })
  expect(cluster.said.at(-1)).toBe('error worker 1 cannot be spawned: is the limit of processes reached?')
  expect(cluster.fields.at(-1)).toMatchObject({ worker: 1, err: new Error('EAGAIN') })
  expect(cluster.master.state.slots[0]).toMatchObject({ strikes: 1 })
  expect(cluster.master.state.slots[0]!.notBeforeMs).toBeGreaterThan(performance.now() - 5000)
  cluster.hasRoom = true
  while (cluster.workers.length < 3) await Bun.sleep(1)
  expect(cluster.workers[2]!.role).toMatchObject({ slot: 1, region: 0 })
})

test('a worker that does not turn its event loop is killed, with its last request in the log', async () => {
  await using cluster = await PlayedCluster.serving({ TOYS_WORKERS: '1', TOYS_HARAKIRI_MS: '20' })
  const [first] = cluster.workers
  while (first!.received.length === 0) await Bun.sleep(1)
  expect(first!.received).toEqual(['SIGKILL'])
  const line =
    'error harakiri: worker 1 has not turned its event loop for 20 ms, in no known request; it is killed'
  expect(cluster.said.at(-1)).toBe(line)
  expect(cluster.fieldsOf(line)!['worker']).toBe(1)
  expect(Number(cluster.fieldsOf(line)!['blockedMs'])).toBeGreaterThan(20)
  await first!.end({ signal: 'SIGKILL' })
  expect(cluster.said.at(-1)).toBe('info worker 1 ended (harakiri)')
  expect(cluster.slotStats.slot(1).exits).toMatchObject({ harakiri: 1, signal: 0 })
})

test('no order is sent to a process that has just ended', async () => {
  await using cluster = await PlayedCluster.serving()
  const [first, second] = cluster.workers
  Object.assign(first!, { exitCode: 0 })
  Object.assign(second!, { signalCode: 'SIGKILL' })
  await cluster.signal('SIGTERM')
  expect([first!.received, second!.received]).toEqual([[], []])
})
