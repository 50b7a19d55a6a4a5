/**
 * The common part of all metrics: a declaration, registries, and children by label values. A child holds its cells: an event on
 * a kept child is a plain store, one that names its labels looks up one Map for each label.
 */
import { type Child, isLabels, type Labels, textsOf, valuesInOrder } from './child.ts'
import type { ExemplarLabels } from './exemplars.ts'
import { type Family, type MetricType, type Series, seriesText } from '../model/family.ts'
import { type Collectable, register, Registry } from './registry.ts'
import { type PromClientItem, promClientValues } from './prom_client.ts'
import {
  type Aggregator,
  cellCountOf,
  type Definition,
  keyOf,
  validateAggregator,
  valuesOf,
} from '../model/definition.ts'
import { hide, isShown, show } from '../storage/layout.ts'
import { HeapStore } from '../storage/heap_store.ts'
import type { Cells, SharedStore, Store } from '../storage/store.ts'
import { type Declaration, validateDeclaration } from '../model/validation.ts'

export interface MetricOptions<Name extends string = string, Self = never> extends Omit<
  Declaration,
  'collect'
> {
  labelNames?: readonly Name[]
  /** The registries whose pages show it (default: the global `register`). */
  registers?: readonly { registerMetric(metric: never): void }[]
  aggregator?: Aggregator
  /** Runs before each page that this process renders; may be async. */
  collect?: (this: Self) => void | Promise<void>
  /** Events of label sets above this number are counted together under `__overflow__` (default 1000). */
  maxLabelSets?: number
  /** For counters and histograms in OpenMetrics registries: `inc` and `observe` take a {@link WithExemplar}. */
  enableExemplars?: boolean
}

const DEFAULT_MAX_LABEL_SETS = 1000
export const OVERFLOW = '__overflow__'

/** The path to a child has one step for each label; the step of a label that was left out is undefined. */
type Node<C> = Map<string | number | undefined, Node<C> | C>

export abstract class Metric<C extends Child, Name extends string = string> implements Collectable {
  readonly name: string
  readonly help: string
  readonly labelNames: readonly Name[]
  readonly aggregator: Aggregator
  readonly collect: (() => void | Promise<void>) | undefined
  abstract readonly type: MetricType

  #store!: Store
  #definition!: Definition
  #cellCount!: number
  #makeChild!: (cells: Cells, key: string) => C
  readonly #maxLabelSets: number
  /** The child itself when there are no label names. */
  #root: Node<C> | C = new Map()
  readonly #children = new Map<string, C>()
  /** Removed children. One that the program has kept may count again, and is shown again then; the others are collected. */
  readonly #hidden = new Map<string, WeakRef<C>>()
  #overflow: C | undefined

  constructor(options: MetricOptions<Name>, reservedLabel?: string) {
    validateDeclaration(options, reservedLabel)
    this.name = options.name
    this.help = options.help
    this.labelNames = [...(options.labelNames ?? [])]
    this.aggregator = options.aggregator ?? 'sum'
    validateAggregator(this.aggregator)
    this.collect = options.collect?.bind(this as never)
    this.#maxLabelSets = options.maxLabelSets ?? DEFAULT_MAX_LABEL_SETS
  }

  /** Ends the construction; called by the subclass, which knows its type and its cells. */
  protected declare(
    options: MetricOptions<Name>,
    extra: Pick<Definition, 'buckets' | 'aggregator'>,
    makeChild: (cells: Cells, key: string) => C,
  ): void {
    const { name, help, labelNames, type } = this
    const registers = options.registers ?? [register]
    this.#definition = { name, help, type, labelNames, ...extra }
    this.#cellCount = cellCountOf(this.#definition)
    this.#makeChild = makeChild
    const shared = registers.find((each) => (each as Registry).store) as Registry | undefined
    this.#store = shared?.store ?? new HeapStore()
    for (const registry of registers) {
      if (options.enableExemplars) refuseExemplars(registry as Registry)
      registry.registerMetric(this as never)
    }
    this.#reserve()
  }

  /** The child for these label values, in the order of the label names or by name. */
  labels(...args: [Labels<Name>] | (string | number)[]): C {
    const [first] = args
    if (typeof first === 'object') return this.child(first)
    let node: Node<C> | C | undefined = args.length === this.labelNames.length ? this.#root : undefined
    for (let i = 0; i < args.length && node !== undefined; i++)
      node = (node as Node<C>).get(args[i] as string)
    return (node instanceof Map ? undefined : node) ?? this.#create(valuesInOrder(this.labelNames, args))
  }

  /** The child for the first argument of a call, which is either labels or the value. */
  protected of(first: Labels<Name> | number | undefined | null): C {
    return this.child(isLabels(first) ? first : undefined)
  }

  protected timer(
    labels: Labels<Name> | undefined,
    end: (labels: Labels<Name> | undefined, seconds: number, exemplarLabels?: ExemplarLabels) => void,
  ) {
    const startedMs = performance.now()
    return (endLabels?: Labels<Name>, exemplarLabels?: ExemplarLabels): number => {
      const seconds = (performance.now() - startedMs) / 1000
      end(
        labels || endLabels ? ({ ...labels, ...endLabels } as Labels<Name>) : undefined,
        seconds,
        exemplarLabels,
      )
      return seconds
    }
  }

  /** The child for labels by name; without labels the only child of a metric without label names. */
  protected child(labels: Labels<Name> | undefined): C {
    if (labels === undefined) return this.#root instanceof Map ? this.child({}) : this.#root
    const { labelNames } = this
    let known = 0
    let node: Node<C> | C | undefined = this.#root
    for (let i = 0; i < labelNames.length; i++) {
      const value: string | number | undefined = labels[labelNames[i]!]
      if (value !== undefined) known++
      node = (node as Node<C> | undefined)?.get(value)
    }
    let given = 0
    for (const _ in labels) given++
    if (given === known && node !== undefined && !(node instanceof Map)) return node
    return this.#create(valuesInOrder(this.labelNames, [labels]))
  }

  /** Takes the series off the page. It begins at 0 when it is used again. */
  remove(...args: [Labels<Name>] | (string | number)[]): void {
    const key = keyOf(textsOf(valuesInOrder(this.labelNames, args)))
    const child = this.#children.get(key) ?? this.#hidden.get(key)?.deref()
    if (child) this.#hide(key, child)
    else this.#store.hide(this.#definition, key)
  }

  /** Takes all series off the page. A metric without labels is shown at 0, except for a histogram, as in prom-client. */
  reset(): void {
    for (const [key, child] of this.#known()) this.#hide(key, child)
    this.#store.hide(this.#definition)
    if (this.labelNames.length === 0 && this.type !== 'histogram') this.#create([])
  }

  leave(shared: SharedStore): void {
    const heap = new HeapStore()
    for (const [key, child] of this.#known()) {
      const isVisible = isShown(child.cells.memory, child.cells)
      child.moveTo(heap.series(this.#definition, key, this.#cellCount, isVisible))
    }
    shared.forget(this.#definition)
    this.#store = heap
  }

  /** The store of its numbers. */
  get store(): Store {
    return this.#store
  }

  /** The numbers of this process. Does not run `collect`: `Registry.families` does. */
  family(): Family {
    const { name, help, type, buckets } = this.#definition
    return { name, help, type, ...(buckets ? { buckets } : {}), series: this.#series() }
  }

  /** The numbers of this process as a registry of prom-client asks for them. */
  async get(): Promise<PromClientItem> {
    await this.collect?.()
    const { name, help, type, aggregator } = this
    const values = [...this.#shown()].flatMap((child) =>
      promClientValues(name, this.labelsOf(child), this.read(child), this.#definition.buckets),
    )
    return { name, help, type, aggregator, values }
  }

  labelsOf({ key }: Child): Record<string, string> {
    const values = valuesOf(key, this.labelNames)
    return Object.fromEntries(
      this.labelNames.flatMap((name, i) => (values[i] == null ? [] : [[name, values[i]] as const])),
    )
  }

  protected abstract read(child: C): Omit<Series, 'labels'>

  *#series(): Iterable<Series> {
    const { labelNames } = this
    for (const child of this.#shown()) {
      child.text ??= seriesText(labelNames, valuesOf(child.key, labelNames))
      yield { labels: child.text, ...this.read(child) }
    }
  }

  #create(raw: readonly (string | number | undefined)[]): C {
    const values = textsOf(raw)
    const key = keyOf(values)
    const known = this.#children.get(key) ?? this.#add(key)
    if (!known) this.#store.countDropped()
    const child = known ?? this.#overflow ?? this.#lost()
    show(child.cells.memory, child.cells.at)
    if (!known) return child
    // A number and its text are the same series: both find the child by themselves from now on. Other values with that text,
    // for instance URL objects, take this slower way each time, because there may be any number of them.
    this.#remember(
      values.map((value) => value ?? undefined),
      child,
    )
    if (raw.every((value, i) => typeof value === 'number' || (value ?? null) === values[i]))
      this.#remember(raw, child)
    return child
  }

  #add(key: string): C | undefined {
    if (this.#children.size > this.#maxLabelSets) return undefined // one of the children is the overflow
    const child = this.#hidden.get(key)?.deref() ?? this.#new(key)
    if (!child) return undefined
    this.#hidden.delete(key)
    this.#children.set(key, child)
    return child
  }

  #new(key: string, live = true): C | undefined {
    const cells = this.#store.series(this.#definition, key, this.#cellCount, live)
    return cells && this.#makeChild(cells, key)
  }

  *#shown(): Iterable<C> {
    for (const [, child] of this.#known()) if (isShown(child.cells.memory, child.cells)) yield child
  }

  *#known(): Iterable<readonly [key: string, child: C]> {
    yield* this.#children
    for (const [key, kept] of this.#hidden) {
      const child = kept.deref()
      if (child) yield [key, child]
      else this.#hidden.delete(key)
    }
  }

  #remember(path: readonly (string | number | undefined)[], child: C): void {
    if (!(this.#root instanceof Map) || path.length === 0) {
      this.#root = child
      return
    }
    let node = this.#root
    for (const value of path.slice(0, -1)) {
      const next = (node.get(value) as Node<C> | undefined) ?? new Map()
      node.set(value, next)
      node = next
    }
    node.set(path.at(-1), child)
  }

  /** Reserves the `__overflow__` series. It is shown when it is needed. */
  #reserve(): void {
    if (this.labelNames.length === 0) return void this.#create([])
    const key = keyOf(this.labelNames.map(() => OVERFLOW))
    this.#overflow = this.#new(key, false)
    if (this.#overflow) this.#children.set(key, this.#overflow)
  }

  /** When the region has no room even for the overflow, events are counted outside of it: counting never throws. */
  #lost(): C {
    return this.#makeChild(new HeapStore().series(this.#definition, '[]', this.#cellCount), '[]')
  }

  #hide(key: string, child: C): void {
    hide(child.cells.memory, child.cells)
    if (child !== this.#overflow) {
      this.#children.delete(key)
      this.#hidden.set(key, new WeakRef(child))
    }
    this.#root = new Map()
  }
}

/** @throws TypeError for a registry whose pages cannot show exemplars. */
function refuseExemplars({ contentType }: Registry): void {
  if (contentType !== Registry.OPENMETRICS_CONTENT_TYPE) {
    throw new TypeError('Exemplars are supported only on OpenMetrics registries')
  }
}
