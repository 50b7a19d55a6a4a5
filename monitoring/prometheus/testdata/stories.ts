/**
 * Events of a stack and the alerts that fire during them. Most are calm that looks like trouble (calm_*.ts): no alert. The others
 * (trouble.ts) must raise these alerts and no other.
 */

import { Stack } from './stack.ts'

export type Story = {
  claim: string
  /** `<alert> <severity>`, sorted. */
  fires: readonly string[]
  minutes?: number
  /** Age of all processes at the start in seconds; old by default. */
  age?: number
  replicas?: number
  /** Before each scrape. @returns jobs whose scrape fails, or `skip` when Prometheus is down */
  each: (stack: Stack, seconds: number) => readonly string[] | 'skip' | void
}

export type CalmStory = Omit<Story, 'fires'>

/** Traffic of a working day between two scrapes. */
export const busy = (stack: Stack) => stack.requests({ count: 100 })
export const isAt = (seconds: number, from: number, to = from + 10) => seconds >= from && seconds < to

/** A process is down for a while and then starts again with empty metrics. */
export function restarts(stack: Stack, seconds: number, job: string, from: number, to: number): void {
  for (const process of stack.of(job)) {
    if (isAt(seconds, from)) process.isUp = false
    if (isAt(seconds, to)) process.restart(to - 5)
  }
  const { exporter } = stack
  for (const { instance } of job === 'exporter' || !exporter.isUp ? [] : stack.of(job)) {
    if (isAt(seconds, from, to)) exporter.set('exporter_target_up', { target: `http://${instance}/stats` }, 0)
    if (isAt(seconds, to)) exporter.set('exporter_target_up', { target: `http://${instance}/stats` }, 1)
  }
}

/** The series of a story. */
export function tell({ each, minutes = 9, age, replicas }: CalmStory): Stack {
  const stack = new Stack(age, replicas)
  for (let seconds = 0; seconds <= minutes * 60; seconds += 10) {
    const misses = each(stack, seconds) ?? []
    if (misses === 'skip') stack.skip()
    else stack.scrape(misses)
  }
  return stack
}
