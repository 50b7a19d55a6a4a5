/**
 * The path under which clients reach the service, if a proxy in front removes a part of it: links, redirects and cookies begin
 * with it. It is the setting `PUBLIC_PATH`, or else `X-Forwarded-Prefix`, which nginx, Traefik and the gateway send. As with the other
 * forwarded fields the proxy decides what it passes on: the gateway drops those of clients that it does not trust.
 */

/** A segment that browsers take for `.` or `..`. */
const DOTS = String.raw`(?:\.|%2[eE]){1,2}(?:/|$)`

/** Segments of a path without the characters that end a value in HTML, in a cookie or in `Link`. */
const SEGMENTS = String.raw`(?:/(?!${DOTS})(?:[\w.~!$&*+=:@-]|%[0-9A-Fa-f]{2})+)*`

/** For the setting: `/pets`, or `/pets/`. */
export const PUBLIC_PATH = `^${SEGMENTS}/?$`

const ALLOWED = new RegExp(`^${SEGMENTS}$`)

/** Without a slash at its end; empty at the root. */
export type PublicPathOf = (request: Request) => string

/** A setting wins over the field of a request. */
export const publicPathOf =
  (setting: string | undefined): PublicPathOf =>
  ({ headers }) => {
    if (setting !== undefined) return withoutSlash(setting)
    const field = headers.get('x-forwarded-prefix')
    return field === null ? '' : readPrefix(field)
  }

/**
 * The path of a field: the parts of several proxies, the outermost first. A path that could lead to another host, or that
 * is none, is ignored.
 */
export function readPrefix(field: string): string {
  const path = field
    .split(',')
    .map((part) => withoutSlash(part.trim()))
    .join('')
  return ALLOWED.test(path) ? path : ''
}

const withoutSlash = (path: string): string => (path.endsWith('/') ? path.slice(0, -1) : path)
