import { expect, test } from 'bun:test'
import { Thresholds, type Threshold } from './thresholds.ts'
import { Metrics } from './metrics.ts'

function limits(metric: string, threshold: Threshold) {
  const metrics = new Metrics()
  return { metrics, limits: new Thresholds(metrics, { [metric]: [threshold] }), none: metrics.tagSet({}) }
}

test.each([
  ['count<3', true],
  ['count<2', false],
  ['count<=2', true],
  ['count<=1', false],
  ['count>1', true],
  ['count>2', false],
  ['count>=2', true],
  ['count>=3', false],
  ['count==2', true],
  ['count==3', false],
  ['count===2', true],
  ['count===1', false],
  ['count!=3', true],
  ['count!=2', false],
  [' count < 2.5 ', true],
  ['rate<1', false],
  ['rate==1', true],
])('of two requests in two seconds "%s" is %p', (threshold, isKept) => {
  const { metrics, limits: held, none } = limits('http_reqs', threshold)
  for (let request = 0; request < 2; request++) metrics.add('http_reqs', 1, none)
  held.evaluate(2000)
  expect(held.crossed).toEqual(isKept ? [] : ['http_reqs'])
  expect(held.of('http_reqs')).toEqual({ [threshold]: { ok: isKept } })
})

test('a trend is compared by its percentiles, a rate by its rate, a gauge by its value', () => {
  for (const [metric, values, threshold, isKept] of [
    ['http_req_duration', [1, 2, 3], 'p(50)<2.5', true],
    ['http_req_duration', [1, 2, 3], 'p(99)<2.5', false],
    ['http_req_duration', [1, 2, 3], 'avg<2.5', true],
    ['http_req_failed', [0, 0, 0, 1], 'rate<0.25', false],
    ['http_req_failed', [0, 0, 0, 1], 'rate<0.26', true],
    ['vus', [9, 4], 'value<5', true],
  ] as const) {
    const { metrics, limits: held, none } = limits(metric, threshold)
    for (const value of values) metrics.add(metric, value, none)
    held.evaluate(1000)
    expect({ threshold, crossed: held.crossed }).toEqual({ threshold, crossed: isKept ? [] : [metric] })
  }
})

test('without samples a threshold is kept, but that of a counter, which is 0', () => {
  for (const [metric, threshold] of [
    ['checks', 'rate>0.99'],
    ['http_req_duration{op:list}', 'avg>1'],
    ['vus', 'value>1'],
  ] as const) {
    const { limits: held } = limits(metric, threshold)
    held.evaluate(1000)
    expect(held.crossed).toEqual([])
  }
  const { limits: counter } = limits('http_reqs{op:list}', 'count>0')
  counter.evaluate(1000)
  expect(counter.crossed).toEqual(['http_reqs{op:list}'])
})

test('a crossed threshold ends the run if it has abortOnFail, from its delay on', () => {
  const threshold = { threshold: 'count<1', abortOnFail: true, delayAbortEval: '5s' }
  const { metrics, limits: held, none } = limits('iterations', threshold)
  expect(held.evaluate(10_000)).toBe(false)
  metrics.add('iterations', 1, none)
  expect([held.evaluate(4999), held.evaluate(5000)]).toEqual([false, true])

  const { metrics: others, limits: staying, none: noTags } = limits('iterations', 'count<1')
  others.add('iterations', 1, noTags)
  expect(staying.evaluate(1e9)).toBe(false)
  expect(staying.crossed).toEqual(['iterations'])
})

test('without a delay it ends the run at once', () => {
  const { metrics, limits: held, none } = limits('iterations', { threshold: 'count<1', abortOnFail: true })
  metrics.add('iterations', 1, none)
  expect(held.evaluate(0)).toBe(true)
})

test('a metric is named once, and one without thresholds has none', () => {
  const metrics = new Metrics()
  const held = new Thresholds(metrics, { iterations: ['count>0', 'count>1'], http_reqs: ['count>0'] })
  held.evaluate(1)
  expect(held.crossed).toEqual(['http_reqs', 'iterations'])
  expect(held.of('iterations')).toEqual({ 'count>0': { ok: false }, 'count>1': { ok: false } })
  expect(held.of('vus')).toBeUndefined()
})

test.each([
  ['http_reqs', 'count', 'the threshold "count" of http_reqs cannot be read: write it as "p(95)<500"'],
  ['http_reqs', 'count<x', 'cannot be read'],
  ['http_reqs', 'count<1; rate<1', 'cannot be read'],
  ['http_reqs', 'p(95)<5', 'is about "p(95)": a counter has count and rate'],
  ['checks', 'count>1', 'is about "count": a rate has rate'],
  ['http_req_duration', 'rate<1', '"rate" is not a statistic'],
  ['http_req_duration', 'p(200)<1', '"p(200)" is not a statistic'],
  ['http_req_waiting', 'avg<1', 'this runner does not have the metric http_req_waiting: run it with k6'],
])('%s: "%s" is refused', (metric, threshold, message) => {
  expect(() => limits(metric, threshold)).toThrow(message)
})
