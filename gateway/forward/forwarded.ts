/**
 * The fields about a request's way: `Via`, `Forwarded` (RFC 7239), `X-Forwarded-*`, `X-Real-IP`, `X-Request-Id` and
 * `traceparent`. Those of an untrusted peer are replaced, those of a trusted one are continued. `Forwarded` and
 * `X-Forwarded-*` always agree: if a trusted peer sends only one of them, the other is made from it.
 */
import { isIP } from 'node:net'
import { FIELD } from '../http1/field_names.ts'
import type { FieldList } from '../http1/fields.ts'

export const PSEUDONYM = 'bun-monitoring'

/** https://www.w3.org/TR/trace-context/#traceparent-header, of any version that begins like version 00. */
const TRACEPARENT = /^(?!ff)[\da-f]{2}-(?!0{32})[\da-f]{32}-(?!0{16})[\da-f]{16}-[\da-f]{2}$/

export type Protocol = 'http' | 'https'

/** The client at the other end of a connection. */
export interface PeerIdentity {
  /** `unknown` on a unix socket. */
  readonly address: string
  readonly protocol: Protocol
  /** Whether its fields about earlier hops are trusted. */
  readonly isTrusted: boolean
  /** Whether an address of an earlier hop is a trusted proxy. */
  trusts(address: string): boolean
}

/** The peer's fields about earlier hops. */
export interface Claims {
  /** The addresses of the earlier hops, the client's first. */
  addresses: string[]
  forwarded: string[]
  host: string | undefined
  protocol: string | undefined
  port: string | undefined
  prefix: string | undefined
  realIp: string | undefined
  requestId: string | undefined
  traceparent: string | undefined
}

/** The earlier hops of a request, as far as the peer is trusted. */
export interface Hops extends Claims {
  /** The client: the last address that is not a trusted proxy. */
  client: string
}

export function claimsOf(bytes: Buffer, list: FieldList): Claims {
  /** The value of a field that may stand there once, or several times with equal values. */
  const only = (name: number): string | undefined => {
    const [value, ...others] = list.values(bytes, name)
    const isOne = others.every((other) => other.toLowerCase() === value?.toLowerCase())
    return isOne && value !== '' ? value : undefined
  }
  const traceparent = list.values(bytes, FIELD.traceparent)
  const isTrace = traceparent.length === 1 && TRACEPARENT.test(traceparent[0]!)
  return {
    addresses: list.values(bytes, FIELD['x-forwarded-for']).flatMap(items),
    forwarded: list.values(bytes, FIELD.forwarded).filter((value) => value !== ''),
    host: only(FIELD['x-forwarded-host']),
    protocol: only(FIELD['x-forwarded-proto']),
    port: only(FIELD['x-forwarded-port']),
    prefix: only(FIELD['x-forwarded-prefix']),
    realIp: only(FIELD['x-real-ip']),
    requestId: only(FIELD['x-request-id']),
    traceparent: isTrace ? traceparent[0] : undefined,
  }
}

const items = (value: string): string[] =>
  value
    .split(',')
    .map((item) => item.trim())
    .filter((item) => item !== '')

/** @returns the hops before this one; none before an untrusted peer */
export function hopsOf(claims: Claims, peer: PeerIdentity): Hops {
  const { address, isTrusted } = peer
  const { traceparent } = claims
  if (!isTrusted) return { ...NO_CLAIMS, traceparent, client: address }
  const said = claims.forwarded.length > 0 ? fromForwarded(claims.forwarded) : NO_CLAIMS
  const addresses = claims.addresses.length > 0 ? claims.addresses : said.addresses
  const nearest = addresses.map(withoutPort).findLast((hop) => !peer.trusts(hop))
  const client = nearest ?? addresses.map(withoutPort)[0] ?? claims.realIp
  return {
    ...claims,
    addresses,
    host: claims.host ?? said.host,
    protocol: claims.protocol ?? said.protocol,
    realIp: isIP(claims.realIp ?? '') === 0 ? undefined : claims.realIp,
    client: client !== undefined && isIP(client) !== 0 ? client : address,
  }
}

const NO_CLAIMS: Claims = {
  addresses: [],
  forwarded: [],
  host: undefined,
  protocol: undefined,
  port: undefined,
  prefix: undefined,
  realIp: undefined,
  requestId: undefined,
  traceparent: undefined,
}

/** `1.2.3.4:5`, `[::1]:5` and `[::1]` without port and brackets. */
const withoutPort = (node: string): string =>
  /^\[([^\]]+)\](?::\d+)?$/.exec(node)?.[1] ?? /^([\d.]+):\d+$/.exec(node)?.[1] ?? node

/** The lines that the gateway adds for the upstream, without the ids: those are new for each request. */
export function pathFields(hops: Hops, peer: PeerIdentity, host: string, minor: number): string[] {
  const { address } = peer
  const forwardedHost = hops.host ?? host
  const { client, realIp = client } = hops
  return [
    `Via: 1.${minor} ${PSEUDONYM}`,
    `X-Forwarded-For: ${chainOf(hops, address).join(', ')}`,
    ...(realIp === UNKNOWN ? [] : [`X-Real-IP: ${realIp}`]),
    ...(forwardedHost === '' ? [] : [`X-Forwarded-Host: ${forwardedHost}`]),
    `X-Forwarded-Proto: ${hops.protocol ?? peer.protocol}`,
    ...(hops.port === undefined ? [] : [`X-Forwarded-Port: ${hops.port}`]),
    `Forwarded: ${forwardedElements(hops, peer, host).join(', ')}`,
  ]
}

/** All hops up to the peer. A peer without an address is left out unless it is the only hop. */
const chainOf = ({ addresses }: Hops, address: string): string[] =>
  address === UNKNOWN && addresses.length > 0 ? addresses : [...addresses, address]

/** The address of a client on a unix socket. */
export const UNKNOWN = 'unknown'

function forwardedElements(hops: Hops, { address, protocol: own }: PeerIdentity, host: string): string[] {
  if (hops.forwarded.length > 0) return [...hops.forwarded, element(address, host, own)]
  // Some servers read host and protocol of the first element, some of the last one: only the first has them.
  const [first = address, ...others] = chainOf(hops, address)
  const protocol = hops.protocol?.split(',')[0]?.trim() ?? own
  return [element(first, hops.host ?? host, protocol), ...others.map((hop) => element(hop, '', ''))]
}

/** An element of `Forwarded`; an empty host or protocol is left out. */
function element(address: string, host: string, protocol: string): string {
  return [
    `for=${nodeOf(address)}`,
    ...(host === '' ? [] : [`host="${host.replace(/["\\]/g, '\\$&')}"`]),
    ...(/^[a-z][a-z\d+.-]*$/i.test(protocol) ? [`proto=${protocol}`] : []),
  ].join(';')
}

/** RFC 7239 section 6: an address with more than a plain IPv4 address in it is quoted. */
function nodeOf(hop: string): string {
  const address = withoutPort(hop)
  if (isIP(address) === 0) return UNKNOWN
  if (address === hop && isIP(address) === 4) return address
  return isIP(hop) === 6 ? `"[${hop}]"` : `"${hop}"`
}

const PAIR = /(\w+)=(?:"((?:[^"\\]|\\.)*)"|([^\s;,"]*))/g

/** Reads `Forwarded`: the addresses of its elements, and host and protocol of the first one. */
function fromForwarded(lines: string[]): Claims {
  const elements = lines.join(',').match(/(?:"(?:[^"\\]|\\.)*"|[^,"])+/g) ?? []
  const pairs = elements.map(
    (text) =>
      new Map(
        [...text.matchAll(PAIR)].map(([, name, quoted, plain]) => [
          name!.toLowerCase(),
          quoted?.replace(/\\(.)/g, '$1') ?? plain!,
        ]),
      ),
  )
  return {
    ...NO_CLAIMS,
    addresses: pairs.flatMap((pair) => pair.get('for') ?? []).map(withoutPort),
    host: pairs[0]?.get('host'),
    protocol: pairs[0]?.get('proto'),
  }
}
