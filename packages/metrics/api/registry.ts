/**
 * The metrics of one page, with prom-client's interface. The page shows the numbers of this process; that of a registry of a
 * segment shows those of the whole cluster. Metrics of prom-client can be registered here, too.
 */
import { renderOpenMetrics } from '../format/openmetrics.ts'
import { PROM_CLIENT_STYLE, renderText } from '../format/text.ts'
import type { Aggregator } from '../model/definition.ts'
import { type Family, type MetricType, SAMPLE_SUFFIXES, type Series } from '../model/family.ts'
import { validateDefaultLabelNames } from '../model/validation.ts'
import { droppedFamily } from '../storage/own_families.ts'
import type { SharedStore, Store } from '../storage/store.ts'
import type { Labels } from './child.ts'
import { withDefaults } from './default_labels.ts'
import { Mirror } from './mirror.ts'
import {
  familyOf,
  type PromClientItem,
  type PromClientMetric,
  type PromClientRegistry,
} from './prom_client.ts'
import { Refresher } from './refresher.ts'

export type PrometheusContentType = 'text/plain; version=0.0.4; charset=utf-8'
export type OpenMetricsContentType = 'application/openmetrics-text; version=1.0.0; charset=utf-8'
export type RegistryContentType = PrometheusContentType | OpenMetricsContentType

/** A metric of this package as its registry sees it. */
export interface Collectable {
  readonly name: string
  readonly type: MetricType
  readonly store: Store
  /** Runs before each page. */
  readonly collect?: (() => void | Promise<void>) | undefined
  /** Its exemplars are in memory of this process, not in a shared store. */
  readonly enableExemplars?: boolean
  /** The numbers of this process. Does not run `collect`. */
  family(): Family
  get(): Promise<object>
  reset(): void
  /** Takes its numbers out of a shared store: they go on in memory of this process. */
  leave(shared: SharedStore): void
}

/** A metric as {@link Registry.getMetricsAsArray} lists it. */
export interface MetricObject {
  name: string
  help: string
  type: MetricType
  aggregator: Aggregator
  collect?: ((this: never) => void | Promise<void>) | undefined
}

type Registered = Collectable | PromClientMetric

const isOwn = (metric: Registered): metric is Collectable => 'family' in metric

// eslint-disable-next-line no-unused-vars -- prom-client's registries have this type parameter.
export class Registry<ContentType extends RegistryContentType = RegistryContentType> {
  static readonly PROMETHEUS_CONTENT_TYPE: PrometheusContentType = 'text/plain; version=0.0.4; charset=utf-8'
  static readonly OPENMETRICS_CONTENT_TYPE: OpenMetricsContentType =
    'application/openmetrics-text; version=1.0.0; charset=utf-8'

  /** Keeps the numbers of all metrics that are registered here; undefined when each metric has its own store. */
  readonly store: Store | undefined
  /** One, or those of the registries that were merged. */
  readonly #shared: readonly SharedStore[]
  readonly #mirror: Mirror | undefined
  readonly #refresher: Refresher<Registered> | undefined
  readonly #metrics = new Map<string, Registered>()
  /** Metrics that keep their numbers elsewhere and are being read. */
  readonly #reading = new Map<Registered, Promise<Family | undefined>>()
  #defaultLabels: Labels = {}
  #contentType: string

  /** @throws TypeError when the content type is neither of the two. */
  constructor(
    contentType: string = Registry.PROMETHEUS_CONTENT_TYPE,
    shared?: SharedStore | readonly SharedStore[],
  ) {
    if (!isKnown(contentType)) throw new TypeError(`Content type ${contentType} is unsupported`)
    this.#contentType = contentType
    this.#shared = shared === undefined ? [] : 'store' in shared ? [shared] : shared
    if (shared === undefined || !('store' in shared)) return
    this.store = shared.store
    this.#mirror = new Mirror(shared)
    this.#refresher = new Refresher(
      () => this.#registered().filter((metric) => this.#isRefreshed(metric)),
      (metric) => this.#refresh(metric),
    )
  }

  get contentType(): ContentType {
    return this.#contentType as ContentType
  }

  setContentType(type: RegistryContentType): void {
    if (!isKnown(type)) throw new Error(`Content type ${type as string} is unsupported`)
    this.#contentType = type
    if ((this as unknown) === register) contentType = type
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
    if (this.#isRefreshed(metric)) this.#refresher?.start()
  }

  getSingleMetric(name: string): Registered | undefined {
    return this.#metrics.get(name)
  }

  getMetricsAsArray(): MetricObject[] {
    return this.#registered() as unknown as MetricObject[]
  }

  removeSingleMetric(name: string): void {
    const metric = this.#metrics.get(name)
    this.#metrics.delete(name)
    if (metric) this.#leave(metric)
  }

  resetMetrics(): void {
    for (const metric of this.#metrics.values()) metric.reset?.()
  }

  clear(): void {
    const metrics = this.#registered()
    this.#metrics.clear()
    for (const metric of metrics) this.#leave(metric)
    this.setDefaultLabels({})
  }

  /** Adds these labels to every series that has none of that name. @throws Error for a name that no reader takes. */
  setDefaultLabels(labels: Labels): void {
    validateDefaultLabelNames(Object.keys(labels))
    this.#defaultLabels = labels
    const texts = Object.entries(labels).map(([name, value]) => [name, String(value).toWellFormed()])
    if (this.#mirror) this.#shared[0]!.setDefaultLabels(Object.fromEntries(texts))
  }

  /** Runs each `collect`, then reads all numbers, for a page. */
  families(): Promise<Family[]> {
    return this.#gather(this.#registered())
  }

  async metrics(): Promise<string> {
    return this.#render(await this.families())
  }

  async getSingleMetricAsString(name: string): Promise<string> {
    const metric = this.#metrics.get(name)
    if (!metric) throw new Error(`There is no metric ${name}`)
    return this.getMetricsAsString(metric)
  }

  /** The lines of one metric, as prom-client has them: without the end of the last one. */
  async getMetricsAsString(metric: Registered): Promise<string> {
    const families = await this.#gather([metric])
    const text = this.#render(
      families.filter(({ name }) => metric.name === undefined || name === metric.name),
    )
    return text.replace(/\n(# EOF\n)?$/, '')
  }

  async getMetricsAsJSON(): Promise<PromClientItem[]> {
    const items = await Promise.all(
      this.#registered().map((metric) => metric.get() as Promise<PromClientItem>),
    )
    return Array.from(items, (item) => ({
      ...item,
      values: item.values?.map((each) => ({ ...each, labels: { ...this.#defaultLabels, ...each.labels } })),
    }))
  }

  /** @throws Error when their content types differ, or when a name is in two of them. */
  static merge(registries: readonly (Registry | PromClientRegistry)[]): Registry {
    const merged = new Registry(
      registries[0]?.contentType,
      registries.flatMap((registry) => (registry instanceof Registry ? registry.#shared : [])),
    )
    for (const registry of registries) {
      if (registry.contentType !== merged.contentType) {
        throw new Error('Registers can only be merged if they have the same content type')
      }
      for (const metric of registry.getMetricsAsArray()) merged.registerMetric(metric as Registered)
    }
    return merged
  }

  #registered(): Registered[] {
    return [...this.#metrics.values()]
  }

  #render(families: readonly Family[]): string {
    const isOpenMetrics = this.#contentType === Registry.OPENMETRICS_CONTENT_TYPE
    return (isOpenMetrics ? renderOpenMetrics : renderText)(families, PROM_CLIENT_STYLE)
  }

  /** The name of a metric that owns a sample of this one: a histogram `wait` has a sample `wait_count`. */
  #clashOf({ name = '', type = 'gauge' }: Registered): string | undefined {
    const suffix = SAMPLE_SUFFIXES.histogram.find((each) => name.endsWith(each)) ?? ''
    const base = this.#metrics.get(name.slice(0, name.length - suffix.length))
    if (suffix !== '' && base?.type && SAMPLE_SUFFIXES[base.type].includes(suffix)) return base.name
    return SAMPLE_SUFFIXES[type].map((each) => name + each).find((each) => this.#metrics.has(each))
  }

  async #gather(metrics: readonly Registered[]): Promise<Family[]> {
    const families = await Promise.all(metrics.map((metric) => this.#refresh(metric)))
    const shared = this.#shared
      .flatMap((each) => each.families())
      .map((family) => this.#withExemplars(family))
    const byName = new Map(shared.map((family) => [family.name, family]))
    const local = families.filter((family) => family && !byName.has(family.name)) as Family[]
    const page = [...(byName.size === shared.length ? shared : byName.values()), ...this.#withDefaults(local)]
    const dropped = metrics.reduce((sum, metric) => sum + this.#droppedOf(metric), 0)
    return dropped === 0 ? page : [...page, ...this.#withDefaults([droppedFamily(dropped)])]
  }

  /** Adds the exemplars of this process to a family of the cluster. */
  #withExemplars(family: Family): Family {
    const metric = this.#metrics.get(family.name)
    if (!metric || !isOwn(metric) || !metric.enableExemplars) return family
    const [own] = this.#withDefaults([metric.family()])
    const exemplars = new Map(Array.from(own!.series, (each) => [each.labels, each.exemplars]))
    const series = Array.from(family.series, (each): Series => {
      const found = exemplars.get(each.labels)
      return found ? Object.assign(each, { exemplars: found }) : each
    })
    return { ...family, series }
  }

  /** Runs `collect`. @returns the numbers of this process, unless they are in a shared store. */
  async #refresh(metric: Registered): Promise<Family | undefined> {
    if (isOwn(metric) && (!this.#mirror || metric.store === this.store)) {
      await metric.collect?.()
      return this.#isShared(metric) ? undefined : metric.family()
    }
    // One at a time: an older result that comes later would look like a reset.
    const reading =
      this.#reading.get(metric) ?? this.#copy(metric).finally(() => this.#reading.delete(metric))
    this.#reading.set(metric, reading)
    return reading
  }

  async #copy(metric: Registered): Promise<Family | undefined> {
    const item = (await metric.get()) as PromClientItem
    const isMirrored = this.#mirror?.copy(
      metric,
      item,
      'labelNames' in metric ? metric.labelNames : undefined,
    )
    return isMirrored ? undefined : familyOf(item)
  }

  /** The page of another process needs it to be refreshed here. */
  #isRefreshed(metric: Registered): boolean {
    return !isOwn(metric) || metric.collect !== undefined || metric.store !== this.store
  }

  #isShared({ store }: Collectable): boolean {
    return this.#shared.some((shared) => shared.store === store)
  }

  /** Events without a series of their own that no shared page reports. */
  #droppedOf(metric: Registered): number {
    return isOwn(metric) && !this.#isShared(metric) && this.#shared.length === 0 ? metric.store.dropped : 0
  }

  #leave(metric: Registered): void {
    if (isOwn(metric) && metric.store === this.store) metric.leave(this.#shared[0]!)
    else this.#mirror?.forget(metric)
  }

  #withDefaults(families: readonly Family[]): readonly Family[] {
    const defaults = Object.entries(this.#defaultLabels)
    return defaults.length === 0 ? families : families.map((family) => withDefaults(family, defaults))
  }
}

const isKnown = (contentType: string): boolean =>
  contentType === Registry.PROMETHEUS_CONTENT_TYPE || contentType === Registry.OPENMETRICS_CONTENT_TYPE

/** The default of `registers`. */
export const register: Registry<PrometheusContentType> = new Registry()

/** The content type of {@link register}, as it is now. */
export let contentType: RegistryContentType = register.contentType
