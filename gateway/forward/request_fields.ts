/**
 * Reads the meaning of a request's fields, or rejects them. forward_fields.ts makes the fields for the upstream. The
 * result is cached, so it depends on nothing but the header block, the HTTP version and the peer. Exceptions
 * (`Max-Forwards`, absolute targets) are not cached.
 */
import { latin1 } from '../http1/bytes.ts'
import { acceptsHtml } from '../http1/accept.ts'
import type { ChunkOptions } from '../http1/chunks.ts'
import { connectionOptions } from '../http1/connection_options.ts'
import { FIELD } from '../http1/field_names.ts'
import type { FieldList } from '../http1/fields.ts'
import { forwardFields } from './forward_fields.ts'
import { claimsOf, hopsOf, type PeerIdentity } from './forwarded.ts'
import { type Framing, framingOf } from '../http1/framing.ts'
import { hostOf, shortestLiteral } from '../http1/host.ts'
import { tunnelProtocols } from '../http1/upgrade.ts'
import type { Rejection } from '../http1/rejections.ts'

export interface RequestFields {
  /** A copy of the bytes they were read from. */
  block: Buffer
  minor: number
  /** The lines for the upstream, without the empty line: `Host` (if there was one), the client's, the gateway's. */
  forward: Buffer
  /** The host for routing: small letters, no port; empty if HTTP/1.0 has none. */
  host: string
  framing: Framing
  /** How a chunked body is forwarded. */
  chunks: ChunkOptions
  isPersistent: boolean
  /** The protocols that the client offers to upgrade to, if that is forwarded. */
  upgrade: string[] | undefined
  takesTrailers: boolean
  acceptsHtml: boolean
  /** `Idempotency-Key`: the upstream performs a repeated POST once. */
  hasIdempotencyKey: boolean
  userAgent: string | undefined
  /** The id of a trace that the client has begun. */
  traceId: string | undefined
  /** The address of the client, before trusted proxies. */
  client: string
  /** `X-Forwarded-Prefix` of a trusted peer, or empty. */
  prefix: string
  /** From a trusted peer; without it the gateway makes one. */
  requestId: string | undefined
  hasTraceparent: boolean
  /** -1 if there is none. Requests that have it are not cached. */
  maxForwards: number
}

/** The other inputs of the result. */
export interface RequestContext {
  minor: number
  /** The host of an absolute target, which replaces `Host`. */
  authority: string | undefined
  peer: PeerIdentity
  isOptions: boolean
}

/** @param list the offsets of the block's fields. @returns the fields, or why they are rejected. */
export function requestFields(
  bytes: Buffer,
  from: number,
  to: number,
  list: FieldList,
  { minor, authority, peer, isOptions }: RequestContext,
): RequestFields | Rejection {
  const framing = framingOf(bytes, list, minor)
  if (typeof framing === 'string') return framing
  const given = hostField(bytes, list, minor)
  if (given === undefined) return 'host'
  const options = connectionOptions(bytes, list)
  const maxForwards = maxForwardsOf(bytes, list)
  if (!options.isWellFormed || maxForwards === undefined) return 'field'
  const expectations = minor === 1 ? list.items(bytes, FIELD.expect) : []
  if (expectations.some((value) => value.toLowerCase() !== '100-continue')) return 'expectation'
  const expects = expectations.length > 0

  const host = authority ?? given
  const hops = hopsOf(claimsOf(bytes, list), peer)
  const asksForUpgrade = minor === 1 && options.upgrades
  const upgrade = asksForUpgrade ? tunnelProtocols(list.items(bytes, FIELD.upgrade)) : undefined
  const takesTrailers = list.values(bytes, FIELD.te).some((value) => TRAILERS.test(value))
  const hopsLeft = isOptions && maxForwards > 0 ? maxForwards - 1 : maxForwards
  const hop = { host, minor, framing, expects, upgrade, takesTrailers, hopsLeft }
  return {
    block: Buffer.from(bytes.subarray(from, to)),
    minor,
    forward: forwardFields(bytes, list, options, hops, peer, hop),
    host: withoutPort(host),
    framing,
    chunks: { keepsChunks: true, trailersOf: options },
    isPersistent: !options.closes && (minor === 1 || options.keepsAlive),
    upgrade,
    takesTrailers,
    client: hops.client,
    prefix: hops.prefix ?? '',
    requestId: hops.requestId,
    acceptsHtml: acceptsHtml(list.values(bytes, FIELD.accept)),
    hasIdempotencyKey: list.values(bytes, FIELD['idempotency-key']).some((value) => value !== ''),
    userAgent: list.values(bytes, FIELD['user-agent'])[0],
    traceId: hops.traceparent?.slice(TRACE_ID_AT, TRACE_ID_AT + TRACE_ID_LENGTH),
    hasTraceparent: hops.traceparent !== undefined,
    maxForwards,
  }
}

const TRACE_ID_AT = '00-'.length
const TRACE_ID_LENGTH = 32

const TRAILERS = /(^|,)\s*trailers\s*(,|$)/i

/** The one `Host`; empty if HTTP/1.0 has none; `undefined` if it is missing, doubled or not a host. */
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

/** The host as the file has it: small letters, no port, no dot at the end, an IPv6 address in its shortest form. */
const withoutPort = (host: string): string =>
  shortestLiteral(
    host
      .replace(/:\d*$/, '')
      .replace(/(?<=.)\.$/, '')
      .toLowerCase(),
  )

/** @returns -1 if there is none, `undefined` if it is not a number */
function maxForwardsOf(bytes: Buffer, list: FieldList): number | undefined {
  const [value, ...others] = list.values(bytes, FIELD['max-forwards'])
  if (value === undefined) return -1
  return others.length === 0 && /^\d{1,9}$/.test(value) ? Number(value) : undefined
}
