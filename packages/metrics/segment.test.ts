/** The file that a process family shares: what is refused, what is survived, what becomes of numbers of several workers. */
import { afterAll, afterEach, expect, setSystemTime, test } from 'bun:test'
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  truncateSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Counter } from './counter.ts'
import { labelText } from './family.ts'
import { Gauge } from './gauge.ts'
import { Histogram } from './histogram.ts'
import { BOARD_WORDS, HEADER_WORDS, LAYOUT_VERSION, REGION_HEADER_WORDS, WORD_BYTES } from './layout.ts'
import { Registry } from './registry.ts'
import { removeStale, Segment, SegmentError } from './segment.ts'
import type { Aggregator } from './store.ts'
import { Summary } from './summary.ts'
import { randomFrom, samplesOf } from './testdata/strict.ts'
import { renderText } from './text.ts'

const SEED = Number(Bun.env.SEGMENT_SEED ?? 7)
const REGION_BYTES = 16 * 1024
const help = 'Help'

const folder = mkdtempSync(join(tmpdir(), 'metrics-segment-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))
afterEach(() => void setSystemTime())

let made = 0
const create = (slots = 2, regionBytes = REGION_BYTES) =>
  Segment.create(`t${made++}`, { slots, regionBytes }, folder)
const registersOf = (segment: Segment, region: number) => [new Registry(undefined, segment.writer(region))]
const pageOf = (segment: Segment) => samplesOf(renderText(segment.families()))
/** The page without what every page has. */
const shown = (segment: Segment) =>
  Object.fromEntries([...pageOf(segment)].filter(([key]) => !key.startsWith('metrics_')))

test('who opens the file sees what its maker counted, and the other way round', () => {
  const made = create(3)
  const opened = Segment.open(made.path)
  expect([opened.path, opened.slots, opened.masterRegion]).toEqual([made.path, 3, 6])
  new Counter({ name: 'a_total', help, registers: registersOf(made, made.masterRegion) }).inc()
  new Counter({ name: 'a_total', help, registers: registersOf(opened, 0) }).inc(2)
  expect(shown(made)).toEqual({ a_total: 3 })
  expect(shown(opened)).toEqual({ a_total: 3 })
  made.remove()
  expect(existsSync(made.path)).toBe(false)
  expect(shown(opened)).toEqual({ a_total: 3 })
})

const REFUSED: readonly [what: string, spoil: (path: string) => void, message: string][] = [
  [
    'another layout',
    (path) => patch(path, 4, LAYOUT_VERSION + 1),
    `has layout ${LAYOUT_VERSION + 1}, this program reads ${LAYOUT_VERSION}: restart the family`,
  ],
  ['a foreign file', (path) => writeFileSync(path, 'a line of text\n'.repeat(100)), 'is no metrics segment'],
  [
    'a file that is still being made',
    (path) => writeFileSync(path, new Uint8Array(REGION_BYTES)),
    'is no metrics segment',
  ],
  [
    'a truncated file',
    (path) => truncateSync(path, REGION_BYTES),
    'is damaged: its size does not fit its header',
  ],
  [
    'a file that lacks a byte',
    (path) => truncateSync(path, readFileSync(path).length - 1),
    'is damaged: its size does not fit its header',
  ],
  [
    'a file that grew',
    (path) => truncateSync(path, readFileSync(path).length + 8),
    'is damaged: its size does not fit its header',
  ],
  ['an empty file', (path) => truncateSync(path, 0), 'is too small to be a metrics segment'],
  ['no slots', (path) => patch(path, 8, 0), 'is damaged: its size does not fit its header'],
  [
    'slots that do not fit',
    (path) => patch(path, 8, 0x7fff_ffff),
    'is damaged: its size does not fit its header',
  ],
  ['negative slots', (path) => patch(path, 8, -3), 'is damaged: its size does not fit its header'],
  ['no words', (path) => patch(path, 12, 0), 'is damaged: its size does not fit its header'],
  ['negative words', (path) => patch(path, 12, -1), 'is damaged: its size does not fit its header'],
]
test.each(REFUSED)('%s is refused', (_, spoil, message) => {
  const { path } = create()
  spoil(path)
  expect(() => Segment.open(path)).toThrow(new SegmentError(`${path} ${message}`))
})

function patch(path: string, byte: number, value: number): void {
  const bytes = readFileSync(path)
  bytes.writeInt32LE(value, byte)
  writeFileSync(path, bytes)
}

test('on a full file system it says how much is needed and leaves no file', () => {
  const full = join(folder, 'full')
  mkdirSync(full)
  const needed = (HEADER_WORDS + (2 * 4 + 1) * ((1024 * 1024) / WORD_BYTES + BOARD_WORDS)) * WORD_BYTES
  const make = `import { Segment } from ${JSON.stringify(join(import.meta.dir, 'segment.ts'))}
    try { Segment.create('full', { slots: 4 }, ${JSON.stringify(full)}) } catch (error) { console.log(error.name + ': ' + error.message) }`
  const limited = ['sh', '-c', `trap '' XFSZ; ulimit -f 2048; exec "$@"`, 'sh', process.execPath, '-e', make]
  const mounted = Bun.spawnSync(['mount', '-t', 'tmpfs', '-o', 'size=1m', 'tmpfs', full])
  if (!mounted.success)
    console.warn(`no tmpfs to fill (${mounted.stderr}): only a limit on file sizes is tried`)
  try {
    for (const command of mounted.success ? [limited.slice(4), limited] : [limited]) {
      const { stdout } = Bun.spawnSync(command)
      expect(stdout.toString()).toMatch(
        new RegExp(
          `^SegmentError: no room for the metrics segment: ${full}/bun-metrics-full-\\d+ needs ${needed} bytes \\(.+\\): make room`,
        ),
      )
      expect(readdirSync(full)).toEqual([])
    }
  } finally {
    if (mounted.success) Bun.spawnSync(['umount', full])
  }
})

test('files of dead masters are removed, those of living ones are not', () => {
  const home = join(folder, 'stale')
  mkdirSync(home)
  const dead = Bun.spawnSync([process.execPath, '-e', ''])
  const living = Segment.create('living', { slots: 1, regionBytes: REGION_BYTES }, home)
  const bytes = readFileSync(living.path)
  const reused = Buffer.from(bytes)
  reused.writeDoubleLE(reused.readDoubleLE(24) - 1, 24)
  const pathOf = (name: string, pid: number) => join(home, `bun-metrics-${name}-${pid}`)
  const kept: Record<string, Uint8Array> = {
    [living.path]: bytes,
    [pathOf('just-opened', process.pid)]: new Uint8Array(),
    [pathOf('just-making', process.pid)]: new Uint8Array(1024),
    [join(home, 'something-else')]: new Uint8Array(),
  }
  const removed: Record<string, Uint8Array> = {
    [pathOf('dead', dead.pid)]: bytes,
    [pathOf('dead-making', dead.pid)]: new Uint8Array(),
    [pathOf('pid-of-another', process.pid)]: reused,
    [pathOf('nobody', NaN)]: bytes,
  }
  for (const [path, content] of Object.entries({ ...removed, ...kept })) writeFileSync(path, content)
  expect(removeStale(home).sort()).toEqual(Object.keys(removed).sort())
  expect(
    readdirSync(home)
      .map((file) => join(home, file))
      .sort(),
  ).toEqual(Object.keys(kept).sort())
  mkdirSync(pathOf('cannot-be-removed', dead.pid))
  expect(removeStale(home)).toEqual([])
})

test('a master that starts removes what a killed one has left', () => {
  const home = join(folder, 'killed')
  mkdirSync(home)
  const make = `import { Segment } from ${JSON.stringify(join(import.meta.dir, 'segment.ts'))}
    Segment.create('killed', { slots: 1 }, ${JSON.stringify(home)}); process.kill(process.pid, 'SIGKILL')`
  Bun.spawnSync([process.execPath, '-e', make])
  expect(readdirSync(home)).toHaveLength(1)
  const { path } = Segment.create('next', { slots: 1, regionBytes: REGION_BYTES }, home)
  expect(readdirSync(home)).toEqual([path.slice(home.length + 1)])
})

/** The file's words and bytes, as whoever damages it sees them. */
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

/** Of each type something, in a region. */
function work(segment: Segment, region: number) {
  const registers = registersOf(segment, region)
  const counter = new Counter({ name: 'a_total', help, labelNames: ['route'], registers })
  const gauge = new Gauge({ name: 'b', help, registers })
  const histogram = new Histogram({ name: 'c', help, labelNames: ['route'], buckets: [0.25, 10], registers })
  const summary = new Summary({ name: 'd', help, registers })
  return (route: string) => {
    counter.inc({ route })
    gauge.inc()
    histogram.observe({ route }, 0.5)
    summary.observe(2)
  }
}

type Random = ReturnType<typeof randomFrom>
const DAMAGE: readonly [
  what: string,
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
test.each(DAMAGE)('%s: pages are still pages, and workers still count', (what, isAlwaysSeen, spoil) => {
  const random = randomFrom(SEED)
  let seen = 0
  const rounds = 300
  for (let round = 0; round < rounds; round++) {
    const where = `${what}, seed ${SEED}, round ${round}`
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
      expect([0, 1], where).toContain(damaged)
      seen += damaged
      if (isAlwaysSeen) expect(damaged, where).toBe(1)
      // It is said once for each region, not once for each look.
      expect(pageOf(late).get('metrics_damaged_regions'), where).toBe(damaged)
      expect(pageOf(late).get('a_total{route="/dogs/"}') ?? 0, where).not.toBe(0)

      segment.clearGauges(0)
      work(segment, 0)('/')
      work(segment, 0)('/another')
      pageOf(early)
      pageOf(late)
      expect(rawOf(segment).othersThan(0).equals(others), `${where}: other regions`).toBe(true)
    } catch (error) {
      console.error(where)
      throw error
    } finally {
      segment.remove()
    }
  }
  expect(seen).toBeGreaterThan(0)
})

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
  // What was never there cannot be removed, least of all others' numbers.
  counter.remove({ n: 4 })
  expect(shown(segment)).toEqual(page)
})

test('who takes a region over goes on from its numbers, and gauges are gone', () => {
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

test('clearing gauges says what was in flight, and takes them off the page', () => {
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

test('of two definitions of one family the newer wins, whoever reads when', () => {
  const segment = create()
  const early = Segment.open(segment.path)
  const old = (region: number) =>
    new Counter({ name: 'a_total', help, registers: registersOf(segment, region) })
  const young = (region: number) =>
    new Counter({ name: 'a_total', help, labelNames: ['route'], registers: registersOf(segment, region) })
  const conflicts = (each: Segment) => pageOf(each).get('metrics_conflicts_total')
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
  expect(pageOf(segment).get('metrics_conflicts_total')).toBe(0)
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
  // It stays removed for who takes the region over.
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
