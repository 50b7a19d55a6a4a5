/**
 * What a request says of the way it took: `Via`, `Forwarded` (RFC 7239), `X-Forwarded-*`, `X-Request-Id` and
 * `traceparent`. Claims of a peer that is not trusted are replaced, those of one that is are continued.
 */
import { FIELD } from './field_names.ts'
import type { FieldList } from './fields.ts'
import type { Peer } from './peers.ts'

export const PSEUDONYM = 'bun-monitoring'

/** https://www.w3.org/TR/trace-context/#traceparent-header, of any version that begins like version 00. */
const TRACEPARENT = /^(?!ff)[\da-f]{2}-(?!0{32})[\da-f]{32}-(?!0{16})[\da-f]{16}-[\da-f]{2}$/

/** What the peer says about those before it. */
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

/** The lines that the gateway adds for the upstream. The ids are not among them: they are new for each request. */
export function pathFields(
  claims: Claims,
  { address, isTrusted }: Peer,
  host: string,
  minor: number,
): string[] {
  const believed = isTrusted ? claims : undefined
  const forwardedHost = believed?.host ?? host
  const node = address.includes(':') ? `"[${address}]"` : address
  const forwarded = `for=${node}${host === '' ? '' : `;host="${host}"`};proto=http`
  return [
    `Via: 1.${minor} ${PSEUDONYM}`,
    `X-Forwarded-For: ${[...(believed?.addresses ?? []), address].join(', ')}`,
    ...(forwardedHost === '' ? [] : [`X-Forwarded-Host: ${forwardedHost}`]),
    `X-Forwarded-Proto: ${believed?.protocol ?? 'http'}`,
    `Forwarded: ${[...(believed?.forwarded ?? []), forwarded].join(', ')}`,
  ]
}
