/** Series in the segment: those that find no room, those that go, and texts that must not be one another's. */
import { expect, test } from 'bun:test'
import { Counter } from '../api/counter.ts'
import { labelText } from '../model/family.ts'
import { Gauge } from '../api/gauge.ts'
import { Histogram } from '../api/histogram.ts'
import { Registry } from '../api/registry.ts'
import { ENTRY_HEADER_WORDS, WORD_BYTES } from './layout.ts'
import { Segment } from './segment.ts'
import { help, pageOf, registersOf, segmentFolder, shown } from '../testdata/segments.ts'

const { create } = segmentFolder()

test('in a full region new series are counted in the overflow series, old ones go on', () => {
  const segment = create(1, 4096)
  const registers = registersOf(segment, 0)
  const counter = new Counter({ name: 'a_total', help, labelNames: ['n'], registers })
  const sets = 200
  for (let n = 0; n < sets; n++) counter.inc({ n })
  counter.inc({ n: 0 })
  const page = pageOf(segment)
  const overflow = page.get('a_total{n="__overflow__"}')!
  expect(overflow).toBeGreaterThan(0)
  expect(page.get('metrics_dropped_series_total')).toBe(overflow)
  expect(page.get('a_total{n="0"}')).toBe(2)
  expect([...page].reduce((sum, [key, value]) => (key.startsWith('a_total') ? sum + value : sum), 0)).toBe(
    sets + 1,
  )
  expect(page.get('metrics_damaged_regions')).toBe(0)

  // Without room for the family itself nothing is shown, and nothing is thrown or spoiled.
  const late = new Counter({ name: 'late_total', help: 'x'.repeat(4096), labelNames: ['n'], registers })
  const lateGauge = new Gauge({ name: 'late', help: 'x'.repeat(4096), registers })
  for (let i = 0; i < 3; i++) {
    late.inc({ n: i })
    lateGauge.set(i)
  }
  late.remove({ n: 1 })
  lateGauge.remove()
  late.reset()
  lateGauge.reset()
  expect(pageOf(Segment.open(segment.path)).get('a_total{n="0"}')).toBe(2)
  expect(pageOf(segment).get('metrics_dropped_series_total')).toBeGreaterThan(overflow)
})

test('a region is used to its last word, and not beyond', () => {
  const options = { name: 'a_total', help, labelNames: ['n'] }
  const wordsOf = (payload: string, cells: number) =>
    ENTRY_HEADER_WORDS + Math.ceil(payload.length / WORD_BYTES) + cells
  const family = wordsOf(JSON.stringify({ name: 'a_total', help, type: 'counter', labelNames: ['n'] }), 1)
  const [overflow, series] = [wordsOf('["__overflow__"]', 1), wordsOf('["100"]', 1)]
  for (let words = 128; words < 128 + 2 * series; words++) {
    const segment = create(1, words * WORD_BYTES)
    const counter = new Counter({ ...options, registers: registersOf(segment, 0) })
    for (let n = 100; n < 200; n++) counter.inc({ n })
    // The region behind it.
    new Counter({ name: 'b_total', help, registers: registersOf(segment, 1) }).inc(3)
    const page = pageOf(segment)
    expect(page.get('metrics_damaged_regions'), `${words} words`).toBe(0)
    expect(page.get('b_total'), `${words} words`).toBe(3)
    const shownSets = [...page.keys()].filter((key) => /^a_total\{n="\d+"\}$/.test(key)).length
    expect(shownSets, `${words} words`).toBe(Math.floor((words - family - overflow) / series))
  }
})

test('label sets above the limit are counted in the overflow series', () => {
  const segment = create()
  const registers = registersOf(segment, 0)
  const counter = new Counter({ name: 'a_total', help, labelNames: ['n'], maxLabelSets: 3, registers })
  for (let n = 0; n < 5; n++) counter.inc({ n })
  const page = {
    'a_total{n="0"}': 1,
    'a_total{n="1"}': 1,
    'a_total{n="2"}': 1,
    'a_total{n="__overflow__"}': 2,
  }
  expect(shown(segment)).toEqual(page)
  expect(pageOf(segment).get('metrics_dropped_series_total')).toBe(2)
  // Removing a label set that is counted in the overflow does not remove the numbers of the others.
  counter.remove({ n: 4 })
  expect(shown(segment)).toEqual(page)
})

test('a removed series vanishes, and begins at 0', () => {
  const segment = create()
  const registers = registersOf(segment, 0)
  const counter = new Counter({ name: 'a_total', help, labelNames: ['route'], registers })
  const histogram = new Histogram({ name: 'c', help, labelNames: ['route'], buckets: [1], registers })
  for (const route of ['/', '/dogs/']) {
    counter.inc({ route }, 3)
    histogram.observe({ route }, 3)
  }
  counter.remove('/')
  histogram.remove({ route: '/' })
  const rest = {
    'a_total{route="/dogs/"}': 3,
    'c_bucket{le="1",route="/dogs/"}': 0,
    'c_bucket{le="+Inf",route="/dogs/"}': 1,
    'c_sum{route="/dogs/"}': 3,
    'c_count{route="/dogs/"}': 1,
  }
  expect(shown(segment)).toEqual(rest)
  counter.inc({ route: '/' })
  histogram.observe({ route: '/' }, 0.5)
  expect(shown(segment)).toMatchObject({
    ...rest,
    'a_total{route="/"}': 1,
    'c_sum{route="/"}': 0.5,
    'c_count{route="/"}': 1,
  })
  // It stays removed for the next worker of the region.
  counter.remove('/')
  const next = new Counter({
    name: 'a_total',
    help,
    labelNames: ['route'],
    registers: registersOf(segment, 0),
  })
  expect(shown(segment)).not.toHaveProperty(['a_total{route="/"}'])
  next.inc({ route: '/' })
  expect(pageOf(segment).get('a_total{route="/"}')).toBe(1)
})

test('a removed gauge whose child is kept is on the page again with its next value', () => {
  const segment = create()
  for (const registers of [registersOf(segment, 0), [new Registry()]]) {
    const gauge = new Gauge({ name: 'a', help, labelNames: ['of'], registers })
    const kept = gauge.labels('x')
    kept.set(3)
    gauge.remove('x')
    expect([...gauge.family().series]).toEqual([])
    kept.set(5)
    expect([...gauge.family().series]).toEqual([{ labels: 'of="x"', value: 5 }])
  }
  expect(shown(segment)).toEqual({ 'a{of="x"}': 5 })
})

const HARD = [
  '',
  '"',
  '\\',
  '\\"',
  '\n',
  '\\n',
  ',',
  '|',
  'a,b',
  '","',
  '"],["',
  'a',
  'a ',
  '🐕',
  '\u{10fffd}',
  '\ud83d',
  '\ufffdx',
  'x'.repeat(10_240),
  `${'x'.repeat(10_239)}y`,
  'null',
  '0',
  '\r',
  '\0',
  '}',
  '{a="b"}',
  '__proto__',
  'constructor',
]
test('no two label sets become one series, and none is on the page twice', () => {
  const segment = create(2, 4 * 1024 * 1024)
  const expected = new Map<string, number>()
  for (const region of [0, 3]) {
    const registers = registersOf(segment, region)
    const counter = new Counter({ name: 'a_total', help, labelNames: ['x', 'y'], registers })
    let n = 0
    for (const x of HARD) {
      for (const y of HARD) {
        n++
        counter.inc({ x, y }, n)
        const key = `a_total{${labelText(['x', 'y'], [x.toWellFormed(), y.toWellFormed()])}}`
        expected.set(key, (expected.get(key) ?? 0) + n)
      }
    }
  }
  expect(expected.size).toBe(HARD.length ** 2)
  expect(shown(segment)).toEqual(Object.fromEntries(expected))
})

test('texts that are no Unicode are one series when they are one on the wire', () => {
  const segment = create()
  const counter = new Counter({
    name: 'a_total',
    help,
    labelNames: ['x'],
    registers: registersOf(segment, 0),
  })
  for (const x of ['\ud800', '\ud801', '\ufffd']) counter.inc({ x })
  expect(shown(segment)).toEqual({ 'a_total{x="\ufffd"}': 3 })
})

test('labels that are left out are one series, however they are left out', () => {
  const segment = create()
  const counter = new Counter({
    name: 'a_total',
    help,
    labelNames: ['x', 'y'],
    registers: registersOf(segment, 0),
  })
  counter.inc()
  counter.inc({})
  counter.inc({ y: '1' })
  counter.inc()
  expect(shown(segment)).toEqual({ a_total: 3, 'a_total{y="1"}': 1 })
})

test('a counter that was declared is on the page at 0, so that its first increment is seen', () => {
  const segment = create()
  const registers = registersOf(segment, 0)
  new Counter({ name: 'a_total', help, registers })
  new Counter({ name: 'b_total', help, labelNames: ['of'], registers }).labels('x')
  new Histogram({ name: 'c', help, buckets: [], registers })
  expect(shown(segment)).toEqual({
    a_total: 0,
    'b_total{of="x"}': 0,
    'c_bucket{le="+Inf"}': 0,
    c_sum: 0,
    c_count: 0,
  })
})
