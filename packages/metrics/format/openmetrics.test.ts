import { expect, test } from 'bun:test'
import type { Family, Series } from '../model/family.ts'
import { renderOpenMetrics } from './openmetrics.ts'

const help = 'Help'
const wait = (...series: Series[]): Family => ({
  name: 'wait_seconds',
  help,
  type: 'histogram',
  buckets: [0.5, 1],
  series,
})

test('a counter is named without _total, its samples with it', () => {
  const series = [{ labels: 'job="x"', value: 1 }]
  const page = ['# HELP jobs Help', '# TYPE jobs counter', 'jobs_total{job="x"} 1', '# EOF', ''].join('\n')
  expect(renderOpenMetrics([{ name: 'jobs_total', help, type: 'counter', series }])).toBe(page)
  expect(renderOpenMetrics([{ name: 'jobs', help, type: 'counter', series }])).toBe(page)
})

test('exemplars follow counters and buckets', () => {
  const exemplar = { labelSet: { trace_id: 'abc' }, value: 0.7, timestamp: 1.5 }
  const series = [{ labels: 'job="x"', sum: 0.7, counts: [0, 1, 0], exemplars: [undefined, exemplar] }]
  expect(samples([wait(...series)])).toEqual([
    'wait_seconds_bucket{le="0.5",job="x"} 0',
    'wait_seconds_bucket{le="1.0",job="x"} 1 # {trace_id="abc"} 0.7 1.5',
    'wait_seconds_bucket{le="+Inf",job="x"} 1',
    'wait_seconds_sum{job="x"} 0.7',
    'wait_seconds_count{job="x"} 1',
  ])
  const jobs: Family = {
    name: 'jobs_total',
    help,
    type: 'counter',
    series: [{ labels: '', value: 2, exemplars: [exemplar] }],
  }
  expect(samples([jobs])).toEqual(['jobs_total 2 # {trace_id="abc"} 0.7 1.5'])
})

test('a sum that can fall is left out, and the count with it', () => {
  for (const sum of [-0.5, Number.NaN]) {
    const left = samples([wait({ labels: '', sum, counts: [1, 0, 0] })])
    expect(left.map((line) => line.split(/[{ ]/)[0])).toEqual(Array(3).fill('wait_seconds_bucket'))
  }
  const signed: Family = { ...wait({ labels: '', sum: 5, counts: [0, 0, 1] }), buckets: [-1, 1] }
  expect(samples([signed])).toHaveLength(3)
})

test('the negative sum of a summary is left out, and the count stays', () => {
  const series = [{ labels: '', sum: -1, count: 2 }]
  expect(samples([{ name: 'work_seconds', help, type: 'summary', series }])).toEqual(['work_seconds_count 2'])
})

test('a help text has the escapes of a label value', () => {
  const family: Family = { name: 'jobs', help: 'a "b"\n\\c', type: 'gauge', series: [] }
  expect(renderOpenMetrics([family])).toBe('# HELP jobs a \\"b\\"\\n\\\\c\n# TYPE jobs gauge\n# EOF\n')
})

test('a counter that is negative or NaN is left out', () => {
  const series = [-1, Number.NaN, Number.POSITIVE_INFINITY].map((value) => ({
    labels: `of="${value}"`,
    value,
  }))
  expect(samples([{ name: 'jobs_total', help, type: 'counter', series }])).toEqual([
    'jobs_total{of="Infinity"} +Inf',
  ])
})

test('a quantile of 0, and one of no observations, stay', () => {
  const quantiles = [
    [0.5, 0],
    [1, Number.NaN],
  ] as const
  const series = [{ labels: '', sum: 0, count: 0, quantiles }]
  expect(samples([{ name: 'work_seconds', help, type: 'summary', series }])).toEqual([
    'work_seconds{quantile="0.5"} 0',
    'work_seconds{quantile="1.0"} NaN',
    'work_seconds_sum 0',
    'work_seconds_count 0',
  ])
})

test('a negative quantile is left out', () => {
  const series = [
    {
      labels: 'job="x"',
      sum: 1,
      count: 2,
      quantiles: [
        [0.5, -1],
        [1, 2],
      ] as const,
    },
  ]
  expect(samples([{ name: 'work_seconds', help, type: 'summary', series }])).toEqual([
    'work_seconds{quantile="1.0",job="x"} 2',
    'work_seconds_sum{job="x"} 1',
    'work_seconds_count{job="x"} 2',
  ])
})

test('a line behind each series that counts says since when', () => {
  const numbers = { sum: 1, count: 1, counts: [1, 0, 0] }
  const two = [
    { labels: 'of="a"', value: 1, ...numbers },
    { labels: '', value: 1, ...numbers },
  ]
  const families: Family[] = [
    { name: 'jobs_total', help, type: 'counter', series: two },
    { name: 'ready', help, type: 'gauge', series: two },
    { name: 'wait_seconds', help, type: 'histogram', buckets: [0.5, 1], series: two },
    { name: 'work_seconds', help, type: 'summary', series: two },
  ]
  const times: Record<string, number> = { jobs_total: 1.5, wait_seconds: 2, work_seconds: 3 }
  const page = renderOpenMetrics(families, undefined, ({ name }, labels) => times[name]! + labels.length)
  const lines = page.split('\n')
  const added = lines.filter((line) => line.includes('_created'))
  expect(added).toEqual([
    'jobs_created{of="a"} 7.5',
    'jobs_created 1.5',
    'wait_seconds_created{of="a"} 8',
    'wait_seconds_created 2',
    'work_seconds_created{of="a"} 9',
    'work_seconds_created 3',
  ])
  const before = added.map((line) => lines[lines.indexOf(line) - 1])
  expect(before).toEqual([
    'jobs_total{of="a"} 1',
    'jobs_total 1',
    'wait_seconds_count{of="a"} 1',
    'wait_seconds_count 1',
    'work_seconds_count{of="a"} 1',
    'work_seconds_count 1',
  ])
  // The other lines are those of the page without them.
  expect(lines.filter((line) => !added.includes(line)).join('\n')).toBe(renderOpenMetrics(families))
})

test('a number that OpenMetrics does not take, and a counter of unknown type, have no such line', () => {
  const series = [{ labels: '', value: -1 }]
  const bad: Family = { name: 'jobs_total', help, type: 'counter', series }
  expect(renderOpenMetrics([bad], undefined, () => 1)).not.toContain('_created')
  const clash: Family = { name: 'jobs', help, type: 'gauge', series }
  const good: Family = { ...bad, series: [{ labels: '', value: 1 }] }
  expect(renderOpenMetrics([clash, good], undefined, () => 1)).not.toContain('_created')
})

test('bounds are written as Prometheus stores them', () => {
  const buckets = [-2, 0, 1e-10, 0.00001, 0.0001, 0.25, 1, 100000, 1e6, 1234567, 1e21]
  const counts = Array(buckets.length + 1).fill(0)
  const page = renderOpenMetrics([{ ...wait({ labels: '', sum: 0, counts }), buckets }])
  expect([...page.matchAll(/le="(.*)"/g)].map((match) => match[1])).toEqual(
    '-2.0 0.0 1e-10 1e-05 0.0001 0.25 1.0 100000.0 1e+06 1.234567e+06 1e+21 +Inf'.split(' '),
  )
})

test.each([
  ['gauge jobs, counter jobs_total', 'gauge jobs, unknown jobs_total'],
  ['counter jobs_total, gauge jobs', 'unknown jobs_total, gauge jobs'],
  ['gauge jobs_total, counter jobs', 'gauge jobs_total, unknown jobs'],
  ['gauge jobs_total, counter jobs_total', 'gauge jobs_total'],
  ['counter jobs, counter jobs_total', 'counter jobs'],
  ['counter orders_total, counter orders_created_total', 'counter orders, unknown orders_created_total'],
  ['histogram wait, gauge wait_count', 'histogram wait'],
  ['gauge wait_count, summary wait', 'gauge wait_count'],
  ['gauge jobs, gauge jobs', 'gauge jobs'],
  ['gauge jobs, histogram wait, gauge wait_seconds', 'gauge jobs, histogram wait, gauge wait_seconds'],
] as const)('of %s the page has %s', (declared, left) => {
  const families = declared.split(', ').map((each): Family => {
    const [type, name] = each.split(' ') as [Family['type'], string]
    const numbers = { histogram: { sum: 0, counts: [0] }, summary: { sum: 0, count: 0 } } as const
    return { name, help, type, series: [{ labels: '', value: 0, ...numbers[type as keyof typeof numbers] }] }
  })
  const page = renderOpenMetrics(families)
  const found = [...page.matchAll(/^# TYPE (\S+) (\S+)$/gm)].map(([, name, type]) => `${type} ${name}`)
  expect(found.join(', ')).toBe(left)
})

const samples = (families: Family[]): string[] =>
  renderOpenMetrics(families)
    .split('\n')
    .filter((line) => line !== '' && !line.startsWith('#'))
