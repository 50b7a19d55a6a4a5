/**
 * A worker of crash.slow.test.ts: it counts as fast as it can until it is killed, and notes in a file of its own, after each
 * event, the event that it has counted. `EVENTS`, `BOUNDS` and `WORDS` say which word of the file is which event.
 */
import { constants, setPriority } from 'node:os'
import { Counter } from '../api/counter.ts'
import { Histogram } from '../api/histogram.ts'
import { Registry } from '../api/registry.ts'
import { Segment } from '../storage/segment.ts'
import { wholeNumbersFrom } from '../testing.ts'

/** Label values of the counter. */
export const EVENTS = ['a', 'b', 'a,b', '"'] as const
export const BOUNDS = [0.5, 1] as const
/** One value for each bucket; their sums are exact. */
export const OBSERVED = [0.25, 0.75, 4] as const
/** New series at each start. */
const BORN = 5

const FIRST_BUCKET = EVENTS.length
export const SUM_WORD = FIRST_BUCKET + OBSERVED.length
const BORN_WORD = SUM_WORD + 1
/** Of one region. */
export const WORDS = BORN_WORD + 1

const EVENTS_AT_ONCE = 2000

export const doubles = (path: string): Float64Array => {
  const { buffer, byteOffset, byteLength } = Bun.mmap(path, { shared: true })
  return new Float64Array(buffer, byteOffset, byteLength / 8)
}

if (import.meta.main) {
  const [path, truthPath, region, seed] = process.argv.slice(2)
  // The worker ends with the test, even if the test is killed.
  process.stdin.on('end', () => process.exit(1)).resume()

  const registry = new Registry(undefined, Segment.open(path!).writer(Number(region)))
  const truth = doubles(truthPath!).subarray(Number(region) * WORDS, (Number(region) + 1) * WORDS)
  const random = wholeNumbersFrom(Number(seed))
  const registers = [registry]

  const events = new Counter({ name: 'events_total', help: 'Events', labelNames: ['event'], registers })
  const sizes = new Histogram({
    name: 'sizes',
    help: 'Sizes',
    labelNames: ['of'],
    buckets: BOUNDS,
    registers,
  })
  const born = new Counter({ name: 'born_total', help: 'Starts', labelNames: ['seed', 'n'], registers })
  for (let n = 0; n < BORN; n++) {
    born.inc({ seed: seed!, n })
    truth[BORN_WORD]!++
  }
  // Workers that start get the CPU before workers that count.
  setPriority(constants.priority.PRIORITY_LOW)
  console.log('ready')
  count()

  function count(): void {
    for (let i = 0; i < EVENTS_AT_ONCE; i++) {
      const which = random(SUM_WORD)
      if (which < FIRST_BUCKET) {
        events.inc({ event: EVENTS[which]! })
        truth[which]!++
      } else {
        const value = OBSERVED[which - FIRST_BUCKET]!
        sizes.observe({ of: 'x' }, value)
        truth[which]!++
        truth[SUM_WORD]! += value
      }
    }
    setImmediate(count)
  }
}
