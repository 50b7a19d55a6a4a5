/**
 * The clients' addresses: whether the fields of each about earlier hops are trusted, and a cache of its header blocks.
 * All connections of an address share one peer, so an idle connection keeps nothing of its own.
 */
import { BlockList } from 'node:net'
import { BlockCache } from '../http1/block_cache.ts'
import type { PeerIdentity } from './forwarded.ts'
import type { RequestFields } from './request_fields.ts'

export interface Peer extends PeerIdentity {
  readonly blockCache: BlockCache<RequestFields>
  connections: number
}

/** Header blocks that are cached for one address. A trusted one sends those of many clients. */
const SLOTS = 8
const TRUSTED_SLOTS = 128
/** The address of a client on a unix socket. */
const UNKNOWN = 'unknown'

export class Peers {
  readonly #peers = new Map<string, Peer>()
  readonly #trusted = new BlockList()

  /** @param trusted addresses and networks (`10.0.0.0/8`) */
  constructor(trusted: readonly string[]) {
    for (const entry of trusted) {
      const [network = '', prefix] = entry.split('/')
      const family = familyOf(network)
      if (prefix === undefined) this.#trusted.addAddress(network, family)
      else this.#trusted.addSubnet(network, Number(prefix), family)
    }
  }

  /** The peer of a new connection. To be followed by `leave`. */
  enter(rawAddress: string | undefined): Peer {
    const address = rawAddress?.replace(/^::ffff:(?=\d+\.)/, '') ?? UNKNOWN
    let peer = this.#peers.get(address)
    if (peer === undefined) {
      const isTrusted = address !== UNKNOWN && this.#trusted.check(address, familyOf(address))
      const blockCache = new BlockCache<RequestFields>(isTrusted ? TRUSTED_SLOTS : SLOTS)
      peer = { address, isTrusted, blockCache, connections: 0 }
      this.#peers.set(address, peer)
    }
    peer.connections++
    return peer
  }

  /** A connection of the peer is closed. */
  leave(peer: Peer): void {
    if (--peer.connections === 0) this.#peers.delete(peer.address)
  }
}

const familyOf = (address: string) => (address.includes(':') ? 'ipv6' : 'ipv4')
