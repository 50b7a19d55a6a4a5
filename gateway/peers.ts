/**
 * Who is at the other end of the clients' connections: an address, whether what it says about others is believed, and
 * the header blocks that it sent before. Connections of one address share them, so an idle connection keeps nothing.
 */
import { BlockList } from 'node:net'
import { Memo } from './memo.ts'
import type { RequestFields } from './request_fields.ts'

export interface Peer {
  readonly address: string
  readonly isTrusted: boolean
  readonly memo: Memo<RequestFields>
  connections: number
}

/** How many header blocks are kept of one address; a trusted one speaks for many clients. */
const SLOTS = 8
const TRUSTED_SLOTS = 128
/** The address of a client on a socket that has none. */
const UNKNOWN = 'unknown'

export class Peers {
  readonly #peers = new Map<string, Peer>()
  readonly #trusted = new BlockList()

  /** Takes addresses and networks (`10.0.0.0/8`) whose claims about their clients are believed. */
  constructor(trusted: readonly string[]) {
    for (const entry of trusted) {
      const [network = '', prefix] = entry.split('/')
      const family = familyOf(network)
      if (prefix === undefined) this.#trusted.addAddress(network, family)
      else this.#trusted.addSubnet(network, Number(prefix), family)
    }
  }

  /** To be followed by `leave`. */
  enter(rawAddress: string | undefined): Peer {
    const address = rawAddress?.replace(/^::ffff:(?=\d+\.)/, '') ?? UNKNOWN
    let peer = this.#peers.get(address)
    if (peer === undefined) {
      const isTrusted = address !== UNKNOWN && this.#trusted.check(address, familyOf(address))
      peer = { address, isTrusted, memo: new Memo(isTrusted ? TRUSTED_SLOTS : SLOTS), connections: 0 }
      this.#peers.set(address, peer)
    }
    peer.connections++
    return peer
  }

  leave(peer: Peer): void {
    if (--peer.connections === 0) this.#peers.delete(peer.address)
  }
}

const familyOf = (address: string) => (address.includes(':') ? 'ipv6' : 'ipv4')
