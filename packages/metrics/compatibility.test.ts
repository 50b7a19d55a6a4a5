/**
 * The same program with stock prom-client and with ours: what it returns, the error it throws, its page and its JSON are
 * the same. Where ours differs on purpose the last block says so.
 */
import { describe, expect, setSystemTime, test } from 'bun:test'
import * as stock from 'prom-client'
import * as own from './index.ts'
import { type Client, jsonOf, samplesOf } from './testdata/samples.ts'

const ours = own as unknown as Client

/** A program: all its metrics go to the registry that it is given. */
type Program = (client: Client, registry: stock.Registry) => unknown

async function outcomeOf(client: Client, program: Program) {
  const registry = new client.Registry()
  const outcome: { returned?: unknown; error?: string } = {}
  try {
    outcome.returned = await program(client, registry)
  } catch (error) {
    outcome.error = `${(error as Error).name}: ${(error as Error).message}`
  }
  return { ...outcome, page: samplesOf(await registry.metrics()), json: await jsonOf(registry) }
}

/** What a program does not care to spell: options that are the same for most metrics, and wrong types. */
const options = (registry: stock.Registry, labelNames: string[] = []) => ({
  name: 'jobs',
  help: 'Help',
  labelNames,
  registers: [registry],
})
const wrong = (value: unknown) => value as never

const AB = ['a', 'b']

describe('a program does the same', () => {
  test.each<[claim: string, program: Program]>([
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
  ])('%s', async (_, program) => {
    expect(await outcomeOf(ours, program)).toEqual(await outcomeOf(stock, program))
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
  expect((await outcomeOf(ours, program)).returned).toEqual((await outcomeOf(stock, program)).returned)
})

describe('an error is the same', () => {
  const constructors = ['Counter', 'Gauge', 'Histogram', 'Summary'] as const
  const declarations: [claim: string, config: unknown][] = [
    ['no config', undefined],
    ['null', null],
    ['a text', 'jobs'],
    ['neither name nor help', {}],
    ['no help', { name: 'jobs' }],
    ['no name', { help: 'Help' }],
    ['an invalid name', { name: 'my-jobs', help: 'Help' }],
    ['a name that begins with a digit', { name: '1jobs', help: 'Help' }],
    ['an invalid label name', { name: 'jobs', help: 'Help', labelNames: ['a-b'] }],
    ['a label le', { name: 'jobs', help: 'Help', labelNames: ['le'] }],
    ['a label quantile', { name: 'jobs', help: 'Help', labelNames: ['quantile'] }],
    ['collect that is no function', { name: 'jobs', help: 'Help', collect: 'later' }],
  ]
  for (const type of constructors) {
    test.each(declarations)(`${type}: %s`, async (_, config) => {
      const program: Program = (client) => {
        const registers = [new client.Registry()]
        new client[type](
          wrong(config !== null && typeof config === 'object' ? { ...config, registers } : config),
        )
      }
      expect((await outcomeOf(ours, program)).error).toBe((await outcomeOf(stock, program)).error)
    })
  }

  const bad = [Number.NaN, Infinity, -Infinity, -1, '5', '', 'x', null, undefined, true, {}]
  const isOrdinary = (value: unknown) => Number.isFinite(value)
  const calls: [claim: string, program: Program][] = [
    ...bad
      .filter((value) => value)
      .map((value): [string, Program] => [
        `counter.inc of ${Bun.inspect(value)}`,
        (client, registry) => new client.Counter(options(registry)).inc(wrong(value)),
      ]),
    ...bad.flatMap((value): [string, Program][] => [
      [
        `gauge.set of ${Bun.inspect(value)}`,
        (client, registry) => new client.Gauge(options(registry)).set(wrong(value)),
      ],
      [
        `gauge.inc of ${Bun.inspect(value)}`,
        (client, registry) => new client.Gauge(options(registry)).inc(wrong(value)),
      ],
      [
        `gauge.set of ${Bun.inspect(value)} with labels`,
        (client, registry) => new client.Gauge(options(registry, [])).set({}, wrong(value)),
      ],
      [
        `histogram.observe of ${Bun.inspect(value)} with labels`,
        (client, registry) => {
          const histogram = new client.Histogram(options(registry, []))
          if (!isOrdinary(value)) histogram.observe({}, wrong(value))
        },
      ],
    ]),
    ['too few labels', (client, registry) => new client.Counter(options(registry, AB)).labels('x').inc()],
    ['no labels', (client, registry) => new client.Gauge(options(registry, AB)).labels().inc()],
    [
      'too many labels',
      (client, registry) => new client.Histogram(options(registry, AB)).labels('x', 'y', 'z'),
    ],
    [
      'labels of a metric that has none',
      (client, registry) => new client.Gauge(options(registry)).labels('x'),
    ],
    [
      'counter.inc: unknown label',
      (client, registry) => new client.Counter(options(registry, AB)).inc({ c: 1 }),
    ],
    [
      'gauge.inc: unknown label',
      (client, registry) => new client.Gauge(options(registry, AB)).inc({ a: 1, c: 1 }),
    ],
    ['gauge.set: unknown label', (client, registry) => new client.Gauge(options(registry)).set({ c: 1 }, 1)],
    [
      'observe: unknown label',
      (client, registry) => new client.Histogram(options(registry, AB)).observe({ c: 1 }, 1),
    ],
    [
      'summary: unknown label',
      (client, registry) => new client.Summary(options(registry, AB)).observe({ c: 1 }, 1),
    ],
    [
      'counter.labels: unknown',
      (client, registry) => new client.Counter(options(registry, AB)).labels({ c: 1 }).inc(),
    ],
    [
      'gauge.labels: unknown',
      (client, registry) => void new client.Gauge(options(registry, AB)).labels({ c: 1 }),
    ],
    [
      'observer.labels: unknown',
      (client, registry) => void new client.Histogram(options(registry)).labels({ c: 1 }),
    ],
    [
      'remove: unknown label',
      (client, registry) => new client.Counter(options(registry, AB)).remove({ c: 1 }),
    ],
    ['remove: too few labels', (client, registry) => new client.Gauge(options(registry, AB)).remove('x')],
    [
      'an end label that is unknown',
      (client, registry) => {
        new client.Histogram(options(registry, AB)).startTimer({ a: 'x' })({ c: 'y' })
      },
    ],
    [
      'a name that is taken',
      (client, registry) => {
        new client.Counter(options(registry))
        new client.Gauge(options(registry))
      },
    ],
    [
      'a name that is taken in one of those merged',
      (client, registry) => {
        const other = new client.Registry()
        new client.Counter(options(registry))
        new client.Counter(options(other))
        client.Registry.merge([registry, other])
      },
    ],
    [
      'merge of two content types',
      (client, registry) => {
        const other = new client.Registry()
        other.setContentType(wrong(client.Registry.OPENMETRICS_CONTENT_TYPE))
        client.Registry.merge([registry, other])
      },
    ],
    ['a registry of an unknown content type', (client) => Reflect.construct(client.Registry, ['text/html'])],
    ['an unknown content type', (client, registry) => registry.setContentType(wrong('text/html'))],
    ['no linear buckets', (client) => client.linearBuckets(1, 1, 0)],
    ['exponential buckets from 0', (client) => client.exponentialBuckets(0, 2, 3)],
    ['no exponential buckets', (client) => client.exponentialBuckets(1, 2, 0)],
    ['exponential buckets that do not grow', (client) => client.exponentialBuckets(1, 1, 3)],
  ]
  test.each(calls)('%s', async (_, program) => {
    expect((await outcomeOf(ours, program)).error).toBe((await outcomeOf(stock, program)).error)
  })

  test('what collect throws is what the page throws', async () => {
    for (const client of [stock, ours]) {
      const registry = new client.Registry()
      new client.Gauge({
        ...options(registry),
        collect() {
          throw new RangeError('no sensor')
        },
      })
      await expect(registry.metrics()).rejects.toThrow(new RangeError('no sensor'))
    }
  })
})

describe('on purpose', () => {
  const registryOf = (program: Program) => {
    const registry = new ours.Registry()
    program(ours, registry)
    return registry.metrics().then(samplesOf)
  }

  test('a summary has no quantiles', async () => {
    const program: Program = (client, registry) => {
      const summary = new client.Summary({ ...options(registry, ['a']), percentiles: [0.5] })
      summary.observe({ a: 'x' }, 2)
      summary.labels('x').observe(3)
    }
    const { page } = await outcomeOf(stock, program)
    expect(page.delete('jobs{"a":"x","quantile":"0.5"}')).toBe(true)
    expect(await registryOf(program)).toEqual(page)
  })

  test('labels() makes the series, at 0', async () => {
    const page = await registryOf((client, registry) =>
      new client.Counter(options(registry, ['a'])).labels('x'),
    )
    expect(page.get('jobs{"a":"x"}')).toBe('0')
  })

  test('NaN is written as the specification has it', async () => {
    const registry = new ours.Registry()
    new ours.Gauge(options(registry)).set(Number.NaN)
    expect(await registry.metrics()).toContain('jobs NaN\n')
  })

  test('a histogram without labels is back at 0 when it is reset', async () => {
    const page = await registryOf((client, registry) => {
      const histogram = new client.Histogram({ ...options(registry), buckets: [] })
      histogram.observe(1)
      histogram.reset()
    })
    expect(page.get('jobs_count{}')).toBe('0')
  })

  // In prom-client the counter is NaN from then on, and the gauge what the text is as a number.
  test.each<[claim: string, message: string, program: Program]>([
    [
      'counter.inc',
      'Value is not a valid number: NaN',
      (client, registry) => {
        new client.Counter(options(registry)).inc(Number.NaN)
      },
    ],
    [
      'gauge.dec',
      'Delta is not a valid number: 5',
      (client, registry) => {
        new client.Gauge(options(registry)).dec(wrong('5'))
      },
    ],
  ])('%s refuses what would spoil the series', (_, message, program) => {
    expect(() => program(ours, new ours.Registry())).toThrow(new TypeError(message))
    expect(() => program(stock, new stock.Registry())).not.toThrow()
  })

  // prom-client takes what is falsy for missing labels, and then calls it undefined.
  test('observe names the value that it refuses', () => {
    for (const type of ['Histogram', 'Summary'] as const) {
      const metric = new ours[type](options(new ours.Registry()))
      for (const value of [Number.NaN, null, '', 'x']) {
        expect(() => metric.observe(wrong(value))).toThrow(
          new TypeError(`Value is not a valid number: ${value}`),
        )
      }
    }
  })

  test('label values are texts in JSON, too', async () => {
    const counter = new ours.Counter(options(new ours.Registry(), ['status']))
    counter.inc({ status: 200 })
    expect((await counter.get()).values).toEqual([{ labels: { status: '200' }, value: 1 }])
  })

  test('a bound of +Inf is not written twice', async () => {
    const page = await registryOf((client, registry) => {
      new client.Histogram({ ...options(registry), buckets: [1, Infinity] }).observe(2)
    })
    expect([...page.keys()].filter((key) => key.includes('_bucket'))).toEqual([
      'jobs_bucket{"le":"1"}',
      'jobs_bucket{"le":"+Inf"}',
    ])
  })

  test('a metric that is unknown is refused by name', async () => {
    await expect(new ours.Registry().getSingleMetricAsString('x')).rejects.toThrow(
      new Error('There is no metric x'),
    )
  })
})
