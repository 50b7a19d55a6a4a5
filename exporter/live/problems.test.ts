/** What is wrong, in sentences. */
import { describe, expect, test } from 'bun:test'
import { parseStats, type Stats } from '../stats/parse.ts'
import { parseAppMetrics } from './app_metrics.ts'
import type { Red } from './figures.ts'
import { problemOfTarget, problemsOf } from './problems.ts'

const red = (requestsPerSecond: number, failures: Record<string, number> = {}): Red => ({
  requestsPerSecond,
  errorsPerSecond: Object.values(failures).reduce((sum, n) => sum + n, 0),
  failures,
  p50: undefined,
  p95: undefined,
  p99: undefined,
})

function textsOf(document: object, app?: Red, routes: Record<string, Red> = {}, page = ''): string[] {
  const outcome = parseStats(JSON.stringify({ workers: [], ...document }), {
    withCores: false,
    acceptsAnyObject: false,
  })
  if (!('stats' in outcome)) throw new Error(outcome.problem)
  return problemsOf({
    stats: outcome.stats,
    metrics: parseAppMetrics(page),
    red: app,
    routes: new Map(Object.entries(routes)),
  }).map(({ text }) => text)
}

describe('failing requests', () => {
  test.each([
    ['none', red(100), []],
    ['all', red(100, { 500: 100 }), ['100 % of requests fail with 500']],
    ['nearly all are not 100 %', red(1000, { 502: 999, 500: 0.5 }), ['99 % of requests fail with 502']],
    ['one of a hundred', red(100, { 500: 1 }), ['1 % of requests fail with 500']],
    ['fewer', red(101, { 500: 1 }), []],
    ['exceptions of uWSGI', red(10, { exception: 5 }), ['50 % of requests fail with an exception']],
    ['the first reading', undefined, []],
    ['the most frequent status', red(10, { 502: 1, 500: 6, 503: 3 }), ['100 % of requests fail with 500']],
    ['nearly none of very many', red(1000, { 500: 10 }), ['1 % of requests fail with 500']],
    ['more errors than requests', red(1, { 500: 2 }), ['100 % of requests fail with 500']],
    [
      'errors of an unknown number of requests',
      { ...red(0, { 500: 0.5 }), requestsPerSecond: undefined },
      ['100 % of requests fail with 500'],
    ],
    ['an unknown number of errors', { ...red(5), errorsPerSecond: undefined }, []],
  ])('%s', (_, app, texts) => {
    expect(textsOf({}, app)).toEqual(texts)
  })

  test('are of one route if only one fails', () => {
    const routes = { '/a': red(50, { 500: 50 }), '/b': red(50) }
    expect(textsOf({}, red(100, { 500: 50 }), routes)).toEqual(['50 % of requests fail with 500 on /a'])
    expect(textsOf({}, red(50, { 500: 50 }), { '/a': routes['/a'] })).toEqual([
      '100 % of requests fail with 500',
    ])
  })

  test('of a rare route are a problem of that route', () => {
    const routes = { '/rare': red(1, { 500: 1 }), '/b': red(999) }
    expect(textsOf({}, red(1000, { 500: 1 }), routes)).toEqual(['100 % of requests fail with 500 on /rare'])
    expect(textsOf({}, red(1000, { 500: 1 }), { '/b': red(1000, { 500: 1 }) })).toEqual([])
  })

  test('of some rare routes stand with the worst route first, from 5 % on', () => {
    const routes = {
      '/5': red(20, { 500: 1 }),
      '/4': red(25, { 500: 1 }),
      '/all': red(1, { 502: 1 }),
      '/half': red(2, { 503: 1 }),
    }
    expect(textsOf({}, red(10_000, { 500: 2, 502: 1, 503: 1 }), routes)).toEqual([
      '100 % of requests fail with 502 on /all',
      '50 % of requests fail with 503 on /half',
      '5 % of requests fail with 500 on /5',
    ])
  })
})

describe('workers', () => {
  test.each([
    ['ready and hung', ['ready', 'hung'], ['worker 2 is hung: its event loop does not turn']],
    ['dead and starting', ['dead', 'starting'], ['no worker is ready']],
    ['dead and cheap', ['dead', 'cheap'], []],
    ['busy', ['busy'], []],
    ['hung only', ['hung'], ['no worker is ready', 'worker 1 is hung: its event loop does not turn']],
    ['none', [], []],
  ])('%s', (_, states, texts) => {
    const workers = states.map((state, i) =>
      state === 'cheap' ? { id: i + 1, status: state } : { id: i + 1, state },
    )
    expect(textsOf({ workers })).toEqual(texts)
  })
})

describe('upstreams', () => {
  const page = (healthy: number, ejected: number, starting: number) =>
    Object.entries({ healthy, ejected, slow_start: starting })
      .map(([state, count]) => `gateway_upstream_targets{upstream="dogs",state="${state}"} ${count}\n`)
      .join('')

  test.each([
    [2, 0, 0, []],
    [1, 0, 0, []],
    [0, 0, 1, []],
    [1, 1, 1, ['upstream dogs: 1 of 3 targets ejected']],
    [0, 2, 0, ['upstream dogs has no healthy target']],
    [0, 0, 0, ['upstream dogs has no healthy target']],
    [0, 1, 1, ['upstream dogs: 1 of 2 targets ejected']],
  ])('%d healthy, %d ejected, %d in slow start', (healthy, ejected, starting, texts) => {
    expect(textsOf({}, undefined, {}, page(healthy, ejected, starting))).toEqual(texts)
  })
})

test.each([
  [511, []],
  [512, ['the listen queue is full: 512 connections wait']],
])('%d connections in a queue of 512', (queue, texts) => {
  expect(textsOf({ sockets: [{ name: ':1', queue, max_queue: 512 }] })).toEqual(texts)
})

test('the weights put what cannot be used before failing requests, and those by their share', () => {
  const weightOf = (document: object, app?: Red, page = '') =>
    problemsOf({
      stats: (
        parseStats(JSON.stringify(document), { withCores: false, acceptsAnyObject: true }) as { stats: Stats }
      ).stats,
      metrics: parseAppMetrics(page),
      red: app,
      routes: new Map(),
    })[0]!.weight
  const upstream = (state: string) =>
    `gateway_upstream_targets{upstream="a",state="healthy"} ${state === 'ejected' ? 1 : 0}\ngateway_upstream_targets{upstream="a",state="${state}"} 1\n`
  const weights = [
    problemOfTarget('gone').weight,
    weightOf({ workers: [{ id: 1, state: 'dead' }] }),
    weightOf({}, red(10, { 500: 10 })),
    weightOf({}, red(10, { 500: 5 })),
    weightOf({
      workers: [
        { id: 1, state: 'ready' },
        { id: 2, state: 'hung' },
      ],
    }),
    weightOf({}, undefined, upstream('ejected')),
  ]
  expect(weights).toEqual(weights.toSorted((a, b) => b - a))
  expect(new Set(weights).size).toBe(weights.length)
})

test('a state that the gateway does not tell of has no targets', () => {
  const targets = (state: string) => `gateway_upstream_targets{upstream="dogs",state="${state}"} 1\n`
  expect(textsOf({}, undefined, {}, targets('ejected'))).toEqual(['upstream dogs has no healthy target'])
  expect(textsOf({}, undefined, {}, targets('healthy'))).toEqual([])
  expect(textsOf({}, undefined, {}, targets('slow_start'))).toEqual([])
})

test('queues are added, and so are their limits', () => {
  const sockets = (queue: number) => ({
    sockets: [{ name: ':1', queue, max_queue: 5 }, { name: ':2', queue: 4, max_queue: 5 }, { name: ':3' }],
  })
  expect(textsOf(sockets(5))).toEqual([])
  expect(textsOf(sockets(6))).toEqual(['the listen queue is full: 10 connections wait'])
})

test('a socket whose limit is unknown is never full', () => {
  expect(textsOf({ sockets: [{ name: '/run/s', queue: 0, max_queue: 0 }] })).toEqual([])
  expect(textsOf({ sockets: [{ name: '/run/s', queue: 5 }] })).toEqual([])
})
