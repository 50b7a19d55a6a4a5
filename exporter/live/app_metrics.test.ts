/** Pages of apps and of the gateway, read as counters. */
import { expect, test } from 'bun:test'
import { parseAppMetrics } from './app_metrics.ts'

const DURATION = 'http_server_request_duration_seconds'

test('requests are counted by route and status, latencies by route, over all methods', () => {
  const page = ['GET', 'POST'].map((method) =>
    ['200', '500'].map(
      (status) =>
        `${DURATION}_bucket{le="0.1",http_request_method="${method}",http_route="/a",http_response_status_code="${status}"} 1\n` +
        `${DURATION}_bucket{le="+Inf",http_request_method="${method}",http_route="/a",http_response_status_code="${status}"} 3\n` +
        `${DURATION}_count{http_request_method="${method}",http_route="/a",http_response_status_code="${status}"} 3\n`,
    ),
  )
  const { routes } = parseAppMetrics(page.flat().join(''))
  expect([...routes]).toEqual([
    [
      '/a',
      {
        byStatus: new Map([
          ['200', 6],
          ['500', 6],
        ]),
        buckets: new Map([
          [0.1, 4],
          [Infinity, 12],
        ]),
      },
    ],
  ])
})

test('upstreams have targets, retries and a queue, and routes lead to them', () => {
  const { upstreams, routeInfo } = parseAppMetrics(
    [
      'gateway_upstream_targets{upstream="dogs",state="healthy"} 2',
      'gateway_upstream_targets{upstream="dogs",state="ejected"} 1',
      'gateway_upstream_queue_length{upstream="dogs",worker="1"} 3',
      'gateway_upstream_queue_length{upstream="dogs",worker="2"} 1',
      'gateway_upstream_retries_total{upstream="dogs",reason="stale"} 1',
      'gateway_upstream_retries_total{upstream="dogs",reason="gone"} 2',
      'gateway_upstream_request_duration_seconds_count{upstream="dogs",http_response_status_code="200"} 5',
      'gateway_route_info{http_route="pets",host="",path="/dogs",upstream="dogs"} 1',
    ].join('\n'),
  )
  expect(upstreams.get('dogs')).toEqual({
    requests: { byStatus: new Map([['200', 5]]), buckets: new Map() },
    targets: { healthy: 2, ejected: 1 },
    queued: 4,
    retries: 3,
  })
  expect(routeInfo.get('pets')).toEqual({ host: '', path: '/dogs', upstream: 'dogs' })
})

test('an app with very many routes keeps the first 200', () => {
  const page = Array.from({ length: 300 }, (_, i) => `${DURATION}_count{http_route="/${i}"} 1\n`).join('')
  const { routes } = parseAppMetrics(page)
  expect([routes.size, routes.has('/199'), routes.has('/200')]).toEqual([200, true, false])
})

test('a gateway with very many upstreams and routes keeps the first 200 of each', () => {
  const page = Array.from({ length: 201 }, (_, i) =>
    [
      `gateway_upstream_targets{upstream="u${i}",state="healthy"} 1`,
      `gateway_upstream_queue_length{upstream="u${i}"} 1`,
      `gateway_upstream_retries_total{upstream="u${i}"} 1`,
      `gateway_upstream_request_duration_seconds_count{upstream="u${i}"} 1`,
      `gateway_upstream_request_duration_seconds_bucket{upstream="u${i}",le="1"} 1`,
      `gateway_route_info{http_route="r${i}"} 1`,
    ].join('\n'),
  ).join('\n')
  const { upstreams, routeInfo } = parseAppMetrics(page)
  expect([upstreams.size, upstreams.has('u199'), upstreams.has('u200')]).toEqual([200, true, false])
  expect([routeInfo.size, routeInfo.has('r199'), routeInfo.has('r200')]).toEqual([200, true, false])
})
