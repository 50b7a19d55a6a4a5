import { expect, test } from 'bun:test'
import * as promClient from 'prom-client'
import { type Family, labelText, type Series } from '../model/family.ts'
import { isExpected } from '../testing.ts'
import { numberText, PROM_CLIENT_STYLE, renderText } from './text.ts'

const HARD_VALUES = ['', 'plain', 'a "quoted" one', 'back\\slash', 'new\nline', 'a,b="c"} 1', '|', '🐕', '#']
const NUMBERS = [0, 1, 0.1, 1 / 3, 1e21, 2 ** 53 + 2, 5e-324, 1.7976931348623157e308]
// No bound of -1: prom-client counts values above all bounds in such a bucket, too.
const BUCKETS = [-2, 0.005, 0.25, 1, 1e6]
const HELP = 'Says "much" with a \\ and\na new line'

test('the samples are those of prom-client', async () => {
  const registry = new promClient.Registry()
  const options = { help: HELP, labelNames: ['name', 'other'], registers: [registry] }
  const counter = new promClient.Counter({ name: 'jobs', ...options })
  const gauge = new promClient.Gauge({ name: 'size_bytes', ...options })
  const histogram = new promClient.Histogram({ name: 'wait_seconds', buckets: BUCKETS, ...options })
  const summary = new promClient.Summary({ name: 'work_seconds', percentiles: [0.5, 1], ...options })
  const series = { counter: [], gauge: [], histogram: [], summary: [] } as Record<string, Series[]>

  for (const [i, name] of HARD_VALUES.entries()) {
    const labels = labelText(['name', 'other'], [name, 'x'])
    const value = NUMBERS[i % NUMBERS.length]!
    counter.labels(name, 'x').inc(value)
    series.counter!.push({ labels, value })
    gauge.labels(name, 'x').set(-value)
    series.gauge!.push({ labels, value: -value })

    const observed = [-3, -1, 0.005, 0.3, 7, value]
    const sum = observed.reduce((left, right) => left + right, 0)
    for (const each of observed) {
      histogram.labels(name, 'x').observe(each)
      summary.labels(name, 'x').observe(each)
    }
    series.histogram!.push({ labels, sum, counts: countsOf(observed) })
    series.summary!.push({ labels, sum, count: observed.length, quantiles: await quantilesOf(summary, name) })
  }

  const ours = renderText([
    { name: 'jobs', help: HELP, type: 'counter', series: series.counter! },
    { name: 'size_bytes', help: HELP, type: 'gauge', series: series.gauge! },
    { name: 'wait_seconds', help: HELP, type: 'histogram', buckets: BUCKETS, series: series.histogram! },
    { name: 'work_seconds', help: HELP, type: 'summary', series: series.summary! },
  ])
  expect(samplesOf(ours)).toEqual(samplesOf(await registry.metrics()))
  expect(samplesOf(ours).size).toBe(HARD_VALUES.length * (1 + 1 + BUCKETS.length + 3 + 4) + 2 * 4)
})

test('without labels there are no braces, and buckets are cumulated', () => {
  const page = renderText([
    { name: 'jobs_total', help: 'Jobs', type: 'counter', series: [{ labels: '', value: 3 }] },
    {
      name: 'wait_seconds',
      help: 'Wait',
      type: 'histogram',
      buckets: [0.5, 1],
      series: [{ labels: '', sum: 4.5, counts: [1, 0, 2] }],
    },
  ])
  expect(page).toBe(
    [
      '# HELP jobs_total Jobs',
      '# TYPE jobs_total counter',
      'jobs_total 3',
      '# HELP wait_seconds Wait',
      '# TYPE wait_seconds histogram',
      'wait_seconds_bucket{le="0.5"} 1',
      'wait_seconds_bucket{le="1"} 1',
      'wait_seconds_bucket{le="+Inf"} 3',
      'wait_seconds_sum 4.5',
      'wait_seconds_count 3',
      '',
    ].join('\n'),
  )
})

test('prom-client has an empty line between two families, and none before the first', () => {
  const family = (name: string): Family => ({
    name,
    help: 'Help',
    type: 'gauge',
    series: [{ labels: '', value: 1 }],
  })
  const text = (name: string) => `# HELP ${name} Help\n# TYPE ${name} gauge\n${name} 1\n`
  const families = [family('a'), family('b')]
  expect(renderText(families, PROM_CLIENT_STYLE)).toBe(`${text('a')}\n${text('b')}`)
  expect(renderText(families)).toBe(text('a') + text('b'))
})

test('a family without series still has its metadata', () => {
  expect(renderText([{ name: 'jobs_total', help: '', type: 'counter', series: [] }])).toBe(
    '# HELP jobs_total \n# TYPE jobs_total counter\n',
  )
})

test.each([
  [Number.NaN, 'NaN'],
  [Number.POSITIVE_INFINITY, '+Inf'],
  [Number.NEGATIVE_INFINITY, '-Inf'],
  [-0, '0'],
  [1e21, '1e+21'],
])('%p is written as %s', (value, text) => {
  expect(numberText(value)).toBe(text)
})

const isChecked = isExpected(
  Bun.which('promtool') !== null,
  'promtool is not on PATH, so nothing checks the text page',
)

test.skipIf(!isChecked)('promtool accepts a page of all types and hard labels', async () => {
  const labels = HARD_VALUES.map((value) => labelText(['name'], [value]))
  const families: Family[] = [
    {
      name: 'jobs_total',
      help: HELP,
      type: 'counter',
      series: labels.map((each) => ({ labels: each, value: 1 })),
    },
    {
      name: 'size_bytes',
      help: HELP,
      type: 'gauge',
      series: labels.map((each, i) => ({
        labels: each,
        value: [Number.NaN, -Infinity, Infinity, 5e-324][i] ?? 0,
      })),
    },
    {
      name: 'wait_seconds',
      help: HELP,
      type: 'histogram',
      buckets: BUCKETS,
      series: labels.map((each) => ({ labels: each, sum: -4, counts: countsOf([-3, -1]) })),
    },
    {
      name: 'work_seconds',
      help: HELP,
      type: 'summary',
      series: labels.map((each) => ({ labels: each, sum: 1, count: 2, quantiles: [[0.5, -1]] })),
    },
  ]
  const promtool = Bun.spawn(['promtool', 'check', 'metrics'], {
    stdin: new Blob([renderText(families)]),
    stdout: 'pipe',
    stderr: 'pipe',
  })
  const output = (await new Response(promtool.stdout).text()) + (await new Response(promtool.stderr).text())
  expect({ exitCode: await promtool.exited, output }).toEqual({ exitCode: 0, output: '' })
})

async function quantilesOf(summary: promClient.Summary, name: string): Promise<[number, number][]> {
  const { values } = await summary.get()
  const ofName = values.filter(({ labels }) => labels.name === name && labels.quantile !== undefined)
  return ofName.map(({ labels, value }) => [Number(labels.quantile), value])
}

function countsOf(observed: readonly number[]): number[] {
  const counts = [...BUCKETS, Number.POSITIVE_INFINITY].map(() => 0)
  for (const value of observed) {
    const bucket = BUCKETS.findIndex((bound) => value <= bound)
    counts[bucket === -1 ? BUCKETS.length : bucket]!++
  }
  return counts
}

/** Everything on a page: samples by name and labels, metadata by its first three words. */
function samplesOf(page: string): Map<string, string> {
  const lines = page.split('\n').filter((line) => line !== '')
  return new Map(
    lines.map((line) => {
      const end = line.startsWith('#') ? line.indexOf(' ', '# HELP '.length) : line.lastIndexOf(' ')
      return [line.slice(0, end), line.slice(end + 1)]
    }),
  )
}
