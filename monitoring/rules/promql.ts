/**
 * Rates that count the first value of a series. `rate` sees only increases between two samples, so a burst that creates a label
 * set (the first 502s ever) would be invisible. And gauges without the last values of targets that ended while Prometheus was down.
 */

import { type Apps, quoted } from './rule.ts'

/** The window of {@link rate5m} in seconds, in the form that faster.ts shortens with the windows. */
const WINDOW_SECONDS = '(5 * 60)'

/**
 * Instances whose new series have certainly been 0 before they appeared: an instance was scraped 5 minutes ago, or its process is
 * younger than that. In other cases, for instance after Prometheus was down, the value of a series that appears may be old, and
 * only its increases count. It is no recording: groups are evaluated at times of their own, and one that reads what another group
 * found some seconds before, just before a missed scrape, would count every old value.
 */
const countsFromZero = `(up offset 5m == 1 or time() - process_start_time_seconds < ${WINDOW_SECONDS})`

/** The rate per second of a counter over 5 minutes. A series that is new since 5 minutes counts with its whole value. */
export const rate5m = (counter: string): string => `(
  (${counter} unless ${counter} offset 5m and on (job, instance) ${countsFromZero}) / ${WINDOW_SECONDS}
  or rate(${counter}[5m])
)`

/** The increase of a counter over 5 minutes, with the first values of new series. */
export const increase5m = (counter: string): string => `${rate5m(counter)} * ${WINDOW_SECONDS}`

/**
 * A gauge as Prometheus has read it since its own start. After a restart of Prometheus, a query still returns the last values of
 * targets that ended before, for five minutes, since no scrape has marked them as ended. They would raise alerts about processes
 * that do not exist, or hide that the present ones have no worker. If Prometheus does not scrape itself, they count.
 */
export const current = (gauge: string, { prometheus }: Apps): string =>
  `(${gauge} unless timestamp(${gauge}) < scalar(max(process_start_time_seconds{job=${quoted(prometheus)}})))`

/** Below this rate per second a ratio or a quantile rests on too few requests to raise an alert: 30 in 5 minutes. */
export const LEAST_RATE = 0.1
