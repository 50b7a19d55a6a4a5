/**
 * What was read before: a peer that keeps its connection repeats its header block byte for byte, and equal bytes have
 * an equal verdict. So the last accepted blocks are kept with what was made of them, and compared before anything is
 * parsed. It is as strict as the reader that filled it.
 */

/** Larger blocks are read again each time. */
const KEPT_BYTES = 2048

/** The last accepted block of each length, roughly: a bounded table without a hash. */
export class Memo<Entry extends { readonly block: Buffer }> {
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

  /** The entry's block must be a copy of its own: what a socket gives is part of something larger. */
  keep(entry: Entry): void {
    const { length } = entry.block
    if (length <= KEPT_BYTES) this.#entries[length % this.slots] = entry
  }
}
