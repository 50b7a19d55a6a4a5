/** Our metrics in a registry of prom-client and its metrics in ours: the samples are those of their own registry. */
import { expect, test } from 'bun:test'
import * as promClient from 'prom-client'
import * as own from '../index.ts'
import { oursInSegment } from '../testdata/programs.ts'
import { type Client, jsonOf, samplesOf } from '../testdata/samples.ts'

const ours = own as unknown as Client
const LABELS = ['path', 'status']
const HARD_VALUES = ['', '/pets/', 'a "quoted", \\ one\n', '{},le="1"', '🐕']

/** One metric of each type, without labels and with them, some of them hard. */
function declare(client: Client, registers: promClient.Registry[]): void {
  const options = (name: string, labelNames: string[] = []) => ({ name, help: 'Help', labelNames, registers })
  new client.Counter(options('starts')).inc(3)
  new client.Gauge(options('temperature')).set(Number.NaN)
  new client.Histogram({ ...options('wait_seconds'), buckets: [] }).observe(2)
  new client.Summary({ ...options('size_bytes'), percentiles: [] }).observe(2)
  new client.Histogram({ ...options('unseen_seconds', LABELS) })

  const counter = new client.Counter(options('jobs_total', LABELS))
  const gauge = new client.Gauge(options('active', LABELS))
  const histogram = new client.Histogram({ ...options('work_seconds', LABELS), buckets: [0.5, 1, 1e6] })
  const summary = new client.Summary({ ...options('work_bytes', LABELS), percentiles: [] })
  for (const path of HARD_VALUES) {
    counter.labels(path, '200').inc(2)
    gauge.set({ path, status: 404 }, -7)
    gauge.set({ path }, Infinity)
    for (const value of [0.5, 0.7, 5]) {
      histogram.observe({ path, status: 1 }, value)
      summary.observe({ path, status: 1 }, value)
    }
  }
}

/** The same metrics in a registry of their own kind, and in one of the other. */
function registries(client: Client, other: Client): [promClient.Registry, promClient.Registry] {
  const [home, abroad] = [new client.Registry(), new other.Registry()]
  declare(client, [home, abroad])
  return [home, abroad]
}

test.each([
  ['ours in a registry of prom-client', ours, promClient],
  ['metrics of prom-client in our registry', promClient, ours],
] as const)('%s: the same page and JSON, with default labels, too', async (_, client, other) => {
  const [home, abroad] = registries(client, other)
  for (const labels of [{}, { zone: 'eu', status: 'none' }]) {
    for (const registry of [home, abroad]) registry.setDefaultLabels(labels)
    expect(samplesOf(await abroad.metrics())).toEqual(samplesOf(await home.metrics()))
    expect(await jsonOf(abroad)).toEqual(await jsonOf(home))
  }
})

test('metrics of prom-client and ours make one page', async () => {
  const registry = new ours.Registry()
  new promClient.Gauge({ name: 'theirs', help: 'Help', registers: [registry] }).set(1)
  new ours.Gauge({ name: 'ours', help: 'Help', registers: [registry] }).set(2)
  expect([...samplesOf(await registry.metrics()).values()].sort()).toEqual([
    '1',
    '2',
    'Help',
    'Help',
    'gauge',
    'gauge',
  ])
  expect(() => new promClient.Gauge({ name: 'ours', help: 'Help', registers: [registry] })).toThrow(
    new Error('A metric with the name ours has already been registered.'),
  )
})

test('the quantiles of a summary of prom-client are kept', async () => {
  const [home, abroad] = [new promClient.Registry(), new ours.Registry()]
  const options = { help: 'Help', registers: [home, abroad], percentiles: [0.5, 0.999] }
  const labelled = new promClient.Summary({ name: 'work_seconds', labelNames: ['le'], ...options })
  const plain = new promClient.Summary({ name: 'wait_seconds', ...options })
  for (let value = 1; value <= 100; value++) {
    labelled.observe({ le: 'x' }, value)
    plain.observe(value)
  }
  const page = samplesOf(await abroad.metrics())
  expect(page).toEqual(samplesOf(await home.metrics()))
  expect(page.get('work_seconds{"le":"x","quantile":"0.5"}')).toBe('50.5')
})

test('labels that another type reserves are ordinary', async () => {
  for (const [client, other] of [
    [promClient, ours],
    [ours, promClient],
  ] as const) {
    const [home, abroad] = [new client.Registry(), new other.Registry()]
    const options = { help: 'Help', registers: [home, abroad] }
    new client.Gauge({ name: 'bounds', labelNames: ['le', 'quantile'], ...options }).set(
      { le: 1, quantile: 2 },
      3,
    )
    new client.Histogram({ name: 'wait', labelNames: ['quantile'], buckets: [1], ...options }).observe(
      { quantile: 2 },
      3,
    )
    expect(samplesOf(await abroad.metrics())).toEqual(samplesOf(await home.metrics()))
  }
})

test('a histogram of prom-client without observations, and one that is reset', async () => {
  const [home, abroad] = [new promClient.Registry(), new ours.Registry()]
  const options = { help: 'Help', registers: [home, abroad] }
  new promClient.Histogram({ name: 'unseen', ...options })
  const reset = new promClient.Histogram({ name: 'reset', ...options })
  reset.observe(1)
  reset.reset()
  expect(samplesOf(await abroad.metrics())).toEqual(samplesOf(await home.metrics()))
})

test('prom-client default metrics', async () => {
  const [home, abroad] = [new promClient.Registry(), new ours.Registry()]
  promClient.collectDefaultMetrics({ register: home })
  for (const metric of home.getMetricsAsArray()) abroad.registerMetric(metric as never)
  const names = async (registry: promClient.Registry) =>
    [...samplesOf(await registry.metrics()).keys()].sort()
  // Their values change from one page to the next.
  expect(await names(abroad)).toEqual(await names(home))
})

test('one program collects for both registries', async () => {
  const [home, abroad] = [new ours.Registry(), new promClient.Registry()]
  let collected = 0
  new ours.Gauge({
    name: 'rows',
    help: 'Help',
    registers: [home, abroad],
    async collect() {
      await Promise.resolve()
      this.set(++collected)
    },
  })
  expect(samplesOf(await abroad.metrics()).get('rows{}')).toBe('1')
  expect(samplesOf(await home.metrics()).get('rows{}')).toBe('2')
  expect(samplesOf(await abroad.getSingleMetricAsString('rows')).get('rows{}')).toBe('3')
})

test('an OpenMetrics registry of prom-client does not rename our counters', async () => {
  const home = new ours.Registry()
  const abroad = new promClient.Registry()
  abroad.setContentType(promClient.Registry.OPENMETRICS_CONTENT_TYPE as never)
  new ours.Counter({ name: 'jobs_total', help: 'Help', registers: [home, abroad] }).inc()
  expect(await abroad.metrics()).toContain('\njobs_total 1\n')
  expect(samplesOf(await home.metrics()).get('jobs_total{}')).toBe('1')
})

test('a registry of prom-client and one of ours are merged, on the heap and in a segment', async () => {
  for (const client of [ours, oursInSegment]) {
    const [home, abroad] = [new client.Registry(), new promClient.Registry()]
    new client.Counter({ name: 'ours', help: 'Help', registers: [home] }).inc(2)
    new promClient.Counter({ name: 'theirs', help: 'Help', registers: [abroad] }).inc(3)
    const page = samplesOf(await client.Registry.merge([home, abroad]).metrics())
    expect([page.get('ours{}'), page.get('theirs{}')]).toEqual(['2', '3'])
  }
})
