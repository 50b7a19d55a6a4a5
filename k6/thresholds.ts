/**
 * What a run of any shape must keep to pass. A threshold whose tag has no samples passes, so each operation must also have happened:
 * setup() of load_test.ts does each once, so even the shortest run has them.
 */

import type { ObjectThreshold, Options } from 'k6/options'
import { rates, stepName } from './steps.ts'

type Thresholds = NonNullable<Options['thresholds']>

/** Durations in milliseconds. */
const thresholds: Record<string, string[]> = {
  checks: ['rate>0.99'],
  dropped_iterations: ['count<100'],

  'http_reqs{op:list}': ['count>0'],
  'http_reqs{op:create}': ['count>0'],
  'http_reqs{op:change}': ['count>0'],
  'http_reqs{op:delete}': ['count>0'],

  'http_req_failed{op:list}': ['rate==0'],
  'http_req_failed{op:create}': ['rate<0.01'],
  'http_req_failed{op:change}': ['rate<0.01'],
  'http_req_failed{op:delete}': ['rate<0.01'],

  'http_req_duration{op:list}': ['p(95)<500'],
  'http_req_duration{op:create}': ['p(95)<500'],
  'http_req_duration{op:change}': ['p(95)<500'],
  'http_req_duration{op:delete}': ['p(95)<500'],
}

/** Of each step of an open shape; `count>=0` only makes k6 keep the number for the summary. */
const ofSteps: Record<string, string[]> = Object.fromEntries(
  rates.map(stepName).flatMap((step) => [
    [`http_reqs{step:${step}}`, ['count>=0']],
    [`http_req_failed{step:${step}}`, ['rate<0.01']],
    [`http_req_duration{step:${step}}`, ['p(95)<500']],
  ]),
)

/**
 * The thresholds, in k6's form.
 * @param endsAtLimit whether crossing one ends the run, after a start in which caches are cold
 */
export function thresholdsFor(endsAtLimit: boolean): Thresholds {
  if (!endsAtLimit) return thresholds
  const ending = (threshold: string): ObjectThreshold => ({
    threshold,
    abortOnFail: true,
    delayAbortEval: '5s',
  })
  // The counts are for the end of the run: the rare operations may happen late.
  return Object.fromEntries(
    Object.entries({ ...thresholds, ...ofSteps }).map(([metric, limits]) => [
      metric,
      limits.map((limit) => (limit.startsWith('count>') ? limit : ending(limit))),
    ]),
  )
}
