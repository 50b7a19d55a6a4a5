/** Routes as the file gives them, made ready: paths as bytes, upstreams and fixed answers in place. */
import type { RouteConfig } from './file.ts'
import { ownAnswer } from './own_answers.ts'
import { type Forward, type Route, sortRoutes } from './routes.ts'
import type { Upstream } from './upstream.ts'

export function compileRoutes(routes: readonly RouteConfig[], upstreams: readonly Upstream[]): Route[] {
  return sortRoutes(
    routes.map((route) => ({
      id: route.id,
      host: route.host ?? '',
      path: Buffer.from(prefix(route.path)),
      methods: route.methods,
      forward: forwardOf(
        route,
        upstreams.find(({ name }) => name === route.upstream),
      ),
      answer: answerOf(route),
    })),
  )
}

/** `/` covers every path, as the empty prefix does. */
const prefix = (path: string): string => (path === '/' ? '' : path)

function forwardOf(route: RouteConfig, upstream: Upstream | undefined): Forward | undefined {
  if (upstream === undefined) return undefined
  const isCut = route.strip === true || route.rewrite !== undefined
  return {
    upstream,
    cutBytes: isCut ? prefix(route.path).length : 0,
    replacement: Buffer.from(prefix(route.rewrite ?? '/')),
  }
}

function answerOf({ respond, redirect }: RouteConfig) {
  if (redirect !== undefined) return ownAnswer(redirect.status, { Location: redirect.location })
  if (respond === undefined) return undefined
  return ownAnswer(respond.status, respond.body === '' ? {} : { 'Content-Type': respond.type }, respond.body)
}
