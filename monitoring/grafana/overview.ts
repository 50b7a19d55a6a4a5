/**
 * The overview: one screen that answers "is it healthy?" in its top row and "where is it slow?" below, from the
 * edge through the services to the database and the workers.
 */

import { MappingType } from '@grafana/grafana-foundation-sdk/dashboard'
import {
  BytesIEC,
  OpsPerSecond,
  PercentUnit,
  RequestsPerSecond,
  RowsPerSecond,
  Seconds,
  Short,
} from '@grafana/grafana-foundation-sdk/units'
import { dashboardOf } from './dashboard.ts'
import { graph, idle, stat } from './panels.ts'
import { edge, quantileOf, rateOf, selected, sumOf, workers } from './promql.ts'

const requests = 'http_server_request_duration_seconds_count'
const edgeErrors = rateOf(requests, `${edge}, http_response_status_code=~"5.."`)

const health = [
  stat({
    title: 'Targets',
    description:
      'Whether Prometheus reaches each process; where a job has several instances, whether it reaches all.',
    unit: Short,
    width: 8,
    height: 3,
    queries: [{ expr: `min by (job) (up{${selected}})`, legend: '{{job}}' }],
    mappings: [
      {
        type: MappingType.ValueToText,
        options: { '0': { text: 'down' }, '1': { text: 'up' } },
      },
    ],
    thresholds: [
      { value: null, color: 'red' },
      { value: 1, color: 'green' },
    ],
  }),
  stat({
    title: 'Requests at the edge',
    description: 'Requests per second that the gateway answered, whatever the answer.',
    unit: RequestsPerSecond,
    width: 4,
    height: 3,
    queries: [{ expr: rateOf(requests, edge), legend: 'requests' }],
    thresholds: [{ value: null, color: 'blue' }],
  }),
  stat({
    title: 'Errors at the edge',
    description:
      "The part of all requests that the gateway answered with 5xx, its own errors and the services'.",
    unit: PercentUnit,
    width: 3,
    height: 3,
    // Where nothing failed there is no 5xx series: then the ratio is zero, not absent.
    queries: [
      {
        expr: `(${edgeErrors} or 0 * ${rateOf(requests, edge)}) / ${rateOf(requests, edge)}`,
        legend: 'errors',
      },
    ],
    mappings: [idle],
    thresholds: [
      { value: null, color: 'green' },
      { value: 0.001, color: 'orange' },
      { value: 0.01, color: 'red' },
    ],
  }),
  stat({
    title: 'p99 at the edge',
    description: 'The time within which 99 of 100 requests were answered, measured by the gateway.',
    unit: Seconds,
    width: 3,
    height: 3,
    queries: [{ expr: quantileOf(0.99, 'http_server_request_duration_seconds', edge), legend: 'p99' }],
    mappings: [idle],
    thresholds: [
      { value: null, color: 'green' },
      { value: 0.25, color: 'orange' },
      { value: 1, color: 'red' },
    ],
  }),
  stat({
    title: 'Workers ready',
    description: 'Workers that can take a request, busy ones included, for each process family.',
    unit: Short,
    width: 6,
    height: 3,
    queries: [
      { expr: sumOf('prefork_workers', `${workers}, state=~"ready|busy"`, ['app']), legend: '{{app}}' },
    ],
    thresholds: [
      { value: null, color: 'red' },
      { value: 1, color: 'green' },
    ],
  }),
]

const traffic = [
  graph({
    title: 'Requests by route',
    description:
      'Requests per second. A proxied request is drawn twice: by the gateway under its route id, and by the service under its pattern.',
    unit: RequestsPerSecond,
    width: 6,
    height: 7,
    queries: [{ expr: rateOf(requests, selected, ['job', 'http_route']), legend: '{{job}} {{http_route}}' }],
  }),
  graph({
    title: 'Latency by route',
    description: 'Median and 99th percentile of the time from the request to the end of its answer.',
    unit: Seconds,
    width: 6,
    height: 7,
    queries: [0.5, 0.99].map((q) => ({
      expr: quantileOf(q, 'http_server_request_duration_seconds', selected, ['job', 'http_route']),
      legend: `p${q * 100} {{job}} {{http_route}}`,
    })),
  }),
  graph({
    title: 'Responses by status',
    description: 'Responses per second that clients got, by status code; 499 is a client that went away.',
    unit: RequestsPerSecond,
    width: 6,
    height: 7,
    stacked: true,
    queries: [
      {
        expr: rateOf(requests, edge, ['http_response_status_code']),
        legend: '{{http_response_status_code}}',
      },
    ],
  }),
  graph({
    title: 'Gateway overhead',
    description:
      'Latency at the edge beside latency of the upstreams: the gap between two lines is the gateway.',
    unit: Seconds,
    width: 6,
    height: 7,
    queries: [0.5, 0.99].flatMap((q) => [
      {
        expr: quantileOf(q, 'http_server_request_duration_seconds', edge),
        legend: `p${q * 100} edge`,
      },
      {
        expr: quantileOf(q, 'gateway_upstream_request_duration_seconds', edge),
        legend: `p${q * 100} upstream`,
      },
    ]),
  }),
]

const services = [
  graph({
    title: 'Requests in flight',
    description: 'Requests begun and not yet answered. Growth at a steady rate is a queue.',
    unit: Short,
    width: 6,
    height: 6,
    queries: [{ expr: sumOf('http_server_active_requests', selected, ['job']), legend: '{{job}}' }],
  }),
  graph({
    title: 'Event loop lag p99',
    description:
      'How late timers fire in the slowest 1 of 100 turns: time in which a worker could do nothing else.',
    unit: Seconds,
    width: 6,
    height: 6,
    queries: [
      { expr: quantileOf(0.99, 'runtime_eventloop_lag_seconds', selected, ['job']), legend: '{{job}}' },
    ],
  }),
  graph({
    title: 'Database operations',
    description: 'Statements per second, by service and kind.',
    unit: OpsPerSecond,
    width: 6,
    height: 6,
    queries: [
      {
        expr: rateOf('db_client_operation_duration_seconds_count', selected, ['job', 'db_operation_name']),
        legend: '{{job}} {{db_operation_name}}',
      },
    ],
  }),
  graph({
    title: 'Database latency p99',
    description: '99th percentile of the time a statement takes, waiting for the write lock included.',
    unit: Seconds,
    width: 6,
    height: 6,
    queries: [
      {
        expr: quantileOf(0.99, 'db_client_operation_duration_seconds', selected, [
          'job',
          'db_operation_name',
        ]),
        legend: '{{job}} {{db_operation_name}}',
      },
    ],
  }),
]

const resources = [
  graph({
    title: 'Rows',
    description: 'Rows in each table now.',
    unit: Short,
    width: 4,
    height: 6,
    queries: [{ expr: sumOf('model_rows', selected, ['model']), legend: '{{model}}' }],
  }),
  graph({
    title: 'Rows changed',
    description:
      'Rows inserted, updated and deleted per second, those of one bulk statement counted one by one.',
    unit: RowsPerSecond,
    width: 5,
    height: 6,
    queries: ['inserts', 'updates', 'deletes'].map((change) => ({
      expr: rateOf(`model_${change}_total`, selected, ['model']),
      legend: `{{model}} ${change}`,
    })),
  }),
  graph({
    title: 'CPU by worker',
    description: 'CPU time per second of each worker: at 100 % its one thread is full.',
    unit: PercentUnit,
    width: 5,
    height: 6,
    queries: [
      {
        expr: rateOf('prefork_worker_cpu_seconds_total', workers, ['app', 'target', 'worker']),
        legend: '{{app}} {{worker}}',
      },
    ],
  }),
  graph({
    title: 'Memory by worker',
    description: 'Resident memory of each worker. Pages that workers share are counted in each.',
    unit: BytesIEC,
    width: 5,
    height: 6,
    queries: [
      {
        expr: sumOf('prefork_worker_resident_memory_bytes', workers, ['app', 'target', 'worker']),
        legend: '{{app}} {{worker}}',
      },
    ],
  }),
  graph({
    title: 'Listen queue',
    description:
      'Connections that the kernel has accepted and no worker has taken. Above zero, workers are too few.',
    unit: Short,
    width: 5,
    height: 6,
    queries: [
      {
        expr: sumOf('prefork_listen_queue_length', workers, ['app', 'socket']),
        legend: '{{app}} {{socket}}',
      },
    ],
  }),
]

/** From the edge to the workers, on one screen. */
export const overview = dashboardOf({
  uid: 'overview',
  title: 'Overview',
  description: 'Is it healthy, and where is it slow?',
  panels: [...health, ...traffic, ...services, ...resources],
})
