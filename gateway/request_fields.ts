/**
 * What the fields of a request mean for this connection, or why they are refused. What goes to the upstream in their
 * place is forward_fields.ts's business. The result is kept in a memo, so nothing in it may depend on the request line.
 */
import { latin1 } from './bytes.ts'
import type { ChunkOptions } from './chunks.ts'
import { type ConnectionOptions, connectionOptions } from './connection_options.ts'
import { FIELD } from './field_names.ts'
import type { FieldList } from './fields.ts'
import { forwardFields } from './forward_fields.ts'
import { claimsOf } from './forwarded.ts'
import { type Framing, framingOf, NO_LENGTH } from './framing.ts'
import { hostOf } from './host.ts'
import type { Peer } from './peers.ts'
import type { Cause } from './refusals.ts'

export interface RequestFields {
  /** The bytes they were read from. */
  block: Buffer
  minor: number
  /** The lines for the upstream, without the empty one: `Host` (if there was one), the client's, ours. */
  forward: Buffer
  /** To route on: in small letters, without the port; empty where HTTP/1.0 gave none. */
  host: string
  framing: Framing
  /** How its body goes on where it is chunked. */
  chunks: ChunkOptions
  isPersistent: boolean
  /** The protocol that the client would change to, where that is to be forwarded. */
  upgrade: string | undefined
  takesTrailers: boolean
  /** Given by a trusted peer; without it the gateway makes one. */
  requestId: string | undefined
  hasTraceparent: boolean
  /** -1 where there is none. Where there is, the memo is not used. */
  maxForwards: number
}

/** What else the verdict depends on. */
export interface RequestContext {
  minor: number
  /** The host of an absolute target, which takes the place of `Host`. */
  authority: string | undefined
  peer: Peer
  isOptions: boolean
}

/** Reads what `list` holds of the block. @returns the fields, or why they are refused. */
export function requestFields(
  bytes: Buffer,
  from: number,
  to: number,
  list: FieldList,
  { minor, authority, peer, isOptions }: RequestContext,
): RequestFields | Cause {
  const framing = framingOf(bytes, list, minor)
  if (typeof framing === 'string') return framing
  const given = hostField(bytes, list, minor)
  if (given === undefined) return 'host'
  const options = connectionOptions(bytes, list)
  const maxForwards = maxForwardsOf(bytes, list)
  if (options === undefined || maxForwards === undefined) return 'field'
  const expectations = minor === 1 ? list.values(bytes, FIELD.expect) : []
  if (expectations.some((value) => value.toLowerCase() !== '100-continue')) return 'expectation'

  const host = authority ?? given
  const claims = claimsOf(bytes, list)
  const upgrade = minor === 1 && framing === NO_LENGTH ? upgradeOf(bytes, list, options) : undefined
  const takesTrailers = list.values(bytes, FIELD.te).some((value) => TRAILERS.test(value))
  const requestId = peer.isTrusted ? claims.requestId : undefined
  const hopsLeft = isOptions && maxForwards > 0 ? maxForwards - 1 : maxForwards
  const hop = { minor, host, framing, upgrade, takesTrailers, requestId, hopsLeft }
  return {
    block: Buffer.from(bytes.subarray(from, to)),
    minor,
    forward: forwardFields(bytes, list, options, claims, peer, hop),
    host: withoutPort(host),
    framing,
    chunks: { keepsChunks: true, trailersOf: options },
    isPersistent: !options.closes && (minor === 1 || options.keepsAlive),
    upgrade,
    takesTrailers,
    requestId,
    hasTraceparent: claims.traceparent !== undefined,
    maxForwards,
  }
}

const TRAILERS = /(^|,)\s*trailers\s*(,|$)/i

/** The one `Host`; empty where HTTP/1.0 has none. */
function hostField(bytes: Buffer, list: FieldList, minor: number): string | undefined {
  let host = minor === 0 ? '' : undefined
  let lines = 0
  for (let i = 0; i < list.count; i++) {
    if (list.names[i] !== FIELD.host) continue
    const from = list.spans[i * 4 + 2]!
    const to = list.spans[i * 4 + 3]!
    if (++lines > 1 || hostOf(bytes, from, to) === undefined) return undefined
    host = latin1(bytes, from, to)
  }
  return host
}

const withoutPort = (host: string): string => host.replace(/:\d*$/, '').toLowerCase()

/** @returns -1 where there is none, `undefined` where it is no number. */
function maxForwardsOf(bytes: Buffer, list: FieldList): number | undefined {
  const [value, ...others] = list.values(bytes, FIELD['max-forwards'])
  if (value === undefined) return -1
  return others.length === 0 && /^\d{1,9}$/.test(value) ? Number(value) : undefined
}

/** One protocol, and never one that carries requests: they would go through a tunnel unread. */
function upgradeOf(bytes: Buffer, list: FieldList, options: ConnectionOptions): string | undefined {
  const [protocol, ...others] = list.values(bytes, FIELD.upgrade)
  if (!options.upgrades || protocol === undefined || others.length > 0) return undefined
  return /^(?!h2c?$|http\b)[\w\-.]+$/i.test(protocol) ? protocol : undefined
}
