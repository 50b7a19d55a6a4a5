import { describe, expect, mock, test } from 'bun:test'
import type { Served } from '../shared/app.ts'
import type { Logger } from '../shared/logger.ts'
import { drain, drainAndLog, type DrainOptions } from './drain.ts'

const NEVER = new Promise<never>(() => {})

const OPTIONS: DrainOptions = {
  lameDuckMs: 0,
  drainMs: 60_000,
  hasSuccessor: false,
  replaced: NEVER,
  closeListeners() {},
  connections: () => new Set(),
  inFlight: () => 0,
  hurry: NEVER,
  now: NEVER,
}

/** A server and its drain, with a record of what is called, and after how many milliseconds. */
function draining(options: Partial<DrainOptions> = {}, served: Partial<Served> = {}) {
  const startedMs = performance.now()
  const calls: string[] = []
  const timesMs: number[] = []
  const note = (call: string) => {
    timesMs.push(performance.now() - startedMs)
    calls.push(call)
  }
  const server: Served = {
    lameDuck: () => note('lame duck'),
    async stop(force) {
      note(`stop ${force}`)
    },
    ...served,
  }
  const cutOff = drain(server, { ...OPTIONS, closeListeners: () => note('close listeners'), ...options })
  return { cutOff, calls, timesMs, waitedMs: () => performance.now() - startedMs }
}

test('without a successor the listeners stay open until the server stops', async () => {
  const { cutOff, calls } = draining()
  expect(await cutOff).toBe(0)
  expect(calls).toEqual(['lame duck', 'stop false', 'stop true'])
})

test('a replaced worker closes its listeners, and stops when its silent connections have gone', async () => {
  const open = new Set(['silent'])
  const { cutOff, calls } = draining({
    hasSuccessor: true,
    replaced: Promise.resolve(),
    connections: () => new Set(open),
  })
  await Bun.sleep(0)
  while (!calls.includes('close listeners')) await Bun.sleep(1)
  expect(calls).toEqual(['lame duck', 'close listeners'])
  // A connection that came later had its response with Connection: close.
  open.add('later').delete('silent')
  expect(await cutOff).toBe(0)
  expect(calls).toEqual(['lame duck', 'close listeners', 'stop false', 'stop true'])
})

test('a worker waits for its successor before it closes its listeners', async () => {
  const replaced = Promise.withResolvers<void>()
  const { cutOff, calls } = draining({ hasSuccessor: true, replaced: replaced.promise })
  await Bun.sleep(20)
  expect(calls).toEqual(['lame duck'])
  replaced.resolve()
  await cutOff
  expect(calls).toEqual(['lame duck', 'close listeners', 'stop false', 'stop true'])
})

test('in a hurry a replaced worker still closes its listeners first, and gives its clients a moment', async () => {
  const startedMs = performance.now()
  const { cutOff, calls } = draining({
    lameDuckMs: 20,
    hasSuccessor: true,
    replaced: Promise.resolve(),
    connections: () => new Set(['silent']),
    hurry: Promise.resolve(),
  })
  expect(await cutOff).toBe(0)
  expect(calls).toEqual(['lame duck', 'close listeners', 'stop false', 'stop true'])
  expect(performance.now() - startedMs).toBeGreaterThan(100)
})

test('in a hurry no successor is waited for', async () => {
  const { cutOff, calls } = draining({ hasSuccessor: true, hurry: Promise.resolve() })
  expect(await cutOff).toBe(0)
  expect(calls).toEqual(['lame duck', 'stop false', 'stop true'])
})

test('an order to end now ends the lame duck, and the wait for a successor', async () => {
  const { cutOff, calls } = draining({
    lameDuckMs: 60_000,
    hasSuccessor: true,
    connections: () => new Set(['silent']),
    now: Promise.resolve(),
  })
  expect(await cutOff).toBe(0)
  expect(calls).toEqual(['lame duck', 'stop false', 'stop true'])
})

test('in a hurry requests in flight are waited for, and WebSockets are not', async () => {
  let inFlight = 1
  let isForced = false
  const stop = (force: boolean) => {
    if (force) isForced = true
    return force ? Promise.resolve() : NEVER
  }
  const { cutOff } = draining({ hurry: Promise.resolve(), inFlight: () => inFlight }, { stop })
  await Bun.sleep(120)
  expect(isForced).toBe(false)
  inFlight = 0
  expect(await cutOff).toBe(0)
  expect(isForced).toBe(true)
})

test('a lame duck goes on for its time before anything is closed', async () => {
  const { cutOff, timesMs } = draining({ lameDuckMs: 100, hasSuccessor: true, replaced: Promise.resolve() })
  await cutOff
  // Timers may be a millisecond early.
  expect(timesMs[1]).toBeGreaterThanOrEqual(99)
})

test('a replaced worker looks at its connections again and again, and closes while they are open when time is over', async () => {
  const looks = mock(() => new Set(['silent']))
  const { cutOff, calls, waitedMs } = draining({
    drainMs: 300,
    hasSuccessor: true,
    replaced: Promise.resolve(),
    connections: looks,
  })
  expect(await cutOff).toBe(0)
  expect(waitedMs()).toBeGreaterThanOrEqual(299)
  expect(looks.mock.calls.length).toBeGreaterThan(2)
  expect(calls).toEqual(['lame duck', 'close listeners', 'stop false', 'stop true'])
})

test('listeners that close slowly are waited for, unless the time is over', async () => {
  const closed = Promise.withResolvers<void>()
  const slow = draining({
    hasSuccessor: true,
    replaced: Promise.resolve(),
    closeListeners: () => closed.promise,
  })
  await Bun.sleep(20)
  expect(slow.calls).toEqual(['lame duck'])
  closed.resolve()
  await slow.cutOff
  const never = draining({
    drainMs: 20,
    hasSuccessor: true,
    replaced: Promise.resolve(),
    closeListeners: () => NEVER,
  })
  expect(await never.cutOff).toBe(0)
})

test('requests that take longer than the drain time are cut off when it is over, and not before', async () => {
  const stop = (force: boolean) => (force ? Promise.resolve() : NEVER)
  const { cutOff, waitedMs } = draining({ lameDuckMs: 60, drainMs: 60, inFlight: () => 3 }, { stop })
  expect(await cutOff).toBe(3)
  expect(waitedMs()).toBeGreaterThanOrEqual(119)
})

test('requests that were answered while the server stopped were not cut off', async () => {
  const { cutOff } = draining({ inFlight: () => 1 })
  expect(await cutOff).toBe(0)
})

test('in a hurry the last request is waited for until it is answered', async () => {
  let inFlight = 1
  const stop = (force: boolean) => (force ? Promise.resolve() : NEVER)
  const { cutOff } = draining({ hurry: Promise.resolve(), inFlight: () => inFlight }, { stop })
  let hasEnded = false
  void cutOff.then(() => (hasEnded = true))
  await Bun.sleep(120)
  expect(hasEnded).toBe(false)
  inFlight = 0
  expect(await cutOff).toBe(0)
})

test('an app that never closes is waited for half a second after the drain time, and no longer', async () => {
  const { cutOff, waitedMs } = draining({ drainMs: 20 }, { stop: () => NEVER })
  expect(await cutOff).toBe(0)
  expect(waitedMs()).toBeGreaterThanOrEqual(519)
})

test('without a hurry WebSockets are waited for: they end when the server has stopped', async () => {
  const stopped = Promise.withResolvers<void>()
  let isForced = false
  const stop = async (force: boolean) => {
    if (force) isForced = true
    else await stopped.promise
  }
  const { cutOff } = draining({}, { stop })
  await Bun.sleep(120)
  expect(isForced).toBe(false)
  stopped.resolve()
  expect(await cutOff).toBe(0)
})

test('an error of the app is thrown, after the server was stopped by force', async () => {
  const forced: boolean[] = []
  const stop = (force: boolean) => {
    forced.push(force)
    return Promise.reject(new Error('full'))
  }
  const { cutOff } = draining({ inFlight: () => 1 }, { stop })
  await expect(cutOff).rejects.toThrow('full')
  expect(forced).toEqual([false, true])
})

describe('the log says what went wrong', () => {
  const served = (stop: Served['stop']): Served => ({ lameDuck() {}, stop })
  const drained = async (stop: Served['stop'], inFlight: number) => {
    const [warn, error] = [mock(), mock()]
    const log = { warn, error } as unknown as Logger
    const options = { ...OPTIONS, drainMs: 20, inFlight: () => inFlight }
    const isClosed = await drainAndLog(log, served(stop), options)
    return { isClosed, warned: warn.mock.calls, failed: error.mock.calls }
  }
  const hang = (force: boolean) => (force ? Promise.resolve() : NEVER)

  test('nothing, after a clean drain', async () => {
    for (const stop of [() => Promise.resolve(), hang])
      expect(await drained(stop, 0)).toEqual({ isClosed: true, warned: [], failed: [] })
  })

  test('that one request was cut off', async () => {
    expect(await drained(hang, 1)).toEqual({
      isClosed: true,
      warned: [[{ inFlight: 1, drainMs: 20 }, 'requests were cut off']],
      failed: [],
    })
  })

  test('that the app could not close its resources', async () => {
    const err = new Error('the disk is full')
    expect(await drained(() => Promise.reject(err), 0)).toEqual({
      isClosed: false,
      warned: [],
      failed: [[{ err }, 'the app could not close its resources: the disk is full']],
    })
  })
})
