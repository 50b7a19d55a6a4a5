/** A number that only goes up, with prom-client's interface. */
import { exemplarOf, type WithExemplar } from './exemplars.ts'
import type { Exemplar, Series } from '../model/family.ts'
import { Child, isLabels, type Labels } from './child.ts'
import { Metric, type MetricOptions } from './metric.ts'
import { notANumber } from '../model/validation.ts'

/** A call of `inc` on a kept child costs a plain store. */
export class CounterChild extends Child {
  exemplar: Exemplar | undefined

  /** Adds 1, or `value`. @throws when the value is not a number, or below 0. */
  inc(value?: number): void {
    if (value === undefined || value === null) value = 1
    // The comparisons are false for NaN, infinities and negative numbers, but true for a string of digits.
    else if (!(typeof value === 'number' && value >= 0 && value < Infinity)) refuse(value)
    this.f64[this.at]! += value
  }
}

export class Counter<Name extends string = string> extends Metric<CounterChild, Name> {
  readonly type = 'counter'
  readonly enableExemplars: boolean

  constructor(options: MetricOptions<Name, Counter<Name>>) {
    super(options)
    this.enableExemplars = options.enableExemplars === true
    this.declare(options, {}, (...child) => new CounterChild(...child))
  }

  /** Adds 1, or `value`. @throws when the value is not a number, or below 0. */
  inc(value?: number): void
  inc(labels: Labels<Name>, value?: number): void
  inc(event: WithExemplar<Name>): void
  inc(first?: Labels<Name> | WithExemplar<Name> | number, value?: number): void {
    if (this.enableExemplars) this.#incWithExemplar((first ?? {}) as WithExemplar<Name>)
    else this.of(first as Labels<Name> | number).inc(isLabels(first) ? value : first)
  }

  protected read({ f64, at, exemplar }: CounterChild): Omit<Series, 'labels'> {
    return { value: f64[at]!, ...(exemplar ? { exemplars: [exemplar] } : {}) }
  }

  #incWithExemplar({ labels, value = 1, exemplarLabels }: WithExemplar<Name>): void {
    const exemplar = exemplarOf(exemplarLabels, value)
    const child = this.child(labels)
    child.inc(value)
    child.exemplar = exemplar ?? child.exemplar
  }
}

function refuse(value: unknown): void {
  if (typeof value === 'number' && value < 0 && Number.isFinite(value)) {
    throw new Error('It is not possible to decrease a counter')
  }
  throw notANumber(value)
}

/** prom-client's names for the types of a child and of its own options. */
export declare namespace Counter {
  type Internal = Pick<CounterChild, 'inc'>
}
