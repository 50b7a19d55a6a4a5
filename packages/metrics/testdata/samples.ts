/** Pages and JSON of registries, prom-client's or ours, in a form that tests can compare. */
import type * as promClient from 'prom-client'

/** The common part of prom-client and our package. */
export type Client = Pick<
  typeof promClient,
  'Counter' | 'Gauge' | 'Histogram' | 'Summary' | 'Registry' | 'linearBuckets' | 'exponentialBuckets'
>

/** The families that a page of a segment adds. */
const ADDED = /^(# \w+ )?metrics_/

const LABEL = /([a-zA-Z_]\w*)="((?:[^"\\]|\\.)*)"(?:,|$)/gsy

/**
 * Everything on a text page: samples by name and sorted labels, metadata by its first three words. Order, blank lines and
 * the spelling of NaN do not matter.
 * @throws for a line that no parser accepts, and for a sample that is there twice.
 */
export function samplesOf(page: string): Map<string, string> {
  const samples = new Map<string, string>()
  for (const line of page.split('\n').filter((each) => each !== '' && !ADDED.test(each))) {
    const [, key, value] = line.match(/^(# \w+ \S+) (.*)$/) ?? sampleOf(line)
    if (samples.has(key!)) throw new Error(`twice on the page: ${line}`)
    samples.set(key!, value === 'Nan' ? 'NaN' : value!)
  }
  return samples
}

/** The lines of a page in their order; labels are sorted, because prom-client has them in the order of the first event. */
export function linesOf(page: string): string[] {
  const families = page.split(/^(?=# (?:HELP|EOF))/m).filter((family) => !ADDED.test(family))
  const lines = families.join('').trimEnd().split('\n')
  return lines.map((line) => (line === '' || line.startsWith('#') ? line : sampleOf(line).slice(1).join(' ')))
}

function sampleOf(line: string): [string, string, string] {
  const [, name, , text = '', value] = line.match(/^([a-zA-Z_:][\w:]*)(\{(.*?)\})? (\S+(?: # .*)?)$/s) ?? []
  const labels = [...text.matchAll(LABEL)]
  if (name === undefined || labels.map(([all]) => all).join('') !== text)
    throw new Error(`no sample: ${line}`)
  const sorted = labels
    .map(([, label, each]) => [label!, each!] as const)
    .sort(([a], [b]) => (a < b ? -1 : 1))
  return [line, `${name}${JSON.stringify(Object.fromEntries(sorted))}`, value!]
}

/** `getMetricsAsJSON()`, label values as texts. */
export async function jsonOf(registry: promClient.Registry): Promise<object[]> {
  const metrics = (await registry.getMetricsAsJSON()) as unknown as { values: JsonValue[] }[]
  return Array.from(metrics, (metric) => ({
    ...metric,
    values: metric.values.map((value) => ({
      ...value,
      labels: Object.fromEntries(Object.entries(value.labels).map(([label, each]) => [label, String(each)])),
    })),
  }))
}

interface JsonValue {
  labels: Record<string, string | number>
}
