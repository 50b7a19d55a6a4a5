/**
 * Finds the route of a request by its host, the longest path prefix of whole segments, and its method: a pure function
 * of bytes.
 */
import { METHODS } from '../http1/methods.ts'
import type { LocalReply } from './local_reply.ts'

export interface Forward {
  /** The name of the upstream. */
  upstream: string
  /** Bytes at the beginning of the path that `replacement` replaces. */
  cutBytes: number
  replacement: Buffer
}

export interface Route {
  id: string
  /** In small letters; empty: every host. */
  host: string
  /** Without a slash at its end; empty: every path. */
  path: Buffer
  /** `undefined`: every method. */
  methods: string[] | undefined
  /** Either `forward` or `reply` is set. */
  forward: Forward | undefined
  reply: LocalReply | undefined
}

const SLASH = 0x2f

/** Routes in the order in which they are tried: those with a host first, then longer paths first. */
export function sortRoutes(routes: readonly Route[]): Route[] {
  return routes.toSorted(
    (a, b) => Number(b.host !== '') - Number(a.host !== '') || b.path.length - a.path.length,
  )
}

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
    if ((route.host !== '' && route.host !== host) || !covers(route.path, path, from, to)) continue
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
