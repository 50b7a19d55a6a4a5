/**
 * The metrics of one page, with prom-client's interface. The page shows the numbers of this process; that of a registry of a
 * segment shows those of the whole cluster. Metrics of prom-client can be registered here, too.
 */
import { type Family, labelText, type MetricType, SAMPLE_SUFFIXES, type Series } from '../model/family.ts'
import type { Labels } from './child.ts'
import { renderOpenMetrics } from '../format/openmetrics.ts'
import { fromPromClient, type PromClientItem, type PromClientMetric } from './prom_client.ts'
import { droppedFamily } from '../storage/own_families.ts'
import type { SharedStore, Store } from '../storage/store.ts'
import { renderText } from '../format/text.ts'
import { validateDefaultLabelNames } from '../model/validation.ts'

/** A metric of this package as its registry sees it. */
export interface Collectable {
  readonly name: string
  readonly type: MetricType
  readonly store: Store
  /** Runs before each page. */
  readonly collect?: (() => void | Promise<void>) | undefined
  /** The numbers of this process. Does not run `collect`. */
  family(): Family
  get(): Promise<object>
  reset(): void
}

type Registered = Collectable | PromClientMetric

const isOwn = (metric: Registered): metric is Collectable => 'family' in metric

export class Registry {
  static readonly PROMETHEUS_CONTENT_TYPE = 'text/plain; version=0.0.4; charset=utf-8'
  static readonly OPENMETRICS_CONTENT_TYPE = 'application/openmetrics-text; version=1.0.0; charset=utf-8'

  /** Keeps the numbers of all metrics that are registered here; undefined when each metric has its own store. */
  readonly store: Store | undefined
  readonly #shared: SharedStore | undefined
  readonly #metrics = new Map<string, Registered>()
  #defaultLabels: Labels = {}
  #contentType: string

  /** @throws TypeError when the content type is neither of the two. */
  constructor(contentType: string = Registry.PROMETHEUS_CONTENT_TYPE, shared?: SharedStore) {
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

  /** @throws Error when another metric has the name, or samples of the same name: readers refuse such a page. */
  registerMetric(metric: Registered): void {
    const { name } = metric
    if ((this.#metrics.get(name) ?? metric) !== metric) {
      throw new Error(`A metric with the name ${name} has already been registered.`)
    }
    const clash = this.#clashOf(metric)
    if (clash) throw new Error(`The metrics ${clash} and ${name} have samples of the same name.`)
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

  /** Adds these labels to every series that has none of that name. @throws Error for an invalid name. */
  setDefaultLabels(labels: Labels): void {
    validateDefaultLabelNames(Object.keys(labels))
    this.#defaultLabels = labels
  }

  /** Runs each `collect`, then reads all numbers, for a page. */
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

  async getMetricsAsJSON(): Promise<PromClientItem[]> {
    const items = await Promise.all(
      this.getMetricsAsArray().map((metric) => metric.get() as Promise<PromClientItem>),
    )
    return Array.from(items, (item) => ({
      ...item,
      values: item.values.map((each) => ({ ...each, labels: { ...this.#defaultLabels, ...each.labels } })),
    }))
  }

  /** @throws Error when their content types differ, or when they belong to several segments. */
  static merge(registries: readonly Registry[]): Registry {
    const [shared, another] = new Set(registries.flatMap((registry) => registry.#shared ?? []))
    if (another) throw new Error('Registries of several segments cannot be merged')
    const merged = new Registry(registries[0]?.contentType, shared)
    for (const registry of registries) {
      if (registry.contentType !== merged.contentType) {
        throw new Error('Registers can only be merged if they have the same content type')
      }
      for (const metric of registry.getMetricsAsArray()) merged.registerMetric(metric)
    }
    return merged
  }

  /** The name of a metric that owns a sample of this one: a histogram `wait` has a sample `wait_count`. */
  #clashOf({ name = '', type = 'gauge' }: Registered): string | undefined {
    const suffix = SAMPLE_SUFFIXES.histogram.find((each) => name.endsWith(each)) ?? ''
    const base = this.#metrics.get(name.slice(0, name.length - suffix.length))
    if (suffix !== '' && base?.type && SAMPLE_SUFFIXES[base.type].includes(suffix)) return base.name
    return SAMPLE_SUFFIXES[type].map((each) => name + each).find((each) => this.#metrics.has(each))
  }

  async #gather(metrics: readonly Registered[]): Promise<Family[]> {
    const own = metrics.filter(isOwn)
    await Promise.all(own.map((metric) => metric.collect?.()))
    const foreign = metrics.filter((metric) => !isOwn(metric))
    const items = await Promise.all(foreign.map((metric) => metric.get() as Promise<PromClientItem>))
    const local = own.filter((metric) => metric.store !== this.store)
    const dropped = local.reduce((sum, { store }) => sum + store.dropped, 0)
    const families = [
      ...local.map((metric) => metric.family()),
      ...(this.#shared?.families() ?? [droppedFamily(dropped)]),
      ...items.map(fromPromClient),
    ]
    const defaults = Object.entries(this.#defaultLabels)
    return defaults.length === 0 ? families : families.map((family) => withDefaults(family, defaults))
  }
}

/** A name and its value as {@link labelText} writes them. The value is matched, too, because it may look like a name. */
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

/** The default of `registers`. */
export const register = new Registry()
