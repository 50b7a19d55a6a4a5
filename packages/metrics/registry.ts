/**
 * Metrics that make one page, with prom-client's interface. It shows what this process counted; a registry of a segment
 * shows what the whole process family did. Stock prom-client's metrics may be registered here, and ours there.
 */
import { type Family, labelText, plainFamily, type Series } from './family.ts'
import type { Labels } from './child.ts'
import type { Metric } from './metric.ts'
import { renderOpenMetrics } from './openmetrics.ts'
import { fromStock, type StockItem, type StockMetric } from './stock.ts'
import type { Store } from './store.ts'
import { renderText } from './text.ts'
import { validateLabelNames } from './validation.ts'

type Own = Metric<never>
type Registered = Own | StockMetric

const isOwn = (metric: Registered): metric is Own => 'family' in metric

/** Where a registry's numbers are, when they are not this process's alone. */
export interface Shared {
  store: Store
  /** All that the process family counted. */
  families(): Family[]
}

export class Registry {
  static readonly PROMETHEUS_CONTENT_TYPE = 'text/plain; version=0.0.4; charset=utf-8'
  static readonly OPENMETRICS_CONTENT_TYPE = 'application/openmetrics-text; version=1.0.0; charset=utf-8'

  /** Where metrics that are registered here keep their numbers; undefined where each keeps its own. */
  readonly store: Store | undefined
  readonly #shared: Shared | undefined
  readonly #metrics = new Map<string, Registered>()
  #defaultLabels: Labels = {}
  #contentType: string

  /** @throws TypeError where the content type is none of the two. */
  constructor(contentType: string = Registry.PROMETHEUS_CONTENT_TYPE, shared?: Shared) {
    if (!isKnown(contentType)) throw new TypeError(`Content type ${contentType} is unsupported`)
    this.#contentType = contentType
    this.#shared = shared
    this.store = shared?.store
  }

  get contentType(): string {
    return this.#contentType
  }

  setContentType(contentType: string): void {
    if (!isKnown(contentType)) throw new Error(`Content type ${contentType} is unsupported`)
    this.#contentType = contentType
  }

  /** @throws Error where another metric has the name. */
  registerMetric(metric: Registered): void {
    const { name } = metric
    if ((this.#metrics.get(name) ?? metric) !== metric) {
      throw new Error(`A metric with the name ${name} has already been registered.`)
    }
    this.#metrics.set(name, metric)
  }

  getSingleMetric(name: string): Registered | undefined {
    return this.#metrics.get(name)
  }

  getMetricsAsArray(): Registered[] {
    return [...this.#metrics.values()]
  }

  removeSingleMetric(name: string): void {
    this.#metrics.delete(name)
  }

  resetMetrics(): void {
    for (const metric of this.#metrics.values()) metric.reset?.()
  }

  clear(): void {
    this.#metrics.clear()
    this.#defaultLabels = {}
  }

  /** Labels that every series gets that has none of that name. @throws Error where a name is none. */
  setDefaultLabels(labels: Labels): void {
    validateLabelNames(Object.keys(labels))
    this.#defaultLabels = labels
  }

  /** Everything, for whoever writes it down. Runs each `collect` first. */
  families(): Promise<Family[]> {
    return this.#gather([...this.#metrics.values()])
  }

  async metrics(): Promise<string> {
    const isOpenMetrics = this.#contentType === Registry.OPENMETRICS_CONTENT_TYPE
    return (isOpenMetrics ? renderOpenMetrics : renderText)(await this.families())
  }

  async getSingleMetricAsString(name: string): Promise<string> {
    const metric = this.#metrics.get(name)
    if (!metric) throw new Error(`There is no metric ${name}`)
    return renderText((await this.#gather([metric])).filter((family) => family.name === name))
  }

  async getMetricsAsJSON(): Promise<StockItem[]> {
    const items = await Promise.all(
      this.getMetricsAsArray().map((metric) => metric.get() as Promise<StockItem>),
    )
    return Array.from(items, (item) => ({
      ...item,
      values: item.values.map((each) => ({ ...each, labels: { ...this.#defaultLabels, ...each.labels } })),
    }))
  }

  /** @throws Error where they would make pages of different kinds, or of several segments. */
  static merge(registries: readonly Registry[]): Registry {
    const [shared, another] = new Set(registries.flatMap((registry) => registry.#shared ?? []))
    if (another) throw new Error('Registers of several segments cannot be merged')
    const merged = new Registry(registries[0]?.contentType, shared)
    for (const registry of registries) {
      if (registry.contentType !== merged.contentType) {
        throw new Error('Registers can only be merged if they have the same content type')
      }
      for (const metric of registry.getMetricsAsArray()) merged.registerMetric(metric)
    }
    return merged
  }

  async #gather(metrics: readonly Registered[]): Promise<Family[]> {
    const own = metrics.filter(isOwn)
    await Promise.all(own.map((metric) => metric.collect?.()))
    const foreign = metrics.filter((metric) => !isOwn(metric))
    const items = await Promise.all(foreign.map((metric) => metric.get() as Promise<StockItem>))
    const local = own.filter((metric) => metric.store !== this.store)
    const dropped = local.reduce((sum, { store }) => sum + store.dropped, 0)
    const families = [
      ...local.map((metric) => metric.family()),
      ...(this.#shared?.families() ?? [droppedFamily(dropped)]),
      ...items.map(fromStock),
    ]
    const defaults = Object.entries(this.#defaultLabels)
    return defaults.length === 0 ? families : families.map((family) => withDefaults(family, defaults))
  }
}

export const droppedFamily = (value: number): Family =>
  plainFamily(
    'metrics_dropped_series_total',
    'counter',
    'Events whose label set found no room, or was above its limit: they are in the series __overflow__',
    value,
  )

/** A name and its value as {@link labelText} writes them: the value is taken along, because it may look like a name. */
const LABEL = /(\w+)="(?:[^"\\]|\\.)*"/g

function withDefaults(family: Family, defaults: readonly [name: string, value: unknown][]): Family {
  const series = Array.from(family.series, (each): Series => {
    const own = new Set(Array.from(each.labels.matchAll(LABEL), ([, name]) => name))
    const missing = defaults.filter(([name]) => !own.has(name))
    const text = labelText(
      missing.map(([name]) => name),
      missing.map(([, value]) => String(value)),
    )
    return { ...each, labels: [each.labels, text].filter(Boolean).join(',') }
  })
  return { ...family, series }
}

const isKnown = (contentType: string): boolean =>
  contentType === Registry.PROMETHEUS_CONTENT_TYPE || contentType === Registry.OPENMETRICS_CONTENT_TYPE

/** The registry of whoever names none. */
export const register = new Registry()
