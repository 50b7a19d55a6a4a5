/**
 * Which header fields pass the gateway, and which it writes itself (RFC 9110 section 7.6). What belongs to one
 * connection goes first, in both directions, so that `Connection: X-Forwarded-For` cannot remove what comes after.
 */

const HOP_BY_HOP = [
  'connection',
  'keep-alive',
  'proxy-authenticate',
  'proxy-authorization',
  'proxy-connection',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
]

/** What clients may claim about the way their request took. Nobody is trusted to yet. */
const CLAIMS = ['forwarded', 'x-forwarded-port', 'x-forwarded-prefix', 'x-forwarded-server', 'x-real-ip']

/** RFC 9110 section 5.6.2. */
const TOKEN = /[\w!#$%&'*+\-.^`|~]+/g

const VIA = '1.1 bun-monitoring'

/** The fields that are meant for the other end: all but those of this connection. */
export function endToEnd(received: Headers): Headers {
  const headers = new Headers(received)
  for (const [name] of (received.get('connection') ?? '').matchAll(TOKEN)) headers.delete(name)
  for (const name of HOP_BY_HOP) headers.delete(name)
  return headers
}

/** The fields of the request to the upstream. */
export function upstreamHeaders(received: Headers, clientAddress: string | undefined): Headers {
  const headers = endToEnd(received)
  for (const name of CLAIMS) headers.delete(name)
  // Bun has answered `100 Continue` by itself.
  headers.delete('expect')

  const host = received.get('host')
  if (host === null) headers.delete('x-forwarded-host')
  else {
    headers.set('host', host)
    headers.set('x-forwarded-host', host)
  }
  headers.set('x-forwarded-for', clientAddress ?? 'unknown')
  headers.set('x-forwarded-proto', 'http')
  headers.append('via', VIA)
  // Else fetch says `Bun/1.4.5`, as if that were the client. It also adds `Accept: */*`, which means the same as none.
  if (!headers.has('user-agent')) headers.set('user-agent', '')
  return headers
}
