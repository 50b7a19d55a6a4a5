/**
 * The fields about a request's way: `Via`, `Forwarded` (RFC 7239), `X-Forwarded-*`, `X-Request-Id` and `traceparent`.
 * Those of an untrusted peer are replaced, those of a trusted one are continued.
 */
import { FIELD } from '../http1/field_names.ts'
import type { FieldList } from '../http1/fields.ts'

export const PSEUDONYM = 'bun-monitoring'

/** https://www.w3.org/TR/trace-context/#traceparent-header, of any version that begins like version 00. */
const TRACEPARENT = /^(?!ff)[\da-f]{2}-(?!0{32})[\da-f]{32}-(?!0{16})[\da-f]{16}-[\da-f]{2}$/

/** The client at the other end of a connection. */
export interface PeerIdentity {
  readonly address: string
  /** Whether its fields about earlier hops are trusted. */
  readonly isTrusted: boolean
}

/** The peer's fields about earlier hops. */
export interface Claims {
  addresses: string[]
  forwarded: string[]
  host: string | undefined
  protocol: string | undefined
  requestId: string | undefined
  traceparent: string | undefined
}

export function claimsOf(bytes: Buffer, list: FieldList): Claims {
  const only = (name: number): string | undefined => {
    const [value, ...others] = list.values(bytes, name)
    return others.length === 0 && value !== '' ? value : undefined
  }
  const traceparent = only(FIELD.traceparent)
  return {
    addresses: list.values(bytes, FIELD['x-forwarded-for']),
    forwarded: list.values(bytes, FIELD.forwarded),
    host: only(FIELD['x-forwarded-host']),
    protocol: only(FIELD['x-forwarded-proto']),
    requestId: only(FIELD['x-request-id']),
    traceparent: traceparent !== undefined && TRACEPARENT.test(traceparent) ? traceparent : undefined,
  }
}

/** The lines that the gateway adds for the upstream, without the ids: those are new for each request. */
export function pathFields(
  claims: Claims,
  { address, isTrusted }: PeerIdentity,
  host: string,
  minor: number,
): string[] {
  const trusted = isTrusted ? claims : undefined
  const forwardedHost = trusted?.host ?? host
  const node = address.includes(':') ? `"[${address}]"` : address
  const forwarded = `for=${node}${host === '' ? '' : `;host="${host}"`};proto=http`
  return [
    `Via: 1.${minor} ${PSEUDONYM}`,
    `X-Forwarded-For: ${[...(trusted?.addresses ?? []), address].join(', ')}`,
    ...(forwardedHost === '' ? [] : [`X-Forwarded-Host: ${forwardedHost}`]),
    `X-Forwarded-Proto: ${trusted?.protocol ?? 'http'}`,
    `Forwarded: ${[...(trusted?.forwarded ?? []), forwarded].join(', ')}`,
  ]
}
