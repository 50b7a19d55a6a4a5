/** Alerts about upstreams and queues as the gateway measures them. A gateway.toml that is rejected at a reload raises ReloadFailed. */

import { current, LEAST_RATE } from './promql.ts'
import { type Apps, alertsOf, jobs, type RuleFile } from './rule.ts'

const attempts = 'sum by (upstream) (rate(gateway_upstream_attempts_total[5m]))'
const retries = 'sum by (upstream) (rate(gateway_upstream_retries_total[5m]))'
/** Status 0 is an attempt that ended without a response. */
const responses = 'gateway_upstream_request_duration_seconds_count{http_response_status_code!="0"}'
const failures = 'gateway_upstream_request_duration_seconds_count{http_response_status_code="0"}'
const rejections = 'sum by (job) (rate(gateway_rejections_total[5m]))'
const app = '{{ $labels.upstream }}'

export function gateway(apps: Apps): RuleFile {
  const alert = alertsOf(apps)
  const requests = `sum by (job) (rate(http_server_request_duration_seconds_count{${jobs(apps.edge)}}[5m]))`
  const about = { app, runbook: 'gateway', dashboard: 'gateway' } as const
  return {
    name: 'gateway',
    comment: 'Upstreams and queues as the gateway measures them.',
    groups: [
      {
        name: 'gateway',
        rules: [
          // The gateway never ejects the last target, so its failure shows in attempts that end without a response. Attempts
          // that have not ended say nothing: a response may take minutes. A response that creates a series is not in any rate.
          alert('UpstreamDown', {
            ...about,
            expr: `sum by (upstream) ${current('gateway_upstream_targets{state=~"healthy|slow_start"}', apps)} == 0
or sum by (upstream) (rate(${failures}[1m])) > 0.1
  unless (
    sum by (upstream) (rate(${responses}[1m])) > 0
    or sum by (upstream) (${responses} unless ${responses} offset 1m) > 0
  )`,
            for: '30s',
            severity: 'page',
            summary: 'no target of {{ $labels.upstream }} responds to the gateway',
            description:
              'The gateway keeps trying and responds 502 or 503 meanwhile. Check the service behind it.',
          }),
          alert('UpstreamTargetEjected', {
            ...about,
            expr: `max by (upstream) ${current('gateway_upstream_targets{state="ejected"}', apps)} > 0`,
            for: '2m',
            severity: 'ticket',
            summary: '{{ $value | printf "%.0f" }} targets of {{ $labels.upstream }} are ejected',
            description:
              'They failed too often and get no requests until a health check succeeds. The other targets carry the load.',
          }),
          alert('UpstreamNoAnswer', {
            ...about,
            expr: `sum by (upstream) (rate(${failures}[5m])) / ${attempts} > 0.05\nand ${attempts} > ${LEAST_RATE}`,
            for: '2m',
            severity: 'ticket',
            summary:
              '{{ $value | humanizePercentage }} of the attempts at {{ $labels.upstream }} get no response',
            description:
              'The connection is refused or reset, or the response comes too late. Causes: workers that die or hang, or the network.',
          }),
          alert('UpstreamConnectsFailing', {
            ...about,
            expr: 'sum by (upstream) (rate(gateway_upstream_connects_total{result!="ok"}[5m])) > 0.2',
            for: '2m',
            severity: 'ticket',
            summary: '{{ $value | printf "%.1f" }} connects per second to {{ $labels.upstream }} fail',
            description: 'No process listens at the address, or its accept queue is full.',
          }),
          // Only these two reasons use up the retry budget. Attempts less retries are requests.
          alert('RetriesNearBudget', {
            ...about,
            expr: `sum by (upstream) (rate(gateway_upstream_retries_total{reason=~"gone|answer_timeout"}[5m]))
/ (${attempts} - ${retries}) > 0.15
and ${attempts} > ${LEAST_RATE}`,
            for: '2m',
            severity: 'ticket',
            summary:
              '{{ $value | humanizePercentage }} of the requests to {{ $labels.upstream }} are retried, of 20 % allowed',
            description:
              'Retries hide these failures from clients. When the budget is used up, clients see each failure.',
          }),
          alert('UpstreamQueueing', {
            ...about,
            expr: 'max by (upstream) (min_over_time(gateway_upstream_queue_length[1m])) > 0',
            for: '1m',
            severity: 'ticket',
            summary: '{{ $value | printf "%.0f" }} requests wait for a connection to {{ $labels.upstream }}',
            description:
              'No connection was free for a minute: the service is slow, max_connections is low, or no target is ready. When the queue is full the gateway responds 503.',
          }),
          alert('GatewayRefusing', {
            ...about,
            app: '{{ $labels.job }}',
            // A rejected connection is no request: there may be more rejections than requests.
            expr: `(${rejections} > ${LEAST_RATE})
/ (${requests} > ${rejections} or ${rejections}) > 0.05`,
            for: '5m',
            severity: 'ticket',
            summary: 'the gateway rejects {{ $value | humanizePercentage }} of all requests',
            description:
              'The dashboard shows the reasons. Causes: a client that does not send valid HTTP, limits that are too low, or an attack.',
          }),
        ],
      },
    ],
  }
}
