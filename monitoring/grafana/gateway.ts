/** The dashboard Gateway: responses to clients, responses of each upstream, rejections, and connections on both sides. */

import {
  BytesIEC,
  BytesPerSecondIEC,
  CountsPerSecond,
  PercentUnit,
  RequestsPerSecond,
  Seconds,
  Short,
} from '@grafana/grafana-foundation-sdk/units'
import { dashboardOf, line, section } from './dashboard.ts'
import { atLeast, below, graph, heatmap, idle, stat } from './panels.ts'
import {
  buckets,
  inFlight,
  type Matchers,
  max,
  orIdle,
  part,
  quantile,
  quantiles,
  rate,
  rateOf,
  ratesOf,
  sum,
} from './promql.ts'
import { choiceOf } from './variables.ts'

const duration = 'http_server_request_duration_seconds'
const requests = `${duration}_count`
const upstreamDuration = 'gateway_upstream_request_duration_seconds'
const attempts = 'gateway_upstream_attempts_total'
const retries = 'gateway_upstream_retries_total'

const edgeLines = ({ edge, route, idles }: Own) => [
  line(
    5,
    stat(
      'Requests',
      RequestsPerSecond,
      'Requests per second that got a response.',
      orIdle(rate(requests, route, [], 'requests'), 0, idles),
    ),
    stat(
      'Errors',
      PercentUnit,
      'Share of requests with a 5xx response. The objective allows 0.1 %.',
      orIdle(part(requests, route, 'http_response_status_code=~"5.."'), 'NaN', idles),
      { steps: below(0.001, 0.01), mappings: [idle] },
    ),
    stat(
      'Within 250 ms',
      PercentUnit,
      'Share of requests with a response within 250 ms. The objective is at least 99 %.',
      orIdle(
        {
          expr: `${rateOf(`${duration}_bucket`, `${route}, le="0.25"`)} / ${rateOf(requests, route)}`,
          legend: 'within',
        },
        'NaN',
        idles,
      ),
      {
        steps: [
          { value: null, color: 'red' },
          { value: 0.99, color: 'green' },
        ],
        mappings: [idle],
      },
    ),
    stat(
      'Targets that take requests',
      Short,
      'Targets of each upstream that are not ejected. The last one is never ejected.',
      {
        expr: `min by (upstream) (sum by (upstream, instance) (gateway_upstream_targets{${edge}, state=~"healthy|slow_start"}))`,
        legend: '{{upstream}}',
      },
      { steps: atLeast(1) },
    ),
  ),
  line(
    10,
    graph(
      'Responses by status',
      RequestsPerSecond,
      'Responses per second to clients. 499: the client closed the connection.',
      rate(requests, route, ['http_response_status_code']),
      { isStacked: true },
    ),
    heatmap(
      'Latency',
      Seconds,
      'Number of requests by duration, from arrival to the response head.',
      buckets(duration, route),
    ),
    graph(
      'Requests by route and status',
      RequestsPerSecond,
      'Responses per second by route id and status: which route fails.',
      rate(requests, route, ['http_route', 'http_response_status_code']),
      { hasMany: true },
    ),
    graph(
      'Latency by route',
      Seconds,
      'Median and 99th percentile, by route id.',
      quantiles(duration, route, ['http_route']),
      { limit: 0.25 },
    ),
  ),
]

const upstreamLines = ({ edge }: Own) => [
  section(
    'Upstreams',
    8,
    graph(
      'Responses by upstream',
      RequestsPerSecond,
      'Responses per second by status. 0: the attempt got no response.',
      rate(`${upstreamDuration}_count`, edge, ['upstream', 'http_response_status_code']),
      { hasMany: true },
    ),
    graph(
      'Latency by upstream',
      Seconds,
      'From sending a request to the response head.',
      quantiles(upstreamDuration, edge, ['upstream']),
    ),
    graph(
      'Targets by state',
      Short,
      'healthy; ejected: gets no requests until health checks succeed; slow_start: its share of requests grows step by step.',
      max('gateway_upstream_targets', edge, ['upstream', 'state']),
      { hasMany: true },
    ),
  ),
  line(
    8,
    graph(
      'Attempts by upstream',
      RequestsPerSecond,
      'Attempts per second to send a request to each upstream, retries included.',
      rate(attempts, edge, ['upstream']),
    ),
    graph('Retries', RequestsPerSecond, 'Retries per second, by reason.', ratesOf(retries, edge, 'reason')),
    graph(
      'Retries of the budget',
      PercentUnit,
      'Retries that use up the budget (gone, answer_timeout) per request. At 20 % the gateway stops retrying.',
      {
        expr: `${rateOf(retries, `${edge}, reason=~"gone|answer_timeout"`, ['upstream'])} / (${rateOf(attempts, edge, ['upstream'])} - ${rateOf(retries, edge, ['upstream'])})`,
        legend: '{{upstream}}',
      },
      { limit: 0.2 },
    ),
    graph(
      'Waiting for a connection',
      Short,
      'Requests in the queue because all connections are in use or no target is ready.',
      sum('gateway_upstream_queue_length', edge, ['upstream']),
    ),
  ),
  line(
    8,
    graph(
      'Upstream connections',
      Short,
      'Connections of the pool. active: serves a request; idle: waits for one.',
      sum('gateway_upstream_connections', edge, ['upstream', 'state']),
    ),
    graph(
      'Connects',
      CountsPerSecond,
      'New connections per second by result. Many connections for few requests: the upstream does not keep them alive.',
      rate('gateway_upstream_connects_total', edge, ['upstream', 'result']),
    ),
    graph(
      'Connect time p99',
      Seconds,
      'Time until a new connection was open.',
      quantile(0.99, 'gateway_upstream_connect_seconds', edge, ['upstream']),
    ),
    graph(
      'Time in the queue p99',
      Seconds,
      'Time that requests spent in the queue. Requests that did not wait are not counted.',
      quantile(0.99, 'gateway_upstream_queue_seconds', edge, ['upstream']),
    ),
  ),
]

const clientLines = ({ edge }: Own) => [
  section(
    'Clients',
    8,
    graph(
      'Client connections',
      Short,
      'Connections of clients. reading: a request; writing: a response; waiting: for the next request.',
      sum('gateway_connections', edge, ['state']),
      { isStacked: true },
    ),
    graph(
      'Accepted connections',
      CountsPerSecond,
      'New connections per second. Many connections for few requests: clients without keep-alive.',
      rate('gateway_connections_accepted_total', edge, [], 'accepted'),
    ),
    graph('Traffic', BytesPerSecondIEC, 'Bytes per second from and to clients, including headers.', [
      rate('gateway_received_bytes_total', edge, [], 'received'),
      rate('gateway_sent_bytes_total', edge, [], 'sent'),
    ]),
  ),
  line(
    8,
    graph(
      'Rejected requests',
      RequestsPerSecond,
      'Requests per second that the gateway rejected, by reason.',
      ratesOf('gateway_rejections_total', edge, 'reason'),
    ),
    graph(
      'Aborts',
      RequestsPerSecond,
      'Clients per second that closed the connection before the response was complete.',
      rate('gateway_client_aborts_total', edge, [], 'aborts'),
    ),
    graph(
      'Request bodies p99',
      BytesIEC,
      'Size of request bodies, by route.',
      quantile(0.99, 'http_server_request_body_size_bytes', edge, ['http_route']),
    ),
    graph(
      'Response bodies p99',
      BytesIEC,
      'Size of response bodies, by route.',
      quantile(0.99, 'http_server_response_body_size_bytes', edge, ['http_route']),
    ),
  ),
  line(
    8,
    graph(
      'TLS handshakes',
      CountsPerSecond,
      'TLS handshakes of clients per second, by result.',
      ratesOf('gateway_tls_handshakes_total', edge, 'result'),
    ),
    graph(
      'Rejected responses',
      RequestsPerSecond,
      'Responses of upstreams per second that the gateway rejected, by reason. The client gets 502.',
      ratesOf('gateway_upstream_rejections_total', edge, 'reason'),
    ),
    graph(
      'Rate limited',
      RequestsPerSecond,
      'Requests per second above the rate of their route. The client gets 429.',
      rate('gateway_rate_limited_total', edge, [], 'requests'),
    ),
    graph(
      'Log lines left out',
      CountsPerSecond,
      'Access log lines per second above errors_per_second, which are not written.',
      rate('gateway_access_log_left_out_total', edge, [], 'lines'),
    ),
  ),
]

/** The edge, from clients to upstreams. Its own variables choose replicas of the gateway and routes. */
export function gateway(matchers: Matchers) {
  const edge = `${matchers.edge}, instance=~"$gateway"`
  const own: Own = { edge, route: `${edge}, http_route=~"$route"`, idles: inFlight(edge) }
  const series = `http_server_request_duration_seconds_count{${matchers.edge}}`
  return dashboardOf(matchers, {
    uid: 'gateway',
    title: 'Gateway',
    description: 'Responses to clients, and the upstreams behind them.',
    variables: [
      choiceOf('gateway', 'Gateway instance', `label_values(up{${matchers.edge}}, instance)`),
      choiceOf('route', 'Route', `label_values(${series}, http_route)`),
    ],
    lines: [...edgeLines(own), ...upstreamLines(own), ...clientLines(own)],
  })
}

/** The matchers of this dashboard; `route` is for series with a route, `idles` the gauge of gateways that have had no request. */
type Own = { edge: string; route: string; idles: string }
