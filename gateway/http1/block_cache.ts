/**
 * Caches parsed header blocks. A peer that keeps its connection repeats its header block byte for byte, and equal bytes
 * have an equal result. So the last accepted blocks are kept with their results and compared before parsing. The cache
 * is as strict as the parser that filled it.
 */

/** Larger blocks are not cached. */
const MAX_BLOCK_BYTES = 2048

/** One entry for each block length modulo the number of slots: bounded, and found without hashing. */
export class BlockCache<Entry extends { readonly block: Buffer }> {
  readonly #entries: (Entry | undefined)[]

  constructor(readonly slots: number) {
    this.#entries = Array.from({ length: slots }, () => undefined)
  }

  find(bytes: Buffer, from: number, to: number): Entry | undefined {
    const entry = this.#entries[(to - from) % this.slots]
    return entry !== undefined &&
      entry.block.length === to - from &&
      entry.block.compare(bytes, from, to) === 0
      ? entry
      : undefined
  }

  /** The entry's block must be a copy: a socket's bytes are a view of a larger buffer. */
  keep(entry: Entry): void {
    const { length } = entry.block
    if (length <= MAX_BLOCK_BYTES) this.#entries[length % this.slots] = entry
  }
}
