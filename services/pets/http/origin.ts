/**
 * Refuses requests that a page of another origin makes a browser send: the service has no login, so its place in the network
 * is the only protection of its rows. Programs other than browsers send neither of the fields.
 */
import { HttpError } from './errors.ts'

/** @throws HttpError 403 */
export function requireOwnOrigin(headers: Headers): void {
  const site = headers.get('sec-fetch-site')
  const origin = headers.get('origin')
  if (site !== 'cross-site' && site !== 'same-site' && (origin === null || isOwn(origin, headers))) return
  throw new HttpError(403, 'A page of another origin sent this request: nothing was changed')
}

/** Compares with `Host`, whose default port depends on the scheme that the browser used. */
function isOwn(origin: string, headers: Headers): boolean {
  const host = headers.get('host')
  if (host === null || !URL.canParse(origin)) return false
  const { protocol, host: ofOrigin } = new URL(origin)
  return URL.canParse(`${protocol}//${host}`) && new URL(`${protocol}//${host}`).host === ofOrigin
}

/**
 * @param hosts allowed names, as in Django's ALLOWED_HOSTS.
 * @throws HttpError 400
 */
export function requireHost(headers: Headers, hosts: readonly string[]): void {
  const host = headers.get('host') ?? ''
  const name = host.toLowerCase().replace(/:\d*$/, '').replace(/\.$/, '')
  const isAllowed = hosts.some((allowed) =>
    allowed.startsWith('.') ? `.${name}`.endsWith(allowed) : name === allowed,
  )
  if (!isAllowed) throw new HttpError(400, `The host ${host} is not served here`)
}
