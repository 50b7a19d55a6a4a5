/** The gateway: what clients got, what each upstream did for it, what it refused, and its connections on both sides. */

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
import { buckets, edge, max, part, quantile, quantiles, rate, rateOf, sum } from './promql.ts'

const duration = 'http_server_request_duration_seconds'
const requests = `${duration}_count`
const upstreamDuration = 'gateway_upstream_request_duration_seconds'
const attempts = 'gateway_upstream_attempts_total'
const retries = 'gateway_upstream_retries_total'

const edgeLines = [
  line(
    4,
    stat(
      'Requests',
      RequestsPerSecond,
      'Requests per second that were answered.',
      rate(requests, edge, [], 'requests'),
    ),
    stat(
      'Errors',
      PercentUnit,
      'The part that was answered 5xx. The objective is 0.1 %.',
      part(requests, edge, 'http_response_status_code=~"5.."'),
      { steps: below(0.001, 0.01), mappings: [idle] },
    ),
    stat(
      'Within 250 ms',
      PercentUnit,
      'The part that was answered within the objective of 0.25 s, which is to be at least 99 %.',
      {
        expr: `sum(rate(${duration}_bucket{${edge}, le="0.25"}[$__rate_interval])) / sum(rate(${requests}{${edge}}[$__rate_interval]))`,
        legend: 'within',
      },
      { mappings: [idle] },
    ),
    stat(
      'Targets that take requests',
      Short,
      'Targets of each upstream that are not ejected; the last one never is.',
      {
        expr: `min by (upstream) (sum by (upstream, instance) (gateway_upstream_targets{${edge}, state=~"healthy|slow_start"}))`,
        legend: '{{upstream}}',
      },
      { steps: atLeast(1) },
    ),
  ),
  line(
    8,
    graph(
      'Responses by status',
      RequestsPerSecond,
      'Responses per second that clients got; 499 is a client that went away.',
      rate(requests, edge, ['http_response_status_code']),
      { isStacked: true },
    ),
    heatmap(
      'Latency',
      Seconds,
      'How many requests took how long, from arrival to the head of the answer.',
      buckets(duration, edge),
    ),
    graph(
      'Latency by route',
      Seconds,
      'Median and 99th percentile, by route id.',
      quantiles(duration, edge, ['http_route']),
      { limit: 0.25 },
    ),
  ),
]

const upstreamLines = [
  section(
    'Upstreams',
    7,
    graph(
      'Answers by upstream',
      RequestsPerSecond,
      'Answers per second by status; 0 is an attempt that got none.',
      rate(`${upstreamDuration}_count`, edge, ['upstream', 'http_response_status_code']),
    ),
    graph(
      'Latency by upstream',
      Seconds,
      'From sending a request to the head of its answer.',
      quantiles(upstreamDuration, edge, ['upstream']),
    ),
    graph(
      'Targets by state',
      Short,
      'Healthy, ejected (gets nothing until checks pass), slow_start (gets its share little by little).',
      max('gateway_upstream_targets', edge, ['upstream', 'state']),
    ),
  ),
  line(
    7,
    graph(
      'Attempts by upstream',
      RequestsPerSecond,
      'Requests sent to each upstream, or tried to; above its requests where some were sent once more.',
      rate(attempts, edge, ['upstream']),
    ),
    graph(
      'Retries',
      RequestsPerSecond,
      'Requests per second that were sent once more, by why.',
      rate(retries, edge, ['upstream', 'reason']),
    ),
    graph(
      'Retries of the budget',
      PercentUnit,
      'Those that cost (gone, answer_timeout) for each request: at 20 % nothing more is sent again.',
      {
        expr: `${rateOf(retries, `${edge}, reason=~"gone|answer_timeout"`, ['upstream'])} / (${rateOf(attempts, edge, ['upstream'])} - ${rateOf(retries, edge, ['upstream'])})`,
        legend: '{{upstream}}',
      },
      { limit: 0.2 },
    ),
    graph(
      'Waiting for a connection',
      Short,
      'Requests in the queue because all connections are taken or no worker is ready.',
      sum('gateway_upstream_queue_length', edge, ['upstream']),
    ),
  ),
  line(
    7,
    graph(
      'Upstream connections',
      Short,
      'Connections of the pool: active ones carry a request, idle ones wait for one.',
      sum('gateway_upstream_connections', edge, ['upstream', 'state']),
    ),
    graph(
      'Connects',
      CountsPerSecond,
      'New connections per second by how they began; many for few requests is a pool that does not keep them.',
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
      'How long those waited that had to.',
      quantile(0.99, 'gateway_upstream_queue_seconds', edge, ['upstream']),
    ),
  ),
]

const clientLines = [
  section(
    'Clients',
    7,
    graph(
      'Client connections',
      Short,
      'Connections of clients: reading a request, writing an answer, or waiting for the next request.',
      sum('gateway_connections', edge, ['state']),
      { isStacked: true },
    ),
    graph(
      'Accepted connections',
      CountsPerSecond,
      'New connections per second: many for few requests are clients without keep-alive.',
      rate('gateway_connections_accepted_total', edge, [], 'accepted'),
    ),
    graph('Traffic', BytesPerSecondIEC, 'Bytes from and to clients, heads included.', [
      rate('gateway_received_bytes_total', edge, [], 'received'),
      rate('gateway_sent_bytes_total', edge, [], 'sent'),
    ]),
  ),
  line(
    7,
    graph(
      'Refused requests',
      RequestsPerSecond,
      'Requests that the gateway answered itself, by why.',
      rate('gateway_rejections_total', edge, ['reason']),
    ),
    graph(
      'Aborts',
      RequestsPerSecond,
      'Clients per second that left before they had the whole answer.',
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
]

/** The edge, from clients to upstreams. */
export const gateway = dashboardOf({
  uid: 'gateway',
  title: 'Gateway',
  description: 'What clients got, and what the upstreams did for it.',
  lines: [...edgeLines, ...upstreamLines, ...clientLines],
})
