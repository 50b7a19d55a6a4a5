/** Makes routes of the file's route tables: paths as bytes, and replies ready to send. */
import { RETRY_CAUSES, type RouteConfig } from '../config/gateway_file.ts'
import { hostsOf } from '../config/hosts.ts'
import { type LocalReply, localReply } from './local_reply.ts'
import { type Forward, type Route, sortRoutes } from './route.ts'

export function compileRoutes(routes: readonly RouteConfig[]): Route[] {
  return sortRoutes(
    routes.flatMap((route) => {
      const hosts = hostsOf(route)
      return (hosts.length === 0 ? [''] : hosts).map((host) => routeOf(route, host.replace(/^\*/, '')))
    }),
  )
}

const routeOf = (route: RouteConfig, host: string): Route => ({
  id: route.id,
  host,
  path: Buffer.from(prefix(route.path)),
  methods: route.methods,
  forward: forwardOf(route),
  reply: replyOf(route),
  ...(route.redirect === undefined ? {} : { redirect: route.redirect }),
})

/** More failures in a row are seldom the target's fault. */
const MOST_RETRIES = 2
/** A request whose response did not come in time is not repeated: the next target may take as long. */
const RETRY_ON = RETRY_CAUSES.filter((cause) => cause !== 'answer_timeout')

/** `/` covers every path, as the empty prefix does. */
const prefix = (path: string): string => (path === '/' ? '' : path)

function forwardOf(route: RouteConfig): Forward | undefined {
  const { upstream, path, strip, rewrite, encoded_slashes } = route
  if (upstream === undefined) return undefined
  const isCut = strip === true || rewrite !== undefined
  return {
    upstream,
    cutBytes: isCut ? prefix(path).length : 0,
    replacement: Buffer.from(prefix(rewrite ?? '/')),
    strippedPrefix: strip === true ? prefix(path) : '',
    passesSlashes: encoded_slashes === 'pass',
    retries: { most: route.retries ?? MOST_RETRIES, causes: new Set(route.retry_on ?? RETRY_ON) },
  }
}

function replyOf({ respond }: RouteConfig): LocalReply | undefined {
  if (respond === undefined) return undefined
  return localReply(respond.status, respond.body === '' ? {} : { 'Content-Type': respond.type }, respond.body)
}
