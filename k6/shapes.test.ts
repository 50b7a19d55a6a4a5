/** Each shape is the load that the README says. */
import { expect, test } from 'bun:test'
import type { Scenario } from 'k6/options'
import { millisecondsOf } from './runner/shared/duration.ts'

// k6's, and the runner's.
Object.assign(globalThis, { __ENV: {} })
const { shapeNamed } = await import('./shapes.ts')

interface Staged {
  vus?: number
  startVUs?: number
  startRate?: number
  duration?: string
  stages?: { duration: string; target: number }[]
}

/** The first, the highest and the last number of users or iterations, and the seconds. */
function loadOf(scenario: Scenario) {
  const { vus, startVUs, startRate, duration, stages = [] } = scenario as Staged
  const counts = [vus ?? startVUs ?? startRate!, ...stages.map(({ target }) => target)]
  const durations = [duration ?? '0s', ...stages.map((stage) => stage.duration)]
  const seconds = durations.reduce((sum, each) => sum + millisecondsOf(each), 0) / 1000
  return [counts[0], Math.max(...counts), counts.at(-1), seconds]
}

test.each([
  ['smoke', [5, 5, 5, 30]],
  ['stress', [5, 160, 160, 180]],
  ['spike', [5, 200, 5, 90]],
  ['soak', [20, 20, 20, 1800]],
  ['breakpoint', [100, 5000, 5000, 13 * 20]],
])('%s: from %p', (name, expected) => {
  const { scenario, endsAtLimit, pauseSeconds } = shapeNamed(name)
  expect(loadOf(scenario)).toEqual(expected as never)
  // Users pause; iterations that arrive on a clock do not, and end at the limit.
  const isOpen = name === 'breakpoint'
  expect([endsAtLimit, pauseSeconds]).toEqual([isOpen, isOpen ? 0 : 0.1])
})
