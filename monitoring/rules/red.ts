/** Rate, errors and duration of every app and of every route. */

import { rate5m } from './promql.ts'
import { type Recording, recording, type RuleFile } from './rule.ts'

const duration = 'http_server_request_duration_seconds'
const buckets = `${duration}_bucket`
const rate = `(rate(${buckets}[5m]))`

export const red = (): RuleFile => ({
  name: 'red',
  comment:
    'Rate, errors and duration of every app and of every route. Alert rules read these series; they also serve ad-hoc queries.',
  groups: [
    {
      name: 'red',
      rules: [
        ...rateAndErrors('job', 'job'),
        quantile('job:http_request_duration_seconds:p99_5m', 0.99, 'job', rate5m(buckets)),
        ...rateAndErrors('job_route', 'job, http_route'),
        // No alert reads these two, so they do not need the first values of series, which cost as much again.
        quantile('job_route:http_request_duration_seconds:p50_5m', 0.5, 'job, http_route', rate),
        quantile('job_route:http_request_duration_seconds:p99_5m', 0.99, 'job, http_route', rate),
      ],
    },
  ],
})

function rateAndErrors(level: string, by: string): Recording[] {
  const requests = `${level}:http_requests:rate5m`
  const errors = rate5m(`${duration}_count{http_response_status_code=~"5.."}`)
  return [
    recording(requests, `sum by (${by}) ${rate5m(`${duration}_count`)}`),
    recording(
      `${level}:http_errors:ratio_rate5m`,
      `(sum by (${by}) ${errors} or 0 * ${requests})\n/ (${requests} > 0)`,
    ),
  ]
}

/** NaN, the quantile of nothing, is left out. */
const quantile = (record: string, q: number, by: string, rates: string): Recording =>
  recording(record, `histogram_quantile(${q}, sum by (${by}, le) ${rates}) >= 0`)
