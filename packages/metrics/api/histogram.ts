/** Observations in buckets, with prom-client's interface. */
import { type ExemplarLabels, exemplarOf, type WithExemplar } from './exemplars.ts'
import type { Exemplar, Series } from '../model/family.ts'
import { isLabels, type Labels, type Timed } from './child.ts'
import type { MetricOptions } from './metric.ts'
import { Observer, ObserverChild } from './observer.ts'
import type { Cells } from '../storage/store.ts'
import { notANumber } from '../model/validation.ts'

const DEFAULT_BUCKETS = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10]

/** A call of `observe` on a kept child costs a search through the bounds and two plain stores. */
export class HistogramChild extends ObserverChild {
  /** The last exemplar of each bucket. */
  exemplars: (Exemplar | undefined)[] | undefined

  constructor(
    cells: Cells,
    key: string,
    histogram: Timed,
    readonly bounds: readonly number[],
  ) {
    super(cells, key, histogram)
  }

  observe(value: number): void {
    if (!Number.isFinite(value)) throw notANumber(value)
    const { f64, at } = this
    // There is no cell for the count: it is the sum of the buckets, so the two always agree.
    f64[at + 1 + this.bucketOf(value)]! += 1
    f64[at]! += value
  }

  bucketOf(value: number): number {
    const { bounds } = this
    let bucket = 0
    while (bucket < bounds.length && value > bounds[bucket]!) bucket++
    return bucket
  }
}

export interface HistogramOptions<Name extends string = string> extends MetricOptions<Name, Histogram<Name>> {
  /** Upper bounds, in any order; +Inf is added. */
  buckets?: readonly number[]
}

export class Histogram<Name extends string = string> extends Observer<HistogramChild, Name> {
  readonly type = 'histogram'
  readonly buckets: readonly number[]
  readonly enableExemplars: boolean

  /** @throws TypeError when a bound is not a number. */
  constructor(options: HistogramOptions<Name>) {
    super(options, 'le')
    this.enableExemplars = options.enableExemplars === true
    const buckets = boundsOf(options.buckets ?? DEFAULT_BUCKETS)
    // A frozen copy for users. Children read their own for each event, and the engine reads frozen arrays much slower.
    this.buckets = Object.freeze([...buckets])
    this.declare(options, { buckets }, (...child) => new HistogramChild(...child, this, buckets))
  }

  override observe(value: number): void
  override observe(labels: Labels<Name>, value: number): void
  override observe(event: WithExemplar<Name>): void
  override observe(first: Labels<Name> | WithExemplar<Name> | number, value?: number): void {
    if (this.enableExemplars && isLabels(first)) this.#observeWithExemplar(first as WithExemplar<Name>)
    else super.observe(first as Labels<Name>, value as number)
  }

  /** Exemplar labels, at the start and at the end, are for metrics with `enableExemplars`. */
  override startTimer(
    labels?: Labels<Name>,
    exemplarLabels?: ExemplarLabels,
  ): (endLabels?: Labels<Name>, exemplarLabels?: ExemplarLabels) => number {
    if (!this.enableExemplars) return super.startTimer(labels)
    return this.timer(labels, (all, value, atEnd) =>
      this.#observeWithExemplar({ labels: all, value, exemplarLabels: { ...exemplarLabels, ...atEnd } }),
    )
  }

  /** Sets the series to 0, and puts it on the page. */
  zero(labels: Labels<Name>): void {
    const { f64, at } = this.child(labels)
    f64.fill(0, at, at + this.buckets.length + 2)
  }

  protected read({ f64, at, exemplars }: HistogramChild): Omit<Series, 'labels'> {
    const counts = f64.subarray(at + 1, at + 2 + this.buckets.length)
    return { sum: f64[at]!, counts, ...(exemplars ? { exemplars } : {}) }
  }

  #observeWithExemplar({ labels, value, exemplarLabels }: WithExemplar<Name>): void {
    const exemplar = exemplarOf(exemplarLabels, value!)
    const child = this.child(labels)
    child.observe(value!)
    if (exemplar) (child.exemplars ??= [])[child.bucketOf(value!)] = exemplar
  }
}

/** Sorts the bounds and drops duplicates: readers refuse a page that has a bound twice. */
function boundsOf(buckets: readonly number[]): number[] {
  const bounds = new Set(buckets.filter((bound) => bound !== Infinity))
  for (const bound of bounds) if (!Number.isFinite(bound)) throw notANumber(bound, 'Bucket')
  return [...bounds].sort((a, b) => a - b)
}

/** prom-client's names for the types of a child and of its own options. */
export declare namespace Histogram {
  type Internal<_T extends string = string> = Pick<HistogramChild, 'observe' | 'startTimer'>
  interface Config {
    buckets?: readonly number[]
  }
}
