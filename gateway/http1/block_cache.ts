/**
 * Caches parsed header blocks. A peer that keeps its connection repeats its header block byte for byte, and equal bytes
 * have an equal result. So the last accepted blocks are kept with their results and compared before parsing. The cache
 * is as strict as the parser that filled it.
 */

import { TOKEN } from './bytes.ts'

/** Larger blocks are not cached. */
const MAX_BLOCK_BYTES = 2048

/** A block that was parsed. Its bytes are a copy: a socket's bytes are a view of a larger buffer. */
export interface CachedBlock {
  readonly block: Buffer
  /**
   * A field value within `block` that differs from message to message, such as an id: any other token of that length has the
   * same result, once {@link adopt} has taken it over.
   */
  readonly varying?: { readonly from: number; readonly to: number } | undefined
  /** Takes the varying value over from these bytes, in which the block begins at `at`. */
  adopt?(bytes: Buffer, at: number): void
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
    if (!isEqualButVarying(entry, bytes, from, to)) return undefined
    entry.adopt!(bytes, from)
    return entry
  }

  keep(entry: Entry): void {
    const { length } = entry.block
    if (length <= MAX_BLOCK_BYTES) this.#entries[length % this.slots] = entry
  }
}

function isEqualButVarying(
  { block, varying }: CachedBlock,
  bytes: Buffer,
  from: number,
  to: number,
): boolean {
  if (varying === undefined) return false
  const { from: start, to: end } = varying
  if (block.compare(bytes, from, from + start, 0, start) !== 0) return false
  if (block.compare(bytes, from + end, to, end) !== 0) return false
  for (let i = from + start; i < from + end; i++) if (TOKEN[bytes[i]!] !== 1) return false
  return true
}
