/**
 * Caches parsed header blocks. A peer that keeps its connection repeats its header block byte for byte, and equal bytes
 * have an equal result. So the last accepted blocks are kept with their results and compared before parsing. The cache
 * is as strict as the parser that filled it.
 */

import { TOKEN } from './bytes.ts'

/** Larger blocks are not cached. */
const MAX_BLOCK_BYTES = 2048

/**
 * A field value within a block that differs from message to message, such as an id. A block in which another token of that
 * length stands there has the same result, once the entry has taken the value over.
 */
export interface VaryingValue {
  readonly from: number
  readonly to: number
  /** Takes the value over from these bytes, in which the block begins at `at`. */
  adopt(bytes: Buffer, at: number): void
}

/** A block that was parsed. Its bytes are a copy: a socket's bytes are a view of a larger buffer. */
export interface CachedBlock {
  readonly block: Buffer
  readonly varying?: VaryingValue | undefined
}

/** One entry for each block length modulo the number of slots: bounded, and found without hashing. */
export class BlockCache<Entry extends CachedBlock> {
  readonly #entries: (Entry | undefined)[]

  constructor(readonly slots: number) {
    this.#entries = Array.from({ length: slots }, () => undefined)
  }

  find(bytes: Buffer, from: number, to: number): Entry | undefined {
    const entry = this.#entries[(to - from) % this.slots]
    if (entry === undefined || entry.block.length !== to - from) return undefined
    if (entry.block.compare(bytes, from, to) === 0) return entry
    const { varying } = entry
    if (varying === undefined || !isEqualBut(varying, entry.block, bytes, from, to)) return undefined
    varying.adopt(bytes, from)
    return entry
  }

  keep(entry: Entry): void {
    const { length } = entry.block
    if (length <= MAX_BLOCK_BYTES) this.#entries[length % this.slots] = entry
  }
}

function isEqualBut(
  { from: start, to: end }: VaryingValue,
  block: Buffer,
  bytes: Buffer,
  from: number,
  to: number,
): boolean {
  if (block.compare(bytes, from, from + start, 0, start) !== 0) return false
  if (block.compare(bytes, from + end, to, end) !== 0) return false
  for (let i = from + start; i < from + end; i++) if (TOKEN[bytes[i]!] !== 1) return false
  return true
}
