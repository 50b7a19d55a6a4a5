/**
 * What the master does with signals. The workers are played; real ones are in stop.slow.test.ts and reload.slow.test.ts. For messages and deaths of
 * workers see master.workers.test.ts.
 */
import { expect, setDefaultTimeout, test } from 'bun:test'
import { readMigratesRequests } from '../shared/procfs.ts'
import { CELL } from '../shared/scoreboard.ts'
import { PlayedCluster } from './testing_master.ts'

/** The machine may be busy. */
setDefaultTimeout(120_000)

const DRAIN = { type: 'drain', lameDuckMs: 1500, isReplaced: false }

test('the first worker runs the migrations, the others start after it, and all must be ready to serve', async () => {
  await using cluster = new PlayedCluster()
  let hasServed = false
  void cluster.master.served.then(() => (hasServed = true))
  expect(cluster.workers.map(({ role }) => role)).toEqual([
    {
      slot: 1,
      region: 0,
      segment: '/the/segment',
      addresses: [{ hostname: '127.0.0.1', port: 8080, reusePort: true }],
      prepare: true,
    },
  ])
  const [first] = cluster.workers
  await first!.say({ type: 'prepared' })
  expect(cluster.workers.map(({ role: { slot, region, prepare } }) => [slot, region, prepare])).toEqual([
    [1, 0, true],
    [2, 2, false],
  ])
  await first!.say({ type: 'ready' })
  expect([hasServed, cluster.master.whyNotReady()]).toEqual([false, 'toys is starting'])
  await cluster.workers[1]!.say({ type: 'ready' })
  expect([hasServed, cluster.master.whyNotReady()]).toEqual([true, undefined])
  expect(cluster.said).toEqual(['info worker 1 is ready', 'info worker 2 is ready'])
  const { worker, workerPid, bootMs } = cluster.fields[1]!
  expect([worker, workerPid]).toEqual([2, 2])
  expect(bootMs).toBeGreaterThanOrEqual(0)
  expect(bootMs).toBeLessThan(30_000)
})

test('each worker gets the socket of its region beside the port', async () => {
  await using cluster = await PlayedCluster.serving({}, true)
  const port = { hostname: '127.0.0.1', port: 8080, reusePort: true }
  expect(cluster.workers.map(({ role }) => role.addresses)).toEqual([
    [port, { unix: '/run/.0' }],
    [port, { unix: '/run/.2' }],
  ])
  expect(cluster.withdrawn).toEqual([])
})

test.each([
  ['SIGTERM', 1500],
  ['SIGINT', 0],
] as const)('%s lets the workers drain, as lame ducks for %d ms', async (signal, lameDuckMs) => {
  await using cluster = await PlayedCluster.serving()
  cluster.segment.board(2)[CELL.inFlight] = 3
  const beforeMs = performance.now()
  await cluster.signal(signal)
  const afterMs = performance.now()
  for (const { received } of cluster.workers) expect(received).toEqual([{ ...DRAIN, lameDuckMs }])
  expect(cluster.fieldsOf('info draining')).toEqual({ signal, inFlight: 3, drainMs: 10_000 })
  expect(cluster.master.whyNotReady()).toBe('toys is stopping')
  // A second after lame duck and drain time a worker is killed.
  for (const { workers } of cluster.master.state.slots.slice(0, 2)) {
    const orderedMs = workers[0]!.deadlineMs! - lameDuckMs - 10_000 - 1000
    expect(orderedMs).toBeWithin(beforeMs, afterMs)
  }
  for (const worker of cluster.workers) await worker.end({ code: 0 })
  expect(await cluster.code).toBe(0)
  expect(cluster.said.slice(-2)).toEqual(['info worker 1 stopped', 'info worker 2 stopped'])
})

test.each([
  ['SIGTERM', 'SIGTERM'],
  ['SIGTERM', 'SIGINT'],
  ['SIGINT', 'SIGTERM'],
  ['SIGTERM', 'SIGQUIT'],
  ['SIGQUIT', undefined],
] as const)('%s and then %s kill the workers at once', async (first, second) => {
  await using cluster = await PlayedCluster.serving()
  cluster.segment.board(0)[CELL.inFlight] = 1
  await cluster.signal(first)
  if (second) await cluster.signal(second)
  for (const { received } of cluster.workers) expect(received.at(-1)).toBe('SIGKILL')
  expect(cluster.fieldsOf('warn requests were cut off')).toEqual({ inFlight: 1, because: second ?? first })
  for (const worker of cluster.workers) await worker.end({ signal: 'SIGKILL' })
  expect(await cluster.code).toBe(0)
  expect(cluster.said.slice(-2)).toEqual(['info worker 1 stopped', 'info worker 2 stopped'])
})

test('if no request was in flight, none was cut off', async () => {
  await using cluster = await PlayedCluster.serving()
  await cluster.signal('SIGQUIT')
  expect(cluster.said.filter((line) => line.includes('cut off'))).toEqual([])
  for (const worker of cluster.workers) await worker.end({ signal: 'SIGKILL' })
  expect(await cluster.code).toBe(0)
})

test('SIGHUP replaces one worker after the other: the old one drains when the new one is ready', async () => {
  await using cluster = await PlayedCluster.serving({}, true)
  await cluster.signal('SIGHUP')
  expect(cluster.said.at(-1)).toBe('info reloading: one worker after the other')
  const [first, second, third] = cluster.workers
  expect(third!.role).toMatchObject({ slot: 1, region: 1, prepare: true })
  expect([first!.received, cluster.workers.length]).toEqual([[], 3])
  await third!.say({ type: 'prepared' })
  await third!.say({ type: 'ready' })
  expect(first!.received).toEqual([{ ...DRAIN, isReplaced: true }])
  const fourth = cluster.workers[3]!
  expect(fourth.role).toMatchObject({ slot: 2, region: 3, prepare: false })
  await first!.end({ code: 0 })
  expect(second!.received).toEqual([])
  expect(cluster.slotStats.reloads).toBe(0)
  await cluster.signal('SIGHUP')
  expect(cluster.said).toContain('info another reload follows the one that runs')
  await fourth.say({ type: 'ready' })
  expect(second!.received).toEqual([{ ...DRAIN, isReplaced: true }])
  await second!.end({ code: 0 })
  expect([cluster.slotStats.reloads, cluster.slotStats.reloadsFailed]).toEqual([1, 0])
  expect(cluster.said).toContain('info reloaded: all workers run the new code')
  expect(cluster.said).toContain('info worker 1 ended (reload)')
  const atRisk = cluster.said.filter((line) => line.startsWith('info a reload may delay new connections'))
  expect(atRisk).toHaveLength(readMigratesRequests() === false ? 1 : 0)
  // The slot had a worker that serves all the time.
  expect(cluster.withdrawn).toEqual([])
  while (cluster.workers.length < 5) await Bun.sleep(1)
  expect(cluster.workers[4]!.role).toMatchObject({ slot: 1, region: 0, prepare: true })
})

test('a reload whose worker cannot boot is abandoned, with the words of the worker', async () => {
  await using cluster = await PlayedCluster.serving()
  await cluster.signal('SIGHUP')
  const successor = cluster.workers[2]!
  await successor.say({ type: 'failed', message: 'no such table' })
  await successor.end({ code: 3 })
  expect(cluster.said).toContain(
    'error the reload is abandoned: the new worker could not start (no such table). ' +
      'The old workers go on; mend the cause and send SIGHUP again',
  )
  expect([cluster.slotStats.reloads, cluster.slotStats.reloadsFailed]).toEqual([0, 1])
  expect(cluster.slotStats.lastReloadEpochMs).toBeGreaterThan(0)
  expect(cluster.slotStats.lastReloadEpochMs).toBeGreaterThan(Date.now() - 60_000)
  expect(cluster.master.state.isStopping).toBe(false)
  expect(cluster.workers.slice(0, 2).flatMap(({ received }) => received)).toEqual([])
})

test('SIGTTIN and SIGTTOU change the number of workers, and the log says where it ends', async () => {
  await using cluster = await PlayedCluster.serving({ TOYS_WORKERS: '3' }, true)
  await cluster.signal('SIGTTIN')
  expect(cluster.workers[3]!.role).toMatchObject({ slot: 4, region: 6 })
  await cluster.workers[3]!.say({ type: 'ready' })
  await cluster.signal('SIGTTIN')
  expect(cluster.workers).toHaveLength(4)
  await cluster.signal('SIGTTOU')
  expect(cluster.workers[3]!.received).toEqual([{ ...DRAIN, isReplaced: true }])
  // The gateway must not send requests to a worker that leaves.
  expect(cluster.withdrawn).toEqual([4])
  expect(cluster.said.slice(3).filter((line) => line.startsWith('info scaling'))).toEqual([
    'info scaling',
    'info scaling ends here: 1 to 4 workers',
    'info scaling',
  ])
  expect(cluster.fieldsOf('info scaling')).toEqual({ workers: 4 })
})

test('each signal makes one worker more', async () => {
  await using cluster = await PlayedCluster.serving({ TOYS_WORKERS: '1' })
  await cluster.signal('SIGTTIN')
  expect(cluster.workers).toHaveLength(2)
  expect(cluster.master.state.wanted).toBe(2)
})

test('a worker that cannot boot before the cluster has served ends it with its exit code and its words', async () => {
  await using cluster = new PlayedCluster()
  const [first] = cluster.workers
  await first!.say({ type: 'prepared' })
  await first!.say({ type: 'ready' })
  const second = cluster.workers[1]!
  await second.end({ code: 2 }, { type: 'failed', message: 'DOGS_URL is wrong' })
  expect(cluster.said.at(-1)).toBe('fatal DOGS_URL is wrong')
  // No client has been told of this cluster: no balancer has to notice.
  expect(first!.received).toEqual([{ ...DRAIN, lameDuckMs: 0 }])
  await first!.end({ code: 0 })
  expect(await cluster.code).toBe(2)
})

test.each([
  [{ code: 7 }, 'fatal worker 1 ended with exit code 7 before it was ready'],
  [{ signal: 'SIGSEGV' }, 'fatal worker 1 was killed by SIGSEGV before it was ready'],
] as const)('a worker that dies before it was ready without a word (%j)', async (end, line) => {
  await using cluster = new PlayedCluster()
  await cluster.workers[0]!.end(end)
  expect(cluster.said.at(-1)).toBe(line)
  expect(await cluster.code).toBe(3)
})
