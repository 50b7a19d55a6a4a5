/**
 * The metrics of a run, under k6's names: each sample goes to the sink of its metric, to those of the submetrics whose tags it has,
 * and to the outputs.
 */

import { type MetricType, newSink, type Sink } from './sinks.ts'
import { Unsupported } from '../shared/unsupported.ts'

/** Every metric that the runner measures. Durations are in milliseconds. */
export const metricTypes = {
  checks: 'rate',
  dropped_iterations: 'counter',
  http_req_duration: 'trend',
  http_req_failed: 'rate',
  http_reqs: 'counter',
  iterations: 'counter',
  vus: 'gauge',
} as const satisfies Record<string, MetricType>

export type MetricName = keyof typeof metricTypes

export type Tags = Readonly<Record<string, string>>

/** Tags that samples share. There is one object for each set of tags. */
export interface TagSet {
  /** Sorted by name. */
  readonly tags: Tags
}

/** A value that was measured now. */
export interface Sample {
  readonly metric: MetricName
  readonly value: number
  readonly tagSet: TagSet
}

/** A metric, or that part of its samples which has certain tags. */
export interface Series {
  readonly metric: MetricName
  readonly sink: Sink
}

export class Metrics {
  /** Tags of every sample; set before the first one. */
  runTags: Tags = {}
  readonly #series = new Map<string, Series & { filter: Tags }>()
  readonly #tagSets = new Map<string, TagSet>()
  /** The sinks of a metric that samples with these tags go to. */
  readonly #sinks = new Map<MetricName, Map<TagSet, readonly Sink[]>>()
  readonly #listeners: ((sample: Sample) => void)[] = []

  constructor() {
    for (const name of Object.keys(metricTypes)) this.series(name)
  }

  /**
   * The metric or submetric of that name, such as `http_reqs{op:list}`; a submetric has the samples that come after.
   * @throws Unsupported when the runner does not measure it
   */
  series(name: string): Series {
    const known = this.#series.get(name)
    if (known) return known
    const [, metric, filter] = /^(\w+)(?:\{(.+)\})?$/.exec(name) ?? []
    if (metric === undefined || !Object.hasOwn(metricTypes, metric))
      throw new Unsupported(`the metric ${name}`)
    const series = {
      metric: metric as MetricName,
      filter: filter === undefined ? {} : filterOf(name, filter),
      sink: newSink(metricTypes[metric as MetricName]),
    }
    this.#series.set(name, series)
    this.#sinks.clear()
    return series
  }

  /** Metrics and submetrics, by name. */
  all(): Iterable<[name: string, series: Series]> {
    return this.#series
  }

  /** Calls the listener with every sample from now on. */
  listen(listener: (sample: Sample) => void): void {
    this.#listeners.push(listener)
  }

  /** The set of these tags and of those of the run. */
  tagSet(tags: Tags): TagSet {
    let given = ''
    for (const name in tags) given += `${name}\0${tags[name]}\0`
    let set = this.#tagSets.get(given)
    if (set === undefined) {
      // Sets that were given in another order are the same.
      const all = Object.entries({ ...this.runTags, ...tags }).toSorted(([a], [b]) => (a < b ? -1 : 1))
      const sorted = `sorted\0${all.join('\0')}`
      set = this.#tagSets.get(sorted)
      set ??= { tags: Object.fromEntries(all.map(([name, value]) => [name, String(value)])) }
      this.#tagSets.set(sorted, set).set(given, set)
    }
    return set
  }

  add(metric: MetricName, value: number, tagSet: TagSet): void {
    for (const sink of this.#sinksOf(metric, tagSet)) sink.add(value)
    for (const listener of this.#listeners) listener({ metric, value, tagSet })
  }

  #sinksOf(metric: MetricName, tagSet: TagSet): readonly Sink[] {
    let byTags = this.#sinks.get(metric)
    if (byTags === undefined) this.#sinks.set(metric, (byTags = new Map()))
    let sinks = byTags.get(tagSet)
    if (sinks === undefined) {
      const has = (filter: Tags) =>
        Object.entries(filter).every(([name, value]) => tagSet.tags[name] === value)
      sinks = [...this.#series.values()]
        .filter((series) => series.metric === metric && has(series.filter))
        .map(({ sink }) => sink)
      byTags.set(tagSet, sinks)
    }
    return sinks
  }
}

function filterOf(name: string, filter: string): Tags {
  return Object.fromEntries(
    filter.split(',').map((part) => {
      const at = part.indexOf(':')
      if (at < 1) throw new TypeError(`"${name}" is not a metric with tags, such as http_reqs{op:list}`)
      return [part.slice(0, at).trim(), part.slice(at + 1).trim()]
    }),
  )
}
