/** The room of removed series is used again by the next worker of the slot, and no reader ever sees half of a change. */
import { afterEach, expect, jest, setDefaultTimeout, test } from 'bun:test'
import { Counter } from '../api/counter.ts'
import { Gauge } from '../api/gauge.ts'
import { Histogram } from '../api/histogram.ts'
import { help, pageOf, registersOf, segmentFolder, shown } from '../testdata/segments.ts'
import { wholeNumbersFrom } from '../testing.ts'
import { Segment } from './segment.ts'

/** Hundreds of files and thousands of pages, on a machine that may be busy. */
setDefaultTimeout(60_000)

const { create } = segmentFolder()

const SEED = Number(Bun.env.ROOM_SEED ?? 11)
const { store, add, load } = Atomics

afterEach(() => void Object.assign(Atomics, { store, add, load }))

/** A counter of the next worker, or of the one with these registers. */
const counterOf = (
  segment: Segment,
  name = 'a_total',
  labelNames = ['n'],
  registers = registersOf(segment, 0),
) => new Counter({ name, help, labelNames, maxLabelSets: 10_000, registers })

/** Label sets until the first event that finds no room. */
function fill(counter: Counter, pad = ''): number {
  const before = counter.store.dropped
  let n = 0
  while (counter.store.dropped === before) counter.inc({ n: `${pad}${n++}` })
  return n - 1
}

test('default labels that every worker sets anew fill no region', () => {
  const segment = create(1)
  for (let worker = 0; worker < 1000; worker++) {
    const [registry] = registersOf(segment, 0)
    registry!.setDefaultLabels({ pod: `a-pod-with-a-long-name-${worker}` })
    new Counter({ name: 'a_total', help, registers: [registry!] }).inc()
  }
  expect(shown(segment)).toEqual({ 'a_total{pod="a-pod-with-a-long-name-999"}': 1000 })
})

test('default labels stay if the next worker sets them again, and end after a second if it does not', () => {
  jest.useFakeTimers()
  try {
    const segment = create(1)
    const work = (labels?: Record<string, string>) => {
      const [registry] = registersOf(segment, 0)
      if (labels) registry!.setDefaultLabels(labels)
      new Counter({ name: 'a_total', help, registers: [registry!] }).inc()
    }
    for (let worker = 1; worker <= 2; worker++) work({ pod: 'a' })
    jest.advanceTimersByTime(1001)
    expect(shown(segment)).toEqual({ 'a_total{pod="a"}': 2 })
    work()
    jest.advanceTimersByTime(999)
    expect(shown(segment)).toEqual({ 'a_total{pod="a"}': 3 })
    jest.advanceTimersByTime(2)
    expect(shown(segment)).toEqual({ a_total: 3 })
  } finally {
    jest.useRealTimers()
  }
})

test('a new family has room when the worker before removed its label sets', () => {
  const segment = create(1, 64 * 1024)
  const early = Segment.open(segment.path)
  const old = counterOf(segment)
  const sets = fill(old)
  expect(sets).toBeGreaterThan(1000)
  for (let n = 0; n < sets; n++) old.remove({ n })
  pageOf(early)

  const next = counterOf(segment, 'b_total', ['another', 'n'])
  for (let n = 0; n < 500; n++) next.inc({ another: 'label', n }, n + 1)
  for (const reader of [early, segment, Segment.open(segment.path)]) {
    const page = shown(reader)
    expect(page['b_total{another="label",n="499"}']).toBe(500)
    expect(Object.keys(page).filter((key) => key.startsWith('b_total'))).toHaveLength(500)
  }
  expect(pageOf(segment).get('metrics_damaged_regions')).toBe(0)
})

test('the same number of label sets fits again and again', () => {
  const segment = create(1, 8 * 1024)
  const sets = fill(counterOf(segment))
  for (let round = 0; round < 20; round++) {
    // The names of the label sets differ in length from round to round.
    const worker = counterOf(segment)
    for (let n = 0; n < 3 * sets; n++) for (const pad of ['', 'x', 'xyz']) worker.remove({ n: `${pad}${n}` })
    worker.reset()
    const pad = ['x', 'xyz', ''][round % 3]!
    const next = counterOf(segment)
    expect(fill(next, pad), `round ${round}`).toBeGreaterThan(sets * 0.6)
    expect(pageOf(segment).get('metrics_damaged_regions')).toBe(0)
  }
})

test('a series that is removed and kept by the present worker is not used for another', () => {
  const segment = create(1, 4096)
  const counter = counterOf(segment)
  const kept = counter.labels('kept')
  counter.remove('kept')
  fill(counter)
  kept.inc(7)
  expect(shown(segment)).toMatchObject({ 'a_total{n="kept"}': 7 })
})

test('the overflow series of a family that is declared again keeps its room', () => {
  const segment = create(1, 4096)
  fill(counterOf(segment))
  const registers = registersOf(segment, 0)
  const next = counterOf(segment, 'a_total', ['n'], registers)
  const other = counterOf(segment, 'b_total', ['n'], registers)
  fill(other)
  next.inc({ n: 'no room' }, 3)
  expect(shown(segment)).toHaveProperty(['a_total{n="__overflow__"}'], 4)
})

test('room that a worker freed and did not use is there for the next one', () => {
  const segment = create(1, 8 * 1024)
  const sets = fill(counterOf(segment))
  counterOf(segment).reset()
  counterOf(segment, 'b_total').inc({ n: 1 })
  const last = counterOf(segment)
  expect(fill(last)).toBeGreaterThan(sets - 10)
  expect(shown(segment)).toMatchObject({ 'b_total{n="1"}': 1 })
})

/** A full region of which most was removed, a reader that knows it, and a successor that uses the room. */
function reusing() {
  const segment = create(2, 4096)
  new Counter({ name: 'other_total', help, registers: registersOf(segment, 2) }).inc(5)
  const old = counterOf(segment)
  const sets = fill(old)
  for (let n = 1; n < sets; n++) if (n % 7 !== 0) old.remove({ n })
  const early = Segment.open(segment.path)
  const stays = shown(early)
  const registers = registersOf(segment, 0)
  const use = () => {
    const histogram = new Histogram({ name: 'c', help, labelNames: ['of'], buckets: [1], registers })
    for (let n = 0; n < 5; n++) histogram.observe({ of: `${n}`.repeat(n) }, n)
  }
  return { segment, early, stays, use }
}

/** Calls `look` after each atomic store and count. */
function atEachStep(look: () => void): void {
  Atomics.store = ((array: Int32Array<ArrayBuffer>, index: number, value: number) => {
    const stored = store(array, index, value)
    look()
    return stored
  }) as typeof store
  Atomics.add = ((array: Int32Array<ArrayBuffer>, index: number, value: number) => {
    const before = add(array, index, value)
    look()
    return before
  }) as typeof add
}

const withoutNew = (page: Record<string, number>) =>
  Object.fromEntries(Object.entries(page).filter(([key]) => !key.startsWith('c_')))

test('at every single step the page is whole, for early and late readers', () => {
  const { segment, early, stays, use } = reusing()
  let looks = 0
  atEachStep(() => {
    looks++
    for (const reader of [early, Segment.open(segment.path)]) {
      expect(pageOf(reader).get('metrics_damaged_regions')).toBe(0)
      expect(withoutNew(shown(reader))).toEqual(stays)
    }
  })
  use()
  Object.assign(Atomics, { store, add })
  expect(looks).toBeGreaterThan(30)
  expect(shown(early)).toMatchObject({ ...stays, 'c_count{of="4444"}': 1 })
})

test('room that is used again while a reader reads entries is read again', () => {
  /** The page of an early reader, in which room is used again at one of its loads. */
  const readWith = (step: number) => {
    const { segment, early, stays, use } = reusing()
    let loads = 0
    Atomics.load = ((array: Int32Array<ArrayBuffer>, index: number) => {
      const value = load(array, index)
      if (++loads === step) use()
      return value
    }) as typeof load
    const page = shown(early)
    Object.assign(Atomics, { load })
    segment.remove()
    return { page, stays, loads, regions: segment.masterRegion + 1 }
  }
  const { loads, regions } = readWith(0)
  expect(loads).toBeGreaterThan(2 * regions)
  // The last look at each region is for changes. One that comes later is seen on the next page.
  for (let step = 1; step <= loads - regions; step++) {
    const { page, stays } = readWith(step)
    expect(withoutNew(page), `step ${step}`).toEqual(stays)
    expect(page, `step ${step}`).toMatchObject({ 'c_count{of="4444"}': 1 })
  }
})

test('a worker that is killed at any step leaves a page that is whole, and room for its successor', () => {
  for (let last = 1, isDone = false; !isDone; last++) {
    const { segment, early, stays, use } = reusing()
    let steps = 0
    atEachStep(() => {
      pageOf(early)
      if (++steps === last) throw new Error('killed')
    })
    try {
      use()
      isDone = true
    } catch (error) {
      expect((error as Error).message).toBe('killed')
    }
    Object.assign(Atomics, { store, add })
    segment.writer(0)
    expect(shown(early), `step ${last}`).toEqual(shown(Segment.open(segment.path)))
    const next = counterOf(segment, 'd_total')
    next.inc({ n: 'successor' })
    for (const reader of [early, Segment.open(segment.path)]) {
      expect(pageOf(reader).get('metrics_damaged_regions'), `step ${last}`).toBe(0)
      expect(withoutNew(shown(reader)), `step ${last}`).toEqual({ ...stays, 'd_total{n="successor"}': 1 })
    }
    expect(shown(early), `step ${last}`).toEqual(shown(Segment.open(segment.path)))
    segment.remove()
  }
})

test(`random workers that count and remove keep the page right (seed ${SEED})`, () => {
  const random = wholeNumbersFrom(SEED)
  const segment = create(1, 6 * 1024)
  let reader = Segment.open(segment.path)
  const truth = new Map<string, number>()
  for (let worker = 0; worker < 60; worker++) {
    for (const key of truth.keys()) if (key.startsWith('gauge_')) truth.delete(key)
    const name = `family_${random(3)}_total`
    const registers = registersOf(segment, 0)
    const counter = counterOf(segment, name, ['n'], registers)
    const gauge = new Gauge({ name: `gauge_${random(2)}`, help, labelNames: ['n'], registers })
    for (let step = 0; step < 60; step++) {
      const n = 'ab'.repeat(random(12)) + random(5)
      const key = `${name}{n="${n}"}`
      const dropped = counter.store.dropped
      if (random(3) === 0) {
        counter.remove({ n })
        truth.delete(key)
        continue
      }
      counter.inc({ n }, step + 1)
      const isCounted = counter.store.dropped === dropped
      if (isCounted) truth.set(key, (truth.get(key) ?? 0) + step + 1)
      if (random(5) === 0) {
        const before = counter.store.dropped
        gauge.set({ n }, step)
        if (counter.store.dropped === before) truth.set(`${gauge.name}{n="${n}"}`, step)
      }
    }
    if (random(4) === 0) reader = Segment.open(segment.path)
    const page = shown(reader)
    for (const key of Object.keys(page)) if (key.includes('__overflow__')) delete page[key]
    expect(page, `worker ${worker}, seed ${SEED}`).toEqual(Object.fromEntries(truth))
  }
})
