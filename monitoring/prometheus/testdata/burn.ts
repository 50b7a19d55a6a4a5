/**
 * Periods of failures after calm hours, and the windows of a burn-rate alert that fire at their end. Failures are multiples
 * of the budget, so that one table tests the objectives of both availability and latency.
 */

import { allowed, type Objective, seriesOf as recordedOf } from '../../rules/objective.ts'
import type { AlertCase } from './series.ts'

export type BurnStory = {
  claim: string
  /** The speed at which the budget burns, as a multiple of the allowed one: 20 is 2 % failures where 0.1 % are allowed. */
  burns: number
  minutes: number
  /** Calm hours before the failures; only the longest windows need many. */
  calmHours: number
  /** Hours without requests after the failures. */
  idleHours?: number
  /** Calm minutes after that, before the check. */
  calmMinutes?: number
  /** The speed in those minutes; 0 by default. */
  laterBurns?: number
  /** 10 by default. */
  requestsPerSecond?: number
  windows: readonly string[]
}

export const burnStories: readonly BurnStory[] = [
  {
    claim: 'at 20 times, the first page comes within an hour',
    burns: 20,
    minutes: 60,
    calmHours: 8,
    windows: ['1h'],
  },
  { claim: 'at 20 times, no page within 30 minutes', burns: 20, minutes: 30, calmHours: 8, windows: [] },
  { claim: 'at 100 times, within 20 minutes', burns: 100, minutes: 20, calmHours: 8, windows: ['1h'] },
  {
    claim: 'a page ends 10 minutes after the failures',
    burns: 20,
    minutes: 60,
    calmHours: 8,
    calmMinutes: 10,
    windows: [],
  },
  {
    claim: 'at 20 times for over two hours both pages fire',
    burns: 20,
    minutes: 130,
    calmHours: 24,
    windows: ['1h', '6h'],
  },
  { claim: 'at 8 times, the second page alone', burns: 8, minutes: 320, calmHours: 24, windows: ['6h'] },
  {
    claim: 'at 4 times, a ticket within the day',
    burns: 4,
    minutes: 20 * 60,
    calmHours: 84,
    windows: ['1d'],
  },
  {
    claim: 'at 2 times, a ticket within two days',
    burns: 2,
    minutes: 40 * 60,
    calmHours: 84,
    windows: ['3d'],
  },
  {
    claim: 'at half the allowed speed, no alert',
    burns: 0.5,
    minutes: 12 * 60,
    calmHours: 1,
    windows: [],
  },
  {
    claim: 'ten times the allowed speed for an hour before an idle weekend, half of it after',
    burns: 10,
    minutes: 60,
    calmHours: 24,
    idleHours: 62,
    calmMinutes: 300,
    laterBurns: 0.5,
    windows: [],
  },
  {
    claim: 'with one request in twenty seconds the page of the longer windows, which has enough requests',
    burns: 50,
    minutes: 120,
    calmHours: 24,
    requestsPerSecond: 0.05,
    windows: ['6h'],
  },
  {
    claim: 'with one request in 62 seconds no page, even if all fail',
    burns: 90,
    minutes: 80,
    calmHours: 24,
    requestsPerSecond: 1 / 62,
    windows: [],
  },
]

/** The time of the check. */
export const minutesOf = ({ calmHours, minutes, idleHours = 0, calmMinutes = 0 }: BurnStory): number =>
  (calmHours + idleHours) * 60 + minutes + calmMinutes

/** Minutes between two values of a series, and between two evaluations of the rules. */
export const stepMinutes = { values: 2.5, rules: 5 }

/** The gateway's series in a story. */
export function seriesOf(story: BurnStory, objective: Objective): Record<string, string> {
  const each = 60 * stepMinutes.values * (story.requestsPerSecond ?? 10)
  const parts = [
    { minutes: story.calmHours * 60, all: each, burns: 0 },
    { minutes: story.minutes, all: each, burns: story.burns },
    { minutes: (story.idleHours ?? 0) * 60, all: 0, burns: 0 },
    { minutes: (story.calmMinutes ?? 0) + 2 * stepMinutes.values, all: each, burns: story.laterBurns ?? 0 },
  ].filter(({ minutes }) => minutes > 0)
  const tell = (increase: (all: number, bad: number) => number) => {
    let value = 0
    return parts
      .map(({ minutes, all, burns }) => {
        const by = increase(all, all * allowed(objective) * burns)
        const values = minutes / stepMinutes.values
        const first = value
        value += by * values
        // Each part starts at the next value of the part before it.
        return `${first}+${by}x${values - 1}`
      })
      .join(' ')
  }
  const labels = 'job="gateway", instance="gateway:9000", http_route="dogs"'
  const metric = 'http_server_request_duration_seconds'
  const all = tell((requests) => requests)
  if ('slowerThanSeconds' in objective.bad)
    return {
      [`${metric}_count{${labels}}`]: all,
      [`${metric}_bucket{${labels}, le="${objective.bad.slowerThanSeconds}"}`]: tell(
        (requests, bad) => requests - bad,
      ),
    }
  return {
    [`${metric}_count{${labels}, http_response_status_code="200"}`]: tell((requests, bad) => requests - bad),
    [`${metric}_count{${labels}, http_response_status_code="503"}`]: tell((_, bad) => bad),
  }
}

/** The pairs of windows of Google's SRE workbook, and how long an alert waits. */
const PAIRS = [
  { factor: 14.4, long: '1h', short: '5m', minutes: 5, waitSeconds: 120 },
  { factor: 6, long: '6h', short: '30m', minutes: 30, waitSeconds: 15 * 60 },
  { factor: 3, long: '1d', short: '2h', minutes: 120, waitSeconds: 3600 },
  { factor: 1, long: '3d', short: '6h', minutes: 360, waitSeconds: 3 * 3600 },
] as const

/** Each pair of windows just above and just below its limits, as the rules record them. */
export const burnCases = (objective: Objective): AlertCase[] =>
  PAIRS.flatMap(({ factor, long, short, minutes, waitSeconds }) => {
    const at = (ofLong: number, ofShort: number, requestsPerSecond: number, bad = 3.1) => {
      const values = (value: number) => `${value}x${waitSeconds / 10 + 60}`
      const ratio = (window: string) => `${recordedOf(objective, `ratio_rate${window}`)}{job="gateway"}`
      return {
        [ratio(long)]: values(ofLong * factor * allowed(objective)),
        [ratio(short)]: values(ofShort * factor * allowed(objective)),
        [`${recordedOf(objective, 'rate5m')}{job="gateway"}`]: values(bad / (60 * minutes)),
        'edge:http_requests:rate5m{job="gateway"}': values(requestsPerSecond),
      }
    }
    /** The rate of so many requests in the short window. */
    const requests = (count: number) => count / (60 * minutes)
    const look = `${waitSeconds + 400}s`
    return [
      {
        claim: `2 % above the limits of ${long}`,
        series: at(1.02, 1.02, requests(31.2)),
        looks: {},
        fires: [waitSeconds] as const,
      },
      { claim: `2 % below the limit over ${long}`, series: at(0.98, 1.5, 1), looks: { [look]: [] } },
      { claim: `2 % below the limit over ${short}`, series: at(1.5, 0.98, 1), looks: { [look]: [] } },
      {
        claim: `hardly three bad requests over ${short}`,
        series: at(1.5, 1.5, 1, 2.9),
        looks: { [look]: [] },
      },
      { claim: `few requests over ${short}`, series: at(1.5, 1.5, requests(28.8)), looks: { [look]: [] } },
    ]
  })
