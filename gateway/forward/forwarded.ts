/**
 * The fields about a request's way: `Via`, `Forwarded` (RFC 7239), `X-Forwarded-*`, `X-Real-IP`, `X-Request-Id` and
 * `traceparent`. Those of an untrusted peer are replaced, those of a trusted one are continued. `Forwarded` and
 * `X-Forwarded-*` always agree: if a trusted peer sends only one of them, the other is made from it.
 */
import { isIP } from 'node:net'
import { FIELD } from '../http1/field_names.ts'
import type { FieldList } from '../http1/fields.ts'
import { plainAddress, UNKNOWN } from './networks.ts'

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
    return others.every((other) => isSame(other, value)) && value !== '' ? value : undefined
  }
  /** The same for a list, whose equal items are one: several lines are one list (RFC 9110 section 5.3). */
  const onlyItem = (name: number): string | undefined => {
    const [first, ...others] = list.items(bytes, name)
    return others.every((other) => isSame(other, first)) ? first : only(name)
  }
  const traceparent = list.values(bytes, FIELD.traceparent)
  const isTrace = traceparent.length === 1 && TRACEPARENT.test(traceparent[0]!)
  return {
    addresses: list.items(bytes, FIELD['x-forwarded-for']),
    forwarded: list.values(bytes, FIELD.forwarded).filter((value) => value !== ''),
    host: onlyItem(FIELD['x-forwarded-host']),
    protocol: onlyItem(FIELD['x-forwarded-proto']),
    port: onlyItem(FIELD['x-forwarded-port']),
    prefix: only(FIELD['x-forwarded-prefix']),
    realIp: only(FIELD['x-real-ip']),
    requestId: only(FIELD['x-request-id']),
    traceparent: isTrace ? traceparent[0] : undefined,
  }
}

const isSame = (one: string | undefined, other: string | undefined): boolean =>
  one?.toLowerCase() === other?.toLowerCase()

/** @returns the hops before this one; none before an untrusted peer */
export function hopsOf(claims: Claims, peer: PeerIdentity): Hops {
  const { address, isTrusted } = peer
  const { traceparent } = claims
  if (!isTrusted) return { ...NO_CLAIMS, traceparent, client: address }
  const said = fromForwarded(claims.forwarded)
  const addresses = claims.addresses.length > 0 ? claims.addresses : said.addresses
  const nodes = addresses.map(plainNode)
  const realIp = plainNode(claims.realIp ?? '')
  const client = nodes.findLast((hop) => !peer.trusts(hop)) ?? nodes[0] ?? realIp
  return {
    ...claims,
    addresses,
    forwarded: agrees(claims, said) ? claims.forwarded : [],
    host: claims.host ?? said.host,
    protocol: claims.protocol ?? said.protocol,
    realIp: isIP(realIp) === 0 ? undefined : realIp,
    client: isIP(client) === 0 ? address : client,
  }
}

/**
 * Whether `Forwarded` says all that `X-Forwarded-*` say. Otherwise it is made from them: servers prefer the one or the
 * other (RFC 7239 section 7.4).
 */
function agrees({ addresses, host, protocol }: Claims, said: Said): boolean {
  return (
    said.isWellFormed &&
    (addresses.length === 0 || addresses.map(plainNode).join() === said.addresses.map(plainNode).join()) &&
    (host === undefined || isSame(firstItem(host), said.host)) &&
    (protocol === undefined || isSame(firstItem(protocol), said.protocol))
  )
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

/** The address in `1.2.3.4:5`, `[::1]:5`, `[::1]` or `::ffff:1.2.3.4`, in its shortest form. */
const plainNode = (node: string): string => plainAddress(withoutPort(node))

const withoutPort = (node: string): string =>
  /^\[([^\]]+)\](?::\d+)?$/.exec(node)?.[1] ?? /^([\d.]+):\d+$/.exec(node)?.[1] ?? node

/** The first of the items that several proxies have joined: that of the client's connection. */
const firstItem = (value: string): string => value.split(',')[0]!.trim()

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

function forwardedElements(hops: Hops, { address, protocol: own }: PeerIdentity, host: string): string[] {
  const firstHost = firstItem(hops.host ?? host)
  const firstProtocol = firstItem(hops.protocol ?? own)
  // Some servers read host and protocol of the first element, some of the last one: only one element has them.
  if (hops.forwarded.length > 0) {
    const hasProtocol = hops.protocol !== undefined
    const last = element(address, hops.host === undefined ? firstHost : '', hasProtocol ? '' : firstProtocol)
    return [...hops.forwarded, last]
  }
  const [first = address, ...others] = chainOf(hops, address)
  return [element(first, firstHost, firstProtocol), ...others.map((hop) => element(hop, '', ''))]
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

const NAME = "[\\w!#$%&'*+.^`|~-]+"
const VALUE = String.raw`"(?:[^"\\]|\\.)*"|[^\s;,"]+`
const PAIR = new RegExp(`(${NAME})=(${VALUE})`, 'g')
/** Pairs between commas, semicolons and spaces. */
const WELL_FORMED = new RegExp(`^[\\s,;]*(?:${NAME}=(?:${VALUE})(?:\\s*[,;][\\s,;]*|\\s*$))*$`)
const ELEMENT = new RegExp(`(?:"(?:[^"\\\\]|\\\\.)*"|[^,"])+`, 'g')

/** What `Forwarded` says. A malformed one says nothing, as if it was not sent. */
interface Said {
  isWellFormed: boolean
  addresses: string[]
  host: string | undefined
  protocol: string | undefined
}

/** Reads `Forwarded`: the addresses of its elements, and the first host and protocol. */
function fromForwarded(lines: string[]): Said {
  const text = lines.join(',')
  const elements = (text.match(ELEMENT) ?? []).map((element) => [...element.matchAll(PAIR)].map(pairOf))
  const isWellFormed = WELL_FORMED.test(text) && elements.every(hasEachOnce)
  const all = isWellFormed ? elements.flat() : []
  const first = (name: string) => all.find(([key, value]) => key === name && value !== '')?.[1]
  const addresses = all.flatMap(([key, value]) => (key === 'for' && value !== '' ? [value] : []))
  return {
    isWellFormed,
    addresses: addresses.map(withoutPort),
    host: first('host'),
    protocol: first('proto'),
  }
}

const pairOf = ([, name = '', value = '']: RegExpExecArray): [name: string, value: string] => [
  name.toLowerCase(),
  value.startsWith('"') ? value.slice(1, -1).replace(/\\(.)/g, '$1') : value,
]

const hasEachOnce = (pairs: [name: string, value: string][]): boolean =>
  new Set(pairs.map(([name]) => name)).size === pairs.length
