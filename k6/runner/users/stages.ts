/** Lines through time, as the stages of k6 draw them: from one number to the next, each within a duration. */

import { millisecondsOf } from '../shared/duration.ts'

/** A stage as a script writes it. */
export interface Stage {
  duration: string
  target: number
}

interface Segment {
  startMs: number
  lengthMs: number
  from: number
  to: number
}

/** A number that changes linearly within each stage; after the last stage it stays. */
export class Ramp {
  readonly durationMs: number
  readonly #segments: readonly Segment[]

  constructor(start: number, stages: readonly Stage[]) {
    let startMs = 0
    let from = start
    this.#segments = stages.map(({ duration, target: to }) => {
      const segment = { startMs, lengthMs: millisecondsOf(duration), from, to }
      startMs += segment.lengthMs
      from = to
      return segment
    })
    this.durationMs = startMs
  }

  /** Moments at which the whole number changes, and what it is from then on. The first is the begin. */
  *steps(): Generator<{ atMs: number; count: number }> {
    yield { atMs: 0, count: this.#segments[0]?.from ?? 0 }
    for (const { startMs, lengthMs, from, to } of this.#segments) {
      const distance = Math.abs(to - from)
      if (distance === 0) continue
      // A stage without length jumps.
      for (let step = lengthMs === 0 ? distance : 1; step <= distance; step++)
        yield { atMs: startMs + (lengthMs * step) / distance, count: from + Math.sign(to - from) * step }
    }
  }

  /** The area under the line until then: what a rate of so many each millisecond adds up to. */
  areaUntil(ms: number): number {
    return this.#segments.reduce((area, { startMs, lengthMs, from, to }) => {
      const passedMs = Math.min(Math.max(0, ms - startMs), lengthMs)
      if (passedMs === 0) return area
      const end = from + ((to - from) * passedMs) / lengthMs
      return area + ((from + end) / 2) * passedMs
    }, 0)
  }
}
