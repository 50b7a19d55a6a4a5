/** The cases of alerts, and the series that they consist of, in promtool's notation: `0+3x60` rises by 3 in each of 60 scrapes. */

export type Labels = Readonly<Record<string, string>>

/** Values by series. */
export type Series = Readonly<Record<string, string>>

/** One alert that fires: the labels of its series, and its value as in the summary. */
export type Firing = {
  labels: Labels
  value?: string
  /** Chooses among several rules of one name. */
  severity?: string
}

export type AlertCase = {
  claim: string
  series: Series
  /** The alerts of this name that fire at a time: none just before, some just after. */
  looks: Readonly<Record<string, readonly Firing[]>>
  /** The seconds of the first evaluation at which it fires, and of the first one at which it no longer does. */
  fires?: readonly [from: number, until?: number]
}

export const SCRAPE_SECONDS = 10
/** Cases last for half an hour at most. */
const SCRAPES = 180

export const dogs = { job: 'dogs', instance: 'dogs:9001' }
export const app = { app: 'dogs', target: 'http://dogs:9001/stats' }
export const upstream = { upstream: 'dogs' }
export const prometheus = { job: 'prometheus', instance: 'prometheus:9090' }

/** The notation of a series: metric and labels. */
export const of = (metric: string, ...labels: readonly Labels[]): string => {
  const pairs = Object.entries(Object.assign({}, ...labels) as Record<string, string>)
  return `${metric}{${pairs.map(([name, value]) => `${name}="${value}"`).join(', ')}}`
}

/** A gauge with one value. */
export const always = (value: number): string => `${value}x${SCRAPES}`

/** One value until a second, from there on another one. */
export const step = (before: number | '_', atSeconds: number, after: number): string =>
  `${before}x${atSeconds / SCRAPE_SECONDS - 1} ${after}x${SCRAPES}`

/** A counter that rises by so much a second from the start. */
export const perSecond = (rate: number): string =>
  `0+${Number((rate * SCRAPE_SECONDS).toFixed(6))}x${SCRAPES}`

/** A counter that rises from a second on by so much a second. */
export const risesFrom = (atSeconds: number, rate: number, before = 0): string => {
  const [first, then] = [before, rate].map((each) => Number((each * SCRAPE_SECONDS).toFixed(6))) as [
    number,
    number,
  ]
  const steps = atSeconds / SCRAPE_SECONDS - 1
  return `0+${first}x${steps} ${Number((first * steps + then).toFixed(6))}+${then}x${SCRAPES}`
}

/** Every value of a histogram is between the two bounds, with so many a second. */
export const between = (metric: string, lower: string, upper: string, rate = 10): Series => ({
  [of(`${metric}_bucket`, dogs, { le: lower })]: perSecond(0),
  [of(`${metric}_bucket`, dogs, { le: upper })]: perSecond(rate),
  [of(`${metric}_bucket`, dogs, { le: '+Inf' })]: perSecond(rate),
})

/** 10 fast values a second; at 600 s slow ones begin, so that 1 % of the last five minutes are slow 200 s later. */
export const amongFast = (metric: string, labels: Labels): Series => {
  const [lower, all] = [perSecond(10), risesFrom(600, 10.15, 10)]
  return {
    [of(`${metric}_bucket`, labels, { le: '0.1' })]: lower,
    [of(`${metric}_bucket`, labels, { le: '0.2' })]: all,
    [of(`${metric}_bucket`, labels, { le: '+Inf' })]: all,
    [of(`${metric}_count`, labels)]: all,
  }
}

/** Slow values begin at 600 s. */
export const slowFrom = (metric: string, lower: string, upper: string, rate: number) => ({
  [of(`${metric}_bucket`, dogs, { le: lower })]: always(0),
  [of(`${metric}_bucket`, dogs, { le: upper })]: risesFrom(600, rate),
  [of(`${metric}_bucket`, dogs, { le: '+Inf' })]: risesFrom(600, rate),
  [of(`${metric}_count`, dogs)]: risesFrom(600, rate),
})

export const up = (job: string, instance = `${job}:1`) => of('up', { job, instance })
export const requests = (job: string, status: string) =>
  of('http_server_request_duration_seconds_count', {
    job,
    instance: `${job}:1`,
    http_response_status_code: status,
  })
export const exits = (reason: string, worker = '1') =>
  of('prefork_worker_exits_total', app, { worker, reason })
export const state = (name: string, labels: Labels = app) => of('prefork_workers', labels, { state: name })
export const databaseErrors = (error_type: string) =>
  of('db_client_operation_errors_total', dogs, { error_type })
export const statements = of('db_client_operation_duration_seconds_count', dogs)
export const attempts = of('gateway_upstream_attempts_total', upstream)
export const responses = (http_response_status_code: string) =>
  of('gateway_upstream_request_duration_seconds_count', upstream, { http_response_status_code })
export const retries = (reason: string) => of('gateway_upstream_retries_total', upstream, { reason })
export const targetState = (name: string) => of('gateway_upstream_targets', upstream, { state: name })
