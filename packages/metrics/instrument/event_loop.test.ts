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

test('the first turn is told at once: a process manager sees that the loop runs', () => {
  const turns: number[][] = []
  const loop = measureEventLoop(new Registry(), (...turn) => turns.push(turn))
  expect(turns).toEqual([[loop.turnedMs, 0]])
  loop.stop()
})

test('the measuring keeps no process alive', () => {
  const script = `
    const { measureEventLoop } = await import(${JSON.stringify(`${import.meta.dir}/event_loop.ts`)})
    const { Registry } = await import(${JSON.stringify(`${import.meta.dir}/../api/registry.ts`)})
    measureEventLoop(new Registry())`
  // Killed after this time, it has no exit code. The machine may be busy.
  expect(Bun.spawnSync([process.execPath, '-e', script], { timeout: 20_000 }).exitCode).toBe(0)
}, 30_000)
