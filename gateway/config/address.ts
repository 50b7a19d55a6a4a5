/** The address of a target, and its spelling in the file: `http://host:port`, or `unix:/path`. */
import { authorityOf } from '@bun-monitoring/prefork'
import { isIP } from 'node:net'

/** A TCP address, with other addresses of the same server that are tried in turn if it refuses, or a socket file. */
export type Address = TcpAddress | { unix: string }

export interface TcpAddress {
  hostname: string
  port: number
  /** Set for https: the name that the certificate must have; empty for an address. */
  serverName?: string
  fallbacks?: readonly string[]
}

const UNIX = 'unix:'
const SPELLED = /^(http:\/\/[^/?#@\s]+:\d{1,5}|https:\/\/[^/?#@\s]+|unix:(\/[^/*\s]+)*\/[^/\s]+)$/

export const TARGET =
  'an address like http://dogs:8001, https://dogs:8443, unix:/run/dogs.sock or unix:/run/dogs.*.sock'

/** Whether the text is a valid entry of `targets`. */
export const isTarget = (text: string): boolean =>
  SPELLED.test(text) && (text.startsWith(UNIX) || (URL.canParse(text) && new URL(text).port !== '0'))

export function parseAddress(text: string): Address {
  if (text.startsWith(UNIX)) return { unix: text.slice(UNIX.length) }
  const { protocol, hostname: host, port } = new URL(text)
  const isTls = protocol === 'https:'
  // URL leaves out the default port, and keeps the brackets of an IPv6 address.
  const hostname = host.replace(/^\[|\]$/g, '')
  const address = { hostname, port: Number(port === '' ? (isTls ? 443 : 80) : port) }
  // A name of an address must not be sent in the handshake (RFC 6066 section 3).
  return isTls ? { ...address, serverName: isIP(hostname) === 0 ? hostname : '' } : address
}

export const LISTEN = 'an address like 127.0.0.1:8443 or [::]:443'

/** Reads an address of `[[listen]]`. @returns `undefined` if it is none */
export function parseListen(text: string): { hostname: string; port: number } | undefined {
  const [, host = '', port = ''] = /^(\[[0-9a-f:.]+\]|[^\s:[\]]+):(\d{1,5})$/i.exec(text) ?? []
  const hostname = host.replace(/^\[|\]$/g, '')
  const isPort = Number(port) >= 1 && Number(port) <= 65_535
  return hostname !== '' && isPort ? { hostname, port: Number(port) } : undefined
}

/** The address and its fallbacks, in the order in which they are tried. */
export function alternativesOf(address: Address): readonly Address[] {
  if ('unix' in address) return [address]
  const { hostname, fallbacks = [], ...rest } = address
  return [hostname, ...fallbacks].map((each) => Object.assign({ hostname: each }, rest))
}

/** The name of the target in logs. */
export const nameOfAddress = (address: Address): string =>
  'unix' in address ? address.unix : hostOfAddress(address)

/** The host for a URL and a `Host` field. A path has none, so `localhost` stands for it. */
export function hostOfAddress(address: Address): string {
  return 'unix' in address ? 'localhost' : authorityOf(address.hostname, address.port)
}
