/**
 * No event is lost when a worker is killed. Workers count in a segment and note the same events in a file beside it; they are
 * killed at random moments while pages are rendered. Another seed or more rounds: CRASH_SEED, CRASH_ROUNDS.
 */
import { afterAll, expect, test } from 'bun:test'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { labelText } from '../model/family.ts'
import { Segment } from './segment.ts'
import { BOUNDS, doubles, EVENTS, OBSERVED, SUM_WORD, WORDS } from '../testdata/counting_worker.ts'
import { samplesOf } from '../testdata/strict.ts'
import { wholeNumbersFrom } from '../testing.ts'
import { renderText } from '../format/text.ts'

const SEED = Number(Bun.env.CRASH_SEED ?? 20_260_101)
const ROUNDS = Number(Bun.env.CRASH_ROUNDS ?? 75)
const SLOTS = 4
const MOST_RENDERS = 40
const WORKER = join(import.meta.dir, '..', 'testdata', 'counting_worker.ts')
const TIMEOUT_MS = 120_000 + ROUNDS * 5000

const folder = mkdtempSync(join(tmpdir(), 'metrics-crash-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

test(
  `after ${ROUNDS} rounds of SIGKILL the page shows every event, and no number ever fell (seed ${SEED})`,
  async () => {
    const random = wholeNumbersFrom(SEED)
    const family = makeFamily('crash')
    const { segment, truth } = family
    const page = watch(segment)
    const kills = new Uint32Array(2 * SLOTS)
    let seed = SEED
    const start = (region: number) => family.start(region, seed++)
    const kill = async (worker: Worker) => {
      kills[worker.region]!++
      worker.process.kill('SIGKILL')
      await worker.process.exited
    }

    try {
      const workers = Array.from({ length: SLOTS }, (_, slot) => start(2 * slot))
      for (const { ready } of workers) await page.renderUntil(ready)

      for (let round = 0; round < ROUNDS; round++) {
        const slot = random(SLOTS)
        const old = workers[slot]!
        const isOverlapping = random(2) === 0
        // A dead worker's region is as free as the other one; a living worker's is not.
        const region = isOverlapping || random(2) === 0 ? old.region ^ 1 : old.region
        if (!isOverlapping) await kill(old)
        const successor = start(region)
        workers[slot] = successor
        // Every other one is killed as it starts, perhaps in the middle of a new series.
        const isBooted = random(2) === 0
        if (isBooted) await page.renderUntil(successor.ready)
        await page.render(random(MOST_RENDERS))
        if (isOverlapping) await kill(old)
        if (!isBooted) {
          await kill(successor)
          workers[slot] = start(successor.region)
          await page.renderUntil(workers[slot].ready)
        }
      }
      await Promise.all(workers.map(kill))

      const samples = await page.render(1)
      expect(samples).toEqual(samplesOf(renderText(Segment.open(segment.path).families())))
      expect(samples.get('metrics_damaged_regions')).toBe(0)
      expect(samples.get('metrics_conflicting_families')).toBe(0)
      expect(samples.get('metrics_dropped_series_total')).toBe(0)

      const allKills = kills.reduce((sum, each) => sum + each, 0)
      const counted = countedOf(samples)
      const noted = notedOf(truth)
      const inFlight = counted.words.map((value, word) => value - noted.words[word]!)
      const isAllowed = (count: number) => count >= 0 && count <= allKills
      expect(inFlight.every(isAllowed), `in flight by series: ${inFlight}, ${allKills} kills`).toBe(true)
      expect(inFlight.reduce((sum, each) => sum + each, 0)).toBeLessThanOrEqual(allKills)
      // A sum is stored after its bucket, and noted after both.
      const sumOfBuckets = OBSERVED.reduce(
        (sum, value, i) => sum + value * counted.words[EVENTS.length + i]!,
        0,
      )
      expect(counted.sum).toBeGreaterThanOrEqual(noted.sum)
      expect(sumOfBuckets - counted.sum).toBeGreaterThanOrEqual(0)
      expect(sumOfBuckets - noted.sum).toBeLessThanOrEqual(allKills * Math.max(...OBSERVED))
      const events = counted.words.reduce((sum, each) => sum + each, 0)
      const unnoted = inFlight.reduce((sum, each) => sum + each, 0)
      console.log(
        `crash: ${ROUNDS} rounds, ${allKills} kills, ${page.renders} pages, ${events} events, ${unnoted} in flight`,
      )
    } catch (error) {
      console.error(`CRASH_SEED=${SEED} CRASH_ROUNDS=${ROUNDS}`)
      throw error
    } finally {
      await family.end()
    }
  },
  TIMEOUT_MS,
)

test(
  'a worker that is stopped delays no page, and its last numbers are on it',
  async () => {
    const family = makeFamily('stopped')
    try {
      const worker = family.start(0, SEED)
      const page = watch(family.segment)
      await page.renderUntil(worker.ready)
      worker.process.kill('SIGSTOP')
      while (!isStopped(worker.process.pid)) await turn()

      const { words } = countedOf(await page.render(1))
      const noted = notedOf(family.truth)
      const inFlight = words.reduce((sum, value, word) => sum + value - noted.words[word]!, 0)
      expect(words.at(-1)).toBeGreaterThan(0)
      expect([0, 1]).toContain(inFlight)
      expect(isStopped(worker.process.pid)).toBe(true)

      worker.process.kill('SIGCONT')
      const before = words.reduce((sum, each) => sum + each, 0)
      let after = before
      while (after <= before)
        after = countedOf(await page.render(1)).words.reduce((sum, each) => sum + each, 0)
    } finally {
      await family.end()
    }
  },
  TIMEOUT_MS,
)

interface Worker {
  region: number
  process: Bun.Subprocess<'pipe', 'pipe', 'inherit'>
  /** Resolves when the worker counts; with false when it ended before. */
  ready: Promise<boolean>
}

/** A segment, the file in which the workers note their events, and the workers. */
function makeFamily(name: string) {
  const segment = Segment.create(name, { slots: SLOTS, regionBytes: 256 * 1024 }, folder)
  const truthPath = join(folder, `${name}-truth`)
  Bun.spawnSync(['truncate', '--size', String(2 * SLOTS * WORDS * 8), truthPath])
  const processes: Worker['process'][] = []
  return {
    segment,
    truth: doubles(truthPath),
    start(region: number, seed: number): Worker {
      const child = Bun.spawn(
        [process.execPath, WORKER, segment.path, truthPath, String(region), String(seed)],
        { stdin: 'pipe', stdout: 'pipe', stderr: 'inherit' },
      )
      processes.push(child)
      return {
        region,
        process: child,
        ready: child.stdout
          .getReader()
          .read()
          .then(({ done }) => !done),
      }
    },
    async end() {
      for (const child of processes) child.kill('SIGKILL')
      await Promise.all(processes.map(({ exited }) => exited))
      segment.remove()
    },
  }
}

/** Renders pages and compares each with the one before. */
function watch(segment: Segment) {
  let before = new Map<string, number>()
  const look = () => {
    const samples = samplesOf(renderText(segment.families()))
    for (const [key, value] of before) {
      if (!((samples.get(key) ?? -1) >= value)) throw new Error(`${key} was ${value}, is ${samples.get(key)}`)
    }
    const { infinite, count } = countedOf(samples)
    if (infinite !== count) throw new Error(`+Inf is ${infinite}, the count ${count}`)
    before = samples
    page.renders++
  }
  const page = {
    renders: 0,
    async render(times: number) {
      for (let i = 0; i < times; i++) {
        look()
        await turn()
      }
      return before
    },
    async renderUntil(ready: Promise<boolean>) {
      const state: { isReady?: boolean } = {}
      void ready.then((isReady) => (state.isReady = isReady))
      while (state.isReady === undefined) await page.render(1)
      if (!state.isReady) throw new Error('a worker ended as it started')
    },
  }
  return page
}

const turn = () => new Promise<void>((resolve) => setImmediate(resolve))

const isStopped = (pid: number): boolean => / T \d/.test(readFileSync(`/proc/${pid}/stat`, 'utf8'))

/** The page in the order of the workers' words, and the histogram's other samples. */
function countedOf(samples: ReadonlyMap<string, number>) {
  const of = (name: string) => samples.get(name) ?? 0
  const [infinite, ...cumulated] = ['+Inf', ...BOUNDS.toReversed()].map((bound) =>
    of(`sizes_bucket{le="${bound}",of="x"}`),
  )
  const upTo = [0, ...cumulated.toReversed(), infinite!]
  let born = 0
  for (const [key, value] of samples) if (key.startsWith('born_total')) born += value
  return {
    words: [
      ...EVENTS.map((event) => of(`events_total{${labelText(['event'], [event])}}`)),
      ...OBSERVED.map((_, i) => upTo[i + 1]! - upTo[i]!),
      born,
    ],
    sum: of('sizes_sum{of="x"}'),
    infinite,
    count: of('sizes_count{of="x"}'),
  }
}

/** The events that the workers noted, summed over the regions. */
function notedOf(truth: Float64Array) {
  const words = Array.from({ length: WORDS }, (_, word) => {
    let sum = 0
    for (let region = 0; region < 2 * SLOTS; region++) sum += truth[region * WORDS + word]!
    return sum
  })
  const [sum] = words.splice(SUM_WORD, 1)
  return { words, sum: sum! }
}
