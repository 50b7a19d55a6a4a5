/**
 * Python's strict parser accepts every OpenMetrics page: pages of random texts, numbers and names go through it, all in one
 * process. Without the parser the tests are skipped with a warning; when CI is set they fail.
 * `FUZZ_SEED=<number>` repeats a run.
 */
import { beforeEach, expect, setDefaultTimeout, test } from 'bun:test'
import { type Exemplar, type Family, labelText } from '../model/family.ts'
import { renderOpenMetrics } from './openmetrics.ts'
import { isExpected, randomFrom } from '../testing.ts'

const hasParser =
  Bun.which('python3') !== null && Bun.spawnSync(['python3', '-c', 'import prometheus_client']).exitCode === 0
const isChecked = isExpected(
  hasParser,
  'python3 has no prometheus_client, so nothing checks OpenMetrics pages (pip install prometheus_client)',
)

/** Another process reads them, on a machine that may be busy. */
setDefaultTimeout(120_000)

const PAGES = 200
const FINITE = [0, -0, 1, -1, 0.1, 1e-7, 1e21, 2 ** 53 + 2, -(2 ** 60), 5e-324, 1.7976931348623157e308]
const NUMBERS = [...FINITE, Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY]
const PIECES = [...'\\\n\r,|{}=# \t\0n\ud83d🐕', ' # {', '"']
// An exemplar with an odd number of quotes is refused, which is the parser's mistake.
const EXEMPLAR_PIECES = PIECES.filter((piece) => piece !== '"')
const LONG = 'long '.repeat(2000)
const LONG_RATIO = 0.01
const TYPES = ['counter', 'gauge', 'histogram', 'summary'] as const
const NAMES = ['', '_total', '_created', '_created_total', '_count', '_sum', '_bucket'].map(
  (end) => `jobs${end}`,
)

type Row = { row: string; text: string; value: number; sum: number; counts: [number, number, number] }
type Reading = [name: string, value: number, labels?: Record<string, string>]

/** A family of each type, in the order of the page, and the samples that should be read for each of its series. */
const FAMILIES: [
  declared: Omit<Family, 'help' | 'series'>,
  readName: string,
  samples: (row: Row) => Reading[],
][] = [
  [{ name: 'a', type: 'gauge' }, 'a', ({ value }) => [['a', value]]],
  [
    { name: 'b', type: 'histogram', buckets: [0.5, 1] },
    'b',
    ({ sum, counts: [first, second, third] }) => [
      ['b_bucket', first, { le: '0.5' }],
      ['b_bucket', first + second, { le: '1.0' }],
      ['b_bucket', first + second + third, { le: '+Inf' }],
      ...onlyCount(sum, [
        ['b_sum', sum],
        ['b_count', first + second + third],
      ]),
      ['b_created', CREATED['b']!],
    ],
  ],
  [
    { name: 'c', type: 'summary' },
    'c',
    ({ value, sum, counts: [count] }) => [
      ...(value < 0 ? [] : [['c', value, { quantile: '0.5' }] satisfies Reading]),
      ...onlyCount(sum, [['c_sum', sum]]),
      ['c_count', count],
      ['c_created', CREATED['c']!],
    ],
  ],
  [
    { name: 'd_total', type: 'counter' },
    'd',
    ({ value }) =>
      onlyCount(value, [
        ['d_total', value],
        ['d_created', CREATED['d_total']!],
      ]),
  ],
]

/** Times in `_created` lines. */
const CREATED: Readonly<Record<string, number>> = { b: 1.7e9 + 0.123, c: 0.5, d_total: 1.7e9 }

const onlyCount = (value: number, readings: Reading[]): Reading[] => (value >= 0 ? readings : [])

const seed = Number(Bun.env.FUZZ_SEED ?? Math.trunc(Math.random() * 2 ** 32))
const againWith = `again with FUZZ_SEED=${seed}`
let random = randomFrom(seed)
beforeEach(() => {
  random = randomFrom(seed)
})
const pick = <T>(all: readonly T[]): T => all[Math.floor(random() * all.length)]!
const times = <T>(count: number, draw: () => T): T[] => Array.from({ length: count }, draw)
const drawText = (pieces: readonly string[]): string =>
  times(Math.floor(random() * 6), () => pick(pieces)).join('')
const drawLongText = (): string => drawText(PIECES) + (random() < LONG_RATIO ? LONG : '')
const drawCount = (): number => pick([0, 1, 7, 2 ** 60])

test.skipIf(!isChecked)('texts and numbers come back as they were', () => {
  const pages = times(PAGES, drawPage)
  const found = parsed(
    pages.map(({ families }) => renderOpenMetrics(families, undefined, ({ name }) => CREATED[name]!)),
  )
  expect(found, againWith).toEqual(pages.map(({ expected }) => expected))
})

test.skipIf(!isChecked)('names that clash do not break a page', () => {
  const series = [{ labels: '', value: 1, sum: 1, count: 1, counts: [1] }]
  const drawFamily = (): Family => ({ name: pick(NAMES), help: '', type: pick(TYPES), series })
  parsed(times(PAGES, () => renderOpenMetrics(times(TYPES.length, drawFamily), undefined, () => 1)))
})

type Sample = [name: string, labels: Record<string, string>, value: number]
type Parsed = [name: string, type: string, help: string, samples: Sample[]]

function drawPage(): { families: Family[]; expected: Parsed[] } {
  const help = drawLongText()
  const rows = ['a', 'b', 'c'].map((row): Row => ({
    row,
    text: drawLongText(),
    value: pick(NUMBERS),
    sum: pick(NUMBERS),
    counts: [drawCount(), drawCount(), drawCount()],
  }))
  const series = rows.map(({ row, text, counts, ...numbers }) => ({
    ...numbers,
    labels: labelText(['row', 'text'], [row, text]),
    counts,
    count: counts[0],
    quantiles: [[0.5, numbers.value]] as const,
    exemplars: [drawExemplar(), undefined, drawExemplar()],
  }))
  return {
    families: FAMILIES.map(([declared]) => ({ ...declared, help, series })),
    expected: FAMILIES.map(([{ type }, name, samples]) => [
      name,
      type,
      // The parser drops spaces before a help text, and half a character cannot be sent.
      help.toWellFormed().replace(/^ +/, ''),
      rows.flatMap((each) =>
        samples(each).map(([sample, value, labels]): Sample => {
          return [sample, { row: each.row, text: each.text.toWellFormed(), ...labels }, value + 0]
        }),
      ),
    ]),
  }
}

const drawExemplar = (): Exemplar => ({
  labelSet: { id: drawText(EXEMPLAR_PIECES) },
  value: pick(NUMBERS),
  timestamp: 1.7e9 + random(),
})

/** The pages as Python reads them. */
function parsed(pages: readonly string[]): Parsed[][] {
  const framed = pages
    .map((page) => Buffer.from(page))
    .flatMap((page) => [Buffer.from(`${page.length}\n`), page])
  const python = Bun.spawnSync(['python3', `${import.meta.dir}/../testdata/openmetrics.py`], {
    stdin: Buffer.concat(framed),
  })
  if (!python.success) throw new Error(`${againWith}\n${python.stderr}`)
  const lines = python.stdout.toString().trimEnd().split('\n')
  const toNumbers = (families: Parsed[]) =>
    families.map(([name, type, help, samples]): Parsed => [
      name,
      type,
      help,
      samples.map(([sample, labels, value]): Sample => [sample, labels, Number(value)]),
    ])
  return lines.map((line) => toNumbers(JSON.parse(line)))
}
