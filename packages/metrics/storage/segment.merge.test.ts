/** How the numbers of several workers, and of their successors, are merged. */
import { afterEach, expect, setSystemTime, test } from 'bun:test'
import { Counter } from '../api/counter.ts'
import { Gauge } from '../api/gauge.ts'
import { Registry } from '../api/registry.ts'
import { Segment } from './segment.ts'
import type { Aggregator } from '../model/definition.ts'
import { help, pageOf, registersOf, segmentFolder, shown, work } from '../testdata/segments.ts'
import { samplesOf } from '../testdata/strict.ts'

const { create } = segmentFolder()

afterEach(() => void setSystemTime())

test('the next worker of a region goes on from its numbers, and gauges are gone', () => {
  const segment = create()
  for (const route of ['/', '/dogs/']) work(segment, 0)(route)
  const before = shown(segment)
  expect(before).toMatchObject({ 'a_total{route="/"}': 1, b: 1, 'c_count{route="/"}': 1, d_count: 2 })
  segment.writer(0)
  const { b: _, ...rest } = before
  expect(shown(segment)).toEqual(rest)
  work(Segment.open(segment.path), 0)('/')
  expect(shown(segment)).toEqual({
    ...before,
    'a_total{route="/"}': 2,
    'c_bucket{le="10",route="/"}': 2,
    'c_bucket{le="+Inf",route="/"}': 2,
    'c_sum{route="/"}': 1,
    'c_count{route="/"}': 2,
    d_sum: 6,
    d_count: 3,
  })
})

test('a gauge of the next worker begins at 0, with and without labels', () => {
  const segment = create()
  for (let worker = 0; worker < 3; worker++) {
    const registers = registersOf(segment, 0)
    new Gauge({ name: 'a', help, registers }).inc(5)
    new Gauge({ name: 'b', help, labelNames: ['of'], registers }).inc({ of: 'x' }, 5)
    expect(shown(segment)).toEqual({ a: 5, 'b{of="x"}': 5 })
  }
})

test('both regions of a slot, all slots and the master add up', () => {
  const segment = create()
  for (let region = 0; region <= segment.masterRegion; region++) work(segment, region)('/')
  expect(shown(segment)).toEqual({
    'a_total{route="/"}': 5,
    b: 5,
    'c_bucket{le="0.25",route="/"}': 0,
    'c_bucket{le="10",route="/"}': 5,
    'c_bucket{le="+Inf",route="/"}': 5,
    'c_sum{route="/"}': 2.5,
    'c_count{route="/"}': 5,
    d_sum: 10,
    d_count: 5,
  })
})

const MERGED: readonly [aggregator: Aggregator | undefined, page: Record<string, number>][] = [
  [undefined, { a: 13, 'b{of="x"}': 13 }],
  ['sum', { a: 13, 'b{of="x"}': 13 }],
  ['max', { a: 8, 'b{of="x"}': 8 }],
  ['min', { a: -2, 'b{of="x"}': -2 }],
  ['first', { a: 8, 'b{of="x"}': 8 }],
  ['average', { a: 3.25, 'b{of="x"}': 3.25 }],
  ['omit', {}],
  ['mostrecent', { a: 3, 'b{of="x"}': 3 }],
  [
    'worker',
    {
      'a{worker="1"}': 11,
      'a{worker="2"}': -2,
      'a{worker="master"}': 4,
      'b{of="x",worker="1"}': 11,
      'b{of="x",worker="2"}': -2,
      'b{of="x",worker="master"}': 4,
    },
  ],
]
test.each(MERGED)('gauges of several workers merge by %s', (aggregator, page) => {
  const segment = create()
  // The order of setting is not that of the regions.
  const set = [
    [0, 8],
    [2, -2],
    [segment.masterRegion, 4],
    [1, 3],
  ] as const
  const gauges = set.map(([region]) => {
    const registers = registersOf(segment, region)
    const options = { help, registers, ...(aggregator ? { aggregator } : {}) }
    return [
      new Gauge({ name: 'a', ...options }),
      new Gauge({ name: 'b', labelNames: ['of'], ...options }),
    ] as const
  })
  set.forEach(([, value], i) => {
    setSystemTime(1_800_000_000_000 + i)
    gauges[i]![0].set(value)
    gauges[i]![1].set({ of: 'x' }, value)
  })
  expect(shown(segment)).toEqual(page)
})

const UNSET: readonly [aggregator: Aggregator, value: number, merged: number][] = [
  ['min', 5, 5],
  ['max', -5, -5],
  ['first', 5, 5],
  ['average', 5, 5],
  ['mostrecent', 5, 5],
  ['sum', 5, 5],
]
test.each(UNSET)(
  '%s: a gauge that was declared and never set does not count',
  (aggregator, value, merged) => {
    const segment = create()
    const [first, second] = [0, 2].map(
      (region) => new Gauge({ name: 'a', help, aggregator, registers: registersOf(segment, region) }),
    )
    expect(shown(segment)).toEqual({ a: 0 })
    second!.set(value)
    expect(shown(segment)).toEqual({ a: merged })
    second!.reset()
    expect(shown(segment)).toEqual({ a: 0 })
    second!.inc(value)
    expect(shown(segment)).toEqual({ a: merged })
    // A value of 0 that was set does count.
    first!.set(0)
    const values = [0, value]
    const both = {
      min: Math.min(...values),
      max: Math.max(...values),
      average: value / 2,
      sum: value,
      first: 0,
      mostrecent: 0,
    }
    setSystemTime(Date.now() + 1000)
    first!.set(0)
    expect(shown(segment)).toEqual({ a: both[aggregator as keyof typeof both] })
  },
)

test('clearing gauges returns the requests in flight, and takes the gauges off the page', () => {
  const segment = create()
  const start = (region: number) =>
    new Gauge({ name: 'active', help, labelNames: ['method'], registers: registersOf(segment, region) })
  const [dead, other] = [start(0), start(1)]
  dead.inc({ method: 'GET' }, 3)
  dead.inc({ method: 'POST' }, 2)
  other.inc({ method: 'GET' })
  expect(segment.clearGauges(0)).toEqual(new Map([['active', 5]]))
  expect(shown(segment)).toEqual({ 'active{method="GET"}': 1 })
  expect(segment.clearGauges(0)).toEqual(new Map())
  start(0).inc({ method: 'GET' })
  expect(shown(segment)).toEqual({ 'active{method="GET"}': 2 })
})

test('of two definitions of one family the newer wins, for early and late readers', () => {
  const segment = create()
  const early = Segment.open(segment.path)
  const old = (region: number) =>
    new Counter({ name: 'a_total', help, registers: registersOf(segment, region) })
  const young = (region: number) =>
    new Counter({ name: 'a_total', help, labelNames: ['route'], registers: registersOf(segment, region) })
  const conflicts = (each: Segment) => pageOf(each).get('metrics_conflicting_families')
  const both = (page: Record<string, number>, conflicted: number) => {
    for (const reader of [early, Segment.open(segment.path)]) {
      expect(shown(reader)).toEqual(page)
      expect(conflicts(reader)).toBe(conflicted)
    }
  }

  setSystemTime(1000)
  old(2).inc(3)
  old(4).inc(4)
  both({ a_total: 7 }, 0)
  setSystemTime(2000)
  young(0).inc({ route: '/' }, 5)
  both({ 'a_total{route="/"}': 5 }, 1)
  young(3).inc({ route: '/' }, 5)
  both({ 'a_total{route="/"}': 10 }, 1)
  // The old version comes back: all its numbers do.
  setSystemTime(3000)
  old(1).inc()
  both({ a_total: 8 }, 1)
  // And the new one once more, in a region that knows it already.
  setSystemTime(4000)
  young(0).inc({ route: '/' })
  both({ 'a_total{route="/"}': 11 }, 1)
})

test('another help text is no conflict, and numbers go on', () => {
  const segment = create()
  new Counter({ name: 'a_total', help, registers: registersOf(segment, 0) }).inc()
  new Counter({ name: 'a_total', help: 'Better help', registers: registersOf(segment, 0) }).inc()
  expect(shown(segment)).toEqual({ a_total: 2 })
  expect(pageOf(segment).get('metrics_conflicting_families')).toBe(0)
})

test('an aggregator that does not exist is refused, and those that do are named', () => {
  const aggregator = 'median' as Aggregator
  expect(() => new Gauge({ name: 'a', help, aggregator, registers: [] })).toThrow(
    "'median' is not a defined aggregator: there are sum, max, min, first, average, mostrecent, worker, omit",
  )
})

test('a merged registry shows the counts of the whole clusters of its registries', async () => {
  const segment = create()
  const [own] = registersOf(segment, 0)
  const local = new Registry()
  for (const register of [own!, registersOf(segment, 2)[0]!])
    new Counter({ name: 'a_total', help, registers: [register] }).inc()
  new Counter({ name: 'b_total', help, registers: [local] }).inc(5)
  const page = samplesOf(await Registry.merge([local, own!]).metrics())
  expect([page.get('a_total'), page.get('b_total')]).toEqual([2, 5])
  const [other] = registersOf(create(), 0)
  new Counter({ name: 'c_total', help, registers: [other!] }).inc(3)
  const both = samplesOf(await Registry.merge([own!, other!]).metrics())
  expect([both.get('a_total'), both.get('c_total')]).toEqual([2, 3])
})

test('a family of the cluster stands once on the page of a merged registry that has a metric of its name, too', async () => {
  const segment = create()
  const [own] = registersOf(segment, 0)
  new Counter({ name: 'a_total', help, registers: registersOf(segment, 2) }).inc(3)
  const local = new Registry()
  new Counter({ name: 'a_total', help, registers: [local] }).inc(5)
  expect(samplesOf(await Registry.merge([local, own!]).metrics()).get('a_total')).toBe(3)
})

test('a gauge that is left out of the cluster is not on the page of the process that sets it', async () => {
  const [own] = registersOf(create(), 0)
  new Gauge({ name: 'a', help, aggregator: 'omit', registers: [own!] }).set(5)
  expect(await own!.metrics()).not.toContain('# TYPE a gauge')
})
