/** Where a target is reached, and how the file spells it: `http://host:port`, or `unix:/path` on this machine. */
import { authorityOf } from '@bun-monitoring/prefork'

export type Address = { hostname: string; port: number } | { unix: string }

const UNIX = 'unix:'
const SPELLED = /^(http:\/\/[^/?#@\s]+:\d{1,5}|unix:(\/[^/*\s]+)*\/[^/\s]+)$/

export const TARGET = 'an address like http://dogs:8001, unix:/run/dogs.sock or unix:/run/dogs.*.sock'

/** Whether the file may hold it. */
export const isTarget = (text: string): boolean =>
  SPELLED.test(text) && (text.startsWith(UNIX) || (URL.canParse(text) && new URL(text).port !== '0'))

export function parseAddress(text: string): Address {
  if (text.startsWith(UNIX)) return { unix: text.slice(UNIX.length) }
  const { hostname, port } = new URL(text)
  // URL leaves out what is usual, and keeps the brackets of an address.
  return { hostname: hostname.replace(/^\[|\]$/g, ''), port: Number(port === '' ? 80 : port) }
}

/** How logs call it. */
export const nameOfAddress = (address: Address): string =>
  'unix' in address ? address.unix : hostOfAddress(address)

/** The host, as a URL and a `Host` field have it; a path has none. */
export function hostOfAddress(address: Address): string {
  return 'unix' in address ? 'localhost' : authorityOf(address.hostname, address.port)
}
