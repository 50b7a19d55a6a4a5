/**
 * The shapes of load by name: how many users, for how long. In all of them each user does the same, which is in load_test.ts.
 */

import type { Scenario } from 'k6/options'
import { breakpointStages, firstRate } from './steps.ts'

type Shape = {
  scenario: Scenario
  /** Pause of a user after each iteration. */
  pauseSeconds: number
  /** Whether the run ends when the first threshold is crossed. */
  endsAtLimit: boolean
}

/** Users who wait for their responses, as in the original: a slow system slows them down. */
const closed = (scenario: Scenario): Shape => ({ scenario, pauseSeconds: 0.1, endsAtLimit: false })

/** Iterations that arrive on a clock and do not wait for responses: they need no pause, and the run ends at its limit. */
const open = (scenario: Scenario): Shape => ({ scenario, pauseSeconds: 0, endsAtLimit: true })

/** How long each step of `breakpoint` is kept. */
export const stepSeconds = Number(__ENV.STEP_SECONDS ?? 20)

const shapes: Readonly<Record<string, Shape>> = {
  /** Does it work? */
  smoke: closed({ executor: 'constant-vus', vus: 5, duration: '30s' }),

  /** The ramp of the original, still rising when it ends. */
  stress: closed({
    executor: 'ramping-vus',
    startVUs: 5,
    stages: [
      { duration: '15s', target: 10 },
      { duration: '15s', target: 20 },
      { duration: '15s', target: 40 },
      { duration: '15s', target: 80 },
      { duration: '2m', target: 160 },
    ],
  }),

  /** Does it come back after a sudden crowd? */
  spike: closed({
    executor: 'ramping-vus',
    startVUs: 5,
    stages: [
      { duration: '20s', target: 5 },
      { duration: '5s', target: 200 },
      { duration: '30s', target: 200 },
      { duration: '5s', target: 5 },
      { duration: '30s', target: 5 },
    ],
  }),

  /** Does anything grow that should not? */
  soak: closed({ executor: 'constant-vus', vus: 20, duration: '30m' }),

  /** How many iterations a second are too many? */
  breakpoint: open({
    executor: 'ramping-arrival-rate',
    startRate: firstRate,
    stages: breakpointStages(stepSeconds),
    preAllocatedVUs: 200,
    maxVUs: 1000,
  }),
}

/**
 * The shape of that name.
 * @throws Error that lists the shapes, when there is none of that name
 */
export function shapeNamed(name: string): Shape {
  const shape = shapes[name]
  if (shape === undefined)
    throw new Error(`no SHAPE is named "${name}": choose one of ${Object.keys(shapes).join(', ')}`)
  return shape
}
