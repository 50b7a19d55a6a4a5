/** The address of a target, and its spelling in the file: `http://host:port`, or `unix:/path`. */
import { authorityOf } from '@bun-monitoring/prefork'

/** A TCP address, with other addresses of the same server that are tried in turn if it refuses, or a socket file. */
export type Address = { hostname: string; port: number; fallbacks?: readonly string[] } | { unix: string }

const UNIX = 'unix:'
const SPELLED = /^(http:\/\/[^/?#@\s]+:\d{1,5}|unix:(\/[^/*\s]+)*\/[^/\s]+)$/

export const TARGET = 'an address like http://dogs:8001, unix:/run/dogs.sock or unix:/run/dogs.*.sock'

/** Whether the text is a valid entry of `targets`. */
export const isTarget = (text: string): boolean =>
  SPELLED.test(text) && (text.startsWith(UNIX) || (URL.canParse(text) && new URL(text).port !== '0'))

export function parseAddress(text: string): Address {
  if (text.startsWith(UNIX)) return { unix: text.slice(UNIX.length) }
  const { hostname, port } = new URL(text)
  // URL leaves out port 80, and keeps the brackets of an IPv6 address.
  return { hostname: hostname.replace(/^\[|\]$/g, ''), port: Number(port === '' ? 80 : port) }
}

/** The address and its fallbacks, in the order in which they are tried. */
export function alternativesOf(address: Address): readonly Address[] {
  if ('unix' in address) return [address]
  const { hostname, port, fallbacks = [] } = address
  return [hostname, ...fallbacks].map((each) => ({ hostname: each, port }))
}

/** The name of the target in logs. */
export const nameOfAddress = (address: Address): string =>
  'unix' in address ? address.unix : hostOfAddress(address)

/** The host for a URL and a `Host` field. A path has none, so `localhost` stands for it. */
export function hostOfAddress(address: Address): string {
  return 'unix' in address ? 'localhost' : authorityOf(address.hostname, address.port)
}
