import { afterEach, expect, jest, test } from 'bun:test'
import { Registry } from './registry.ts'
import { collectDefaultMetrics, measureEventLoop, publishAppInfo } from './runtime.ts'

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
  const loop = measureEventLoop(registry)
  const untilMs = performance.now() + 250
  while (performance.now() < untilMs);
  while (loop.lagMs === 0) await new Promise((resolve) => setImmediate(resolve))
  loop.stop()
  expect(loop.lagMs).toBeGreaterThan(100)
})

test('the build is published once', async () => {
  const registry = new Registry()
  publishAppInfo(registry, { name: 'dogs', version: '1.2.3' })
  expect(await registry.metrics()).toContain(
    `app_info{name="dogs",version="1.2.3",bun_version="${Bun.version}"} 1`,
  )
})

test('of the process only what is real on Bun is published', async () => {
  const registry = new Registry()
  collectDefaultMetrics({ register: registry })
  const names = registry.getMetricsAsArray().map(({ name }) => name)
  expect(names.every((name) => name.startsWith('process_'))).toBe(true)
  expect(names).not.toContain('process_heap_bytes')
  expect(names).not.toContain('process_virtual_memory_bytes')
  expect(await registry.metrics()).toMatch(/^process_resident_memory_bytes [1-9]\d+$/m)
})

test('default metrics take a prefix and labels, as in prom-client', async () => {
  const register = new Registry()
  collectDefaultMetrics({ register, prefix: 'dogs_', labels: { shard: '3' } })
  expect(await register.metrics()).toMatch(/^dogs_process_resident_memory_bytes\{shard="3"\} [1-9]\d+$/m)
})
