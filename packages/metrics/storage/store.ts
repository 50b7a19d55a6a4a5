/** Where the numbers of a process are kept, as the metrics see it: heap_store.ts or region_store.ts. */
import type { Definition } from '../model/definition.ts'
import type { Family } from '../model/family.ts'
import type { Memory, Place } from './layout.ts'

/** The numbers of one series, and the memory that holds them. */
export interface Cells extends Place {
  readonly memory: Memory
}

export interface Store {
  /** Events so far whose label set had no room, or was above its family's limit. */
  readonly dropped: number
  countDropped(): void
  /**
   * Finds or makes the cells of a series and puts it on the page. They hold what was counted before, unless the series was
   * removed.
   * @param key names the series within its family
   * @param cellCount the same for all series of the family
   * @param isLive false to reserve the room only
   * @returns undefined when there is no room
   */
  series(definition: Definition, key: string, cellCount: number, isLive?: boolean): Cells | undefined
  /** Takes series off the page that an earlier process counted here: one, or all of a family. */
  hide(definition: Definition, key?: string): void
}

/** A store whose numbers are one part of a cluster's. */
export interface SharedStore {
  store: Store
  /** Puts a family on the page, also without series. */
  declare(definition: Definition): void
  /** Takes a family off the page, as far as this process counted it. */
  forget(definition: Definition): void
  /** Adds these labels to every series of this process that has none of that name. */
  setDefaultLabels(labels: Record<string, string>): void
  /** The numbers of all processes of the cluster, merged. */
  families(): Family[]
}
