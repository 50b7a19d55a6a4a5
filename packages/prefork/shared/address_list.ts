/** A list of IP addresses and of networks in CIDR notation (RFC 4632), for settings that trust or allow clients. */
import { BlockList, isIP } from 'node:net'

/** An IPv4 address in IPv6 notation, as sockets that listen on `::` report IPv4 peers (RFC 4291 section 2.5.5.2). */
const MAPPED = /^::ffff:(?=\d+\.)/i

export class AddressList {
  // One for each version: in a common one `::/0` would also hold all IPv4 addresses.
  readonly #ipv4 = new BlockList()
  readonly #ipv6 = new BlockList()

  /**
   * Adds an address (`10.0.0.1`, `::1`) or a network (`10.0.0.0/8`).
   * @returns false, and adds nothing, where the text is neither.
   */
  add(text: string): boolean {
    const [address = '', prefix, ...rest] = text.split('/')
    const version = isIP(address)
    if (version === 0 || address.includes('%') || rest.length > 0) return false
    const bits = version === 4 ? 32 : 128
    if (prefix !== undefined && !(/^\d{1,3}$/.test(prefix) && Number(prefix) <= bits)) return false
    if (version === 4) this.#ipv4.addSubnet(address, Number(prefix ?? bits), 'ipv4')
    else this.#ipv6.addSubnet(address, Number(prefix ?? bits), 'ipv6')
    return true
  }

  /** Whether the list holds this address. A text that is no address is in no list. */
  has(address: string): boolean {
    const plain = address.replace(MAPPED, '')
    const version = isIP(plain)
    if (version === 0) return false
    return version === 4 ? this.#ipv4.check(plain, 'ipv4') : this.#ipv6.check(plain, 'ipv6')
  }
}
