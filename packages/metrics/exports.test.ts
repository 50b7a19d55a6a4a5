/** A program that changes its import from prom-client, or from its successor, finds everything that the README promises. */
import { afterEach, expect, test } from 'bun:test'
import * as successor from '@prometheus-io/client'
import * as promClient from 'prom-client'
import client, {
  aggregators,
  collectDefaultMetrics,
  contentType,
  type CounterConfiguration,
  type GaugeConfiguration,
  type HistogramConfiguration,
  type LabelValues,
  type Metric,
  type MetricType,
  type MetricValue,
  type OpenMetricsContentType,
  type PrometheusContentType,
  register,
  Registry,
  type SummaryConfiguration,
} from './index.ts'
import * as own from './index.ts'

afterEach(() => {
  register.clear()
  register.setContentType(Registry.PROMETHEUS_CONTENT_TYPE)
})

test('the default export has everything, also as types', async () => {
  const requests: client.Counter<'method'> = new client.Counter({
    name: 'requests_total',
    help: 'Requests',
    labelNames: ['method'],
  })
  requests.inc({ method: 'GET' })
  expect(await client.register.metrics()).toContain('requests_total{method="GET"} 1\n')
  expect(Object.keys(client).sort()).toEqual(
    Object.keys(own)
      .filter((name) => name !== 'default')
      .sort(),
  )
})

test('the content type is that of the global registry at the moment', () => {
  expect([contentType, client.contentType]).toEqual(Array(2).fill(Registry.PROMETHEUS_CONTENT_TYPE))
  register.setContentType(Registry.OPENMETRICS_CONTENT_TYPE)
  expect([contentType, client.contentType]).toEqual(Array(2).fill(Registry.OPENMETRICS_CONTENT_TYPE))
  new Registry().setContentType(Registry.PROMETHEUS_CONTENT_TYPE)
  expect(contentType).toBe(Registry.OPENMETRICS_CONTENT_TYPE)
})

test('the types of prom-client are there', async () => {
  type Name = 'method' | 'status'
  const labels: LabelValues<Name> = { method: 'GET', status: 200 }
  const text: Registry<PrometheusContentType> = new Registry()
  const open = new Registry<OpenMetricsContentType>(Registry.OPENMETRICS_CONTENT_TYPE)
  const global: Registry<PrometheusContentType> = register
  const of = (name: string) => ({
    name,
    help: 'Help',
    labelNames: ['method', 'status'] as const,
    registers: [text, open],
  })
  const counter: CounterConfiguration<Name> = of('a_total')
  const gauge: GaugeConfiguration<Name> = {
    ...of('b'),
    collect() {
      this.set(labels, 1)
    },
  }
  const histogram: HistogramConfiguration<Name> = { ...of('c'), buckets: [1, 2] }
  const summary: SummaryConfiguration<Name> = {
    ...of('d'),
    percentiles: [0.5],
    maxAgeSeconds: 60,
    ageBuckets: 5,
  }
  const metrics: Metric<Name>[] = [
    new own.Counter(counter),
    new own.Gauge(gauge),
    new own.Histogram(histogram),
    new own.Summary(summary),
  ]
  const child: own.Counter.Internal = (metrics[0] as own.Counter<Name>).labels(labels)
  child.inc()
  const observer: own.Histogram.Internal<Name> = (metrics[2] as own.Histogram<Name>).labels('GET', '200')
  observer.observe(1)
  const types: MetricType[] = metrics.map(({ type }) => type)
  const values: MetricValue<Name>[] = (await metrics[0]!.get()).values
  expect(types).toEqual(['counter', 'gauge', 'histogram', 'summary'])
  expect(values).toEqual([{ labels: { method: 'GET', status: '200' }, value: 1 }])
  expect(text.getMetricsAsArray().map(({ name, help, aggregator }) => [name, help, aggregator])).toEqual(
    ['a_total', 'b', 'c', 'd'].map((name) => [name, 'Help', 'sum']),
  )
  expect([text, open, global].map((registry) => registry.contentType)).toEqual([
    own.prometheusContentType,
    own.openMetricsContentType,
    own.prometheusContentType,
  ])
})

test('the lines of one metric are those of prom-client', async () => {
  for (const type of ['PROMETHEUS_CONTENT_TYPE', 'OPENMETRICS_CONTENT_TYPE'] as const) {
    const linesOf = async (each: typeof promClient) => {
      const registry = Reflect.construct(each.Registry, [each.Registry[type]]) as promClient.Registry
      const jobs = new each.Counter({ name: 'jobs', help: 'Jobs', labelNames: ['of'], registers: [registry] })
      jobs.inc({ of: 'x' }, 2)
      const any = registry as unknown as { getMetricsAsString(metric: object): Promise<string> }
      return [await registry.getSingleMetricAsString('jobs'), await any.getMetricsAsString(jobs)]
    }
    expect(await linesOf(own as unknown as typeof promClient)).toEqual(await linesOf(promClient))
  }
})

test('aggregators merge as those of prom-client', async () => {
  const items = await Promise.all(
    [3, -1, 8].map(async (value) => {
      const gauge = new own.Gauge({ name: 'a', help: 'A', labelNames: ['x', 'y'], registers: [] })
      gauge.set({ x: '1' }, value)
      gauge.set({ x: ',', y: String(value) }, value)
      return gauge.get()
    }),
  )
  const theirs = (promClient as unknown as { aggregators: typeof aggregators }).aggregators
  expect(Object.keys(aggregators)).toEqual(Object.keys(theirs))
  for (const name of Object.keys(aggregators) as (keyof typeof aggregators)[]) {
    expect([name, aggregators[name](items)]).toEqual([name, theirs[name](items)])
    expect([name, aggregators[name]([])]).toEqual([name, theirs[name]([])])
  }
})

test('the default metrics are a part of those of prom-client, under the same names', () => {
  expect(promClient.collectDefaultMetrics.metricsList).toEqual(
    expect.arrayContaining(collectDefaultMetrics.metricsList),
  )
  expect(collectDefaultMetrics.metricsList).toHaveLength(5)
  expect(() => collectDefaultMetrics(5 as never)).toThrow(
    new TypeError('config must be null, undefined, or an object'),
  )
  const registry = new Registry()
  collectDefaultMetrics({ register: registry, eventLoopMonitoringPrecision: 5, gcDurationBuckets: [1] })
  expect(registry.getMetricsAsArray()).toHaveLength(7)
})

test('the README says of each export of either client whether it is here', async () => {
  const readme = await Bun.file(`${import.meta.dir}/README.md`).text()
  const table = readme.split('| export')[1]!.split('\n\n')[0]!
  const rows = table
    .split('\n')
    .slice(2)
    .flatMap((row) => {
      const [names, ...cells] = row.split('|').slice(1, 5)
      const [inFirst, inSecond, here] = cells.map((cell) => cell.trim().startsWith('yes'))
      return [...names!.matchAll(/`(\w+)`/g)].map(([, name]) => [name!, { inFirst, inSecond, here }] as const)
    })
  const exported = new Set([...Object.keys(promClient), ...Object.keys(successor)])
  exported.delete('default')
  expect(Object.fromEntries(rows)).toEqual(
    Object.fromEntries(
      [...exported].map((name) => [
        name,
        { inFirst: name in promClient, inSecond: name in successor, here: name in own },
      ]),
    ),
  )
  expect(rows).toHaveLength(exported.size)
})
