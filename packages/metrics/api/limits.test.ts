/** Too many series, a growing store and hostile label values lose no count, merge no series and break no page. */
import { describe, expect, spyOn, test } from 'bun:test'
import { Counter, Gauge, Histogram, Registry, Summary } from '../index.ts'
import { samplesOf } from '../testdata/samples.ts'

const DEFAULT_MAX_LABEL_SETS = 1000
const OVERFLOW = 'jobs{"job":"__overflow__"}'

function counterOf(options: { maxLabelSets?: number; labelNames?: string[] } = {}) {
  const registry = new Registry()
  const counter = new Counter({
    name: 'jobs',
    help: 'Help',
    labelNames: ['job'],
    registers: [registry],
    ...options,
  })
  const page = async () => samplesOf(await registry.metrics())
  const dropped = async () =>
    Number((await registry.metrics()).match(/^metrics_dropped_series_total (\d+)$/m)?.[1] ?? 0)
  return { registry, counter, page, dropped }
}

const total = async (counter: Counter) =>
  (await counter.get()).values.reduce((sum, { value }) => sum + value, 0)

describe('label sets above the limit', () => {
  test.each([
    [DEFAULT_MAX_LABEL_SETS, {}],
    [3, { maxLabelSets: 3 }],
  ])('%i sets have series of their own, the next is in the overflow', async (limit, options) => {
    const { counter, page, dropped } = counterOf(options)
    for (let i = 0; i < limit; i++) counter.inc({ job: i })
    expect((await page()).has(OVERFLOW)).toBe(false)
    expect((await page()).get(`jobs{"job":"${limit - 1}"}`)).toBe('1')
    expect(await dropped()).toBe(0)

    counter.labels('one too many').inc(5)
    counter.inc({ job: 'another' }, 6)
    expect((await page()).get(OVERFLOW)).toBe('11')
    expect((await page()).has('jobs{"job":"another"}')).toBe(false)
    expect(await dropped()).toBe(2)
  })

  test('known sets go on, by every way to them', async () => {
    const { counter, page, dropped } = counterOf({ maxLabelSets: 1 })
    const kept = counter.labels('1')
    for (let i = 0; i < 10; i++) counter.inc({ job: 'unknown' })
    kept.inc()
    counter.labels(1).inc()
    counter.labels({ job: '1' }).inc()
    counter.inc({ job: 1 })
    expect((await page()).get('jobs{"job":"1"}')).toBe('4')
    expect(await dropped()).toBe(10)
  })

  test('all types have an overflow', async () => {
    const registry = new Registry()
    const options = { help: 'Help', labelNames: ['a', 'b'], registers: [registry], maxLabelSets: 0 }
    new Gauge({ name: 'gauge', ...options }).labels('x', 'y').set(7)
    new Histogram({ name: 'histogram', buckets: [1], ...options }).observe({ a: 'x' }, 0.5)
    new Summary({ name: 'summary', ...options }).observe({ b: 'y' }, 2)
    const page = samplesOf(await registry.metrics())
    const labels = '{"a":"__overflow__","b":"__overflow__"}'
    expect(page.get(`gauge${labels}`)).toBe('7')
    expect(page.get(`histogram_sum${labels}`)).toBe('0.5')
    expect(page.get(`summary_count${labels}`)).toBe('1')
  })

  test('removing makes room; removing an unknown series changes nothing', async () => {
    const { counter, page, dropped } = counterOf({ maxLabelSets: 1 })
    counter.inc({ job: 'old' })
    counter.inc({ job: 'new' })
    counter.remove('unknown')
    expect((await page()).get(OVERFLOW)).toBe('1')
    expect(await dropped()).toBe(1)

    counter.remove('old')
    counter.inc({ job: 'new' }, 2)
    expect((await page()).get('jobs{"job":"new"}')).toBe('2')
    expect((await page()).get(OVERFLOW)).toBe('1')
  })

  test('a metric without labels knows no limit', async () => {
    const { counter, page } = counterOf({ maxLabelSets: 0, labelNames: [] })
    counter.inc()
    counter.reset()
    counter.inc()
    expect((await page()).get('jobs{}')).toBe('1')
  })

  test.each<[claim: string, value: (i: number) => never]>([
    ['sets above the limit', (i) => `unknown ${i}` as never],
    ['URLs as label values', () => new URL('http://localhost/') as never],
    [
      'texts that are no Unicode',
      (i) => `\udc00${String.fromCharCode(0xd800 + (i >> 10), 0x61, 0xd800 + (i & 0x3ff))}` as never,
    ],
  ])(
    '%s take no memory',
    (_, value) => {
      const { counter } = counterOf({ maxLabelSets: 1 })
      let next = 0
      counter.inc({ job: value(next++) })
      const events = 100_000
      const count = () => {
        for (let i = 0; i < events; i++) counter.inc({ job: value(next++) })
        Bun.gc(true)
        return process.memoryUsage().heapUsed
      }
      const before = count()
      // Less than a Map's entry for each.
      expect(count() - before).toBeLessThan(events * 10)
    },
    60_000,
  )
})

test('label values that were seen before are found without writing them as text', () => {
  const { counter } = counterOf({ labelNames: ['job', 'size'] })
  const count = () => {
    counter.labels('a', 1).inc()
    counter.labels({ job: 'a', size: 1 }).inc()
    counter.inc({ job: 'a' })
  }
  count()
  using written = spyOn(JSON, 'stringify')
  count()
  expect(written).not.toHaveBeenCalled()
  counter.labels('b', 1)
  expect(written).toHaveBeenCalled()
})

test('an unknown label is an error, also beside labels of a series that is there', async () => {
  const { counter, page } = counterOf({ labelNames: ['job', 'size'] })
  counter.inc({ job: 'a' })
  for (const labels of [
    { job: 'a', colour: 'red' },
    { job: 'a', size: undefined, colour: 'red' },
  ])
    expect(() => counter.inc(labels as never)).toThrow('colour')
  expect((await page()).get('jobs{"job":"a"}')).toBe('1')
})

test('a removed series whose child is not kept takes no memory', async () => {
  const { counter, page } = counterOf()
  const removed = Array.from({ length: 1000 }, (_, i) => {
    const child = new WeakRef(counter.labels(`client ${i}`))
    counter.remove(`client ${i}`)
    return child
  })
  // A target that a WeakRef has returned lives until the turn is over.
  await new Promise((resolve) => setImmediate(resolve))
  Bun.gc(true)
  // The engine may take a number on its stack for the address of one or the other.
  expect(removed.filter((child) => child.deref()).length).toBeLessThan(100)
  counter.inc({ job: 'client 7' }, 3)
  expect((await page()).get('jobs{"job":"client 7"}')).toBe('3')
})

test('a kept child is as good as new when the store has grown', async () => {
  const { counter, page } = counterOf({ maxLabelSets: Infinity })
  const kept = counter.labels('kept')
  kept.inc()
  for (let i = 0; i < 10_000; i++) {
    counter.inc({ job: i })
    kept.inc()
  }
  expect((await page()).get('jobs{"job":"kept"}')).toBe('10001')
  expect(await total(counter)).toBe(20_001)
})

test('each series has its own numbers, with any number of buckets', () => {
  for (const count of [...Array.from({ length: 40 }, (_, i) => i + 1), 100, 10_000]) {
    const buckets = Array.from({ length: count }, (_, i) => i)
    const histogram = new Histogram({
      name: 'wait',
      help: 'Help',
      labelNames: ['job'],
      buckets,
      registers: [],
    })
    for (let job = 1; job <= 12; job++) histogram.observe({ job }, count + job)
    const seen = Array.from(histogram.family().series, ({ sum, counts }) => [sum, Array.from(counts!).at(-1)])
    expect([count, seen]).toEqual([count, Array.from({ length: 12 }, (_, i) => [count + i + 1, 1])])
  }
})

describe('label values', () => {
  const HOSTILE = [
    '',
    ' ',
    '"',
    '\\',
    '\n',
    '\\n',
    '\r\n',
    '\t',
    ',',
    '|',
    '"],["',
    '["a","b"]',
    'a,b',
    'a","b',
    '"} 1\njobs{job="',
    'null',
    'undefined',
    '0',
    '-0',
    '1e3',
    '1000',
    'NaN',
    '🐕',
    'é',
    'e\u0301',
    '\0',
    '\u2028',
    '{}',
    '#',
    '__proto__',
    'constructor',
    'toString',
    'hasOwnProperty',
    '__overflow',
    'x'.repeat(10_000),
    `${'x'.repeat(9_999)}y`,
    '\ufffd',
  ]

  test('each pair has its own series, and the page is whole', async () => {
    const { counter, page } = counterOf({ labelNames: ['a', 'b'], maxLabelSets: Infinity })
    const pairs = HOSTILE.flatMap((a) => HOSTILE.map((b) => ({ a, b })))
    pairs.forEach((labels, i) => counter.inc(labels, i))
    pairs.forEach(({ a, b }, i) => counter.labels(a, b).inc(i))
    const values = new Map(
      (await counter.get()).values.map(({ labels, value }) => [JSON.stringify(labels), value]),
    )
    expect(values.size).toBe(pairs.length)
    expect(pairs.every((labels, i) => values.get(JSON.stringify(labels)) === 2 * i)).toBe(true)
    expect((await page()).size).toBe(pairs.length + 2)
  })

  test('a label that is left out is no empty one, and no text null', async () => {
    const { counter } = counterOf({ labelNames: ['a', 'b'] })
    for (const labels of [
      { a: 'x' },
      { b: 'x' },
      { a: 'x', b: '' },
      { a: 'x', b: 'null' },
      { a: 'x', b: 'undefined' },
      {},
    ]) {
      counter.inc(labels)
    }
    expect((await counter.get()).values.map(({ value }) => value)).toEqual([1, 1, 1, 1, 1, 1])
  })

  // No page can tell one from another: as UTF-8 they are the same.
  test('halves of surrogate pairs are one series', async () => {
    const { counter, page } = counterOf()
    for (const half of ['\ud83d', '\udc15', '\ufffd']) {
      counter.inc({ job: half })
      counter.labels(half).inc()
    }
    expect((await page()).get('jobs{"job":"\ufffd"}')).toBe('6')
  })

  test('the overflow may be counted by name', async () => {
    const { counter, page } = counterOf({ maxLabelSets: 1 })
    counter.inc({ job: '__overflow__' })
    expect((await page()).get(OVERFLOW)).toBe('1')
  })
})

describe('labels with names of Object.prototype', () => {
  const NAMES = ['__proto__', 'constructor', 'toString']

  test('are given or left out as others are', async () => {
    const { counter, registry } = counterOf({ labelNames: NAMES })
    const labels = Object.fromEntries(NAMES.map((name) => [name, 'x']))
    counter.inc(labels)
    counter.labels('x', 'x', 'x').inc()
    for (const name of NAMES) counter.inc(Object.fromEntries([[name, 'y']]), 5)
    counter.inc({}, 7)
    expect((await counter.get()).values).toEqual([
      { labels, value: 2 },
      ...NAMES.map((name) => ({ labels: Object.fromEntries([[name, 'y']]), value: 5 })),
      { labels: {}, value: 7 },
    ])
    const page = await registry.metrics()
    expect(page).toContain('jobs{__proto__="x",constructor="x",toString="x"} 2\n')
    expect(page).toContain('jobs{__proto__="y"} 5\n')
    expect(page).toContain('jobs 7\n')
  })

  test('are unknown unless they were declared', () => {
    const { counter } = counterOf()
    for (const name of NAMES) {
      expect(() => counter.inc(Object.fromEntries([[name, 1]]))).toThrow(
        `Added label "${name}" is not included`,
      )
    }
  })

  test('are kept by timers', async () => {
    const registry = new Registry()
    const gauge = new Gauge({ name: 'took_seconds', help: 'Help', labelNames: NAMES, registers: [registry] })
    gauge.startTimer(Object.fromEntries([['__proto__', 'x']]))(Object.fromEntries([['constructor', 'y']]))
    expect(await registry.metrics()).toContain('took_seconds{__proto__="x",constructor="y"} ')
  })
})
