/** Checks hosts of `Host` and of absolute targets (RFC 9110 section 7.2, RFC 3986 section 3.2). */
import { isIP } from 'node:net'
import { decimal, HEX, latin1, REG_NAME } from './bytes.ts'

const COLON = 0x3a

/**
 * Checks a host with an optional port.
 * @returns the host in small letters, for routing; `undefined` if it is not a host.
 */
export function hostOf(bytes: Buffer, from: number, to: number): string | undefined {
  const end = bytes[from] === 0x5b ? literalEnd(bytes, from, to) : nameEnd(bytes, from, to)
  if (end === -1 || end === from) return undefined
  if (end !== to) {
    if (bytes[end] !== COLON) return undefined
    const port = end + 1 === to ? 0 : decimal(bytes, end + 1, to)
    if (port === -1 || port > 65_535) return undefined
  }
  return latin1(bytes, from, end).toLowerCase()
}

/** A host whose brackets hold an IPv6 address, in the shortest form of it (RFC 5952); others unchanged. */
export function shortestLiteral(host: string): string {
  return host.startsWith('[') && isIP(host.slice(1, -1)) === 6 ? new URL(`http://${host}`).hostname : host
}

function nameEnd(bytes: Buffer, from: number, to: number): number {
  let i = from
  while (i < to && bytes[i] !== COLON) {
    if (bytes[i] === 0x25) {
      if (HEX[bytes[i + 1]!]! > 15 || HEX[bytes[i + 2]!]! > 15 || i + 2 >= to) return -1
      i += 3
    } else if (REG_NAME[bytes[i++]!] !== 1) return -1
  }
  return i
}

/** The end of an address in brackets; -1 if it is not one. */
function literalEnd(bytes: Buffer, from: number, to: number): number {
  let i = from + 1
  while (i < to && (HEX[bytes[i]!]! <= 15 || bytes[i] === COLON || bytes[i] === 0x2e)) i++
  return i < to && bytes[i] === 0x5d && i > from + 2 ? i + 1 : -1
}
