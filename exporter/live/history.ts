/** The last points of the charts: fixed memory for each target, taken once. An unknown value is NaN. */

/** The curves of a target. */
export const CURVES = [
  ...(['requestsPerSecond', 'errorsPerSecond', 'p50', 'p95', 'p99'] as const),
  ...(['inFlight', 'eventLoopLagSeconds', 'queued', 'cpuCores', 'rssBytes'] as const),
] as const

export type Curve = (typeof CURVES)[number]
export type Point = Partial<Record<Curve, number | undefined>>

/** Further targets have figures, but no curves. */
const MAX_TARGETS = 200

interface Track {
  values: Record<Curve, Float64Array>
  lastTurn: number
}

export class History {
  readonly #capacity: number
  readonly #times: Float64Array
  readonly #tracks = new Map<string, Track>()
  /** Number of turns so far; the slot of a turn is its remainder. */
  #turns = 0

  constructor(capacity: number) {
    this.#capacity = Math.max(1, capacity)
    this.#times = new Float64Array(this.#capacity)
  }

  /** Memory of the curves of one target. */
  static bytesOf(capacity: number): number {
    return CURVES.length * capacity * Float64Array.BYTES_PER_ELEMENT
  }

  /** Adds one point for each target. A target without points in the whole time is removed. */
  add(atMs: number, points: ReadonlyMap<string, Point>): void {
    const slot = this.#turns % this.#capacity
    this.#times[slot] = atMs
    for (const target of points.keys())
      if (!this.#tracks.has(target) && this.#tracks.size < MAX_TARGETS)
        this.#tracks.set(target, this.#newTrack())
    for (const [target, track] of this.#tracks) {
      const point = points.get(target)
      if (point) track.lastTurn = this.#turns
      else if (this.#turns - track.lastTurn >= this.#capacity) this.#tracks.delete(target)
      for (const curve of CURVES) track.values[curve][slot] = point?.[curve] ?? NaN
    }
    this.#turns++
  }

  /** The points after a time, from the oldest to the newest; null for an unknown value. */
  after(atMs: number): { times: number[]; targets: Record<string, Record<Curve, (number | null)[]>> } {
    const first = Math.max(0, this.#turns - this.#capacity)
    const slots = Array.from({ length: this.#turns - first }, (_, i) => (first + i) % this.#capacity).filter(
      (slot) => this.#times[slot]! > atMs,
    )
    return {
      times: slots.map((slot) => this.#times[slot]!),
      targets: Object.fromEntries(
        Array.from(this.#tracks, ([target, { values }]) => [
          target,
          Object.fromEntries(
            CURVES.map((curve) => [curve, slots.map((slot) => rounded(values[curve][slot]!))]),
          ) as Record<Curve, (number | null)[]>,
        ]),
      ),
    }
  }

  #newTrack(): Track {
    const values = Object.fromEntries(
      CURVES.map((curve) => [curve, new Float64Array(this.#capacity).fill(NaN)]),
    ) as Track['values']
    return { values, lastTurn: this.#turns }
  }
}

/** Four digits are more than a chart shows, and keep the document short. */
const rounded = (value: number): number | null =>
  Number.isFinite(value) ? Number(value.toPrecision(4)) : null
