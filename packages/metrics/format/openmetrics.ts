/**
 * Writes a page in OpenMetrics 1.0, which Prometheus asks for first and which alone has exemplars. It is stricter than text.ts
 * about names and numbers, and a reader refuses the whole page for one fault. Hence everything that it forbids is left out:
 * numbers that a counter cannot have, negative sums and quantiles, families whose names clash (see `Names`).
 *
 * https://github.com/prometheus/OpenMetrics/blob/v1.0.0/specification/OpenMetrics.md
 */
import type { CreatedOf } from './created.ts'
import { type Exemplar, escapeLabelValue, type Family, labelText, type MetricType } from '../model/family.ts'
import { type Dialect, inBraces, lines, numberText, PLAIN_STYLE, type Style, valueLines } from './text.ts'

/**
 * The whole page, with its end mark.
 * @param createdOf adds `_created` lines
 */
export function renderOpenMetrics(
  families: Iterable<Family>,
  style: Style = PLAIN_STYLE,
  createdOf?: CreatedOf,
): string {
  const dialect: Dialect = {
    ...DIALECT,
    created: createdOf
      ? (family, labels) => createdLine(family, labels, createdOf(family, labels))
      : () => '',
    nan: style.nan,
    bound: style.hasPlainBounds ? numberText : boundText,
  }
  const names = new Names()
  const texts = new Map(Array.from(families, (family) => [family, '']))
  for (const family of texts.keys()) {
    if (family.type !== 'counter' && names.claim(family.name, family.type))
      texts.set(family, metadata(family) + lines(family, dialect))
  }
  // Counters claim their names last, because a counter that clashes has another name to go by, unlike the other types.
  for (const family of texts.keys())
    if (family.type === 'counter') texts.set(family, counterText(family, names, dialect))
  let page = ''
  for (const text of texts.values()) page += text
  return `${page}# EOF\n`
}

function counterText(family: Family, names: Names, dialect: Dialect): string {
  const name = counterName(family)
  if (names.claim(name, 'counter')) return metadata(family, name) + counterLines(family, dialect)
  if (!names.claim(family.name, 'unknown')) return ''
  return metadata(family, family.name, 'unknown') + valueLines(family.name, family.series, dialect.nan)
}

/** OpenMetrics names a counter without the `_total` of its samples. */
const counterName = ({ name }: Family): string => name.replace(/_total$/, '')

const DIALECT: Omit<Dialect, 'nan' | 'bound' | 'created'> = {
  hasSum: isCount,
  hasQuantile: (value) => !(value < 0),
  exemplar: exemplarText,
}

type OpenMetricsType = MetricType | 'unknown'

const SUFFIXES: Record<OpenMetricsType, readonly string[]> = {
  counter: ['', '_total', '_created'],
  gauge: [''],
  histogram: ['', '_bucket', '_sum', '_count', '_created'],
  summary: ['', '_sum', '_count', '_created'],
  unknown: [''],
}

/**
 * The names that a page has used. A family owns its name with every suffix of its type, printed or not, and no two families may
 * own the same name: gauge `jobs` beside counter `jobs_total` is a clash, although Prometheus itself would accept it. In that
 * case the counter becomes the family `jobs_total` of unknown type, with the same samples. A clash without such a way out, for
 * instance histogram `x` beside gauge `x_count`, leaves the second family to the text page alone.
 */
class Names {
  readonly #taken = new Set<string>()

  claim(name: string, type: OpenMetricsType): boolean {
    const wanted = SUFFIXES[type].map((suffix) => name + suffix)
    if (wanted.some((each) => this.#taken.has(each))) return false
    for (const each of wanted) this.#taken.add(each)
    return true
  }
}

const metadata = ({ name, help, type }: Family, as = name, asType: OpenMetricsType = type): string =>
  `# HELP ${as} ${escapeLabelValue(help)}\n# TYPE ${as} ${asType}\n`

function counterLines(family: Family, dialect: Dialect): string {
  const name = `${counterName(family)}_total`
  let text = ''
  for (const { labels, value, exemplars } of family.series) {
    if (!isCount(value)) continue
    text += `${name}${inBraces(labels)} ${numberText(value)}${exemplarText(exemplars?.[0])}\n`
    text += dialect.created(family, labels)
  }
  return text
}

function createdLine(family: Family, labels: string, created: number): string {
  const name = family.type === 'counter' ? counterName(family) : family.name
  return `${name}_created${inBraces(labels)} ${created}\n`
}

/** A counter, and a number that counts like one, is neither negative nor NaN. */
function isCount(value: number | undefined): value is number {
  return value !== undefined && value >= 0
}

function exemplarText(exemplar: Exemplar | undefined): string {
  if (exemplar === undefined) return ''
  const { labelSet, value, timestamp } = exemplar
  const labels = labelText(Object.keys(labelSet), Object.values(labelSet).map(String))
  return ` # {${labels}} ${numberText(value)} ${timestamp}`
}

/**
 * A bound or quantile as Go writes it, `1.0` and `1e+06`, which the specification recommends: a label value is compared
 * as text, and these are the texts that Prometheus 3 stores for either format.
 */
function boundText(bound: number): string {
  const [digits, power] = bound.toExponential().split('e') as [string, string]
  const exponent = Number(power)
  if (exponent < -4 || exponent >= 6) return `${digits}e${power[0]}${power.slice(1).padStart(2, '0')}`
  return Number.isInteger(bound) ? `${bound}.0` : `${bound}`
}
