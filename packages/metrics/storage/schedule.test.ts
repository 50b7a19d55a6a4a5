/**
 * Prometheus computes the right increase from our pages. It scrapes at random times, workers start and die at random times;
 * `increase()` by its rule for resets is the number of events between two scrapes, no more and no less. Another seed: SCHEDULE_SEED.
 */
import { afterAll, expect, test } from 'bun:test'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Counter } from '../api/counter.ts'
import { labelText } from '../model/family.ts'
import { Histogram } from '../api/histogram.ts'
import { Registry } from '../api/registry.ts'
import { Segment } from './segment.ts'
import { samplesOf } from '../testdata/strict.ts'
import { wholeNumbersFrom } from '../testing.ts'
import { renderText } from '../format/text.ts'

const SEED = Number(Bun.env.SCHEDULE_SEED ?? 1)
const SCHEDULES = Number(Bun.env.SCHEDULES ?? 300)
const STEPS = 120
const SLOTS = 3
/** Simulated time is none, but a machine that is busy with other things takes its own. */
const TIMEOUT_MS = 120_000
const EVENTS_AT_ONCE = 9
const ROUTES = ['/dogs/', '/dogs/:id/', 'unmatched']
const BOUNDS = [0.5, 1]

const folder = mkdtempSync(join(tmpdir(), 'metrics-schedule-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

test(
  `increase() is the number of events in each of ${SCHEDULES} schedules (seed ${SEED})`,
  () => {
    let total = 0
    for (let seed = SEED; seed < SEED + SCHEDULES; seed++) {
      const { scrapes, events } = simulate(seed)
      for (const [key, trueValues] of truthOf(scrapes)) {
        const values = scrapes.map(({ page }) => page.get(key)).filter((value) => value !== undefined)
        const increase = increaseOf(values)
        expect(increase, `${key}, seed ${seed}`).toBe(trueValues.at(-1)! - trueValues.at(-values.length)!)
        // And more than that: there was no reset that a scrape could have missed.
        expect(values, `${key}, seed ${seed}`).toEqual(trueValues.slice(-values.length))
      }
      total += events
    }
    expect(total).toBeGreaterThan(SCHEDULES)
  },
  TIMEOUT_MS,
)

test(
  'the same schedules over numbers that die with their worker lose events',
  () => {
    let lost = 0
    for (let seed = SEED; seed < SEED + SCHEDULES; seed++) {
      const { scrapes } = simulate(seed)
      const trueTotals = scrapes.map(({ total }) => total)
      const increase = increaseOf(scrapes.map(({ mortal }) => mortal))
      if (increase !== trueTotals.at(-1)! - trueTotals[0]!) lost++
    }
    expect(lost).toBeGreaterThan(SCHEDULES / 2)
  },
  TIMEOUT_MS,
)

interface Scrape {
  page: Map<string, number>
  /** The true value of each sample so far. */
  truth: Map<string, number>
  total: number
  /** The counts of the living workers alone. */
  mortal: number
}

/** Simulates the workers of a cluster in one process: a region only needs one writer at a time. */
function simulate(seed: number): { scrapes: Scrape[]; events: number } {
  const random = wholeNumbersFrom(seed)
  const segment = Segment.create(`schedule-${seed}`, { slots: SLOTS, regionBytes: 16 * 1024 }, folder)
  const truth = new Map<string, number>()
  const scrapes: Scrape[] = []
  let total = 0

  const start = (region: number) => {
    const registry = new Registry(undefined, segment.writer(region))
    const registers = [registry]
    const events = new Counter({ name: 'events_total', help: 'Events', registers })
    const routed = new Counter({ name: 'routed_total', help: 'By route', labelNames: ['route'], registers })
    const waits = new Histogram({ name: 'waits', help: 'Waits', buckets: BOUNDS, registers })
    return { region, events, routed, waits, mortal: 0 }
  }
  // In each slot the one that takes work, and perhaps one that drains.
  const slots = Array.from({ length: SLOTS }, (_, slot) => [start(2 * slot)])

  const note = (key: string, value = 1) => truth.set(key, (truth.get(key) ?? 0) + value)
  const count = (worker: ReturnType<typeof start>) => {
    worker.mortal++
    total++
    worker.events.inc()
    note('events_total')
    const route = ROUTES[random(ROUTES.length)]!
    worker.routed.inc({ route })
    note(`routed_total{${labelText(['route'], [route])}}`)
    const value = random(8) / 4
    worker.waits.observe(value)
    for (const bound of [...BOUNDS, Infinity]) {
      if (value <= bound) note(`waits_bucket{le="${bound === Infinity ? '+Inf' : bound}"}`)
    }
    note('waits_count')
    note('waits_sum', value)
  }
  const scrape = () => {
    // The page comes from a reader that has read since the start, or from a new one.
    const reader = random(3) === 0 ? Segment.open(segment.path) : segment
    const page = samplesOf(renderText(reader.families()))
    const workers = slots.flat()
    scrapes.push({
      page,
      truth: new Map(truth),
      total,
      mortal: workers.reduce((sum, { mortal }) => sum + mortal, 0),
    })
  }

  scrape()
  for (let step = 0; step < STEPS; step++) {
    const slot = slots[random(SLOTS)]!
    const last = slot.at(-1)
    const action = random(20)
    if (action < 10) {
      const worker = slot[random(slot.length)]
      if (worker) for (let left = random(EVENTS_AT_ONCE); left > 0; left--) count(worker)
    } else if (action < 15) scrape()
    else if (action < 17) slot.splice(random(slot.length + 1), 1)
    else if (slot.length < 2) {
      // A successor takes the free region; when both are free, either of them.
      const first = 2 * slots.indexOf(slot)
      slot.push(start(last ? last.region ^ 1 : first + random(2)))
    }
  }
  scrape()
  segment.remove()
  return { scrapes, events: total }
}

/** By sample, the truth at each scrape. */
function truthOf(scrapes: readonly Scrape[]): Map<string, number[]> {
  const keys = scrapes.at(-1)!.truth.keys()
  return new Map(Array.from(keys, (key) => [key, scrapes.map(({ truth }) => truth.get(key) ?? 0)]))
}

/** Prometheus' rule: a value that falls was set back to 0 in between. Without its extrapolation to the window's ends. */
function increaseOf(values: readonly number[]): number {
  let increase = 0
  for (let i = 1; i < values.length; i++) {
    increase += values[i]! < values[i - 1]! ? values[i]! : values[i]! - values[i - 1]!
  }
  return increase
}
