/**
 * The dashboard Load test: a run of k6 beside the metrics of the stack. k6 writes its metrics with
 * `k6 run -o experimental-prometheus-rw` or, on Bun, `bun run load --out prometheus`, labelled by the shape of the load.
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
import { load, type Matchers, max, quantile, rate, ratesOf } from './promql.ts'
import { choiceOf } from './variables.ts'

const run = [
  line(
    5,
    stat('Users', Short, 'Virtual users of k6.', max('k6_vus', load, [], 'users')),
    stat(
      'Requests of k6',
      RequestsPerSecond,
      'Requests per second that k6 sends.',
      rate('k6_http_reqs_total', load, [], 'sent'),
    ),
    stat(
      'Checks passed',
      PercentUnit,
      'Share of the checks of responses that passed.',
      max('k6_checks_rate', load, [], 'passed'),
    ),
    stat(
      'Failed',
      PercentUnit,
      'Share of requests with a wrong response.',
      max('k6_http_req_failed_rate', load, ['op']),
      {
        steps: below(0.001, 0.01),
      },
    ),
    stat(
      'Iterations dropped',
      CountsPerSecond,
      'Iterations per second that k6 did not start because no virtual user was free: the target rate is above the capacity of the stack or of k6.',
      rate('k6_dropped_iterations_total', load, [], 'dropped'),
      {
        steps: below(0.1, 1),
      },
    ),
  ),
]

const bothSides = ({ edge }: Matchers) => [
  section(
    'k6 and the gateway',
    9,
    graph(
      'Requests on both sides',
      RequestsPerSecond,
      'Requests that k6 sent and that the gateway served. They are equal when there is no other client.',
      [
        rate('k6_http_reqs_total', load, [], 'k6'),
        rate('http_server_request_duration_seconds_count', edge, [], 'gateway'),
      ],
    ),
    graph(
      'p99 on both sides',
      Seconds,
      'The difference is the network, the kernel, and the time that k6 waits for CPU. The values of k6 are since the start of the run.',
      [
        max('k6_http_req_duration_p99', load, ['op'], 'k6 {{op}}'),
        { ...quantile(0.99, 'http_server_request_duration_seconds', edge), legend: 'gateway' },
      ],
    ),
  ),
]

const stack = ({ edge, workers }: Matchers) => [
  section(
    'The stack during the run',
    8,
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
      'At 100 % its one thread is busy all the time: the worker is the bottleneck.',
      {
        expr: `max by (app) (rate(prefork_worker_cpu_seconds_total{${workers}}[$__rate_interval]))`,
        legend: '{{app}}',
      },
      { limit: 0.9, more: 'workers' },
    ),
    graph(
      'Rejected by the gateway',
      RequestsPerSecond,
      'Requests per second that the gateway rejected, by reason.',
      ratesOf('gateway_rejections_total', edge, 'reason'),
      {
        more: 'gateway',
      },
    ),
  ),
]

/** k6 and the stack, on one time axis. */
export const loadTest = (matchers: Matchers) =>
  dashboardOf(matchers, {
    uid: 'load-test',
    title: 'Load test',
    description:
      'A run of the load test (bun run load --out prometheus, or k6) beside the metrics of the stack.',
    variables: [choiceOf('shape', 'Shape', 'label_values(k6_vus, shape)')],
    lines: [...run, ...bothSides(matchers), ...stack(matchers)],
  })
