/** Makes routes of the file's route tables: paths as bytes, and replies ready to send. */
import type { RouteConfig } from '../config/gateway_file.ts'
import { type LocalReply, localReply } from './local_reply.ts'
import { type Forward, type Route, sortRoutes } from './route.ts'

export function compileRoutes(routes: readonly RouteConfig[]): Route[] {
  return sortRoutes(
    routes.map((route) => ({
      id: route.id,
      host: route.host ?? '',
      path: Buffer.from(prefix(route.path)),
      methods: route.methods,
      forward: forwardOf(route),
      reply: replyOf(route),
    })),
  )
}

/** `/` covers every path, as the empty prefix does. */
const prefix = (path: string): string => (path === '/' ? '' : path)

function forwardOf({ upstream, path, strip, rewrite }: RouteConfig): Forward | undefined {
  if (upstream === undefined) return undefined
  const isCut = strip === true || rewrite !== undefined
  return {
    upstream,
    cutBytes: isCut ? prefix(path).length : 0,
    replacement: Buffer.from(prefix(rewrite ?? '/')),
  }
}

function replyOf({ respond, redirect }: RouteConfig): LocalReply | undefined {
  if (redirect !== undefined) return localReply(redirect.status, { Location: redirect.location })
  if (respond === undefined) return undefined
  return localReply(respond.status, respond.body === '' ? {} : { 'Content-Type': respond.type }, respond.body)
}
