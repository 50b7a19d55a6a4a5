/**
 * A page in Prometheus text format 0.0.4: what a person, promtool and old scrapers read. The samples are those that
 * stock prom-client prints for the same metrics, label for label. For what Prometheus asks for first see openmetrics.ts.
 *
 * A page is one string that grows: an engine keeps such a string as a tree and flattens it once, at the end. Whatever is
 * the same for all series of a family is put together once, and what is the same for all lines of a series, too.
 */
import type { Exemplar, Family, Series } from './family.ts'

/** What the formats do differently within a family. */
export interface Dialect {
  /** A bound or quantile, as a label value. */
  bound(value: number): string
  /** Whether such a sum may be shown. */
  hasSum(sum: number): boolean
  hasQuantile(value: number): boolean
  /** What follows the count of a bucket. */
  exemplar(exemplar: Exemplar | undefined): string
}

const DIALECT: Dialect = {
  bound: numberText,
  hasSum: () => true,
  hasQuantile: () => true,
  exemplar: () => '',
}

/** The whole page. A family without series still has its two lines of metadata. */
export function renderText(families: Iterable<Family>): string {
  let text = ''
  for (const family of families) {
    const { name, type } = family
    text += `# HELP ${name} ${escapeHelp(family.help)}\n# TYPE ${name} ${type}\n${lines(family, DIALECT)}`
  }
  return text
}

/** The samples of a family. */
export function lines(family: Family, dialect: Dialect): string {
  if (family.type === 'histogram') return histogramLines(family, dialect)
  if (family.type === 'summary') return summaryLines(family, dialect)
  return valueLines(family.name, family.series)
}

/** A line for each series with one value: `name{labels} value`. */
export function valueLines(name: string, series: Iterable<Series>): string {
  let text = ''
  for (const { labels, value } of series) text += `${name}${inBraces(labels)} ${numberText(value!)}\n`
  return text
}

function histogramLines({ name, buckets = [], series }: Family, dialect: Dialect): string {
  const heads = [...buckets.map(dialect.bound), '+Inf'].map((bound) => `${name}_bucket{le="${bound}"`)
  // Negative observations make a sum that can fall.
  const mayHaveSum = dialect.hasSum(Math.min(0, buckets[0] ?? 0))
  let text = ''
  for (const { labels, sum, counts, exemplars } of series) {
    const tail = afterLabel(labels)
    let count = 0
    for (let i = 0; i < heads.length; i++) {
      count += counts![i]!
      text += `${heads[i]}${tail}${count}${exemplars ? dialect.exemplar(exemplars[i]) : ''}\n`
    }
    // Without a sum there must be no count.
    if (!mayHaveSum || !dialect.hasSum(sum!)) continue
    const braces = inBraces(labels)
    text += `${name}_sum${braces} ${numberText(sum!)}\n${name}_count${braces} ${count}\n`
  }
  return text
}

function summaryLines({ name, series }: Family, dialect: Dialect): string {
  let text = ''
  for (const { labels, sum, count, quantiles = [] } of series) {
    const braces = inBraces(labels)
    const tail = afterLabel(labels)
    for (const [quantile, value] of quantiles)
      if (dialect.hasQuantile(value))
        text += `${name}{quantile="${dialect.bound(quantile)}"${tail}${numberText(value)}\n`
    if (dialect.hasSum(sum!)) text += `${name}_sum${braces} ${numberText(sum!)}\n`
    text += `${name}_count${braces} ${count}\n`
  }
  return text
}

/** Labels as they follow a name: no braces without labels. */
export const inBraces = (labels: string): string => (labels === '' ? '' : `{${labels}}`)

/** Labels as they follow a first label that is written already, up to the value. */
const afterLabel = (labels: string): string => (labels === '' ? '} ' : `,${labels}} `)

/** A number as the specifications write it; prom-client has `Nan` for NaN. */
export function numberText(value: number): string {
  if (Number.isFinite(value)) return `${value}`
  return Number.isNaN(value) ? 'NaN' : value > 0 ? '+Inf' : '-Inf'
}

const escapeHelp = (help: string): string => help.replaceAll('\\', '\\\\').replaceAll('\n', '\\n')
