/** Damage to the file, seeded: no page breaks, no worker throws, and nothing is written outside the region. */
import { expect, setDefaultTimeout, test } from 'bun:test'
import { Counter } from '../api/counter.ts'
import { FREE, HEADER_WORDS, LABELS, REGION_HEADER_WORDS, WORD_BYTES } from './layout.ts'
import { Segment } from './segment.ts'
import { help, pageOf, registersOf, segmentFolder, shown, work } from '../testdata/segments.ts'
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
  ['"buckets":[0.25,10]', '"buckets":[0.25]'],
  ['"aggregator":"sum"', '"buckets":[1]'],
])('a family that has %s as %s is damage', (from, to) => {
  const segment = create()
  work(segment, 0)('/')
  expect(damagedIn(segment)).toBe(0)
  overwrite(segment, from, to)
  expect(damagedIn(Segment.open(segment.path))).toBe(1)
})

/** The last entry of the first region, from its size and its kind on. */
function lastEntry(segment: Segment): Int32Array {
  const { i32, startOf } = rawOf(segment)
  const first = startOf(0) + REGION_HEADER_WORDS
  let last = first
  while (last + i32[last * 2]! < first + i32[startOf(0) * 2]!) last += i32[last * 2]!
  expect(last).toBeGreaterThan(first)
  return i32.subarray(last * 2)
}

/** The number of committed words of the first region. */
function committedOf(segment: Segment): Int32Array {
  const { i32, startOf } = rawOf(segment)
  return i32.subarray(startOf(0) * 2, startOf(0) * 2 + 1)
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

test.each([
  ['payload', -24, 0],
  ['cells', 0, -3],
])('an entry of no words, because its %s are fewer than none, is damage', (_, payloadBytes, cellCount) => {
  const segment = create()
  work(segment, 0)('/')
  lastEntry(segment).set([0, LABELS, 0, 0, payloadBytes, cellCount])
  expect(damagedIn(segment)).toBe(1)
})

test('room that reaches over the end is damage', () => {
  const segment = create()
  work(segment, 0)('/')
  const entry = lastEntry(segment)
  entry.set([entry[0]! + 1, FREE])
  expect(damagedIn(segment)).toBe(1)
})

test('an entry that is longer than its parts is damage, also if the region is', () => {
  const segment = create()
  work(segment, 0)('/')
  lastEntry(segment)[0]!++
  committedOf(segment)[0]!++
  expect(damagedIn(segment)).toBe(1)
})

test('a series whose number is behind the end is damage', () => {
  const segment = create()
  const [registry] = registersOf(segment, 0)
  new Counter({ name: 'a_total', help, registers: [registry!] }).inc()
  const entry = lastEntry(segment)
  const [size, , , , payloadBytes] = entry
  // The key of the series goes on with spaces, up to the end and where its number was.
  const payload = new Uint8Array(entry.buffer, entry.byteOffset + 3 * WORD_BYTES)
  payload.fill(0x20, payloadBytes, 2 * WORD_BYTES)
  entry[0] = size! + 1
  entry[4] = 2 * WORD_BYTES
  expect(damagedIn(segment)).toBe(1)
})

test('a region that has become shorter is damaged, and nothing of it counts twice', () => {
  const segment = create()
  work(segment, 0)('/')
  const page = pageOf(segment)
  const committed = committedOf(segment)
  const [words] = committed
  committed[0] = 0
  expect(damagedIn(segment)).toBe(1)
  committed[0] = words!
  expect(pageOf(segment)).toEqual(page.set('metrics_damaged_regions', 1))
})

test('default labels that are damaged, or those of another region, are none', () => {
  const labelled = (segment: Segment, region: number, pod: string) => {
    const [registry] = registersOf(segment, region)
    registry!.setDefaultLabels({ pod })
    new Counter({ name: 'a_total', help, registers: [registry!] }).inc()
  }
  for (const labels of ['{"p d":"x"}', '{"pod":7}', '{"pod":"x"', '["x"]', '{"le":"x"}']) {
    const segment = create()
    labelled(segment, 0, 'x')
    overwrite(segment, '{"pod":"x"}', labels)
    expect(shown(Segment.open(segment.path)), labels).toEqual({ a_total: 1 })
  }
  const segment = create()
  labelled(segment, 0, 'x')
  labelled(segment, 2, 'y')
  expect(shown(segment)).toEqual({ 'a_total{pod="x"}': 1, 'a_total{pod="y"}': 1 })
  const { i32, startOf } = rawOf(segment)
  const [first, second] = [0, 2].map((region) => startOf(region) * 2 + 1)
  const [ofFirst, ofSecond] = [i32[first!]!, i32[second!]!]
  i32[first!] = ofSecond
  i32[second!] = ofFirst
  expect(shown(Segment.open(segment.path))).toEqual({ a_total: 2 })
})

test('a damaged region counts once, also when all are read again', () => {
  const segment = create()
  work(segment, 0)('/')
  lastEntry(segment)[1] = 0
  expect(damagedIn(segment)).toBe(1)
  segment.writer(1).setDefaultLabels({ pod: 'a' })
  expect(damagedIn(segment)).toBe(1)
})
