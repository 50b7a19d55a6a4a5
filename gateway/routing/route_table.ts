/** Makes routes of the file's route tables: paths as bytes, and replies ready to send. */
import { camelCase, type GatewayFile, type HeadersConfig, type RouteConfig } from '../config/gateway_file.ts'
import { RETRY_CAUSES } from '../config/schema.ts'
import { hostsOf } from '../config/hosts.ts'
import { HeaderRules } from './header_rules.ts'
import { type LocalReply, localReply } from './local_reply.ts'
import { type Forward, type Route, sortRoutes } from './route.ts'

/** @param defaults the values of the file for keys that a route leaves out */
export function compileRoutes(routes: readonly RouteConfig[], defaults: RouteDefaults): Route[] {
  return sortRoutes(
    routes.flatMap((route) => {
      const hosts = hostsOf(route)
      return (hosts.length === 0 ? [''] : hosts).map((host) =>
        routeOf(route, host.replace(/^\*/, ''), defaults),
      )
    }),
  )
}

/** The values of the file that routes can replace. */
export type RouteDefaults = Pick<GatewayFile, 'limits' | 'timeouts'>

const routeOf = (route: RouteConfig, host: string, defaults: RouteDefaults): Route => ({
  id: route.id,
  host,
  path: Buffer.from(prefix(route.path)),
  methods: route.methods,
  forward: forwardOf(route, defaults),
  reply: replyOf(route),
  ...(route.redirect === undefined ? {} : { redirect: route.redirect }),
  ...(route.response_headers === undefined ? {} : { responseHeaders: rulesOf(route.response_headers) }),
  bodyBytes: route.limits?.body_bytes ?? defaults.limits.bodyBytes,
  accessLog: route.log?.access,
})

/** More failures in a row are seldom the target's fault. */
const MOST_RETRIES = 2
/** A request whose response did not come in time is not repeated: the next target may take as long. */
const RETRY_ON = RETRY_CAUSES.filter((cause) => cause !== 'answer_timeout')

/** `/` covers every path, as the empty prefix does. */
const prefix = (path: string): string => (path === '/' ? '' : path)

const rulesOf = (headers: object): HeaderRules => new HeaderRules(headers as HeadersConfig)

function forwardOf(route: RouteConfig, { timeouts }: RouteDefaults): Forward | undefined {
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
    ...(route.request_headers === undefined ? {} : { requestHeaders: rulesOf(route.request_headers) }),
    timeouts: { ...timeouts, ...camelCase(route.timeouts ?? {}) },
  }
}

function replyOf({ respond }: RouteConfig): LocalReply | undefined {
  if (respond === undefined) return undefined
  return localReply(respond.status, respond.body === '' ? {} : { 'Content-Type': respond.type }, respond.body)
}
