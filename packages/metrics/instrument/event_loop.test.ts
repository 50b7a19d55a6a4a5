import { afterEach, expect, jest, spyOn, test } from 'bun:test'
import { Registry } from '../api/registry.ts'
import { measureEventLoop } from './event_loop.ts'

afterEach(() => jest.useRealTimers())

test('a loop that turns on time has no lag, and its last turn is known', async () => {
  jest.useFakeTimers()
  const registry = new Registry()
  const loop = measureEventLoop(registry)
  const startedMs = loop.turnedMs
  jest.advanceTimersByTime(300)
  expect(loop.turnedMs).toBe(startedMs + 300)
  expect(loop.lagMs).toBe(0)
  expect(await registry.metrics()).toContain('runtime_eventloop_lag_seconds_bucket{le="0.001"} 3')
  loop.stop()
})

test('a blocked loop is seen as lag', async () => {
  const registry = new Registry()
  let seconds = 0
  const loop = measureEventLoop(registry, (_, lagMs) => (seconds += lagMs / 1000))
  const untilMs = performance.now() + 250
  while (performance.now() < untilMs);
  while (loop.lagMs === 0) await new Promise((resolve) => setImmediate(resolve))
  loop.stop()
  expect(loop.lagMs).toBeGreaterThan(100)
  expect(await registry.metrics()).toContain(`runtime_eventloop_lag_seconds_sum ${seconds}\n`)
})

test('a timer that fires early is no lag', () => {
  jest.useFakeTimers()
  using now = spyOn(performance, 'now').mockReturnValue(1000)
  const loop = measureEventLoop(new Registry())
  now.mockReturnValue(1099)
  jest.advanceTimersByTime(100)
  expect([loop.turnedMs, loop.lagMs]).toEqual([1099, 0])
  loop.stop()
})
