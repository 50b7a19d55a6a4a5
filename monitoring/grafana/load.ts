/**
 * A run of the load test beside the stack's own view of it. k6 writes its numbers with
 * `k6 run -o experimental-prometheus-rw`, labelled by the shape of the load.
 */

import {
  CountsPerSecond,
  PercentUnit,
  RequestsPerSecond,
  Seconds,
  Short,
} from '@grafana/grafana-foundation-sdk/units'
import { dashboardOf, line, section } from './dashboard.ts'
import { below, graph, stat } from './panels.ts'
import { edge, load, max, quantile, rate, workers } from './promql.ts'
import { choiceOf } from './variables.ts'

const run = [
  line(
    4,
    stat('Users', Short, 'Users that k6 runs now.', max('k6_vus', load, [], 'users')),
    stat(
      'Requests of k6',
      RequestsPerSecond,
      'Requests per second that k6 sends.',
      rate('k6_http_reqs_total', load, [], 'sent'),
    ),
    stat(
      'Checks passed',
      PercentUnit,
      'The part of all checks of answers that held.',
      max('k6_checks_rate', load, [], 'passed'),
    ),
    stat(
      'Failed',
      PercentUnit,
      'The part of requests with an answer that was not right.',
      max('k6_http_req_failed_rate', load, ['op']),
      {
        steps: below(0.001, 0.01),
      },
    ),
    stat(
      'Iterations dropped',
      CountsPerSecond,
      'Iterations per second for which no user was free: the pace asked for is above what the stack, or k6, can do.',
      rate('k6_dropped_iterations_total', load, [], 'dropped'),
      {
        steps: below(0.1, 1),
      },
    ),
  ),
]

const bothSides = [
  section(
    'What k6 saw, and what the gateway saw',
    9,
    graph(
      'Requests on both sides',
      RequestsPerSecond,
      'What k6 sent and what the gateway answered: the same, unless somebody else sends, too.',
      [
        rate('k6_http_reqs_total', load, [], 'k6'),
        rate('http_server_request_duration_seconds_count', edge, [], 'gateway'),
      ],
    ),
    graph(
      'p99 on both sides',
      Seconds,
      'What is between the two lines is the network, the kernel, and k6 itself waiting for a processor. Those of k6 are since the run began.',
      [
        max('k6_http_req_duration_p99', load, ['op'], 'k6 {{op}}'),
        { ...quantile(0.99, 'http_server_request_duration_seconds', edge), legend: 'gateway' },
      ],
    ),
  ),
]

const stack = [
  section(
    'The stack meanwhile',
    7,
    graph(
      'Requests by operation',
      RequestsPerSecond,
      'Requests per second that k6 sends, by operation of the mix.',
      rate('k6_http_reqs_total', load, ['op']),
    ),
    graph('Users and iterations', Short, 'Users, and iterations per second.', [
      max('k6_vus', load, [], 'users'),
      rate('k6_iterations_total', load, [], 'iterations per second'),
    ]),
    graph(
      'CPU of the busiest worker',
      PercentUnit,
      'At 100 % its one thread is full: then the breaking point is there.',
      {
        expr: `max by (app) (rate(prefork_worker_cpu_seconds_total{${workers}}[$__rate_interval]))`,
        legend: '{{app}}',
      },
      { limit: 0.9, more: 'workers' },
    ),
    graph(
      'Refused by the gateway',
      RequestsPerSecond,
      'Requests that the gateway answered itself, by why.',
      rate('gateway_rejections_total', edge, ['reason']),
      {
        more: 'gateway',
      },
    ),
  ),
]

/** k6 and the stack, on one time axis. */
export const loadTest = dashboardOf({
  uid: 'load-test',
  title: 'Load test',
  description: "A run of k6 beside the stack's own view of it.",
  variables: [choiceOf('shape', 'Shape', 'label_values(k6_vus, shape)')],
  lines: [...run, ...bothSides, ...stack],
})
