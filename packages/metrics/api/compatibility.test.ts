/** The same program with prom-client and with ours has the same result, page and JSON. */
import { describe, expect, setSystemTime, test } from 'bun:test'
import * as promClient from 'prom-client'
import { AB, options, ours, oursInSegment, outcomeOf, type Program, wrong } from '../testdata/programs.ts'
import { type Client, linesOf, samplesOf } from '../testdata/samples.ts'

const PROGRAMS: [claim: string, program: Program][] = [
  [
    'nothing is counted yet',
    (client, registry) => {
      new client.Counter({ ...options(registry), name: 'c' })
      new client.Gauge({ ...options(registry), name: 'g' })
      new client.Histogram({ ...options(registry), name: 'h' })
      new client.Counter({ ...options(registry, AB), name: 'labelled' })
    },
  ],
  [
    'a counter without labels',
    (client, registry) => {
      const counter = new client.Counter(options(registry))
      counter.inc()
      counter.inc(2.5)
      counter.inc(0)
      counter.inc(wrong(null))
      counter.labels().inc()
      counter.inc({}, 3)
    },
  ],
  [
    'a counter with labels',
    (client, registry) => {
      const counter = new client.Counter(options(registry, AB))
      counter.inc({ a: 'x', b: 'y' })
      counter.inc({ b: 'y', a: 'x' }, 2)
      counter.labels('x', 'z').inc()
      counter.labels({ a: 'x', b: 'z' }).inc(4)
      counter.inc({ a: '', b: 'a "b", \\c\n' })
    },
  ],
  [
    'numbers and their text are one series',
    (client, registry) => {
      const counter = new client.Counter(options(registry, AB))
      counter.labels('1', '2').inc()
      counter.labels(wrong(1), wrong(2)).inc()
      counter.inc({ a: 1, b: '2' })
      counter.inc({ a: '1', b: 2 })
    },
  ],
  [
    'labels that are left out',
    (client, registry) => {
      const counter = new client.Counter(options(registry, AB))
      counter.inc({ b: 'y' })
      counter.inc()
      counter.inc({})
      counter.inc({ a: 'x' })
      counter.inc(2)
      counter.inc({ b: 'y' }, 2)
    },
  ],
  [
    'a gauge without labels',
    (client, registry) => {
      const gauge = new client.Gauge(options(registry))
      gauge.set(5)
      gauge.inc()
      gauge.inc(2)
      gauge.dec()
      gauge.dec(0.5)
      gauge.labels().dec(10)
    },
  ],
  [
    'a gauge with labels',
    (client, registry) => {
      const gauge = new client.Gauge(options(registry, AB))
      gauge.set({ a: 'x', b: 'y' }, -1)
      gauge.inc({ a: 'x', b: 'y' })
      gauge.inc({ b: 'only' }, 7)
      gauge.dec({ a: 'x' }, 2)
      gauge.dec({ a: 'x' })
      gauge.labels('x', 'y').set(8)
      gauge.labels({ a: 'x', b: 'y' }).inc(2)
      gauge.labels('x', 'y').dec(1)
    },
  ],
  [
    'a gauge that is no ordinary number',
    (client, registry) => {
      const gauge = new client.Gauge(options(registry, AB))
      for (const value of [Number.NaN, Infinity, -Infinity, 1e21, 5e-324])
        gauge.set({ a: String(value) }, value)
    },
  ],
  [
    'a histogram without labels',
    (client, registry) => {
      const histogram = new client.Histogram(options(registry))
      for (const value of [0, 0.005, 0.0051, 3, 10, 11, -1]) histogram.observe(value)
      histogram.labels().observe(1)
    },
  ],
  [
    'a histogram with labels and bounds',
    (client, registry) => {
      const histogram = new client.Histogram({ ...options(registry, AB), buckets: [0.1, 1, 1000] })
      histogram.observe({ a: 'x', b: 'y' }, 0.5)
      histogram.labels('x', 'y').observe(2000)
      histogram.labels({ a: 'x' }).observe(0.1)
      histogram.labels({ a: 'x' }).observe(2000)
      histogram.zero({ a: 'zero' })
      histogram.zero({ a: 'x' })
    },
  ],
  [
    'a histogram whose only bound is +Inf',
    (client, registry) => {
      const histogram = new client.Histogram({ ...options(registry), buckets: [] })
      histogram.observe(7)
    },
  ],
  [
    'series are removed',
    (client, registry) => {
      const counter = new client.Counter({ ...options(registry, AB), name: 'c' })
      const gauge = new client.Gauge({ ...options(registry, AB), name: 'g' })
      const histogram = new client.Histogram({ ...options(registry, AB), name: 'h' })
      for (const metric of [counter, gauge, histogram]) {
        for (const a of ['x', 'y', 'z']) {
          if ('observe' in metric) metric.observe({ a, b: '1' }, 1)
          else metric.inc({ a, b: '1' })
        }
        metric.remove('x', '1')
        metric.remove({ a: 'y', b: 1 })
        metric.remove('never', 'seen')
      }
      counter.inc({ a: 'x', b: '1' }, 5)
    },
  ],
  [
    'a metric without labels is removed and used again',
    (client, registry) => {
      const counter = new client.Counter({ ...options(registry), name: 'c' })
      const gone = new client.Gauge({ ...options(registry), name: 'g' })
      counter.inc(5)
      counter.remove()
      gone.remove()
      counter.inc()
    },
  ],
  [
    'metrics are reset',
    (client, registry) => {
      const counter = new client.Counter({ ...options(registry), name: 'c' })
      const labelled = new client.Counter({ ...options(registry, AB), name: 'l' })
      const gauge = new client.Gauge({ ...options(registry), name: 'g' })
      const histogram = new client.Histogram({ ...options(registry, AB), name: 'h' })
      counter.inc(5)
      labelled.inc({ a: 'x' }, 5)
      labelled.inc({ a: 'y' }, 5)
      gauge.set(5)
      histogram.observe({ a: 'x' }, 5)
      counter.reset()
      registry.resetMetrics()
      counter.inc()
      labelled.inc({ a: 'y' })
    },
  ],
  [
    'the time is set',
    (client, registry) => {
      setSystemTime(new Date('2026-11-22T12:00:00.250Z'))
      const gauge = new client.Gauge(options(registry, AB))
      gauge.setToCurrentTime()
      gauge.setToCurrentTime({ a: 'x' })
      gauge.labels('x', 'y').setToCurrentTime()
      setSystemTime()
    },
  ],
  [
    'metrics collect, at once or later',
    (client, registry) => {
      new client.Gauge({
        ...options(registry, AB),
        name: 'sync',
        collect() {
          this.set({ a: 'x' }, 3)
        },
      })
      new client.Gauge({
        ...options(registry),
        name: 'async',
        async collect() {
          await Promise.resolve()
          this.set(4)
        },
      })
    },
  ],
  [
    'default labels',
    (client, registry) => {
      const counter = new client.Counter({ ...options(registry, ['a', 'zone']), name: 'c' })
      const histogram = new client.Histogram({ ...options(registry), name: 'h', buckets: [1] })
      registry.setDefaultLabels({ zone: 'eu "1"', rack: 7 })
      counter.inc({ a: 'x' })
      counter.inc({ a: ',zone="', zone: 'us' })
      counter.inc({ a: 'y,rack=' })
      histogram.observe(1)
      return registry.getSingleMetricAsString('c').then((text) => [...samplesOf(text)])
    },
  ],
  [
    'a registry knows its metrics',
    async (client, registry) => {
      const counter = new client.Counter({ ...options(registry), name: 'c' })
      new client.Gauge({ ...options(registry), name: 'g' })
      const before = registry.getMetricsAsArray().map(({ name }) => name)
      registry.removeSingleMetric('g')
      const isSame = registry.getSingleMetric('c') === (counter as unknown)
      const text = [...samplesOf(await registry.getSingleMetricAsString('c'))]
      return [before, isSame, registry.getSingleMetric('g'), registry.getMetricsAsArray().length, text]
    },
  ],
  [
    'a name is free again and begins at 0',
    (client, registry) => {
      const old = new client.Counter(options(registry))
      old.inc(5)
      registry.removeSingleMetric('jobs')
      new client.Counter(options(registry)).inc()
      registry.clear()
      new client.Counter(options(registry))
      old.inc()
    },
  ],
  ...[Number.NaN, Infinity, -Infinity, 0].map((value): [string, Program] => [
    `a metric that only has get(), with the value ${value}`,
    (_, registry) => {
      const item = {
        name: 'foreign',
        type: 'gauge',
        help: 'Help',
        aggregator: 'sum',
        values: [{ value, labels: {} }],
      }
      registry.registerMetric(wrong({ name: 'foreign', get: async () => item }))
    },
  ]),
  [
    'a metric that does not tell its name, and values without labels',
    async (_, registry) => {
      const values = [{ value: 1 }, { value: 2, labels: { app: 'cats', of: 'x' } }]
      registry.setDefaultLabels({ app: 'dogs' })
      registry.registerMetric(
        wrong({ get: async () => ({ name: 'foreign', type: 'counter', help: 'Help', values }) }),
      )
      const page = await registry.metrics()
      registry.removeSingleMetric(wrong(undefined))
      return [...samplesOf(page)]
    },
  ],
  [
    'a metric without values, whose name has to be escaped',
    async (_, registry) => {
      const item = { name: 'a_"_\\_\n_b', type: 'counter', help: 'Help' }
      registry.registerMetric(wrong({ name: 'foreign', get: async () => item }))
      const page = await registry.metrics()
      registry.clear()
      return page.includes('# TYPE a_"_\\\\_\\n_b counter\n')
    },
  ],
  [
    'metrics without labels are reset, and used again',
    async (client, registry) => {
      const histogram = new client.Histogram({ ...options(registry), name: 'h' })
      new client.Summary({ ...options(registry), name: 's', percentiles: [] }).observe(3)
      new client.Gauge({ ...options(registry), name: 'g' }).set(3)
      histogram.observe(3)
      registry.resetMetrics()
      const { values } = await histogram.get()
      histogram.observe(4)
      return values
    },
  ],
  [
    'default labels are cleared with the metrics',
    (client, registry) => {
      registry.setDefaultLabels({ app: 'dogs' })
      new client.Counter(options(registry)).inc()
      registry.clear()
      new client.Counter(options(registry)).inc()
    },
  ],
  [
    'metrics of no registry are apart',
    async (client) => {
      const [left, right] = [1, 2].map(() => new client.Counter({ ...options(wrong(0)), registers: [] }))
      left!.inc()
      return [(await left!.get()).values, (await right!.get()).values]
    },
  ],
  [
    'registries are merged',
    async (client, registry) => {
      const other = new client.Registry()
      new client.Counter({ ...options(registry), name: 'c' }).inc(2)
      new client.Histogram({ ...options(other), name: 'h' }).observe(2)
      return [...samplesOf(await client.Registry.merge([registry, other]).metrics())]
    },
  ],
  [
    'content types',
    (client, registry) => {
      const { PROMETHEUS_CONTENT_TYPE, OPENMETRICS_CONTENT_TYPE } = client.Registry
      return [registry.contentType, PROMETHEUS_CONTENT_TYPE, OPENMETRICS_CONTENT_TYPE]
    },
  ],
  [
    'bounds by rule',
    (client) => [
      client.linearBuckets(0, 50, 10),
      client.linearBuckets(-0.1, 0.1, 3),
      client.exponentialBuckets(1, 2, 12),
      client.exponentialBuckets(0.0001, 1.5, 5),
    ],
  ],
  [
    'labels with names of Object.prototype',
    (client, registry) => {
      const counter = new client.Counter(options(registry, ['constructor', 'toString']))
      counter.inc({ constructor: 'x' } as never)
      counter.inc({ toString: 'y' } as never)
      counter.inc({ toString: 'y' } as never)
      counter.labels('constructor', '__proto__').inc()
    },
  ],
]

describe.each([
  ['on the heap', ours],
  ['in a segment', oursInSegment],
])('%s a program does the same', (_, client) => {
  test.each(PROGRAMS)('%s', async (_, program) => {
    const [own, theirs] = [await outcomeOf(client, program), await outcomeOf(promClient, program)]
    // In a segment a series that comes back has its old place.
    if (client === oursInSegment) for (const { page } of [own, theirs]) page.sort()
    expect(own).toEqual(theirs)
  })
})

test('timers end under the labels of both ends, and return seconds', async () => {
  const program: Program = async (client, registry) => {
    const gauge = new client.Gauge({ ...options(registry, AB), name: 'g' })
    const histogram = new client.Histogram({ ...options(registry, AB), name: 'h', buckets: [60] })
    const summary = new client.Summary({ ...options(registry, AB), name: 's', percentiles: [] })
    const seconds = [gauge, histogram, summary].flatMap((metric) => [
      metric.startTimer({ a: 'both' })({ b: 'ends' }),
      metric.startTimer({ a: 'start' })({ a: 'end' }),
      metric.startTimer()(),
      metric.labels('x', 'y').startTimer()(),
      metric.labels('x', 'y').startTimer()({ b: 'z' }),
    ])
    expect(seconds.every((each) => Number(each) >= 0 && Number(each) < 60)).toBe(true)
    const page = samplesOf(await registry.metrics())
    return [...page.keys()].sort()
  }
  expect((await outcomeOf(ours, program)).returned).toEqual((await outcomeOf(promClient, program)).returned)
})

test.each(['PROMETHEUS_CONTENT_TYPE', 'OPENMETRICS_CONTENT_TYPE'] as const)(
  'the page is the same to the byte: %s',
  async (type) => {
    const pageOf = (client: Client) => {
      const registry = Reflect.construct(client.Registry, [client.Registry[type]]) as promClient.Registry
      for (const [name, labelNames] of [
        ['plain', []],
        ['labelled', ['a', 'b']],
      ] as const) {
        const registers = [registry]
        const of = (kind: string) => ({ name: `${name}_${kind}`, help: 'Help', labelNames, registers })
        const labels = labelNames.length > 0 ? { a: 'x', b: 'y "z"\n' } : {}
        new client.Counter(of('counter')).inc(labels, 2)
        new client.Gauge(of('gauge')).set(labels, Number.NaN)
        new client.Gauge(of('unused'))
        new client.Histogram({ ...of('histogram'), buckets: [0.5, 1, 10] }).observe(labels, 1)
      }
      registry.setDefaultLabels({ zone: 'eu' })
      return registry.metrics()
    }
    expect(await pageOf(ours)).toBe(await pageOf(promClient))
  },
)

test.each([
  ['on the heap', ours],
  ['in a segment', oursInSegment],
])('%s: exemplars are in get(), and on the page', async (_, client) => {
  setSystemTime(new Date('2026-11-22T12:00:00.250Z'))
  const outcomeOf = async (each: Client) => {
    const registry = Reflect.construct(each.Registry, [
      each.Registry.OPENMETRICS_CONTENT_TYPE,
    ]) as promClient.Registry
    const enabled = { enableExemplars: true, registers: [registry as never] }
    const jobs = new each.Counter({ name: 'jobs', help: 'Help', labelNames: ['of'], ...enabled })
    const wait = new each.Histogram({ name: 'wait', help: 'Help', buckets: [1, 5], ...enabled })
    jobs.inc({ labels: { of: 'x' }, value: 2, exemplarLabels: wrong({ trace: 'a', span: 7 }) })
    jobs.inc({ labels: { of: 'y' } })
    registry.setDefaultLabels({ zone: 'eu' })
    wait.observe({ value: 4, exemplarLabels: wrong({ trace: 'b' }) })
    wait.observe({ value: 7 })
    const plain = (item: unknown) => JSON.parse(JSON.stringify(item)) as unknown
    const items = [plain(await jobs.get()), plain(await wait.get()), plain(await registry.getMetricsAsJSON())]
    return [...items, await registry.metrics()]
  }
  const [own, theirs] = [await outcomeOf(client), await outcomeOf(promClient)]
  const lines = (page: unknown) => linesOf(page as string)
  expect([...own.slice(0, 3), lines(own[3])]).toEqual([...theirs.slice(0, 3), lines(theirs[3])])
  setSystemTime()
})
