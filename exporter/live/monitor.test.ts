/** What the monitor makes of readings over time; its clock and its targets are those of the test. */
import { expect, jest, spyOn, test } from 'bun:test'
import { DocumentMemory } from '../stats/document_memory.ts'
import { parseStats } from '../stats/parse.ts'
import type { Reading } from '../stats/scrape.ts'
import { Monitor, type MonitorOptions } from './monitor.ts'

const DURATION = 'http_server_request_duration_seconds'

const reading = (
  document: object,
  metricsPage?: string,
  target = 'http://127.0.0.1:9001/stats',
): Reading => ({
  target,
  durationSeconds: 0,
  ...parseStats(JSON.stringify({ workers: [{ id: 1, state: 'ready' }], ...document }), {
    withCores: false,
    acceptsAnyObject: false,
  }),
  ...(metricsPage === undefined ? {} : { metricsPage }),
})
const down = (problem: string): Reading => ({
  target: 'http://127.0.0.1:9001/stats',
  durationSeconds: 0,
  problem,
})
const requests = (status: number, count: number) =>
  `${DURATION}_count{http_route="/dogs/",http_response_status_code="${status}"} ${count}\n`

class Run {
  nowMs = 1_000_000
  reads = 0
  next: Reading[] = []
  readonly monitor: Monitor

  constructor(options: Partial<MonitorOptions> = {}) {
    this.monitor = new Monitor({
      targets: [],
      scrape: {
        memory: new DocumentMemory(1),
        withCores: false,
        acceptsAnyObject: false,
        keepsName: false,
      },
      historyMs: 60_000,
      stepMs: 5000,
      now: () => this.nowMs,
      read: async () => {
        this.reads++
        return this.next
      },
      ...options,
    })
  }

  /** One turn after the next step. */
  async turn(...next: Reading[]): Promise<void> {
    this.next = next
    this.nowMs += 5000
    await this.monitor.turn()
  }
}

test('an app whose requests fail is a problem since the first failure, until 30 s after the last', async () => {
  const run = new Run()
  await run.turn(reading({ name: 'dogs' }, requests(200, 100)))
  await run.turn(reading({ name: 'dogs' }, requests(200, 100) + requests(500, 50)))
  const sinceMs = run.nowMs
  await run.turn(reading({ name: 'dogs' }, requests(200, 100) + requests(500, 150)))
  expect((await run.monitor.document(0)).problems).toEqual([
    { app: 'dogs', text: '100 % of requests fail with 500', sinceMs },
  ])
  for (let i = 0; i < 5; i++)
    await run.turn(reading({ name: 'dogs' }, requests(200, 100) + requests(500, 150)))
  expect((await run.monitor.document(0)).problems).toHaveLength(1)
  await run.turn(reading({ name: 'dogs' }, requests(200, 100) + requests(500, 150)))
  expect((await run.monitor.document(0)).problems).toEqual([])

  await run.turn(reading({ name: 'dogs' }, requests(200, 100) + requests(500, 160)))
  expect((await run.monitor.document(0)).problems).toMatchObject([{ sinceMs: run.nowMs }])
})

test('a target that fails from the start is a problem, and no change until it can be read', async () => {
  const run = new Run()
  await run.turn(down('gone'))
  const { problems, changes } = await run.monitor.document(0)
  expect([problems.map(({ text }) => text), changes]).toEqual([['cannot be read: gone'], []])
  await run.turn(reading({ name: 'dogs' }))
  expect((await run.monitor.document(0)).changes.map(({ kind }) => kind)).toEqual(['up'])
})

test('a target that fails is a problem and a change; its counters start again when it is back', async () => {
  const run = new Run()
  await run.turn(reading({ name: 'dogs', reloads: 5 }, requests(200, 100)))
  await run.turn(down('gone'))
  const document = await run.monitor.document(0)
  expect(document.targets).toEqual([{ target: 'http://127.0.0.1:9001/stats', app: 'dogs', problem: 'gone' }])
  expect(document.problems).toEqual([{ app: 'dogs', text: 'cannot be read: gone', sinceMs: run.nowMs }])
  await run.turn(down('gone'))
  await run.turn(reading({ name: 'dogs', reloads: 0 }, requests(200, 1)))
  const after = await run.monitor.document(0)
  expect(after.changes.map(({ kind, text }) => [kind, text])).toEqual([
    ['down', 'cannot be read: gone'],
    ['up', 'can be read again'],
  ])
  expect(after.targets).toMatchObject([{ app: 'dogs', red: undefined }])
  const [curves] = Object.values(after.curves.targets)
  expect(curves!.requestsPerSecond).toEqual([null, null, null, null])
  await run.turn(reading({ name: 'dogs' }, requests(200, 11)))
  const last = await run.monitor.document(0)
  expect(last.targets).toMatchObject([{ red: { requestsPerSecond: 2 } }])
  // It is told once that it is back.
  expect(last.changes).toHaveLength(2)
})

test('a target that was gone for a time begins anew, and so do its problems', async () => {
  const run = new Run()
  const dogs = (count: number) =>
    reading({ name: 'dogs', workers: [{ id: 1, state: 'dead' }] }, requests(200, count))
  await run.turn(dogs(100))
  await run.turn(dogs(110))
  expect((await run.monitor.document(0)).targets).toMatchObject([{ red: { requestsPerSecond: 2 } }])
  await run.turn()
  expect((await run.monitor.document(0)).targets).toEqual([])
  await run.turn(dogs(120))
  const { targets, problems } = await run.monitor.document(0)
  expect(targets).toMatchObject([{ app: 'dogs', red: undefined }])
  expect(problems).toEqual([{ app: 'dogs', text: 'no worker is ready', sinceMs: run.nowMs }])
})

test('with steps longer than 30 s, figures are of the last step', async () => {
  const run = new Run({ historyMs: 600_000, stepMs: 60_000 })
  for (const count of [0, 600, 660, 720]) {
    run.nowMs += 55_000
    await run.turn(reading({ name: 'dogs' }, requests(200, count)))
  }
  expect((await run.monitor.document(0)).targets).toMatchObject([{ red: { requestsPerSecond: 1 } }])
})

test('the curves have as many points as whole steps', async () => {
  const run = new Run({ historyMs: 12_000, stepMs: 5000 })
  for (let turn = 0; turn < 4; turn++) await run.turn(reading({ name: 'dogs' }))
  expect((await run.monitor.document(0)).curves.times).toHaveLength(2)
})

test('the curve of the queue is the sum over the sockets, and unknown without any', async () => {
  const run = new Run()
  const sockets = [
    { name: ':1', queue: 2 },
    { name: ':2', queue: 3 },
  ]
  for (const document of [{ sockets }, { sockets }, {}])
    await run.turn(reading({ name: 'dogs', ...document }))
  const [curves] = Object.values((await run.monitor.document(0)).curves.targets)
  expect(curves!.queued).toEqual([null, 5, null])
})

test('it reads at each step; after its stop it reads no more, and a reading that was begun changes nothing', async () => {
  jest.useFakeTimers()
  try {
    let begun = Promise.withResolvers<Reading[]>()
    const run = new Run({ stepMs: 5000, read: () => (run.reads++, begun.promise) })
    run.monitor.start()
    begun.resolve([])
    await run.monitor.turn()
    begun = Promise.withResolvers<Reading[]>()
    jest.advanceTimersByTime(5000)
    expect(run.reads).toBe(2)
    const turn = run.monitor.turn()
    run.monitor.stop()
    begun.resolve([reading({ name: 'dogs' })])
    await turn
    jest.advanceTimersByTime(50_000)
    expect(run.reads).toBe(2)
    begun = Promise.withResolvers<Reading[]>()
    begun.resolve([])
    expect((await run.monitor.document(0)).targets).toEqual([])
  } finally {
    jest.useRealTimers()
  }
})

test('figures are of the last 30 s, curves of each step', async () => {
  const run = new Run()
  for (const count of [0, 0, 0, 0, 0, 0, 60, 360])
    await run.turn(reading({ name: 'dogs' }, requests(200, count)))
  const { targets, curves } = await run.monitor.document(0)
  expect(targets).toMatchObject([{ red: { requestsPerSecond: 12 } }])
  expect(Object.values(curves.targets)[0]!.requestsPerSecond.slice(-2)).toEqual([12, 60])
})

test('the worst problem stands first', async () => {
  const run = new Run()
  const hung = {
    name: 'cats',
    workers: [
      { id: 1, state: 'ready' },
      { id: 2, state: 'hung' },
    ],
  }
  const cats = (page: string) => reading(hung, page, 'http://127.0.0.1:9002/stats')
  await run.turn(cats(''), reading({ name: 'dogs' }, requests(200, 0)))
  await run.turn(cats(''), reading({ name: 'dogs' }, requests(500, 10)))
  expect((await run.monitor.document(0)).problems.map(({ app, text }) => `${app}: ${text}`)).toEqual([
    'dogs: 100 % of requests fail with 500',
    'cats: worker 2 is hung: its event loop does not turn',
  ])
})

test('without a history, targets are read only while the page is open', async () => {
  const run = new Run({ historyMs: 0, stepMs: 60_000 })
  run.next = [reading({ name: 'dogs' })]
  run.monitor.start()
  expect(run.reads).toBe(0)
  expect((await run.monitor.document(0)).targets).toMatchObject([{ app: 'dogs' }])
  expect(run.reads).toBe(1)
  run.nowMs += 29_999
  await run.monitor.document(0)
  expect(run.reads).toBe(1)
  run.nowMs += 30_000
  await run.monitor.document(0)
  expect(run.reads).toBe(2)
  run.monitor.stop()
})

test('with a history, targets are read at once and without a page', async () => {
  const run = new Run({ historyMs: 1 })
  run.next = [reading({ name: 'dogs' })]
  run.monitor.start()
  expect(run.reads).toBe(1)
  await run.monitor.document(0)
  run.nowMs += 60_000
  await run.monitor.document(0)
  expect(run.reads).toBe(1)
  run.monitor.stop()
})

test('a reading ends before the next step, and when the monitor stops', async () => {
  const signals: AbortSignal[] = []
  const read = (signal: AbortSignal) => {
    signals.push(signal)
    return new Promise<Reading[]>((resolve) => signal.addEventListener('abort', () => resolve([])))
  }
  const timers = spyOn(globalThis, 'setTimeout')
  await new Run({ read, stepMs: 200 }).monitor.turn()
  await new Run({ read, stepMs: 600 }).monitor.turn()
  // 250 ms before the next step, or at half of a short one.
  expect(timers.mock.calls.map(([, ms]) => ms)).toEqual([100, 350])
  timers.mockRestore()
  const stopped = new Run({ read, stepMs: 60_000 })
  const turn = stopped.monitor.turn()
  stopped.monitor.stop()
  await turn
  expect(signals.map(({ aborted }) => aborted)).toEqual([true, true, true])
})

test('at most 200 changes are kept, the newest', async () => {
  const run = new Run({ historyMs: 86_400_000 })
  for (let reloads = 0; reloads <= 210; reloads++) await run.turn(reading({ reloads }))
  const { changes } = await run.monitor.document(0)
  expect(changes).toHaveLength(200)
  expect(changes.at(-1)).toMatchObject({ atMs: run.nowMs, kind: 'reload', text: 'was reloaded' })
})

test('changes are kept as long as the curves', async () => {
  const run = new Run({ historyMs: 60_000 })
  await run.turn(reading({ reloads: 0 }))
  await run.turn(reading({ reloads: 1 }))
  for (let i = 0; i < 11; i++) await run.turn(reading({ reloads: 1 }))
  expect((await run.monitor.document(0)).changes).toHaveLength(1)
  await run.turn(reading({ reloads: 1 }))
  expect((await run.monitor.document(0)).changes).toEqual([])
})

test('without a history, changes are kept for half a minute, and targets are read for as long after a look', async () => {
  jest.useFakeTimers()
  try {
    const run = new Run({ historyMs: 0, stepMs: 5000 })
    run.next = [reading({ reloads: 0 })]
    run.monitor.start()
    await run.monitor.document(0)
    run.nowMs += 1
    run.next = [reading({ reloads: 1 })]
    await run.monitor.turn()
    const isTold = async () => (await run.monitor.document(0)).changes.length === 1
    run.nowMs += 29_999
    await run.monitor.turn()
    expect(await isTold()).toBe(true)
    run.nowMs += 1
    await run.monitor.turn()
    expect(await isTold()).toBe(false)
    const before = run.reads
    run.nowMs += 29_999
    jest.advanceTimersByTime(5000)
    expect(run.reads).toBe(before + 1)
    await run.monitor.turn()
    run.nowMs += 1
    jest.advanceTimersByTime(5000)
    expect(run.reads).toBe(before + 1)
    run.monitor.stop()
  } finally {
    jest.useRealTimers()
  }
})

test('a page that opens before the first turn waits for it, and concurrent calls share a turn', async () => {
  const run = new Run()
  run.next = [reading({ name: 'dogs' })]
  const documents = await Promise.all([run.monitor.document(0), run.monitor.document(0)])
  expect(documents.map(({ targets }) => targets.length)).toEqual([1, 1])
  expect(run.reads).toBe(1)
})

test('only changes after the given time are in the document', async () => {
  const run = new Run()
  await run.turn(reading({ reloads: 0 }))
  await run.turn(reading({ reloads: 1 }))
  const firstMs = run.nowMs
  await run.turn(reading({ reloads: 2 }))
  expect((await run.monitor.document(0)).changes).toHaveLength(2)
  expect((await run.monitor.document(firstMs)).changes).toMatchObject([{ atMs: run.nowMs }])
})
