/**
 * Makes the fields that the upstream gets. Hop-by-hop fields are removed before the gateway's are added, so that
 * `Connection: X-Forwarded-For` cannot remove the gateway's field.
 */
import type { ConnectionOptions } from '../http1/connection_options.ts'
import { FIELD } from '../http1/field_names.ts'
import type { FieldList } from '../http1/fields.ts'
import { type Hops, pathFields, type PeerIdentity } from './forwarded.ts'
import { type Framing, framingLine, NO_LENGTH } from '../http1/framing.ts'

/** The properties of the request that some fields depend on. */
interface Hop {
  minor: number
  /** The host of an absolute target, else of `Host`. */
  host: string
  framing: Framing
  /** Whether the client waits for `100 Continue`. */
  expects: boolean
  upgrade: string[] | undefined
  takesTrailers: boolean
  /** For `Max-Forwards`; -1 if there is none. */
  hopsLeft: number
}

/** Fields that the gateway writes itself or never forwards. */
const REPLACED = new Set<number>([
  FIELD.host,
  FIELD.expect,
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

/** The field lines, each with its end. */
export function forwardFields(
  bytes: Buffer,
  list: FieldList,
  options: ConnectionOptions,
  hops: Hops,
  peer: PeerIdentity,
  hop: Hop,
): Buffer {
  const lines = hop.host === '' ? [] : [`Host: ${hop.host}`]
  for (let i = 0; i < list.count; i++) {
    const id = list.names[i]!
    if (REPLACED.has(id) || isDropped(id, hops) || options.owns(bytes, list, i)) continue
    const name = list.name(bytes, i)
    // Programs that get fields as variables (CGI, WSGI) take `X_Real_IP` for `X-Real-IP`.
    if (name.includes('_')) continue
    lines.push(`${name}: ${list.value(bytes, i)}`)
  }
  // Some servers compare the expectation with case.
  if (hop.expects) lines.push('Expect: 100-continue')
  if (hop.framing !== NO_LENGTH) lines.push(framingLine(hop.framing))
  if (hop.hopsLeft !== -1) lines.push(`Max-Forwards: ${hop.hopsLeft}`)
  if (hop.upgrade !== undefined) lines.push('Connection: Upgrade', `Upgrade: ${hop.upgrade.join(', ')}`)
  else if (hop.takesTrailers) lines.push('Connection: TE', 'TE: trailers')
  lines.push(...pathFields(hops, peer, hop.host, hop.minor), '')
  return Buffer.from(lines.join('\r\n'), 'latin1')
}

/** Fields that are forwarded in some requests only. */
function isDropped(id: number, hops: Hops): boolean {
  switch (id) {
    case FIELD['x-request-id']:
      return hops.requestId === undefined
    case FIELD.traceparent:
    case FIELD.tracestate:
      return hops.traceparent === undefined
    default:
      return false
  }
}
