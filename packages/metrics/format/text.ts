/**
 * Writes a page in Prometheus text format 0.0.4, for people, promtool and old scrapers. The samples are those that prom-client
 * prints for the same metrics, label for label. Prometheus asks for OpenMetrics first: see openmetrics.ts.
 *
 * A page is one string that grows: the engine keeps such a string as a tree and flattens it once, at the end. Text that all
 * series of a family share is put together once for the family, text that all lines of a series share once for the series.
 */
import type { Exemplar, Family, Series } from '../model/family.ts'

/** The differences between the formats within a family. */
export interface Dialect {
  /** A bound or quantile, as a label value. */
  bound(value: number): string
  /** Whether the format allows this sum. */
  hasSum(sum: number): boolean
  hasQuantile(value: number): boolean
  /** The text behind the count of a bucket. */
  exemplar(exemplar: Exemplar | undefined): string
  /** The line behind a series that says since when it counts. */
  created(family: Family, labels: string): string
  nan: string
}

/** Details that readers do not care about, but programs that compare pages of prom-client do. */
export interface Style {
  /** Between two families of a text page. */
  separator: string
  nan: string
  /** Bounds in OpenMetrics are `1`, not `1.0`. */
  hasPlainBounds: boolean
}

export const PROM_CLIENT_STYLE: Style = { separator: '\n', nan: 'Nan', hasPlainBounds: true }
export const PLAIN_STYLE: Style = { separator: '', nan: 'NaN', hasPlainBounds: false }

const DIALECT: Omit<Dialect, 'nan'> = {
  bound: numberText,
  hasSum: () => true,
  hasQuantile: () => true,
  exemplar: () => '',
  created: () => '',
}

/** The whole page. A family without series still has its two lines of metadata. */
export function renderText(families: Iterable<Family>, { nan, separator }: Style = PLAIN_STYLE): string {
  const dialect = { ...DIALECT, nan }
  let text = ''
  for (const family of families) {
    const { name, type } = family
    if (text !== '') text += separator
    text += `# HELP ${name} ${escapeHelp(family.help)}\n# TYPE ${name} ${type}\n${lines(family, dialect)}`
  }
  return text
}

/** The samples of a family. */
export function lines(family: Family, dialect: Dialect): string {
  if (family.type === 'histogram') return histogramLines(family, dialect)
  if (family.type === 'summary') return summaryLines(family, dialect)
  return valueLines(family.name, family.series, dialect.nan)
}

/** A line for each series with one value: `name{labels} value`. */
export function valueLines(name: string, series: Iterable<Series>, nan: string): string {
  let text = ''
  for (const { labels, value } of series) {
    const number = Number.isFinite(value) ? value : numberText(value!, nan)
    text += `${name}${inBraces(labels)} ${number}\n`
  }
  return text
}

function histogramLines(family: Family, dialect: Dialect): string {
  const { name, buckets = [], series } = family
  const heads = [...buckets.map(dialect.bound), '+Inf'].map((bound) => `${name}_bucket{le="${bound}"`)
  // A sum can fall when observations may be negative.
  const mayHaveSum = dialect.hasSum(Math.min(0, buckets[0] ?? 0))
  let text = ''
  for (const { labels, sum, counts, exemplars } of series) {
    const tail = afterLabel(labels)
    let count = 0
    for (let i = 0; i < heads.length; i++) {
      count += counts![i]!
      text += `${heads[i]}${tail}${count}${exemplars ? dialect.exemplar(exemplars[i]) : ''}\n`
    }
    // OpenMetrics has neither or both of sum and count.
    if (mayHaveSum && dialect.hasSum(sum!)) {
      const braces = inBraces(labels)
      text += `${name}_sum${braces} ${numberText(sum!, dialect.nan)}\n${name}_count${braces} ${count}\n`
    }
    text += dialect.created(family, labels)
  }
  return text
}

function summaryLines(family: Family, dialect: Dialect): string {
  const { name, series } = family
  let text = ''
  for (const { labels, sum, count, quantiles = [] } of series) {
    const braces = inBraces(labels)
    const tail = afterLabel(labels)
    for (const [quantile, value] of quantiles)
      if (dialect.hasQuantile(value))
        text += `${name}{quantile="${dialect.bound(quantile)}"${tail}${numberText(value, dialect.nan)}\n`
    if (dialect.hasSum(sum!)) text += `${name}_sum${braces} ${numberText(sum!, dialect.nan)}\n`
    text += `${name}_count${braces} ${count}\n${dialect.created(family, labels)}`
  }
  return text
}

/** Labels behind a name; without labels there are no braces. */
export const inBraces = (labels: string): string => (labels === '' ? '' : `{${labels}}`)

/** The rest of the labels behind a first one that is already written, up to the value. */
const afterLabel = (labels: string): string => (labels === '' ? '} ' : `,${labels}} `)

/** A number as the specifications write it. prom-client writes `Nan` for NaN. */
export function numberText(value: number, nan = 'NaN'): string {
  if (Number.isFinite(value)) return `${value}`
  return Number.isNaN(value) ? nan : value > 0 ? '+Inf' : '-Inf'
}

const escapeHelp = (help: string): string => help.replaceAll('\\', '\\\\').replaceAll('\n', '\\n')
