/** Adds the default labels of a registry to its series. storage/merge_regions.ts does the same for those of a segment. */
import { type Family, labelText, type Series } from '../model/family.ts'

/** A name and its value as {@link labelText} writes them. The value is matched, too, because it may look like a name. */
const LABEL = /(\w+)="(?:[^"\\]|\\.)*"/g

/** In the order of prom-client, which has default labels last, but first for histograms. */
export function withDefaults(family: Family, defaults: readonly [name: string, value: unknown][]): Family {
  const series = Array.from(family.series, (each): Series => {
    const own = new Set(Array.from(each.labels.matchAll(LABEL), ([, name]) => name))
    const missing = defaults.filter(([name]) => !own.has(name))
    const text = labelText(
      missing.map(([name]) => name),
      missing.map(([, value]) => String(value)),
    )
    const parts = family.type === 'histogram' ? [text, each.labels] : [each.labels, text]
    return { ...each, labels: parts.filter(Boolean).join(',') }
  })
  return { ...family, series }
}
