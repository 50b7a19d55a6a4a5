import { describe, expect, test } from 'bun:test'
import { Registry as PromClientRegistry } from 'prom-client'
import * as promClient from 'prom-client'
import * as ours from '../index.ts'
import { Counter, Histogram, Registry } from '../index.ts'

const openMetrics = () => new Registry(Registry.OPENMETRICS_CONTENT_TYPE)
const trace = { trace_id: 'abc', span: 7 }

test('a counter shows its last exemplar', async () => {
  const registry = openMetrics()
  const options = {
    name: 'jobs_total',
    help: 'Jobs',
    labelNames: ['kind'],
    enableExemplars: true,
    registers: [registry],
  }
  const jobs = new Counter(options)
  jobs.inc({ labels: { kind: 'a' }, value: 2, exemplarLabels: { trace_id: 'old' } })
  jobs.inc({ labels: { kind: 'a' }, exemplarLabels: trace })
  // An event without a trace leaves it.
  jobs.inc({ labels: { kind: 'a' } })
  jobs.inc({ labels: { kind: 'b' } })
  const page = await registry.metrics()
  expect(page).toMatch(/^jobs_total{kind="a"} 4 # {trace_id="abc",span="7"} 1 \d+(\.\d+)?$/m)
  expect(page).toContain('jobs_total{kind="b"} 1\n')
})

test('names and values of an exemplar have 128 characters at most, as OpenMetrics wants it', () => {
  const jobs = new Counter({ name: 'jobs', help: 'Jobs', enableExemplars: true, registers: [openMetrics()] })
  const incWith = (characters: number) => jobs.inc({ exemplarLabels: { a: 'x'.repeat(characters - 1) } })
  expect(() => incWith(128)).not.toThrow()
  expect(() => incWith(129)).toThrow(RangeError)
})

test('a histogram shows the last exemplar of each bucket', async () => {
  const registry = openMetrics()
  const seconds = new Histogram({
    name: 'seconds',
    help: 'Time',
    buckets: [1],
    enableExemplars: true,
    registers: [registry],
  })
  seconds.observe({ value: 0.5, exemplarLabels: trace })
  seconds.observe({ value: 5, exemplarLabels: { trace_id: 'slow' } })
  seconds.observe(7)
  // One without labels has none to show.
  seconds.observe({ value: 8 })
  const page = await registry.metrics()
  expect(page).toMatch(/^seconds_bucket{le="1"} 1 # {trace_id="abc",span="7"} 0.5 /m)
  expect(page).toMatch(/^seconds_bucket{le="\+Inf"} 4 # {trace_id="slow"} 5 /m)
})

describe.each([
  ['prom-client', promClient.Counter, new PromClientRegistry()],
  ['ours', ours.Counter, new Registry()],
] as const)('%s', (_, AnyCounter, textRegistry) => {
  test('refuses exemplars in a registry whose pages cannot show them', () => {
    const Any = AnyCounter as typeof ours.Counter
    const make = () =>
      new Any({ name: 'a', help: 'A', enableExemplars: true, registers: [textRegistry as Registry] })
    expect(make).toThrow(new TypeError('Exemplars are supported only on OpenMetrics registries'))
  })
})

test('labels above 128 characters and names that are none are refused, and nothing is counted', async () => {
  const registry = openMetrics()
  const jobs = new Counter({ name: 'jobs_total', help: 'Jobs', enableExemplars: true, registers: [registry] })
  expect(() => jobs.inc({ exemplarLabels: { trace_id: 'x'.repeat(121) } })).toThrow(RangeError)
  expect(() => jobs.inc({ exemplarLabels: { 'trace id': 'abc' } })).toThrow('Invalid label name')
  expect(await registry.metrics()).toContain('jobs_total 0\n')
})

test('a child that was kept over a reset is shown again when it counts', async () => {
  const registry = new Registry()
  const jobs = new Counter({ name: 'jobs_total', help: 'Jobs', labelNames: ['kind'], registers: [registry] })
  const kept = jobs.labels('a')
  kept.inc(5)
  for (const forget of [() => jobs.reset(), () => jobs.remove('a')]) {
    for (let i = 0; i < 2; i++) {
      forget()
      expect(await registry.metrics()).not.toContain('kind="a"')
      kept.inc()
      expect(await registry.metrics()).toContain('jobs_total{kind="a"} 1\n')
    }
    jobs.labels('a').inc()
    expect(await registry.metrics()).toContain('jobs_total{kind="a"} 2\n')
  }
})

// The types of prom-client leave the exemplar's labels out, its code does not.
test.each<[name: string, client: typeof ours]>([
  ['prom-client', promClient as unknown as typeof ours],
  ['ours', ours],
])('%s: a timer takes exemplar labels at both ends', async (_, client) => {
  const registry = new client.Registry(client.openMetricsContentType)
  const seconds = new client.Histogram({
    name: 'seconds',
    help: 'Time',
    labelNames: ['kind', 'status'],
    buckets: [60],
    enableExemplars: true,
    registers: [registry],
  })
  const end = seconds.startTimer({ kind: 'a' }, { trace_id: 'old', span: '7' })
  expect(end({ status: 200 }, { trace_id: 'abc' })).toBeGreaterThanOrEqual(0)
  const page = await registry.metrics()
  expect(page).toMatch(/^seconds_bucket{le="60(\.0)?",kind="a",status="200"} 1 # {trace_id="abc",span="7"} /m)
})
