/**
 * The load test: users who mostly list dogs and cats and now and then write, through the gateway. It is a script of k6, which the
 * runner beside it also runs on Bun: there, calls of k6 return promises, hence each `await`.
 *
 *     bun run load stress
 *     k6 run k6/load_test.ts
 *     k6 run -e SHAPE=stress -e BASE_URL=http://127.0.0.1:8000 k6/load_test.ts
 *     k6 run --vus 1 --duration 5s k6/load_test.ts
 *
 * The last form, the original's, puts flags in the place of the shape. With `-o experimental-prometheus-rw` Prometheus gets the
 * numbers, too, for the dashboard Load test.
 */

import { sleep } from 'k6'
import exec from 'k6/execution'
import type { Options } from 'k6/options'
import { operationAt } from './mix.ts'
import { operations } from './pets.ts'
import { preflight } from './preflight.ts'
import { send, services } from './requests.ts'
import { shapeNamed, stepSeconds } from './shapes.ts'
import { rateAt, stepName } from './steps.ts'
import { type Summary, summaryOf } from './summary.ts'
import { thresholdsFor } from './thresholds.ts'

const shapeName = __ENV.SHAPE ?? 'smoke'
const { scenario, pauseSeconds, endsAtLimit } = shapeNamed(shapeName)

/** Read by k6 before it starts. */
export const options: Options = {
  scenarios: { [shapeName]: scenario },
  thresholds: thresholdsFor(endsAtLimit),
  // Of every number, those of setup() and of virtual users among them.
  tags: { shape: shapeName },
  summaryTrendStats: ['avg', 'min', 'med', 'p(95)', 'p(99)', 'max'],
}

/** Once, before the load: ends the run if the system is not up or does not have this API. */
export async function setup(): Promise<void> {
  for (const service of services) await preflight(service)
}

/** One iteration of one user. */
export default async function iterate(): Promise<void> {
  if (endsAtLimit)
    exec.vu.metrics.tags.step = stepName(rateAt(Date.now() - exec.scenario.startTime, stepSeconds))
  const service = Math.random() < 0.5 ? 'dogs' : 'cats'
  await operations[operationAt(Math.random())](service)
  await sleep(pauseSeconds)
}

/** Once, after the load: removes the rows that it made. */
export async function teardown(): Promise<void> {
  for (const service of services) await send('clean', service)
}

/** At the end: a report for people, and all numbers in a file. */
export function handleSummary(data: Summary): Record<string, string> {
  const isOfFlags = !(shapeName in exec.test.options.scenarios!)
  return {
    stdout: summaryOf(data, isOfFlags ? 'flags' : shapeName),
    [__ENV.SUMMARY ?? 'summary.json']: JSON.stringify(data, null, 2),
  }
}
