/**
 * The clients' addresses: whether the fields of each about earlier hops are trusted, and a cache of its header blocks.
 * All connections of an address share one peer, so an idle connection keeps nothing of its own. The last addresses without
 * a connection are kept: a client that opens a connection for each request finds its cache again.
 */
import { BlockCache } from '../http1/block_cache.ts'
import type { PeerIdentity, Protocol } from './forwarded.ts'
import { Networks, UNKNOWN } from './networks.ts'
import type { RequestFields } from './request_fields.ts'

export interface Peer extends PeerIdentity {
  readonly blockCache: BlockCache<RequestFields>
  connections: number
}

/** Header blocks that are cached for one address. A trusted one sends those of many clients. */
const SLOTS = 8
const TRUSTED_SLOTS = 128
/** Addresses without a connection that are kept. */
export const MAX_UNCONNECTED = 64

export class Peers {
  readonly #peers = new Map<string, Peer>()
  /** Peers without a connection, the one that left first at the front. */
  readonly #unconnected = new Set<Peer>()
  readonly #trusted: Networks

  /** @param trusted addresses, networks (`10.0.0.0/8`), and `unix:` for clients on unix sockets */
  constructor(trusted: readonly string[]) {
    this.#trusted = new Networks(trusted)
  }

  /** The peer of a new connection. To be followed by `leave`. */
  enter(rawAddress: string | undefined, protocol: Protocol = 'http'): Peer {
    const address = rawAddress?.replace(/^::ffff:(?=\d+\.)/, '') || UNKNOWN
    const key = `${protocol} ${address}`
    let peer = this.#peers.get(key)
    if (peer === undefined) {
      // Only a peer is known to be on a unix socket: in a field `unknown` may be any client.
      const trusts = (hop: string) => hop !== UNKNOWN && this.#trusted.has(hop)
      const isTrusted = this.#trusted.has(address)
      const blockCache = new BlockCache<RequestFields>(isTrusted ? TRUSTED_SLOTS : SLOTS)
      peer = { address, protocol, isTrusted, trusts, blockCache, connections: 0 }
      this.#peers.set(key, peer)
    }
    if (peer.connections++ === 0) this.#unconnected.delete(peer)
    return peer
  }

  /** A connection of the peer is closed. */
  leave(peer: Peer): void {
    if (--peer.connections > 0) return
    this.#unconnected.add(peer)
    if (this.#unconnected.size <= MAX_UNCONNECTED) return
    const first = this.#unconnected.values().next().value!
    this.#unconnected.delete(first)
    this.#peers.delete(`${first.protocol} ${first.address}`)
  }
}
