/**
 * The steps of the shape `breakpoint`: arrival rates, each held for a while, and each with thresholds of its own, so that fast
 * responses of the steps before do not hide the slow ones of this step. The first step that cannot be kept is the breaking point.
 */

import type { Stage } from 'k6/options'

/** Iterations a second. */
export const rates = [100, 200, 400, 600, 800, 1000, 1250, 1500, 2000, 2500, 3000, 4000, 5000] as const

export const firstRate = rates[0]

/** The value of the tag `step`, which thresholds are set on: sortable, as k6 prints them. */
export const stepName = (rate: number): string => String(rate).padStart(4, '0')

/** Each rate at once, and then kept. */
export function breakpointStages(stepSeconds: number): Stage[] {
  return rates.flatMap((target) => [
    { duration: '0s', target },
    { duration: `${stepSeconds}s`, target },
  ])
}

/** The rate of the step that is on so long after the begin. */
export function rateAt(elapsedMs: number, stepSeconds: number): number {
  const step = Math.min(rates.length - 1, Math.floor(elapsedMs / 1000 / stepSeconds))
  return rates[step]!
}
