/** The dashboard Error budget: how much of each objective's budget is left, and how fast it burns. Made from the objectives. */

import { PercentUnit, RequestsPerSecond, Short } from '@grafana/grafana-foundation-sdk/units'
import { allowed, type Objective, PERIOD_DAYS, seriesOf } from '../rules/objective.ts'
import { dashboardOf, line, section } from './dashboard.ts'
import { graph, idle, type Panel, stat } from './panels.ts'
import { inFlight, type Matchers, orIdle, type Query } from './promql.ts'

const PERIOD = `${PERIOD_DAYS}d`

/** Rules record values over days every two minutes, and a share of no requests is no value. */
const NOTHING = 'after 2 min of requests'

/** How fast the budget burns: 1 uses it up in exactly the period. */
export const speed = (objective: Objective, window: string, matchers: string): string =>
  `${seriesOf(objective, `ratio_rate${window}`)}{${matchers}} / ${allowed(objective)}`

const budgetLeft = (objective: Objective, { edge }: Matchers): Query => ({
  expr: `${seriesOf(objective, `budget_left_${PERIOD}`)}{${edge}}`,
  legend: objective.title.replace('Requests ', ''),
})

/** The share of each budget that is left, as a tile. */
export const budgetTile = (matchers: Matchers, objectives: readonly Objective[], more: string): Panel =>
  stat(
    'Error budget left',
    PercentUnit,
    `Share of the bad requests allowed in ${PERIOD_DAYS} days that is left. Below 0 the objective is missed.`,
    objectives.map((objective) => budgetLeft(objective, matchers)),
    {
      steps: [
        { value: null, color: 'red' },
        { value: 0, color: 'orange' },
        { value: 0.25, color: 'green' },
      ],
      nothing: NOTHING,
      more,
    },
  )

const linesOf = (objective: Objective, matchers: Matchers) => [
  section(
    objective.title,
    8,
    graph(
      `Budget left: ${objective.title}`,
      PercentUnit,
      `Share of the budget of ${PERIOD_DAYS} days that is left. The objective is ${objective.promise}.`,
      budgetLeft(objective, matchers),
      { isSigned: true },
    ),
    graph(
      `Burn rate: ${objective.title}`,
      Short,
      `Bad requests as a multiple of the allowed share: at 1 the budget lasts for ${PERIOD_DAYS} days. Alerts page at 14.4 over 1h and at 6 over 6h.`,
      ['5m', '1h', '6h', '3d'].map((window) => ({
        expr: speed(objective, window, matchers.edge),
        legend: window,
      })),
      { limit: 1 },
    ),
    graph(
      `Bad requests: ${objective.title}`,
      RequestsPerSecond,
      `Requests per second that ${objective.are}, and all requests.`,
      [
        { expr: `${seriesOf(objective, 'rate5m')}{${matchers.edge}}`, legend: 'bad' },
        { expr: `edge:http_requests:rate5m{${matchers.edge}}`, legend: 'all' },
      ],
    ),
  ),
]

export const budget = (matchers: Matchers, objectives: readonly Objective[]) =>
  dashboardOf(matchers, {
    uid: 'error-budget',
    title: 'Error budget',
    description: `How much of the budget of ${PERIOD_DAYS} days is left, and how fast it burns, by objective.`,
    lines: [
      line(
        5,
        budgetTile(matchers, objectives, 'overview'),
        stat(
          'Burn rate over 1h',
          Short,
          'Bad requests of the last hour as a multiple of the allowed share. At 14.4 an alert pages.',
          objectives.map((objective) =>
            orIdle(
              { expr: `max(${speed(objective, '1h', matchers.edge)})`, legend: objective.title },
              'NaN',
              inFlight(matchers.edge),
            ),
          ),
          {
            mappings: [idle],
            steps: [
              { value: null, color: 'green' },
              { value: 1, color: 'orange' },
              { value: 14.4, color: 'red' },
            ],
          },
        ),
        stat(
          `Good requests in ${PERIOD_DAYS} days`,
          PercentUnit,
          `Share of requests that meet the objective. ${objectives.map(({ promise }) => promise).join(', ')} are promised.`,
          objectives.map((objective) => ({
            expr: `1 - ${seriesOf(objective, `ratio_rate${PERIOD}`)}{${matchers.edge}}`,
            legend: objective.title,
          })),
          { nothing: NOTHING },
        ),
      ),
      ...objectives.flatMap((objective) => linesOf(objective, matchers)),
    ],
  })
