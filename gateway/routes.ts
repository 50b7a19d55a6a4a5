/**
 * Which route takes a request, by its host, the longest path on whole segments, and its method: a pure function of
 * bytes. What a route does with it is its action.
 */
import { METHODS } from './methods.ts'
import type { OwnAnswer } from './own_answers.ts'
import type { Upstream } from './upstream.ts'

export interface Forward {
  upstream: Upstream
  /** Bytes of the path that are taken off, when `replacement` is put in their place. */
  cutBytes: number
  replacement: Buffer
}

export interface Route {
  id: string
  /** In small letters; empty for every host. */
  host: string
  /** Without a slash at its end; empty for every path. */
  path: Buffer
  /** `undefined` for every method. */
  methods: string[] | undefined
  /** One of the two. */
  forward: Forward | undefined
  answer: OwnAnswer | undefined
}

const SLASH = 0x2f

/** Routes in the order in which they are tried: those of a host first, then longer paths first. */
export function sortRoutes(routes: readonly Route[]): Route[] {
  return routes.toSorted(
    (a, b) => Number(b.host !== '') - Number(a.host !== '') || b.path.length - a.path.length,
  )
}

/**
 * Finds the route of a path.
 * @returns `undefined` where none covers the path; the methods that are taken there where this one is not.
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
    // A path is taken over by no shorter one: only its other methods are still looked for.
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
