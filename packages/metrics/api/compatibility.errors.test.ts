/** The same mistake with prom-client and with ours makes the same error, and the same page afterwards. */
import { describe, expect, test } from 'bun:test'
import * as promClient from 'prom-client'
import { AB, options, ours, outcomeOf, type Program, wrong } from '../testdata/programs.ts'

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
      expect((await outcomeOf(ours, program)).error).toBe((await outcomeOf(promClient, program)).error)
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
    expect((await outcomeOf(ours, program)).error).toBe((await outcomeOf(promClient, program)).error)
  })

  test('an error in collect is the error of the page', async () => {
    for (const client of [promClient, ours]) {
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
