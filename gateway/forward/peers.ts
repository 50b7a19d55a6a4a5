/**
 * The clients' addresses: whether the fields of each about earlier hops are trusted, and a cache of its header blocks.
 * All connections of an address share one peer, so an idle connection keeps nothing of its own.
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
export class Peers {
  readonly #peers = new Map<string, Peer>()
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
    peer.connections++
    return peer
  }

  /** A connection of the peer is closed. */
  leave(peer: Peer): void {
    if (--peer.connections === 0) this.#peers.delete(`${peer.protocol} ${peer.address}`)
  }
}
