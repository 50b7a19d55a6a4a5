/**
 * The dashboard Overview, on one screen. The top row shows whether the stack is healthy; the panels below show where it is
 * slow, from the edge through the services to the database and the workers. Each panel links to a more detailed dashboard.
 */

import { MappingType } from '@grafana/grafana-foundation-sdk/dashboard'
import {
  OpsPerSecond,
  PercentUnit,
  RequestsPerSecond,
  Seconds,
  Short,
} from '@grafana/grafana-foundation-sdk/units'
import type { Objective } from '../rules/objective.ts'
import { type Apps, jobs } from '../rules/rule.ts'
import { budgetTile } from './budget.ts'
import { dashboardOf, line } from './dashboard.ts'
import { atLeast, below, graph, idle, stat, texts } from './panels.ts'
import {
  inFlight,
  inOrder,
  type Matchers,
  min,
  orIdle,
  part,
  quantile,
  quantiles,
  rate,
  type Query,
  serving,
  workersReady,
} from './promql.ts'

const duration = 'http_server_request_duration_seconds'
const requests = `${duration}_count`

const firing = 'ALERTS{alertstate="firing", alertname!="Watchdog"}'

const health = (matchers: Matchers, objectives: readonly Objective[]) => {
  const { apps, edge, selected } = matchers
  return line(
    5,
    stat(
      'Targets',
      Short,
      'Whether Prometheus reaches all instances of each job.',
      inOrder([...serving(apps), apps.exporter, apps.prometheus], (job) =>
        min('up', `${selected}, ${jobs([job])}`),
      ),
      {
        steps: atLeast(1),
        mappings: [texts({ '0': { text: 'down' }, '1': { text: 'up' } })],
      },
    ),
    stat(
      'Alerts',
      Short,
      'Alerts that fire, by name and app. The lines in the graphs show their starts.',
      [
        { expr: `max by (alertname, app) (${firing})`, legend: '{{alertname}} {{app}}' },
        // While no other alert fires, Watchdog shows that alerts are evaluated.
        { expr: `0 * max(ALERTS{alertname="Watchdog"}) unless on () ${firing}`, legend: 'alerts' },
      ],
      {
        steps: below(1, 1),
        mappings: [{ type: MappingType.ValueToText, options: { '0': { text: 'none' }, '1': { text: '!' } } }],
        isName: true,
      },
    ),
    stat(
      'Requests at the edge',
      RequestsPerSecond,
      'Requests per second that the gateway responded to, with any status.',
      orIdle(rate(requests, edge, [], 'requests'), 0, inFlight(edge)),
      { more: edgeDashboard(apps) },
    ),
    stat(
      'Errors at the edge',
      PercentUnit,
      'Share of requests with a 5xx response, from the gateway itself or from a service. The objective allows 0.1 %.',
      orIdle(part(requests, edge, 'http_response_status_code=~"5.."'), 'NaN', inFlight(edge)),
      { steps: below(0.001, 0.01), mappings: [idle], more: edgeDashboard(apps) },
    ),
    stat(
      'p99 at the edge',
      Seconds,
      '99 of 100 requests get the response head within this time, measured by the gateway. The objective is 99 % within 0.25 s.',
      orIdle(quantile(0.99, duration, edge), 'NaN', inFlight(edge)),
      { steps: below(0.25, 1), mappings: [idle], more: edgeDashboard(apps) },
    ),
    stat(
      'Workers ready',
      Short,
      'Workers that can take a request, busy ones included, by app.',
      inOrder(serving(apps), (app) => workersReady(matchers, app)),
      { steps: atLeast(1), more: 'workers' },
    ),
    budgetTile(matchers, objectives, 'error-budget'),
  )
}

const traffic = ({ apps, edge, selected }: Matchers) =>
  line(
    8,
    graph(
      'Responses by status',
      RequestsPerSecond,
      'Responses per second to clients, by status code. 499: the client closed the connection.',
      rate(requests, edge, ['http_response_status_code']),
      { isStacked: true, more: edgeDashboard(apps) },
    ),
    graph(
      'Latency at the edge and behind it',
      Seconds,
      'Latency at the edge and of the upstreams. The difference is the time of the gateway itself.',
      [
        // The last series is drawn on top: the edge is never hidden by the upstreams.
        ...(apps.hasGateway
          ? named(quantiles('gateway_upstream_request_duration_seconds', edge), 'upstream')
          : []),
        ...named(quantiles(duration, edge), 'edge'),
      ],
      { limit: 0.25, more: edgeDashboard(apps) },
    ),
    graph(
      'Requests by route',
      RequestsPerSecond,
      'Requests per second. A proxied request is shown twice: by the gateway with its route id, and by the service with its pattern.',
      rate(requests, selected, ['job', 'http_route']),
      { more: 'service' },
    ),
    graph(
      'Latency by app',
      Seconds,
      'Median and 99th percentile of the time from the request to the response head.',
      quantiles(duration, selected, ['job']),
      { more: 'service' },
    ),
  )

const saturation = ({ selected, workers }: Matchers) =>
  line(
    8,
    graph(
      'CPU of workers',
      PercentUnit,
      'CPU time per second of the busiest worker of each app. At 100 % its one thread is busy all the time.',
      {
        expr: `max by (app) (rate(prefork_worker_cpu_seconds_total{${workers}}[$__rate_interval]))`,
        legend: '{{app}}',
      },
      { limit: 0.9, more: 'workers' },
    ),
    graph(
      'Event loop lag p99',
      Seconds,
      '99 of 100 timers fire no later than this. The delay is time in which a worker was busy with other work.',
      quantile(0.99, 'runtime_eventloop_lag_seconds', selected, ['job']),
      { limit: 0.1, more: 'workers' },
    ),
    graph(
      'Database operations',
      OpsPerSecond,
      'Statements per second, by service and kind.',
      rate('db_client_operation_duration_seconds_count', selected, ['job', 'db_operation_name']),
      { hasMany: true, more: 'database' },
    ),
    graph(
      'Database latency p99',
      Seconds,
      '99th percentile of the time of a statement, including the wait for the write lock.',
      quantile(0.99, 'db_client_operation_duration_seconds', selected, ['job', 'db_operation_name']),
      { hasMany: true, more: 'database' },
    ),
  )

const edgeDashboard = ({ hasGateway }: Apps): string => (hasGateway ? 'gateway' : 'service')

const named = (queries: readonly Query[], name: string): Query[] =>
  queries.map(({ expr, legend }) => ({ expr, legend: `${legend} ${name}` }))

/** From the edge to the database, on one screen. */
export const overview = (matchers: Matchers, objectives: readonly Objective[]) =>
  dashboardOf(matchers, {
    uid: 'overview',
    title: 'Overview',
    description: 'Is the stack healthy, and where is it slow?',
    lines: [health(matchers, objectives), traffic(matchers), saturation(matchers)],
  })
