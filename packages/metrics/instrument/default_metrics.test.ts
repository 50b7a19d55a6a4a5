import { expect, test } from 'bun:test'
import { closeSync, openSync, readdirSync } from 'node:fs'
import { Gauge } from '../api/gauge.ts'
import { register, Registry } from '../api/registry.ts'
import { segmentFolder } from '../testdata/segments.ts'
import { collectDefaultMetrics } from './default_metrics.ts'

const { create } = segmentFolder()

/** The value of a metric of this process, on a page of its own. */
async function valuesOf(registry: Registry): Promise<(name: string) => number> {
  const page = await registry.metrics()
  return (name) => Number(new RegExp(`^process_${name} (.+)$`, 'm').exec(page)?.[1])
}

function defaults(): Registry {
  const register = new Registry()
  collectDefaultMetrics({ register })
  return register
}

/** Needs CPU time of the user and of the system. */
function work(): void {
  const untilMs = performance.now() + 30
  while (performance.now() < untilMs) readdirSync('/')
}

test('only the process metrics that are real on Bun are published', async () => {
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

test('CPU time is that of the process, on each page anew', async () => {
  const registry = defaults()
  for (let page = 0; page < 3; page++) {
    work()
    const before = process.cpuUsage()
    const value = await valuesOf(registry)
    const after = process.cpuUsage()
    const user = value('cpu_user_seconds_total')
    const system = value('cpu_system_seconds_total')
    expect(user).toBeWithin(before.user / 1e6 - 1e-6, after.user / 1e6 + 1e-6)
    expect(system).toBeWithin(before.system / 1e6 - 1e-6, after.system / 1e6 + 1e-6)
    expect(value('cpu_seconds_total')).toBeCloseTo(user + system, 6)
  }
})

test('open files are counted, without the one that counts them, and their limit is known', async () => {
  const registry = defaults()
  const open = async () => (await valuesOf(registry))('open_fds')
  let [before, withTwo, after, listed] = [0, 0, NaN, 0]
  // A connection of an earlier test may close meanwhile: then the numbers say nothing.
  while (before !== after) {
    before = await open()
    listed = readdirSync('/proc/self/fd').length - 1
    const files = [openSync('/', 'r'), openSync('/', 'r')]
    withTwo = await open()
    files.forEach((file) => closeSync(file))
    after = await open()
  }
  expect([before, withTwo]).toEqual([listed, listed + 2])
  const { stdout } = Bun.spawnSync(['sh', '-c', 'ulimit -n'])
  expect((await valuesOf(registry))('max_fds')).toBe(Number(stdout.toString()))
})

test('the start of a cluster is that of its oldest process', async () => {
  const startedSeconds = (await valuesOf(defaults()))('start_time_seconds')
  expect(Math.abs(startedSeconds - (Date.now() / 1000 - process.uptime()))).toBeLessThan(1)
  const segment = create()
  const old = new Gauge({
    name: 'process_start_time_seconds',
    help: 'Start time of the process since unix epoch in seconds.',
    aggregator: 'min',
    registers: [new Registry(undefined, segment.writer(0))],
  })
  old.set(startedSeconds - 100)
  const master = new Registry(undefined, segment.writer(segment.masterRegion))
  collectDefaultMetrics({ register: master })
  expect((await valuesOf(master))('start_time_seconds')).toBe(startedSeconds - 100)
})

test.each([undefined, null, {}])('with %p the global registry has the default metrics', async (config) => {
  collectDefaultMetrics(config)
  expect(register.getSingleMetric('process_cpu_seconds_total')).toBeDefined()
  register.clear()
})

test.each([1, 'all', true])('%p is no configuration of the default metrics', (config) => {
  expect(() => collectDefaultMetrics(config as never)).toThrow(
    new TypeError('config must be null, undefined, or an object'),
  )
})
