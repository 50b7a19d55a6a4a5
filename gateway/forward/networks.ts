/** Addresses of clients: sets of them and of networks (`10.0.0.0/8`), and clients on unix sockets (`unix:`). */
import { AddressList } from '@bun-monitoring/prefork'
import { isIP } from 'node:net'

const UNIX = 'unix:'

/** The address of a client on a unix socket. */
export const UNKNOWN = 'unknown'

export class Networks {
  readonly #addresses = new AddressList()
  readonly #hasUnix: boolean

  /** @param entries checked by config/ */
  constructor(entries: readonly string[]) {
    this.#hasUnix = entries.includes(UNIX)
    for (const entry of entries) if (entry !== UNIX) this.#addresses.add(plainNetwork(entry))
  }

  has(address: string): boolean {
    return address === UNKNOWN ? this.#hasUnix : this.#addresses.has(plainAddress(address))
  }
}

/**
 * An address without a zone. An IPv4 address in IPv6 notation (RFC 4291 section 2.5.5.2), in any spelling, becomes an
 * IPv4 address: rules for the one hold for the other.
 */
export function plainAddress(text: string): string {
  const address = text.replace(/%.*$/, '')
  if (isIP(address) !== 6) return address
  const { hostname } = new URL(`http://[${address}]`)
  const [, high = '', low = ''] = /^\[::ffff:([\da-f]+):([\da-f]+)\]$/.exec(hostname) ?? []
  if (high === '') return address
  const [a, b] = [parseInt(high, 16), parseInt(low, 16)]
  return [a >> 8, a & 255, b >> 8, b & 255].join('.')
}

const MAPPED_BITS = 96

/** A network of IPv4 addresses in IPv6 notation as a network of IPv4 addresses. */
function plainNetwork(entry: string): string {
  const [address = '', bits = '128'] = entry.split('/')
  const plain = plainAddress(address)
  const isMapped = plain !== address && Number(bits) >= MAPPED_BITS
  return isMapped ? `${plain}/${Number(bits) - MAPPED_BITS}` : entry
}
