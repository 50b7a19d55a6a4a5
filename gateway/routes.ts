/**
 * Which route takes a request: pure functions of its target. The path is taken as Bun gives it, with `.` and `..`
 * resolved, and forwarded just so: what is routed on is what the upstream gets.
 */

/** The page at `/`, as a route's id in metrics. */
export const PAGE = 'page'

/** What a request asks for. */
export interface Target {
  /** Without the query. */
  path: string
  pathAndQuery: string
}

/**
 * Reads a request's target from its URL and `Host`.
 * @returns `undefined` where Bun found no server in them: a `Host` that is no authority, several, or CONNECT.
 */
export function targetOf(url: string, host: string | null): Target | undefined {
  if (host?.includes(',')) return undefined
  // HTTP/1.0 needs no Host, and Bun then gives the bare target.
  const absolute = host === null && url.startsWith('/') ? new URL(url, 'http://gateway').href : url
  if (!absolute.startsWith('http://')) return undefined
  const pathAndQuery = absolute.slice(absolute.indexOf('/', 'http://'.length))
  const query = pathAndQuery.indexOf('?')
  return { path: query === -1 ? pathAndQuery : pathAndQuery.slice(0, query), pathAndQuery }
}

/** The route with the longest path that covers the given one, on whole segments. */
export function findRoute<Route extends { path: string }>(
  routes: readonly Route[],
  path: string,
): Route | undefined {
  let best: Route | undefined
  for (const route of routes) {
    if (covers(route.path, path) && route.path.length > (best?.path.length ?? 0)) best = route
  }
  return best
}

const covers = (prefix: string, path: string): boolean =>
  path.startsWith(prefix) && (path.length === prefix.length || path[prefix.length] === '/')
