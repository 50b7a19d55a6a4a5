/**
 * The room of a region that can be used again: series that were removed before its present writer started, and room that was
 * freed then. It is used when the end of the region is reached.
 *
 * At every moment a reader, and a successor after a SIGKILL, finds sound entries: a block of room is one entry, and becomes
 * several by single stores. The count of reuses tells readers that entries they know may have become others.
 */
import { FREE, type Memory, type Region, reusesHalf } from './layout.ts'

interface Block {
  at: number
  size: number
}

export class SpareRoom {
  readonly #memory: Memory
  readonly #region: Region
  /** Entries that may be used for others, and how their store forgets them. */
  readonly #entries = new Map<number, () => void>()
  #blocks: Block[] | undefined

  constructor(memory: Memory, region: Region) {
    this.#memory = memory
    this.#region = region
  }

  /** Offers an entry that holds nothing. */
  offer(at: number, forget: () => void = () => {}): void {
    this.#entries.set(at, forget)
  }

  /** The entry is used again as the series that it is. */
  keep(at: number): void {
    this.#entries.delete(at)
  }

  /**
   * @returns a place for an entry of this size, or undefined. The place still reads as free room of at least this size: store
   * size and kind last, in this order, then call {@link noteReuse}.
   */
  take(size: number): number | undefined {
    this.#blocks ??= this.#merge()
    const block = this.#blocks.find((each) => each.size >= size)
    if (!block) return undefined
    this.noteReuse()
    const { at } = block
    block.at += size
    block.size -= size
    if (block.size > 0) this.#memory.i32.set([block.size, FREE], block.at * 2)
    return at
  }

  noteReuse(): void {
    Atomics.add(this.#memory.i32, reusesHalf(this.#region), 1)
  }

  /** Makes one block of neighbours. An entry that was offered is not a series any more from here on. */
  #merge(): Block[] {
    const { i32 } = this.#memory
    const blocks: Block[] = []
    for (const at of [...this.#entries.keys()].sort((a, b) => a - b)) {
      this.#entries.get(at)!()
      const size = i32[at * 2]!
      const last = blocks.at(-1)
      if (last && last.at + last.size === at) last.size += size
      else blocks.push({ at, size })
    }
    this.#entries.clear()
    for (const { at, size } of blocks) {
      Atomics.store(i32, at * 2 + 1, FREE)
      Atomics.store(i32, at * 2, size)
    }
    return blocks
  }
}
