/** A program has the same page with and without workers: that of a worker is rendered by another process of the cluster. */
import { afterEach, beforeEach, expect, jest, spyOn, test } from 'bun:test'
import * as promClient from 'prom-client'
import {
  Counter,
  collectDefaultMetrics,
  Gauge,
  Histogram,
  Registry,
  type Segment,
  Summary,
} from '../index.ts'
import { samplesOf } from '../testdata/samples.ts'
import { segmentFolder } from '../testdata/segments.ts'

const { create } = segmentFolder()
const help = 'Help'

beforeEach(() => void jest.useFakeTimers())
afterEach(() => void jest.useRealTimers())

/** Lets a second pass, in which workers refresh their numbers. */
async function aSecond(): Promise<void> {
  jest.advanceTimersByTime(1000)
  for (let i = 0; i < 20; i++) await Promise.resolve()
}

const workerOf = (segment: Segment, region = 0) => new Registry(undefined, segment.writer(region))

/** The page that the master renders. */
async function masterPageOf(segment: Segment): Promise<Map<string, string>> {
  const page = await new Registry(undefined, segment.writer(segment.masterRegion)).metrics()
  expect(page).toContain('metrics_conflicting_families 0\n')
  return samplesOf(page)
}

/** `declare` is called in the worker, then a second passes. */
async function clusterPageOf(program: (registry: Registry) => unknown): Promise<Map<string, string>> {
  const segment = create()
  await program(workerOf(segment))
  await aSecond()
  return masterPageOf(segment)
}

async function singlePageOf(program: (registry: Registry) => unknown): Promise<Map<string, string>> {
  const registry = new Registry()
  await program(registry)
  return samplesOf(await registry.metrics())
}

const PROGRAMS: Record<string, (registry: Registry) => unknown> = {
  'a gauge that collects': (registry) => {
    new Gauge({
      name: 'rows',
      help,
      registers: [registry],
      collect() {
        this.set(7)
      },
    })
  },
  'a gauge that collects later, and one whose values another one sets': (registry) => {
    const other = new Gauge({ name: 'other', help, labelNames: ['of'], registers: [registry] })
    new Gauge({
      name: 'rows',
      help,
      registers: [registry],
      async collect() {
        await Promise.resolve()
        this.set(7)
        other.set({ of: 'x' }, 8)
      },
    })
  },
  'default labels that are set first': (registry) => {
    registry.setDefaultLabels({ app: 'dogs "1"', of: 'default' })
    new Counter({ name: 'a_total', help, labelNames: ['of'], registers: [registry] }).inc({ of: 'x' })
    new Counter({ name: 'b_total', help, labelNames: ['of'], registers: [registry] }).inc()
    new Histogram({ name: 'c', help, buckets: [1], registers: [registry] }).observe(3)
  },
  'default labels that are set last, and set again': (registry) => {
    new Gauge({ name: 'a', help, registers: [registry] }).set(3)
    new Summary({ name: 'b', help, registers: [registry] }).observe(3)
    registry.setDefaultLabels({ app: 'cats' })
    registry.setDefaultLabels({ app: 'dogs', shard: 1 })
  },
  'default labels that are taken back': (registry) => {
    new Gauge({ name: 'a', help, registers: [registry] }).set(3)
    registry.setDefaultLabels({ app: 'cats' })
    registry.setDefaultLabels({})
  },
  'a single metric is removed': (registry) => {
    new Counter({ name: 'a_total', help, registers: [registry] }).inc()
    new Counter({ name: 'b_total', help, labelNames: ['of'], registers: [registry] }).inc({ of: 'x' })
    new Gauge({ name: 'c', help, registers: [registry] }).set(5)
    for (const name of ['b_total', 'c', 'unknown']) registry.removeSingleMetric(name)
  },
  'a removed metric goes on, and another one has its name': (registry) => {
    const old = new Counter({ name: 'a_total', help, labelNames: ['of'], registers: [registry] })
    const kept = old.labels('x')
    kept.inc(5)
    registry.removeSingleMetric('a_total')
    const next = new Counter({ name: 'a_total', help, labelNames: ['of'], registers: [registry] })
    kept.inc(5)
    old.inc({ of: 'y' })
    next.inc({ of: 'x' })
  },
  'a removed metric has other labels when it is declared again': (registry) => {
    new Counter({ name: 'a_total', help, labelNames: ['of'], registers: [registry] }).inc({ of: 'x' })
    registry.removeSingleMetric('a_total')
    new Counter({ name: 'a_total', help, registers: [registry] }).inc(2)
  },
  'all metrics are cleared, with the default labels': (registry) => {
    registry.setDefaultLabels({ app: 'dogs' })
    new Counter({ name: 'a_total', help, registers: [registry] }).inc()
    new promClient.Counter({ name: 'b_total', help, registers: [registry as never] }).inc()
    registry.clear()
    new Counter({ name: 'c_total', help, registers: [registry] }).inc()
  },
  'metrics of prom-client': async (registry) => {
    const registers = [registry as never]
    new promClient.Counter({ name: 'a_total', help, labelNames: ['of'], registers }).inc({ of: '"x"' }, 2)
    new promClient.Gauge({ name: 'b', help, labelNames: ['of', 'at'], registers }).set({ at: 'y' }, -2)
    const histogram = new promClient.Histogram({ name: 'c', help, buckets: [1, 5], registers })
    for (const value of [-7, 0.5, 5, 6]) histogram.observe(value)
    new promClient.Summary({ name: 'd', help, percentiles: [], registers }).observe(3)
    new promClient.Gauge({
      name: 'e',
      help,
      registers,
      collect() {
        this.set(9)
      },
    })
    new promClient.Counter({ name: 'f_total', help, labelNames: ['of'], registers })
  },
  'a metric of prom-client that loses a series, and one that is removed': async (registry) => {
    const registers = [registry as never]
    const gauge = new promClient.Gauge({ name: 'a', help, labelNames: ['of'], registers })
    new promClient.Gauge({ name: 'b', help, registers }).set(4)
    for (const of of ['x', 'y']) gauge.set({ of }, 3)
    await registry.metrics()
    gauge.remove('x')
    registry.removeSingleMetric('b')
  },
  'a metric of prom-client that is removed, and comes back': async (registry) => {
    const registers = [registry as never]
    const counter = new promClient.Counter({ name: 'a_total', help, labelNames: ['of'], registers })
    counter.inc({ of: 'x' }, 3)
    await registry.metrics()
    registry.removeSingleMetric('a_total')
    await registry.metrics()
    registry.registerMetric(counter as never)
  },
  'a metric of prom-client that is reset': async (registry) => {
    const counter = new promClient.Counter({ name: 'a_total', help, registers: [registry as never] })
    counter.inc(5)
    await registry.metrics()
    counter.inc(5)
    await registry.metrics()
  },
  'a foreign metric whose labels appear later': async (registry) => {
    const values: { labels: Record<string, string>; value: number }[] = [{ labels: {}, value: 1 }]
    const item = { name: 'a_total', help, type: 'counter', aggregator: 'sum', values } as const
    registry.registerMetric({ name: 'a_total', get: async () => item })
    await registry.metrics()
    values.splice(0, 1, { labels: { of: 'x' }, value: 2 }, { labels: { of: 'y', by: 'z' }, value: 3 })
  },
  'an own metric that was declared elsewhere': async (registry) => {
    const counter = new Counter({ name: 'a_total', help, labelNames: ['of'], registers: [] })
    counter.inc({ of: 'x' }, 2)
    registry.registerMetric(counter)
    await registry.metrics()
    counter.inc({ of: 'x' }, 2)
  },
}

test.each(Object.entries(PROGRAMS))('the page is the same with workers: %s', async (_, program) => {
  const single = await singlePageOf(program)
  expect(await clusterPageOf(program)).toEqual(single)
})

test('the default metrics of a worker are on the page', async () => {
  const names = async (page: Promise<Map<string, string>>) => [...(await page).keys()].sort()
  const program = (registry: Registry) => collectDefaultMetrics({ register: registry, labels: { shard: 3 } })
  const all = await names(singlePageOf(program))
  expect(all.filter((name) => name.startsWith('process_'))).toHaveLength(7)
  expect(await names(clusterPageOf(program))).toEqual(all)
})

test('a number is at most a second old, and is refreshed again and again', async () => {
  const segment = create()
  let rows = 1
  new Gauge({
    name: 'rows',
    help,
    registers: [workerOf(segment)],
    collect() {
      this.set(rows)
    },
  })
  for (rows of [1, 2, 3]) {
    await aSecond()
    expect((await masterPageOf(segment)).get('rows{}')).toBe(String(rows))
  }
})

test('counters of prom-client go on over the workers of a slot, gauges do not', async () => {
  const segment = create()
  for (let worker = 0; worker < 3; worker++) {
    const registers = [workerOf(segment, worker % 2) as never]
    const counter = new promClient.Counter({ name: 'a_total', help, registers })
    const histogram = new promClient.Histogram({ name: 'b', help, buckets: [1], registers })
    const gauge = new promClient.Gauge({ name: 'c', help, registers })
    for (let second = 0; second < 3; second++) {
      counter.inc(2)
      // The sum falls by more than the count grows.
      histogram.observe(-3)
      gauge.inc()
      await aSecond()
    }
    segment.clearGauges((worker + 1) % 2)
  }
  const page = await masterPageOf(segment)
  expect(Object.fromEntries(page)).toMatchObject({
    'a_total{}': '18',
    'b_bucket{"le":"1"}': '9',
    'b_sum{}': '-27',
    'c{}': '3',
  })
})

test('a series of prom-client that the worker before has removed is shown at 0 when it is there again', async () => {
  const segment = create()
  const jobs = (registry: Registry) =>
    new promClient.Counter({ name: 'jobs', help, labelNames: ['of'], registers: [registry as never] })
  const before = jobs(workerOf(segment))
  before.inc({ of: 'x' }, 3)
  await aSecond()
  before.remove({ of: 'x' })
  await aSecond()
  expect((await masterPageOf(segment)).has('jobs{"of":"x"}')).toBe(false)
  jobs(workerOf(segment)).inc({ of: 'x' }, 0)
  await aSecond()
  expect((await masterPageOf(segment)).get('jobs{"of":"x"}')).toBe('0')
})

test('a counter of prom-client that is reset counts on from its last number', async () => {
  const segment = create()
  const counter = new promClient.Counter({ name: 'a_total', help, registers: [workerOf(segment) as never] })
  counter.inc(5)
  await aSecond()
  counter.reset()
  counter.inc(2)
  await aSecond()
  expect((await masterPageOf(segment)).get('a_total{}')).toBe('7')
})

test('a result of get() that comes late is not taken for a reset', async () => {
  const segment = create()
  const registry = workerOf(segment)
  let value = 0
  const waiting: (() => void)[] = []
  registry.registerMetric({
    name: 'a_total',
    get: () => {
      const item = {
        name: 'a_total',
        help,
        type: 'counter',
        aggregator: 'sum',
        values: [{ labels: {}, value: ++value }],
      }
      return new Promise<object>((resolve) => waiting.push(() => resolve(item)))
    },
  })
  const pages = [registry.metrics(), registry.metrics(), registry.metrics()]
  for (let turn = 0; turn < 5; turn++) {
    for (const resolve of waiting.splice(0).toReversed()) resolve()
    for (let i = 0; i < 20; i++) await Promise.resolve()
  }
  await Promise.all(pages)
  expect((await masterPageOf(segment)).get('a_total{}')).toBe(String(value))
})

test('default labels of workers differ, and those of a worker before stay for a second', async () => {
  const segment = create()
  const declare = (region: number, shard?: number) => {
    const registry = workerOf(segment, region)
    if (shard !== undefined) registry.setDefaultLabels({ shard })
    new Counter({ name: 'a_total', help, registers: [registry] }).inc()
  }
  declare(0, 1)
  declare(2, 2)
  const shown = async () =>
    Object.fromEntries([...(await masterPageOf(segment))].filter(([key]) => !key.startsWith('#')))
  expect(await shown()).toEqual({ 'a_total{"shard":"1"}': '1', 'a_total{"shard":"2"}': '1' })
  declare(0)
  expect(await shown()).toEqual({ 'a_total{"shard":"1"}': '2', 'a_total{"shard":"2"}': '1' })
  await aSecond()
  expect(await shown()).toEqual({ 'a_total{}': '2', 'a_total{"shard":"2"}': '1' })
})

test('a collect that fails is reported once, and the others go on', async () => {
  const warn = spyOn(process, 'emitWarning').mockImplementation(() => {})
  const segment = create()
  const registers = [workerOf(segment)]
  let isBroken = true
  new Gauge({
    name: 'broken',
    help,
    registers,
    collect() {
      if (isBroken) throw new RangeError('no sensor')
      this.set(1)
    },
  })
  new Gauge({
    name: 'whole',
    help,
    registers,
    async collect() {
      this.set(2)
    },
  })
  for (let second = 0; second < 3; second++) await aSecond()
  expect(warn.mock.calls).toEqual([['collect of broken failed: no sensor']] as never)
  const page = await masterPageOf(segment)
  expect([page.get('broken{}'), page.get('whole{}')]).toEqual(['0', '2'])
  isBroken = false
  await aSecond()
  expect((await masterPageOf(segment)).get('broken{}')).toBe('1')
  warn.mockRestore()
})

test('a collect that fails again after it worked is reported again', async () => {
  const warn = spyOn(process, 'emitWarning').mockImplementation(() => {})
  let isBroken = true
  new Gauge({
    name: 'broken',
    help,
    registers: [workerOf(create())],
    collect() {
      if (isBroken) throw new RangeError('no sensor')
    },
  })
  for (isBroken of [true, true, false, true, true]) await aSecond()
  expect(warn).toHaveBeenCalledTimes(2)
  warn.mockRestore()
})

test('series of prom-client without room are dropped, and each is counted once', async () => {
  const segment = create(1, 1024)
  const counter = new promClient.Counter({
    name: 'a_total',
    help,
    labelNames: ['of'],
    registers: [workerOf(segment) as never],
  })
  for (let n = 0; n < 100; n++) counter.inc({ of: `${n}` })
  for (let second = 0; second < 3; second++) await aSecond()
  const shown = [...(await masterPageOf(segment)).keys()].filter((key) => key.startsWith('a_total{')).length
  expect(shown).toBeGreaterThan(5)
  const page = await new Registry(undefined, segment.writer(1)).metrics()
  expect(page).toContain(`metrics_dropped_series_total ${100 - shown}\n`)
})

test('gauges of prom-client and others of their name add up', async () => {
  const segment = create()
  new Gauge({ name: 'a', help, registers: [workerOf(segment)] }).set(3)
  new promClient.Gauge({ name: 'a', help, registers: [workerOf(segment, 2) as never] }).set(4)
  await aSecond()
  expect((await masterPageOf(segment)).get('a{}')).toBe('7')
})

test('a gauge of prom-client counts as set', async () => {
  const segment = create()
  new Gauge({ name: 'a', help, aggregator: 'min', registers: [workerOf(segment)] })
  const options = { name: 'a', help, aggregator: 'min' as const, registers: [workerOf(segment, 2) as never] }
  new promClient.Gauge(options).set(5)
  await aSecond()
  expect((await masterPageOf(segment)).get('a{}')).toBe('5')
})

test('a metric that leaves the cluster keeps its numbers, and its removed series stay removed', async () => {
  const registry = workerOf(create())
  const counter = new Counter({ name: 'a_total', help, labelNames: ['of'], registers: [registry] })
  const kept = counter.labels('x')
  kept.inc(3)
  const removed = counter.labels('y')
  removed.inc(4)
  counter.remove('y')
  registry.removeSingleMetric('a_total')
  kept.inc()
  expect((await counter.get()).values).toEqual([{ labels: { of: 'x' }, value: 4 }])
  removed.inc()
  expect((await counter.get()).values).toContainEqual({ labels: { of: 'y' }, value: 1 })
})

test('a metric that is declared after all that collect have gone is refreshed, too', async () => {
  const segment = create()
  const registry = workerOf(segment)
  const declare = (name: string) =>
    new Gauge({
      name,
      help,
      registers: [registry],
      collect() {
        this.set(7)
      },
    })
  declare('first')
  await aSecond()
  registry.removeSingleMetric('first')
  await aSecond()
  declare('second')
  await aSecond()
  expect((await masterPageOf(segment)).get('second{}')).toBe('7')
})

test('metrics that are refreshed keep no worker alive', () => {
  const { path } = create()
  const script = `
    const { Gauge, Registry, Segment } = await import(${JSON.stringify(`${import.meta.dir}/../index.ts`)})
    const registers = [new Registry(undefined, Segment.open(${JSON.stringify(path)}).writer(0))]
    new Gauge({ name: 'a', help: 'Help', registers, collect() {} })`
  // Killed after this time, it has no exit code. The machine may be busy.
  expect(Bun.spawnSync([process.execPath, '-e', script], { timeout: 20_000 }).exitCode).toBe(0)
}, 30_000)

test('a collect that hangs is not started again, and stops no other', async () => {
  const segment = create()
  const registers = [workerOf(segment)]
  let started = 0
  let rows = 0
  new Gauge({
    name: 'hanging',
    help,
    registers,
    collect() {
      started++
      return new Promise<void>(() => {})
    },
  })
  new Gauge({
    name: 'rows',
    help,
    registers,
    collect() {
      this.set(++rows)
    },
  })
  for (let second = 0; second < 3; second++) await aSecond()
  expect([started, rows]).toEqual([1, 4])
})

test('setting the same default labels again and again takes no room', async () => {
  const segment = create(1, 1024)
  const registry = workerOf(segment)
  for (let i = 0; i < 1000; i++) registry.setDefaultLabels({ app: 'dogs' })
  new Counter({ name: 'a_total', help, registers: [registry] }).inc()
  expect((await masterPageOf(segment)).get('a_total{"app":"dogs"}')).toBe('1')
})
