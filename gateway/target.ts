/** Where an upstream is reached: `http://host:port`, or `unix:/path` for a socket on this machine. */
import type { Target } from './upstream_connection.ts'

const UNIX = 'unix:'

export function parseTarget(text: string): Target {
  if (text.startsWith(UNIX)) return { unix: text.slice(UNIX.length) }
  const { hostname, port } = new URL(text)
  // URL leaves out what is usual, and keeps the brackets of an address.
  return { hostname: hostname.replace(/^\[|\]$/g, ''), port: Number(port === '' ? 80 : port) }
}

/** The `Host` line for a request that came without one. */
export const hostLine = (target: Target): Buffer =>
  Buffer.from(`Host: ${'unix' in target ? 'localhost' : `${target.hostname}:${target.port}`}\r\n`)
