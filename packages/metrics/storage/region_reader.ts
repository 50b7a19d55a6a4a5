/**
 * Reads what a region holds: families as they were declared, and the series of each. An entry that says nothing valid is
 * damage. layout.ts reads the bytes; segment_reader.ts and region_store.ts make something of what is read here.
 */
import { cellCountOf, type Definition, RESERVED_LABELS, reservedLabel } from '../model/definition.ts'
import { validateDeclaration } from '../model/validation.ts'
import { type Entry, FAMILY, type Memory, readEntries, readPayload, type Region } from './layout.ts'

/** Takes what is read. `Known` is its own record of a family. */
export interface RegionVisitor<Known extends { definition: Definition }> {
  family(definition: Definition, entry: Entry): Known
  /** @param key names the series within its family, see `keyOf` */
  series(family: Known, key: string, entry: Entry): void
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
): number =>
  readEntries(memory, region, from, (entry) => {
    if (entry.kind === FAMILY) {
      families.set(entry.at, visitor.family(readDefinition(memory, entry), entry))
      return
    }
    const family = families.get(entry.family)
    if (!family || entry.cellCount !== cellCountOf(family.definition)) throw new TypeError('not a series')
    visitor.series(family, readPayload(memory, entry), entry)
  })

/** @throws when the entry is not a definition: a damaged file must break neither a page nor a worker. */
function readDefinition(memory: Memory, entry: Entry): Definition {
  const definition = JSON.parse(readPayload(memory, entry)) as Definition
  const { name, help, type, labelNames, buckets } = definition
  validateDeclaration(definition, reservedLabel(definition))
  const isSane =
    typeof name === 'string' &&
    typeof help === 'string' &&
    Array.isArray(labelNames) &&
    Object.hasOwn(RESERVED_LABELS, type) &&
    (type === 'histogram' ? buckets!.every(Number.isFinite) : buckets === undefined) &&
    entry.cellCount === 1
  if (!isSane) throw new TypeError(`${name} is not a definition`)
  return definition
}
