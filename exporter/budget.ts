/**
 * One limit for the memory of all documents that are being read, of all targets and of all scrapes at once. Where it is
 * not enough, whoever holds the most gives way: an answer that does not end costs itself and no other.
 */

/** Something that holds memory, and lets go of it when it is told to. */
export interface Holder {
  readonly heldBytes: number
  giveWay(): void
}

export class Budget {
  readonly #holders = new Set<Holder>()

  constructor(readonly limitBytes: number) {}

  /** To be called by a holder that is about to hold more, as it says already. */
  makeRoomFor(holder: Holder): void {
    this.#holders.add(holder)
    while (this.heldBytes > this.limitBytes) {
      const largest = Array.from(this.#holders).reduce((most, each) =>
        each.heldBytes > most.heldBytes ? each : most,
      )
      largest.giveWay()
      this.#holders.delete(largest)
    }
  }

  release(holder: Holder): void {
    this.#holders.delete(holder)
  }

  get heldBytes(): number {
    let sum = 0
    for (const { heldBytes } of this.#holders) sum += heldBytes
    return sum
  }
}
