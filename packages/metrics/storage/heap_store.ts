/** Keeps the numbers of a single process in memory of its own. */
import type { Definition } from '../model/definition.ts'
import { ENTRY_HEADER_WORDS, memoryOf, show, WORD_BYTES } from './layout.ts'
import type { Cells, Store } from './store.ts'

const FIRST_WORDS = 32
const MOST_WORDS = 8192

/** It grows in blocks, and a block never moves, because children keep their cells. */
export class HeapStore implements Store {
  dropped = 0
  #memory = memoryOf(new ArrayBuffer(FIRST_WORDS * WORD_BYTES))
  #next = 0

  countDropped(): void {
    this.dropped++
  }

  /** A series has the header of a region's entry, of which only the live mark is used: no other process reads it. */
  series(_definition: Definition, _key: string, cellCount: number, isLive = true): Cells {
    const size = ENTRY_HEADER_WORDS + cellCount
    if (this.#next + size > this.#memory.f64.length) {
      const words = Math.max(Math.min(2 * this.#memory.f64.length, MOST_WORDS), size)
      this.#memory = memoryOf(new ArrayBuffer(words * WORD_BYTES))
      this.#next = 0
    }
    const at = this.#next
    this.#next += size
    if (isLive) show(this.#memory, at)
    return { memory: this.#memory, at, cells: at + ENTRY_HEADER_WORDS, cellCount }
  }

  /** There is no earlier process. */
  hide(): void {}
}
