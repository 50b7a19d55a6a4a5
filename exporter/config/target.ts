/**
 * The target of a `--stats.uri`: the URI as given, which is also a label value, and its parts. A host name is later
 * resolved to one target for each of its addresses; see stats/resolve.ts.
 */

/** A stats document at one address. */
export interface Target {
  /** The value of the labels `target` and `stats_uri`. */
  label: string
  /** A unix address that starts with `@` is abstract: it has no file. */
  at: { hostname: string; port: number } | { unix: string }
  /** Only for http and https; a tcp or unix target sends its document without a request. */
  http?: { path: string; host: string }
  /** Only for https: the name that the certificate must have. */
  serverName?: string
}

const PORTS: Record<string, number> = { 'http:': 80, 'https:': 443 }
/** A URI up to the end of its host name. */
const NAME = /^([a-z][a-z\d+.-]*:\/\/)?[^:/?#]+/i

/**
 * Reads a URI: http, https, tcp or unix; without a scheme, http. Returns undefined for any other text, and for a URI with
 * a user, because the password would become a label value.
 */
export function parseTarget(uri: string): Target | undefined {
  const unix = /^unix:(?:\/\/)?(\/[^/\0][^\0]*|@[^\0]+)$/i.exec(uri)?.[1]
  if (unix !== undefined) return { label: uri, at: { unix } }

  const url = URL.parse(/^[a-z][a-z\d+.-]*:\/\//i.test(uri) ? uri : `http://${uri}`)
  if (!url || url.hostname === '' || url.username !== '' || url.password !== '') return undefined
  const at = { hostname: url.hostname.replace(/^\[|\]$/g, ''), port: Number(url.port) }
  if (url.protocol === 'tcp:') return at.port > 0 && url.pathname.length <= 1 ? { label: uri, at } : undefined

  const defaultPort = PORTS[url.protocol]
  if (defaultPort === undefined) return undefined
  return {
    label: uri,
    at: { hostname: at.hostname, port: url.port === '' ? defaultPort : at.port },
    http: { path: url.pathname + url.search, host: url.host },
    ...(url.protocol === 'https:' ? { serverName: at.hostname } : {}),
  }
}

/** The same target at one address of its host name; the address replaces the name in the label. */
export function atAddress(target: Target, address: string): Target {
  const { label, at } = target
  if ('unix' in at) return target
  const host = address.includes(':') ? `[${address}]` : address
  return { ...target, label: label.replace(NAME, `$1${host}`), at: { hostname: address, port: at.port } }
}
