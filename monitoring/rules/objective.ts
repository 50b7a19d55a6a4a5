/** An objective for clients: which requests count as bad, and how large a share of 30 days may be bad. */

export type Objective = {
  /** Part of the names of its series: `edge:slo_<id>:...`. */
  id: string
  /** The name of its burn-rate alert. */
  alert: string
  /** The name in panels, in a few words. */
  title: string
  /** The share of good requests in 30 days: 0.999. */
  target: number
  /** Bad requests: responses with these status codes (a regular expression), or responses slower than a bucket bound. */
  bad: { status: string } | { slowerThanSeconds: number }
  /** Completes "30 % of all requests": `fail`. */
  are: string
  /** Completes "The objective is": `99.9 % without 5xx`. */
  promise: string
  /** Where to look first. */
  hint: string
}

/** The days over which objectives hold. */
export const PERIOD_DAYS = 30

/** The share of requests that may be bad, without the rounding error of `1 - target`. */
export const allowed = ({ target }: Objective): number => Number((1 - target).toFixed(9))

/** The name of a series of an objective. */
export const seriesOf = ({ id }: Objective, what: string): string => `edge:slo_${id}:${what}`
