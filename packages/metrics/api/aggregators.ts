/** prom-client's functions that merge the results of `metric.get()` of several processes. A segment needs none of them. */
import type { PromClientItem, PromClientValue } from './prom_client.ts'

type Aggregate = (items: readonly PromClientItem[]) => PromClientItem | undefined

/** Merges values of the same name and labels. */
const by =
  (merge: (values: readonly number[]) => number): Aggregate =>
  (items) => {
    const [first] = items
    if (!first) return undefined
    const groups = new Map<string, PromClientValue[]>()
    for (const value of items.flatMap(({ values }) => values)) {
      const labels = Object.entries(value.labels).sort(([a], [b]) => (a < b ? -1 : 1))
      const key = JSON.stringify([value.metricName, labels])
      groups.set(key, [...(groups.get(key) ?? []), value])
    }
    const values = Array.from(groups.values(), (group): PromClientValue => {
      const { labels, metricName } = group[0]!
      const value = merge(group.map((each) => each.value))
      return metricName === undefined ? { value, labels } : { value, labels, metricName }
    })
    const { help, name, type, aggregator } = first
    return { help, name, type, values, aggregator }
  }

const sum = (values: readonly number[]) => values.reduce((total, value) => total + value, 0)

export const aggregators = {
  sum: by(sum),
  first: by((values) => values[0]!),
  omit: (() => undefined) satisfies Aggregate,
  average: by((values) => sum(values) / values.length),
  min: by((values) => Math.min(...values)),
  max: by((values) => Math.max(...values)),
}
