/** A set of addresses and networks (`10.0.0.0/8`), and of clients on unix sockets (`unix:`). */
import { AddressList } from '@bun-monitoring/prefork'
import { UNKNOWN } from './forwarded.ts'

const UNIX = 'unix:'

export class Networks {
  readonly #addresses = new AddressList()
  readonly #hasUnix: boolean

  /** @param entries checked by config/ */
  constructor(entries: readonly string[]) {
    this.#hasUnix = entries.includes(UNIX)
    for (const entry of entries) if (entry !== UNIX) this.#addresses.add(entry)
  }

  has(address: string): boolean {
    return address === UNKNOWN ? this.#hasUnix : this.#addresses.has(address)
  }
}
