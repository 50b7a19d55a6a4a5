/**
 * What clients may expect of the edge over 30 days. Recording rules, burn-rate alerts, the dashboard Error budget and the tables
 * of the README are made from this list.
 */

import type { Objective } from './rules/objective.ts'

export const objectives: readonly Objective[] = [
  {
    id: 'errors',
    alert: 'EdgeErrorBudgetBurn',
    title: 'Requests without 5xx',
    target: 0.999,
    bad: { status: '5..' },
    are: 'fail',
    promise: '99.9 % without 5xx',
    hint: 'The dashboard shows the route and the upstream; alerts about that app name the cause.',
  },
  {
    id: 'slow',
    alert: 'EdgeLatencyBudgetBurn',
    title: 'Requests within 250 ms',
    target: 0.99,
    bad: { slowerThanSeconds: 0.25 },
    are: 'take longer than 250 ms',
    promise: '99 % within 250 ms',
    hint: 'Compare the latency of the upstreams with that of the edge: if both are high the service is slow, otherwise the gateway.',
  },
]
