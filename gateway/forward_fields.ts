/**
 * The fields of a request as the upstream gets them. Fields of one connection are taken out first and ours added after,
 * so that `Connection: X-Forwarded-For` cannot remove what the gateway says.
 */
import type { ConnectionOptions } from './connection_options.ts'
import { FIELD } from './field_names.ts'
import type { FieldList } from './fields.ts'
import { type Claims, pathFields } from './forwarded.ts'
import { type Framing, framingLine, NO_LENGTH } from './framing.ts'
import type { Peer } from './peers.ts'

/** What the request says of itself, for this hop. */
interface Hop {
  minor: number
  /** As it goes on: that of an absolute target, else of `Host`. */
  host: string
  framing: Framing
  upgrade: string | undefined
  takesTrailers: boolean
  requestId: string | undefined
  /** -1 where nobody counts them. */
  hopsLeft: number
}

/** Fields that the gateway writes itself, or nobody may. */
const REPLACED = new Set<number>([
  FIELD.host,
  FIELD['content-length'],
  FIELD['transfer-encoding'],
  FIELD['max-forwards'],
  FIELD.forwarded,
  FIELD['x-forwarded-for'],
  FIELD['x-forwarded-host'],
  FIELD['x-forwarded-proto'],
  FIELD['x-forwarded-port'],
  FIELD['x-forwarded-prefix'],
  FIELD['x-forwarded-server'],
  FIELD['x-real-ip'],
])

/** The lines, each with its end. */
export function forwardFields(
  bytes: Buffer,
  list: FieldList,
  options: ConnectionOptions,
  claims: Claims,
  peer: Peer,
  hop: Hop,
): Buffer {
  const lines = hop.host === '' ? [] : [`Host: ${hop.host}`]
  for (let i = 0; i < list.count; i++) {
    const id = list.names[i]!
    if (REPLACED.has(id) || isDropped(id, claims, hop) || options.owns(bytes, list, i)) continue
    const name = list.name(bytes, i)
    // To programs that get fields as variables, `X_Real_IP` is `X-Real-IP`.
    if (!name.includes('_')) lines.push(`${name}: ${list.value(bytes, i)}`)
  }
  if (hop.framing !== NO_LENGTH) lines.push(framingLine(hop.framing))
  if (hop.hopsLeft !== -1) lines.push(`Max-Forwards: ${hop.hopsLeft}`)
  if (hop.upgrade !== undefined) lines.push('Connection: Upgrade', `Upgrade: ${hop.upgrade}`)
  else if (hop.takesTrailers) lines.push('Connection: TE', 'TE: trailers')
  lines.push(...pathFields(claims, peer, hop.host, hop.minor), '')
  return Buffer.from(lines.join('\r\n'), 'latin1')
}

/** Fields that go on in some requests only. */
function isDropped(id: number, claims: Claims, { minor, requestId }: Hop): boolean {
  switch (id) {
    case FIELD.expect:
      return minor === 0
    case FIELD['x-request-id']:
      return requestId === undefined
    case FIELD.traceparent:
    case FIELD.tracestate:
      return claims.traceparent === undefined
    default:
      return false
  }
}
