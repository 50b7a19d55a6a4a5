import { expect, test } from 'bun:test'
import type { Served } from '../shared/app.ts'
import { drain, type DrainOptions } from './drain.ts'

const NEVER = new Promise<never>(() => {})

/** A server and its drain, with a record of what is called. */
function draining(options: Partial<DrainOptions> = {}, served: Partial<Served> = {}) {
  const calls: string[] = []
  const server: Served = {
    lameDuck: () => void calls.push('lame duck'),
    async stop(force) {
      calls.push(`stop ${force}`)
    },
    ...served,
  }
  const cutOff = drain(server, {
    lameDuckMs: 0,
    drainMs: 60_000,
    hasSuccessor: false,
    replaced: NEVER,
    closeListeners: () => void calls.push('close listeners'),
    connections: () => new Set(),
    inFlight: () => 0,
    hurry: NEVER,
    now: NEVER,
    ...options,
  })
  return { cutOff, calls }
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

test('requests that take longer than the drain time are cut off', async () => {
  const stop = (force: boolean) => (force ? Promise.resolve() : NEVER)
  const { cutOff } = draining({ drainMs: 20, inFlight: () => 3 }, { stop })
  expect(await cutOff).toBe(3)
})

test('an app that never closes is not waited for after the drain time', async () => {
  const { cutOff } = draining({ drainMs: 20 }, { stop: () => NEVER })
  expect(await cutOff).toBe(0)
})

test('an error of the app is thrown', async () => {
  const { cutOff } = draining({}, { stop: () => Promise.reject(new Error('full')) })
  expect(cutOff).rejects.toThrow('full')
})
