/** The deliberate differences from prom-client. */
import { describe, expect, test } from 'bun:test'
import * as promClient from 'prom-client'
import * as own from '../index.ts'
import { options, ours, outcomeOf, type Program, wrong } from '../testdata/programs.ts'
import { samplesOf } from '../testdata/samples.ts'

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
    const { page } = await outcomeOf(promClient, program)
    const quantile = page.findIndex((line) => line.startsWith('jobs{"a":"x","quantile":"0.5"}'))
    expect((await outcomeOf(ours, program)).page).toEqual(page.toSpliced(quantile, 1))
  })

  test('labels() makes the series, at 0', async () => {
    const page = await registryOf((client, registry) =>
      new client.Counter(options(registry, ['a'])).labels('x'),
    )
    expect(page.get('jobs{"a":"x"}')).toBe('0')
  })

  // prom-client turns the counter into NaN, and the gauge into the number that the text spells.
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
  ])('%s refuses a value that would spoil the series', (_, message, program) => {
    expect(() => program(ours, new ours.Registry())).toThrow(new TypeError(message))
    expect(() => program(promClient, new promClient.Registry())).not.toThrow()
  })

  // prom-client takes a falsy value for missing labels, and reports `undefined`.
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

  // With prom-client the same program makes a page that every reader refuses.
  test.each<[message: string, program: Program]>([
    [
      'A label name is listed twice',
      (client, registry) => new client.Counter(options(registry, ['a', 'b', 'a'])),
    ],
    ['Invalid label name', (_, registry) => registry.setDefaultLabels({ 'a-b': 1 })],
    [
      'The metrics jobs and jobs_count have samples of the same name.',
      (client, registry) => {
        new client.Summary(options(registry))
        new client.Gauge({ ...options(registry), name: 'jobs_count' })
      },
    ],
    [
      'The metrics jobs_bucket and jobs have samples of the same name.',
      (client, registry) => {
        new client.Counter({ ...options(registry), name: 'jobs_bucket' })
        new client.Histogram(options(registry))
      },
    ],
    [
      '__name__ is a reserved label keyword',
      (client, registry) => new client.Counter(options(registry, ['__name__'])),
    ],
    [
      '__name__ is a reserved label keyword',
      (client, registry) => new client.Summary(options(registry, ['a', '__name__'])),
    ],
    ['__name__ is a reserved label keyword', (_, registry) => registry.setDefaultLabels({ __name__: 'a' })],
    ['le is a reserved label keyword', (_, registry) => registry.setDefaultLabels({ app: 'a', le: 1 })],
    ['quantile is a reserved label keyword', (_, registry) => registry.setDefaultLabels({ quantile: 1 })],
  ])('%s', (message, program) => {
    expect(() => program(ours, new ours.Registry())).toThrow(new Error(message))
    expect(() => program(promClient, new promClient.Registry())).not.toThrow()
  })

  test('a gauge with a series for each worker has no label worker of its own', () => {
    const declare = () =>
      new own.Gauge({ name: 'a', help: 'A', labelNames: ['worker'], aggregator: 'worker' })
    expect(declare).toThrow(new Error('worker is a reserved label keyword'))
  })

  test('a metric that is unknown is refused by name', async () => {
    await expect(new ours.Registry().getSingleMetricAsString('x')).rejects.toThrow(
      new Error('There is no metric x'),
    )
  })

  test('bounds are sorted, and written once', async () => {
    const registry = new own.Registry()
    const histogram = new own.Histogram({ name: 'a', help: 'A', buckets: [5, 1, 5], registers: [registry] })
    histogram.observe(2)
    expect(histogram.buckets).toEqual([1, 5])
    const page = samplesOf(await registry.metrics())
    expect([page.get('a_bucket{"le":"1"}'), page.get('a_bucket{"le":"5"}')]).toEqual(['0', '1'])
  })

  test.each([NaN, -Infinity, '1' as unknown as number])('a bound of %p is refused', (bound) => {
    expect(() => new own.Histogram({ name: 'a', help: 'A', buckets: [bound], registers: [] })).toThrow(
      new TypeError(`Bucket is not a valid number: ${bound}`),
    )
  })
})

test('the constants and the check of names are those of prom-client', () => {
  expect(own.prometheusContentType).toBe(promClient.prometheusContentType)
  expect(own.openMetricsContentType).toBe(promClient.openMetricsContentType)
  expect(own.register.contentType).toBe(promClient.register.contentType)
  for (const name of ['a', 'a:b_c9', '', '9a', 'a-b', 'ä'])
    expect(own.validateMetricName(name)).toBe(
      (promClient.validateMetricName as (name: string) => boolean)(name),
    )
})
