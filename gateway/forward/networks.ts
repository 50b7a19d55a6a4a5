/** A set of addresses and networks (`10.0.0.0/8`), and of clients on unix sockets (`unix:`). */
import { BlockList, isIP } from 'node:net'
import { UNKNOWN } from './forwarded.ts'

const UNIX = 'unix:'

export class Networks {
  readonly #networks = new BlockList()
  readonly #hasUnix: boolean

  constructor(entries: readonly string[]) {
    this.#hasUnix = entries.includes(UNIX)
    for (const entry of entries) {
      if (entry === UNIX) continue
      const [network = '', prefix] = entry.split('/')
      if (prefix === undefined) this.#networks.addAddress(network, familyOf(network))
      else this.#networks.addSubnet(network, Number(prefix), familyOf(network))
    }
  }

  has(address: string): boolean {
    if (address === UNKNOWN) return this.#hasUnix
    return isIP(address) !== 0 && this.#networks.check(address, familyOf(address))
  }
}

const familyOf = (address: string) => (address.includes(':') ? 'ipv6' : 'ipv4')
