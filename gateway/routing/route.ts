/**
 * Finds the route of a request by its host, the longest path prefix of whole segments, and its method: a pure function
 * of bytes.
 */
import { METHODS } from '../http1/methods.ts'
import type { Timeouts } from '../config/limits.ts'
import type { AccessLogMode } from '../observe/access_log.ts'
import type { Access } from './access.ts'
import type { ErrorPages } from './error_pages.ts'
import type { HeaderRules } from './header_rules.ts'
import type { LocalReply } from './local_reply.ts'
import type { Redirect } from '../config/gateway_file.ts'

export interface Forward {
  /** The name of the upstream. */
  upstream: string
  /** Bytes at the beginning of the path that `replacement` replaces. */
  cutBytes: number
  replacement: Buffer
  /** The beginning of the path that `strip` or `rewrite` removes, for `X-Forwarded-Prefix`. */
  strippedPrefix: string
  /** Whether paths with encoded slashes and empty segments pass. */
  passesSlashes: boolean
  retries: RetryRule
  requestHeaders?: HeaderRules
  timeouts: Timeouts
}

/** When a request is sent again. */
export interface RetryRule {
  /** How often a request that was sent is sent again. 0: no request is. */
  most: number
  causes: ReadonlySet<string>
}

export interface Route {
  id: string
  /** In small letters; with a dot first: all names below it; empty: every host. */
  host: string
  /** Without a slash at its end; empty: every path. */
  path: Buffer
  /** `undefined`: every method. */
  methods: string[] | undefined
  /** One of `forward`, `reply` and `redirect` is set. */
  forward: Forward | undefined
  reply: LocalReply | undefined
  redirect?: Redirect
  responseHeaders?: HeaderRules
  access?: Access
  errorPages?: ErrorPages
  /** Bytes of a request's body. */
  bodyBytes: number
  /** `undefined`: as the file says. */
  accessLog: AccessLogMode | undefined
}

const SLASH = 0x2f

/** Routes in the order in which they are tried: the most specific host first, then longer paths first. */
export function sortRoutes(routes: readonly Route[]): Route[] {
  return routes.toSorted((a, b) => rankOf(b) - rankOf(a) || b.path.length - a.path.length)
}

/** A host ranks before a wildcard, a longer wildcard before a shorter one, and no host last. */
const rankOf = ({ host }: Route): number => (host === '' ? 0 : host.startsWith('.') ? host.length : Infinity)

/** Whether a route takes requests for this host. */
export const takesHost = (route: Route, host: string): boolean =>
  route.host === '' ||
  (route.host.startsWith('.')
    ? host.length > route.host.length && host.endsWith(route.host)
    : host === route.host)

/**
 * Finds the route of a path.
 * @returns `undefined` if no route covers the path; the allowed methods if this one is not among them
 */
export function findRoute(
  routes: readonly Route[],
  host: string,
  path: Buffer,
  from: number,
  to: number,
  method: number,
): Route | string[] | undefined {
  let covering: Route | undefined
  const allowed: string[] = []
  for (const route of routes) {
    // No shorter path takes a request whose path is covered: only routes of the same path are still tried.
    if (covering !== undefined && (covering.host !== route.host || !covering.path.equals(route.path)))
      continue
    if (!takesHost(route, host) || !covers(route.path, path, from, to)) continue
    if (route.methods === undefined || route.methods.includes(METHODS[method]!)) return route
    covering = route
    allowed.push(...route.methods)
  }
  return covering === undefined ? undefined : allowed
}

/** Whether the path begins with these segments. */
export function covers(prefix: Buffer, path: Buffer, from: number, to: number): boolean {
  const end = from + prefix.length
  if (end > to || (end < to && path[end] !== SLASH)) return false
  for (let i = 0; i < prefix.length; i++) if (path[from + i] !== prefix[i]) return false
  return true
}
