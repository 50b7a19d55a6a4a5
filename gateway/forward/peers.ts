/**
 * The clients' addresses: whether the fields of each about earlier hops are trusted, and a cache of its header blocks.
 * All connections of an address share one peer, so an idle connection keeps nothing of its own.
 */
import { BlockList, isIP } from 'node:net'
import { BlockCache } from '../http1/block_cache.ts'
import { type PeerIdentity, type Protocol, UNKNOWN } from './forwarded.ts'
import type { RequestFields } from './request_fields.ts'

export interface Peer extends PeerIdentity {
  readonly blockCache: BlockCache<RequestFields>
  connections: number
}

/** Header blocks that are cached for one address. A trusted one sends those of many clients. */
const SLOTS = 8
const TRUSTED_SLOTS = 128
/** The entry of `trusted_proxies` for clients on unix sockets. */
export const UNIX_PEERS = 'unix:'

export class Peers {
  readonly #peers = new Map<string, Peer>()
  readonly #trusted = new BlockList()
  readonly #trustsUnix: boolean

  /** @param trusted addresses, networks (`10.0.0.0/8`), and `unix:` for clients on unix sockets */
  constructor(trusted: readonly string[]) {
    this.#trustsUnix = trusted.includes(UNIX_PEERS)
    for (const entry of trusted) {
      if (entry === UNIX_PEERS) continue
      const [network = '', prefix] = entry.split('/')
      const family = familyOf(network)
      if (prefix === undefined) this.#trusted.addAddress(network, family)
      else this.#trusted.addSubnet(network, Number(prefix), family)
    }
  }

  /** The peer of a new connection. To be followed by `leave`. */
  enter(rawAddress: string | undefined, protocol: Protocol = 'http'): Peer {
    const address = rawAddress?.replace(/^::ffff:(?=\d+\.)/, '') || UNKNOWN
    const key = `${protocol} ${address}`
    let peer = this.#peers.get(key)
    if (peer === undefined) {
      const trusts = (hop: string) => this.#trusts(hop)
      const isTrusted = trusts(address)
      const blockCache = new BlockCache<RequestFields>(isTrusted ? TRUSTED_SLOTS : SLOTS)
      peer = { address, protocol, isTrusted, trusts, blockCache, connections: 0 }
      this.#peers.set(key, peer)
    }
    peer.connections++
    return peer
  }

  #trusts(address: string): boolean {
    if (address === UNKNOWN) return this.#trustsUnix
    return isIP(address) !== 0 && this.#trusted.check(address, familyOf(address))
  }

  /** A connection of the peer is closed. */
  leave(peer: Peer): void {
    if (--peer.connections === 0) this.#peers.delete(`${peer.protocol} ${peer.address}`)
  }
}

const familyOf = (address: string) => (address.includes(':') ? 'ipv6' : 'ipv4')
