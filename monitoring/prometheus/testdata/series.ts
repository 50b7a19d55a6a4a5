/** Series that the cases of alerts are told in: what they are called, and which labels they have. */

export type Series = Readonly<Record<string, string>>

export type AlertCase = {
  fires: Series
  quiet: Series
  /** When both are looked at. */
  at?: string
  /** Of the series that the alert is about. */
  labels: Readonly<Record<string, string>>
  /** Its value as the summary words it. */
  value?: string
}

export const dogs = { job: 'dogs', instance: 'dogs:9001' }
export const family = { app: 'dogs', target: 'http://dogs:9001/stats' }
export const upstream = { upstream: 'dogs' }
export const prometheus = { job: 'prometheus', instance: 'prometheus:9090' }

/** A series of a metric with labels. */
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
  of('prefork_worker_exits_total', family, { worker, reason })
export const state = (name: string) => of('prefork_workers', family, { state: name })
export const bucket = (metric: string, le: string) => of(`${metric}_bucket`, dogs, { le })
export const databaseErrors = (error_type: string) =>
  of('db_client_operation_errors_total', dogs, { error_type })
export const connections = (state: string) => of('db_client_connection_count', dogs, { state })
export const operations = of('db_client_operation_duration_seconds_count', dogs)
export const attempts = of('gateway_upstream_attempts_total', upstream)
export const targetState = (name: string) => of('gateway_upstream_targets', upstream, { state: name })

/** Every value of a histogram is between the two bounds. */
export const between = (metric: string, lower: string, upper: string): Series => ({
  [bucket(metric, lower)]: '0x120',
  [bucket(metric, upper)]: '0+100x120',
  [bucket(metric, '+Inf')]: '0+100x120',
})
