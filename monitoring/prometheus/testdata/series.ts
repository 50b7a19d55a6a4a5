/** The names and labels of the series in the cases of alerts. */

export type Series = Readonly<Record<string, string>>

export type AlertCase = {
  fires: Series
  quiet: Series
  /** The time of the check in both. */
  at?: string
  /** The labels of the series that the expression returns. */
  labels: Readonly<Record<string, string>>
  /** The value, formatted as in the summary. */
  value?: string
}

export const dogs = { job: 'dogs', instance: 'dogs:9001' }
export const app = { app: 'dogs', target: 'http://dogs:9001/stats' }
export const upstream = { upstream: 'dogs' }
export const prometheus = { job: 'prometheus', instance: 'prometheus:9090' }

/** The notation of a series: metric and labels. */
export const of = (metric: string, ...labels: Readonly<Record<string, string>>[]): string => {
  const pairs = Object.entries(Object.assign({}, ...labels) as Record<string, string>)
  return `${metric}{${pairs.map(([name, value]) => `${name}="${value}"`).join(', ')}}`
}

export const up = (job: string) => of('up', { job, instance: `${job}:1` })
export const requests = (job: string, status: string) =>
  of('http_server_request_duration_seconds_count', {
    job,
    instance: `${job}:1`,
    http_response_status_code: status,
  })
export const exits = (reason: string, worker = '1') =>
  of('prefork_worker_exits_total', app, { worker, reason })
export const state = (name: string) => of('prefork_workers', app, { state: name })
export const bucket = (metric: string, le: string) => of(`${metric}_bucket`, dogs, { le })
export const databaseErrors = (error_type: string) =>
  of('db_client_operation_errors_total', dogs, { error_type })
export const connections = (state: string) => of('db_client_connection_count', dogs, { state })
export const operations = of('db_client_operation_duration_seconds_count', dogs)
export const attempts = of('gateway_upstream_attempts_total', upstream)
export const responses = (http_response_status_code: string) =>
  of('gateway_upstream_request_duration_seconds_count', upstream, { http_response_status_code })
export const retries = (reason: string) => of('gateway_upstream_retries_total', upstream, { reason })
export const targetState = (name: string) => of('gateway_upstream_targets', upstream, { state: name })

/** A histogram whose values are all between the two bounds. */
export const between = (metric: string, lower: string, upper: string): Series => ({
  [bucket(metric, lower)]: '0x120',
  [bucket(metric, upper)]: '0+100x120',
  [bucket(metric, '+Inf')]: '0+100x120',
})
