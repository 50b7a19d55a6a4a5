/**
 * Stories of failures after calm hours, and which windows of a burn-rate alert then fire. `ratio` is in parts of
 * the budget, so that one table proves the objectives of both availability and latency.
 */

export type BurnStory = {
  claim: string
  /** How many times faster than allowed the budget is burnt: 20 is 2 % failures of 0.1 % allowed. */
  burns: number
  minutes: number
  /** Before it; only the longest windows need to remember so much. */
  calmHours: number
  /** Calm minutes after it, before the look. */
  calmMinutes?: number
  /** Instead of ten. */
  requestsPerSecond?: number
  windows: readonly string[]
}

export const burnStories: readonly BurnStory[] = [
  {
    claim: 'at 20 times, the first page comes within an hour',
    burns: 20,
    minutes: 60,
    calmHours: 24,
    windows: ['1h'],
  },
  { claim: 'and not within 30', burns: 20, minutes: 30, calmHours: 24, windows: [] },
  { claim: 'at 100 times, within 20 minutes', burns: 100, minutes: 20, calmHours: 24, windows: ['1h'] },
  {
    claim: 'an end within the hour ends the page',
    burns: 20,
    minutes: 60,
    calmHours: 24,
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
    claim: 'at half the allowed speed, nothing ever',
    burns: 0.5,
    minutes: 12 * 60,
    calmHours: 1,
    windows: [],
  },
  {
    claim: 'with a request in twenty seconds nothing, even where all fail',
    burns: 50,
    minutes: 120,
    calmHours: 24,
    requestsPerSecond: 0.05,
    windows: [],
  },
]

/** What the objectives measure, and what they allow. */
export const objectives = [
  { alert: 'EdgeErrorBudgetBurn', budget: 0.001, isLatency: false },
  { alert: 'EdgeLatencyBudgetBurn', budget: 0.01, isLatency: true },
] as const

/** When the story is over and looked at. */
export const minutesOf = ({ calmHours, minutes, calmMinutes = 0 }: BurnStory): number =>
  calmHours * 60 + minutes + calmMinutes

/** Between two values of a series, and between two looks at the rules. */
export const stepMinutes = { values: 2, rules: 10 }

/** Series of the gateway. */
export function seriesOf(
  story: BurnStory,
  { budget, isLatency }: (typeof objectives)[number],
): Record<string, string> {
  const each = 60 * stepMinutes.values * (story.requestsPerSecond ?? 10)
  const bad = each * budget * story.burns
  const [before, during, after] = [story.calmHours * 60, story.minutes, story.calmMinutes ?? 0].map(
    (minutes) => minutes / stepMinutes.values,
  ) as [number, number, number]
  const tell = (calm: number, then: number) =>
    // Each part begins where the one before it would have gone on.
    [
      `0+${calm}x${before - 1}`,
      `${calm * before}+${then}x${during - 1}`,
      `${calm * before + then * during}+${calm}x${after + 1}`,
    ].join(' ')
  const labels = 'job="gateway", instance="gateway:9000", http_route="dogs"'
  const metric = 'http_server_request_duration_seconds'
  const all = tell(each, each)
  if (isLatency)
    return {
      [`${metric}_count{${labels}}`]: all,
      [`${metric}_bucket{${labels}, le="0.25"}`]: tell(each, each - bad),
    }
  return {
    [`${metric}_count{${labels}, http_response_status_code="200"}`]: tell(each, each - bad),
    [`${metric}_count{${labels}, http_response_status_code="503"}`]: tell(0, bad),
  }
}
