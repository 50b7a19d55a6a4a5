/** The queries of panels that are written by hand, on fixed series with known results, evaluated by promtool. */

import { describe, expect, test } from 'bun:test'
import { isPromtoolExpected, promtools } from '../prometheus/promtool.ts'
import { always, type Labels, of, perSecond, type Series } from '../prometheus/testdata/series.ts'
import { dogs, exported, gateway, outputOf, type ValueCase } from './testing_values.ts'

const host = { job: 'node', instance: 'node:1' }
const duration = 'http_server_request_duration_seconds'

const count = (labels: Labels, status: string, rate: number): Series => ({
  [of(`${duration}_count`, labels, { http_route: 'dogs', http_response_status_code: status })]:
    perSecond(rate),
})
const bucket = (labels: Labels, le: string, rate: number): Series => ({
  [of(`${duration}_bucket`, labels, { http_route: 'dogs', le })]: perSecond(rate),
})

const cases: readonly ValueCase[] = [
  ...['Requests', 'Errors', 'p99'].map((panel) => ({
    dashboard: 'service',
    panel,
    query: 1,
    claim: '-1 for an app of which no instance is up',
    series: { [of('up', dogs)]: always(0), [of('up', gateway)]: always(1) },
    expected: { '{}': -1 },
  })),
  ...['Operations', 'p99', 'Migrations missing', 'Migrations applied'].map((panel) => ({
    dashboard: 'database',
    panel,
    query: 0,
    claim: '-1 for an app of which no instance is up',
    series: { [of('up', dogs)]: always(0), [of('up', gateway)]: always(1) },
    expected: { '{}': -1 },
  })),
  {
    dashboard: 'service',
    panel: 'Requests',
    query: 1,
    claim: 'nothing for an app that is up and has no series yet',
    series: { [of('up', dogs)]: always(0), [of('up', { ...dogs, instance: 'dogs2:1' })]: always(1) },
    expected: {},
  },
  {
    dashboard: 'gateway',
    panel: 'Within 250 ms',
    claim: '7 of 10 within 0.25 s, not the 9 within 0.5 s',
    series: {
      ...bucket(gateway, '0.1', 5),
      ...bucket(gateway, '0.25', 7),
      ...bucket(gateway, '0.5', 9),
      ...count(gateway, '200', 10),
    },
    expected: { '{}': 0.7 },
  },
  {
    dashboard: 'gateway',
    panel: 'Within 250 ms',
    claim: 'of the chosen route only',
    series: {
      ...bucket(gateway, '0.25', 7),
      ...count(gateway, '200', 10),
      [of(`${duration}_count`, gateway, { http_route: 'cats' })]: perSecond(90),
    },
    chosen: { $route: 'dogs' },
    expected: { '{}': 0.7 },
  },
  {
    dashboard: 'gateway',
    panel: 'Errors',
    claim: '500 and 503 of all, 404 and 499 not',
    series: {
      ...count(gateway, '200', 90),
      ...count(gateway, '404', 3),
      ...count(gateway, '499', 3),
      ...count(gateway, '500', 3),
      ...count(gateway, '503', 1),
    },
    expected: { '{}': 0.04 },
  },
  {
    dashboard: 'gateway',
    panel: 'Errors',
    claim: '0 without any 5xx',
    series: count(gateway, '200', 5),
    expected: { '{}': 0 },
  },
  {
    dashboard: 'overview',
    panel: 'Errors at the edge',
    claim: 'errors of services are not counted again',
    series: { ...count(gateway, '200', 9), ...count(gateway, '500', 1), ...count(dogs, '500', 10) },
    expected: { '{}': 0.1 },
  },
  {
    dashboard: 'overview',
    panel: 'Errors at the edge',
    claim: 'nothing without a gateway',
    series: count(dogs, '500', 10),
    expected: {},
  },
  {
    dashboard: 'gateway',
    panel: 'Retries of the budget',
    claim: 'gone and answer_timeout for each request that is no retry',
    series: {
      ...Object.fromEntries(
        Object.entries({ gone: 1, answer_timeout: 1, stale: 3, unreachable: 3, connect_timeout: 2 }).map(
          ([reason, rate]) => [
            of('gateway_upstream_retries_total', gateway, { upstream: 'dogs', reason }),
            perSecond(rate),
          ],
        ),
      ),
      [of('gateway_upstream_attempts_total', gateway, { upstream: 'dogs' })]: perSecond(30),
    },
    expected: { '{upstream="dogs"}': 0.1 },
  },
  {
    dashboard: 'gateway',
    panel: 'Targets that take requests',
    claim: 'healthy and slow_start of the instance that has fewest',
    series: {
      [of('gateway_upstream_targets', gateway, { upstream: 'dogs', state: 'healthy' })]: always(2),
      [of('gateway_upstream_targets', gateway, { upstream: 'dogs', state: 'slow_start' })]: always(1),
      [of('gateway_upstream_targets', gateway, { upstream: 'dogs', state: 'ejected' })]: always(5),
      [of(
        'gateway_upstream_targets',
        { ...gateway, instance: 'b:1' },
        { upstream: 'dogs', state: 'healthy' },
      )]: always(4),
    },
    expected: { '{upstream="dogs"}': 3 },
  },
  {
    dashboard: 'service',
    panel: 'Latency',
    claim: 'a proxied request counts once, at the service',
    series: { ...bucket(gateway, '1', 1), ...bucket(dogs, '1', 1) },
    expected: { '{le="1"}': 60 },
  },
  {
    dashboard: 'service',
    panel: 'Latency',
    claim: 'if only the gateway is chosen its requests count',
    series: { ...bucket(gateway, '1', 2), ...bucket(dogs, '1', 1) },
    chosen: { $job: 'gateway' },
    expected: { '{le="1"}': 120 },
  },
  {
    dashboard: 'overview',
    panel: 'Targets',
    claim: 'down when one of two instances is down',
    series: { [of('up', gateway)]: always(1), [of('up', { ...gateway, instance: 'b:1' })]: always(0) },
    expected: { '{}': 0 },
  },
  {
    dashboard: 'overview',
    panel: 'Alerts',
    claim: 'alerts that fire, not pending ones or Watchdog',
    series: {
      [of('ALERTS', { alertname: 'A', app: 'dogs', alertstate: 'firing' })]: always(1),
      [of('ALERTS', { alertname: 'B', app: 'dogs', alertstate: 'pending' })]: always(1),
      [of('ALERTS', { alertname: 'Watchdog', app: 'prometheus', alertstate: 'firing' })]: always(1),
    },
    expected: { '{alertname="A", app="dogs"}': 1 },
  },
  {
    dashboard: 'overview',
    panel: 'Alerts',
    query: 1,
    claim: '0 while Watchdog alone fires',
    series: { [of('ALERTS', { alertname: 'Watchdog', app: 'prometheus', alertstate: 'firing' })]: always(1) },
    expected: { '{}': 0 },
  },
  {
    dashboard: 'overview',
    panel: 'Alerts',
    query: 1,
    claim: 'no series when no alert is evaluated',
    series: {},
    expected: {},
  },
  {
    dashboard: 'overview',
    panel: 'Workers ready',
    query: 1,
    claim: 'ready and busy ones',
    series: Object.fromEntries(
      ['starting', 'ready', 'busy', 'draining', 'hung', 'dead'].map((state, index) => [
        of('prefork_workers', exported, { state }),
        always(index + 1),
      ]),
    ),
    expected: { '{}': 5 },
  },
  {
    dashboard: 'overview',
    panel: 'CPU of workers',
    claim: 'the busiest worker',
    series: {
      [of('prefork_worker_cpu_seconds_total', exported, { worker: '1' })]: perSecond(0.2),
      [of('prefork_worker_cpu_seconds_total', exported, { worker: '2' })]: perSecond(0.7),
    },
    expected: { '{app="dogs"}': 0.7 },
  },
  {
    dashboard: 'error-budget',
    panel: 'Burn rate over 1h',
    claim: 'a multiple of the allowed 0.1 %',
    series: {
      [of('edge:slo_errors:ratio_rate1h', { job: 'gateway' })]: always(0.002),
      [of('http_server_active_requests', gateway, { http_request_method: 'GET' })]: always(1),
    },
    expected: { '{}': 2 },
  },
  {
    dashboard: 'error-budget',
    panel: 'Burn rate over 1h',
    query: 1,
    claim: 'a multiple of the allowed 1 %',
    series: { [of('edge:slo_slow:ratio_rate1h', { job: 'gateway' })]: always(0.002) },
    expected: { '{}': 0.2 },
  },
  {
    dashboard: 'error-budget',
    panel: 'Good requests in 30 days',
    claim: 'the share that is not bad',
    series: { [of('edge:slo_errors:ratio_rate30d', { job: 'gateway' })]: always(0.25) },
    expected: { '{job="gateway"}': 0.75 },
  },
  {
    dashboard: 'workers',
    panel: 'Time per request',
    claim: 'seconds over requests',
    series: {
      [of('prefork_worker_running_seconds_total', exported, { worker: '1' })]: perSecond(0.6),
      [of('prefork_worker_requests_total', exported, { worker: '1' })]: perSecond(3),
    },
    expected: { '{app="dogs"}': 0.2 },
  },
  {
    dashboard: 'workers',
    panel: 'Stats read',
    claim: 'the share of targets',
    series: {
      [of('exporter_target_up', { job: 'exporter', target: 'http://a/stats' })]: always(1),
      [of('exporter_target_up', { job: 'exporter', target: 'http://b/stats' })]: always(0),
    },
    expected: { '{}': 0.5 },
  },
  {
    dashboard: 'workers',
    panel: 'Age by worker',
    claim: 'a slot without a process has no age',
    series: {
      [of('prefork_worker_last_spawn_timestamp_seconds', exported, { worker: '1' })]: always(240),
      [of('prefork_worker_last_spawn_timestamp_seconds', exported, { worker: '2' })]: always(0),
    },
    expected: {
      '{app="dogs", instance="dogs:1", job="exporter", target="http://dogs:1/stats", worker="1"}': 360,
    },
  },
  {
    dashboard: 'workers',
    panel: 'Exits by reason',
    query: 1,
    claim: 'only reasons that occur',
    series: {
      [of('prefork_worker_exits_total', exported, { worker: '1', reason: 'crash' })]: perSecond(0.5),
      [of('prefork_worker_exits_total', exported, { worker: '1', reason: 'oom' })]: perSecond(0),
    },
    expected: { '{reason="crash"}': 0.5 },
  },
  {
    dashboard: 'capacity',
    panel: 'Connections of the pools',
    claim: 'used of all',
    series: {
      [of('db_client_connection_count', dogs, { state: 'used' })]: always(1),
      [of('db_client_connection_count', dogs, { state: 'idle' })]: always(3),
    },
    expected: { '{job="dogs"}': 0.25 },
  },
  {
    dashboard: 'capacity',
    panel: 'CPU of the workers',
    claim: 'CPU time for each ready or busy worker',
    series: {
      [of('prefork_worker_cpu_seconds_total', exported, { worker: '1' })]: perSecond(0.9),
      [of('prefork_workers', exported, { state: 'ready' })]: always(1),
      [of('prefork_workers', exported, { state: 'busy' })]: always(2),
      [of('prefork_workers', exported, { state: 'starting' })]: always(6),
    },
    expected: { '{app="dogs"}': 0.3 },
  },
  {
    dashboard: 'capacity',
    panel: 'CPU of hosts',
    claim: 'what is not idle',
    series: {
      [of('node_cpu_seconds_total', host, { cpu: '0', mode: 'idle' })]: perSecond(0.25),
      [of('node_cpu_seconds_total', host, { cpu: '1', mode: 'idle' })]: perSecond(0.75),
    },
    expected: { '{instance="node:1"}': 0.5 },
  },
]

describe.skipIf(!isPromtoolExpected).each(promtools)('%s', (program) => {
  test.each(cases.map((each) => [`${each.dashboard}, ${each.panel}: ${each.claim}`, each] as const))(
    '%s',
    async (_, each) => expect(await outputOf(program, each)).toContain('SUCCESS'),
  )
})
