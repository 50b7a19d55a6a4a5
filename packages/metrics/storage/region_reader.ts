/**
 * Reads what a region holds: families as they were declared, the series of each, and the default labels. An entry that says
 * nothing valid is damage. layout.ts reads the bytes; merge_regions.ts and region_store.ts make something of what is read here.
 */
import { cellCountOf, type Definition, RESERVED_LABELS, reservedLabel } from '../model/definition.ts'
import { validateDeclaration, validateDefaultLabelNames } from '../model/validation.ts'
import {
  type Entry,
  entriesOf,
  entryAt,
  FAMILY,
  FREE,
  labelsHalf,
  type Memory,
  readEntries,
  readPayload,
  type Region,
  SERIES,
} from './layout.ts'

/** Takes what is read. `Known` is its own record of a family. */
export interface RegionVisitor<Known extends { definition: Definition }> {
  family(definition: Definition, entry: Entry): Known
  /** @param key names the series within its family, see `keyOf` */
  series(family: Known, key: string, entry: Entry): void
  free?(entry: Entry): void
}

/**
 * Reads a region from the end of the last call (0: from the first entry).
 * @param families of this region so far, by entry
 * @returns the `from` of the next call, or -1 when an entry is damaged: the entries behind it are not read.
 */
export const readRegion = <Known extends { definition: Definition }>(
  memory: Memory,
  region: Region,
  from: number,
  families: Map<number, Known>,
  visitor: RegionVisitor<Known>,
): number => {
  const familyOf = (entry: Entry): Known => {
    const family = families.get(entry.at) ?? visitor.family(readDefinition(memory, entry), entry)
    families.set(entry.at, family)
    return family
  }
  return readEntries(memory, region, from, (entry) => {
    if (entry.kind === FAMILY) familyOf(entry)
    else if (entry.kind === FREE) visitor.free?.(entry)
    else if (entry.kind === SERIES) {
      // In room that is used again a series may stand before its family.
      const family = families.get(entry.family) ?? familyOf(readEntryAt(memory, region, entry.family))
      if (entry.cellCount !== cellCountOf(family.definition)) throw new TypeError('not a series')
      visitor.series(family, readPayload(memory, entry), entry)
    }
  })
}

/** The default labels of a region; none when they are damaged. */
export function readDefaultLabels(memory: Memory, region: Region): Record<string, string> {
  const at = Atomics.load(memory.i32, labelsHalf(region))
  if (at === 0) return {}
  try {
    const entry = readEntryAt(memory, region, at)
    const labels = JSON.parse(readPayload(memory, entry)) as Record<string, string>
    validateDefaultLabelNames(Object.keys(labels))
    return Object.values(labels).every((value) => typeof value === 'string') ? labels : {}
  } catch {
    return {}
  }
}

/** An entry that another one names. Its kind is not compared: no payload of one kind is valid for another. @throws when there is none. */
function readEntryAt(memory: Memory, region: Region, at: number): Entry {
  const [first, end] = entriesOf(memory, region)
  if (at < first) throw new RangeError('before the entries of the region')
  return entryAt(memory, at, end)
}

/** @throws when the entry is not a definition: a damaged file must break neither a page nor a worker. */
function readDefinition(memory: Memory, entry: Entry): Definition {
  const definition = JSON.parse(readPayload(memory, entry)) as Definition
  const { name, help, type, buckets } = definition
  validateDeclaration(definition, reservedLabel(definition))
  const isSane =
    typeof name === 'string' &&
    typeof help === 'string' &&
    Object.hasOwn(RESERVED_LABELS, type) &&
    (type === 'histogram' ? buckets!.every(Number.isFinite) : buckets === undefined)
  if (!isSane) throw new TypeError(`${name} is not a definition`)
  return definition
}
