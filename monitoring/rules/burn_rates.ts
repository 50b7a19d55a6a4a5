/**
 * Recording rules and burn-rate alerts of objectives. The rate of bad requests over 5 minutes is recorded once; every longer
 * window adds up these recordings, so that no rule reads raw series over days.
 */

import { allowed, type Objective, PERIOD_DAYS, seriesOf } from './objective.ts'
import { LEAST_RATE, rate5m } from './promql.ts'
import {
  type Alert,
  type AlertOptions,
  type Apps,
  alertsOf,
  dashboardFor,
  jobs,
  type Recording,
  recording,
  type RuleFile,
} from './rule.ts'

/** The rate of all requests, which every objective is a share of. */
const requests = 'edge:http_requests:rate5m'
const duration = 'http_server_request_duration_seconds'

/** Windows that are made of the rate over 5 minutes. Those of days read many samples and change slowly. */
const WINDOWS = ['30m', '1h', '2h', '6h']
const LONG_WINDOWS = ['1d', '3d', `${PERIOD_DAYS}d`]

/**
 * The windows of Google's SRE workbook. An alert needs both of its windows: the long one shows that enough of the budget is gone
 * to matter, the short one that it is still burning. At 14.4 times the allowed speed 2 % of 30 days are gone in an hour.
 */
const burns = [
  { factor: 14.4, long: '1h', short: '5m', minutes: 5, for: '2m', severity: 'page' },
  { factor: 6, long: '6h', short: '30m', minutes: 30, for: '15m', severity: 'page' },
  { factor: 3, long: '1d', short: '2h', minutes: 120, for: '1h', severity: 'ticket' },
  { factor: 1, long: '3d', short: '6h', minutes: 360, for: '3h', severity: 'ticket' },
] as const

/** Fewer bad requests than this in the short window raise no alert: after an idle night one is a large share of all windows. */
const LEAST_BAD = 3
/** The rate per second that is the least number of requests, 30, in a window: all failures of a quiet night are found by a longer one. */
const leastRate = (minutes: number): number => Number(((LEAST_RATE * 5) / minutes).toPrecision(3))

export const burnRates = (apps: Apps, objectives: readonly Objective[]): RuleFile => ({
  name: 'objectives',
  comment:
    'The objectives for clients, measured at the edge. Made from objectives.ts. Fewer than 30 requests in the short window of an alert raise none: a single failure would be a large share.',
  groups: [
    {
      name: 'objectives',
      interval: '30s',
      rules: [
        recording(requests, `sum by (job) ${rate5m(`${duration}_count{${jobs(apps.edge)}}`)}`),
        ...objectives.flatMap((objective) => recordings(apps, objective)),
      ],
    },
    { name: 'objectives_of_days', interval: '2m', rules: objectives.flatMap(longRecordings) },
    {
      name: 'burn_rates',
      interval: '30s',
      rules: objectives.flatMap((objective) => alerts(apps, objective)),
    },
  ],
})

function recordings(apps: Apps, objective: Objective): Recording[] {
  const bad = seriesOf(objective, 'rate5m')
  const ratio = (window: string) => seriesOf(objective, `ratio_rate${window}`)
  return [
    recording(bad, badRequests(apps, objective)),
    recording(ratio('5m'), `${bad} / (${requests} > 0)`),
    ...WINDOWS.map((window) => ratioOver(objective, window)),
  ]
}

const longRecordings = (objective: Objective): Recording[] => [
  ...LONG_WINDOWS.map((window) => ratioOver(objective, window)),
  recording(
    seriesOf(objective, `budget_left_${PERIOD_DAYS}d`),
    `1 - ${seriesOf(objective, `ratio_rate${PERIOD_DAYS}d`)} / ${allowed(objective)}`,
  ),
]

const ratioOver = (objective: Objective, window: string): Recording =>
  recording(
    seriesOf(objective, `ratio_rate${window}`),
    `sum_over_time(${seriesOf(objective, 'rate5m')}[${window}]) / (sum_over_time(${requests}[${window}]) > 0)`,
  )

function badRequests(apps: Apps, { bad }: Objective): string {
  const edge = jobs(apps.edge)
  if ('status' in bad) {
    const failed = rate5m(`${duration}_count{${edge}, http_response_status_code=~"${bad.status}"}`)
    return `sum by (job) ${failed} or 0 * ${requests}`
  }
  const within = rate5m(`${duration}_bucket{${edge}, le="${bad.slowerThanSeconds}"}`)
  return `clamp_min(${requests} - sum by (job) ${within}, 0)`
}

function alerts(apps: Apps, objective: Objective): Alert[] {
  const ratio = (window: string) => seriesOf(objective, `ratio_rate${window}`)
  const bad = seriesOf(objective, 'rate5m')
  return burns.map(({ factor, long, short, minutes, for: waits, severity }) => {
    const limit = `${factor} * ${allowed(objective)}`
    const options: AlertOptions = {
      expr: `${ratio(long)} > ${limit} and ${ratio(short)} > ${limit}
and avg_over_time(${bad}[${short}]) * (${minutes} * 60) >= ${LEAST_BAD} and avg_over_time(${requests}[${short}]) > ${leastRate(minutes)}`,
      for: waits,
      severity,
      app: '{{ $labels.job }}',
      labels: { window: long },
      summary: `{{ $value | humanizePercentage }} of all requests ${objective.are}, measured over ${long}`,
      description: `The objective is ${objective.promise} in ${PERIOD_DAYS} days. ${objective.hint}`,
      runbook: 'edge',
      dashboard: apps.hasGateway ? `gateway?var-route=${worstRoute(objective)}` : dashboardFor('service'),
    }
    return alertsOf(apps)(objective.alert, options)
  })
}

/** The template of the route with the most bad requests, so that the link opens the dashboard filtered by it. */
function worstRoute({ bad }: Objective): string {
  const route = 'job_route:http_requests:rate5m'
  const perRoute = (matchers: string) => `sum by (http_route) (rate(${duration}_${matchers}[5m]))`
  const query =
    'status' in bad
      ? `topk(1, job_route:http_errors:ratio_rate5m{job=%q} * ${route}{job=%q})`
      : `topk(1, ${perRoute('count{job=%q}')} - ${perRoute(`bucket{job=%q, le='${bad.slowerThanSeconds}'}`)})`
  const filled = `printf "${query}" $labels.job $labels.job | query`
  return `{{ with ${filled} }}{{ . | first | label "http_route" | urlquery }}{{ else }}$__all{{ end }}`
}
