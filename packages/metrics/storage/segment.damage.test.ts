/** Damage to the file, seeded: no page breaks, no worker throws, and nothing is written outside the region. */
import { expect, setDefaultTimeout, test } from 'bun:test'
import { FREE, HEADER_WORDS, REGION_HEADER_WORDS, WORD_BYTES } from './layout.ts'
import { Segment } from './segment.ts'
import { pageOf, segmentFolder, work } from '../testdata/segments.ts'
import { wholeNumbersFrom } from '../testing.ts'

/** Hundreds of files for each kind of damage, on a machine that may be busy. */
setDefaultTimeout(60_000)

const { create } = segmentFolder()

const SEED = Number(Bun.env.SEGMENT_SEED ?? 7)

/** The raw words and bytes of the file. */
function rawOf({ path, slots }: Segment) {
  const { buffer, byteOffset, byteLength } = Bun.mmap(path, { shared: true })
  const bytes = new Uint8Array(buffer, byteOffset, byteLength)
  const i32 = new Int32Array(buffer, byteOffset, byteLength / 4)
  const regionWords = i32[3]!
  const startOf = (region: number) => HEADER_WORDS + region * regionWords
  const entriesOf = (region: number) => {
    const first = startOf(region) + REGION_HEADER_WORDS
    return bytes.subarray(first * WORD_BYTES, (first + i32[startOf(region) * 2]!) * WORD_BYTES)
  }
  const othersThan = (region: number) =>
    Buffer.concat([
      bytes.subarray(0, startOf(region) * WORD_BYTES),
      bytes.subarray(startOf(region + 1) * WORD_BYTES, startOf(2 * slots + 1) * WORD_BYTES),
    ])
  return { i32, startOf, entriesOf, othersThan }
}

type Random = ReturnType<typeof wholeNumbersFrom>
const DAMAGE: readonly [
  name: string,
  isAlwaysSeen: boolean,
  spoil: (segment: Segment, random: Random) => void,
][] = [
  [
    'garbage over all entries',
    true,
    (segment, random) => {
      const entries = rawOf(segment).entriesOf(0)
      for (let i = 0; i < entries.length; i++) entries[i] = random(256)
    },
  ],
  [
    'garbage over some entries',
    false,
    (segment, random) => {
      const entries = rawOf(segment).entriesOf(0)
      const from = random(entries.length)
      for (let i = from; i < Math.min(entries.length, from + random(64)); i++) entries[i] = random(256)
    },
  ],
  [
    'one byte that differs',
    false,
    (segment, random) => {
      const entries = rawOf(segment).entriesOf(0)
      entries[random(entries.length)] = random(256)
    },
  ],
  [
    'a length that is anything',
    true,
    (segment, random) => {
      const { i32, startOf } = rawOf(segment)
      i32[startOf(0) * 2] = random(2 ** 32) | 0
    },
  ],
  [
    'a length that is a little off',
    true,
    (segment, random) => {
      const { i32, startOf } = rawOf(segment)
      i32[startOf(0) * 2]! += 1 + random(20)
    },
  ],
]
test.each(DAMAGE)('%s: pages are still pages, and workers still count', (name, isAlwaysSeen, spoil) => {
  const random = wholeNumbersFrom(SEED)
  let seen = 0
  const rounds = 300
  for (let round = 0; round < rounds; round++) {
    const context = `${name}, seed ${SEED}, round ${round}`
    const segment = create()
    try {
      for (const region of [0, 2]) for (const route of ['/', '/dogs/']) work(segment, region)(route)
      const early = Segment.open(segment.path)
      pageOf(early)
      spoil(segment, random)
      const others = rawOf(segment).othersThan(0)

      const late = Segment.open(segment.path)
      pageOf(early)
      const damaged = pageOf(late).get('metrics_damaged_regions')!
      expect([0, 1], context).toContain(damaged)
      seen += damaged
      if (isAlwaysSeen) expect(damaged, context).toBe(1)
      // It is said once for each region, not once for each look.
      expect(pageOf(late).get('metrics_damaged_regions'), context).toBe(damaged)
      expect(pageOf(late).get('a_total{route="/dogs/"}') ?? 0, context).not.toBe(0)

      segment.clearGauges(0)
      work(segment, 0)('/')
      work(segment, 0)('/another')
      pageOf(early)
      pageOf(late)
      expect(rawOf(segment).othersThan(0).equals(others), `${context}: other regions`).toBe(true)
    } catch (error) {
      console.error(context)
      throw error
    } finally {
      segment.remove()
    }
  }
  expect(seen).toBeGreaterThan(0)
})

/** Writes a text over another one of at least its length in the entries of the first region. */
function overwrite(segment: Segment, from: string, to: string): void {
  const { buffer, byteOffset, length } = rawOf(segment).entriesOf(0)
  const entries = Buffer.from(buffer, byteOffset, length)
  const at = entries.indexOf(from)
  expect(at).toBeGreaterThan(0)
  expect(entries.write(to.padEnd(from.length), at)).toBe(from.length)
}

const damagedIn = (segment: Segment): number => pageOf(segment).get('metrics_damaged_regions')!

test.each(['[123]', '[[1]]', '["",""]', '[]', '{}', '["/x/"'])(
  'a series whose label values are %p is damage',
  (values) => {
    const segment = create()
    work(segment, 0)('/x/')
    overwrite(segment, '["/x/"]', values)
    expect(damagedIn(segment)).toBe(1)
  },
)

test.each([
  ['"name":"a_total"', '"name":["a_t"]'],
  ['"name":"a_total"', '"name":"a total"'],
  ['"help":"Help"', '"help":7'],
  ['"help":"Help"', ' '],
  ['"type":"counter"', '"type":"valueOf"'],
  ['"type":"counter"', '"type":"summery"'],
  ['"labelNames":["route"]', '"labelNames":"route"'],
  ['"labelNames":["route"]', '"labelNames":["a b"]'],
  ['"labelNames":["route"]', '"labels":["route"]'],
  ['"buckets":[0.25,10]', '"buckets":[0.25,""]'],
  ['"aggregator":"sum"', '"buckets":[1]'],
])('a family that has %s as %s is damage', (from, to) => {
  const segment = create()
  work(segment, 0)('/')
  expect(damagedIn(segment)).toBe(0)
  overwrite(segment, from, to)
  expect(damagedIn(Segment.open(segment.path))).toBe(1)
})

/** The size and the kind of the last entry of the first region. */
function lastEntry(segment: Segment): Int32Array {
  const { i32, startOf } = rawOf(segment)
  const first = startOf(0) + REGION_HEADER_WORDS
  let last = first
  while (last + i32[last * 2]! < first + i32[startOf(0) * 2]!) last += i32[last * 2]!
  expect(last).toBeGreaterThan(first)
  return i32.subarray(last * 2, last * 2 + 2)
}

test.each([0, 5, -1])('an entry of kind %d is damage, also where no other needs it', (kind) => {
  const segment = create()
  work(segment, 0)('/')
  lastEntry(segment)[1] = kind
  expect(damagedIn(segment)).toBe(1)
})

test.each([0, -1])('room of %d words is damage: its end is never reached', (words) => {
  const segment = create()
  work(segment, 0)('/')
  lastEntry(segment).set([words, FREE])
  expect(damagedIn(segment)).toBe(1)
})

test('a damaged region counts once, also when all are read again', () => {
  const segment = create()
  work(segment, 0)('/')
  lastEntry(segment)[1] = 0
  expect(damagedIn(segment)).toBe(1)
  segment.writer(1).setDefaultLabels({ pod: 'a' })
  expect(damagedIn(segment)).toBe(1)
})
