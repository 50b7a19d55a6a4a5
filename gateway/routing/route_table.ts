/** Makes routes of the file's route tables: paths as bytes, and replies ready to send. */
import { camelCase, type GatewayFile, type HeadersConfig, type RouteConfig } from '../config/gateway_file.ts'
import { RETRY_CAUSES } from '../config/route_schema.ts'
import { hostsOf } from '../config/hosts.ts'
import type { RateTable } from '../io/rate_table.ts'
import { Access } from './access.ts'
import { HeaderRules } from './header_rules.ts'
import { type LocalReply, localReply } from './local_reply.ts'
import { type Forward, type Route, sortRoutes } from './route.ts'

/** @param defaults the values of the file for keys that a route leaves out */
export function compileRoutes(
  routes: readonly RouteConfig[],
  defaults: RouteDefaults,
  rates: RateContext,
): Route[] {
  return sortRoutes(
    routes.flatMap((route) => {
      const access = accessOf(route, rates)
      const hosts = hostsOf(route)
      return (hosts.length === 0 ? [''] : hosts).map((host) =>
        Object.assign(routeOf(route, host.replace(/^\*/, ''), defaults), access),
      )
    }),
  )
}

/** The values of the file that routes can replace. */
export type RouteDefaults = Pick<GatewayFile, 'limits' | 'timeouts'>

/** The parts of the gateway that limits of rates need. */
export interface RateContext {
  table: RateTable | undefined
  onLimited(route: string): void
}

const routeOf = (route: RouteConfig, host: string, defaults: RouteDefaults): Route => ({
  id: route.id,
  host,
  path: Buffer.from(prefix(route.path)),
  methods: route.methods,
  forward: forwardOf(route, defaults),
  reply: replyOf(route),
  ...(route.redirect === undefined ? {} : { redirect: route.redirect }),
  ...(route.response_headers === undefined ? {} : { responseHeaders: rulesOf(route.response_headers) }),
  ...(route.errors === undefined ? {} : { errorPages: route.errors }),
  bodyBytes: route.limits?.body_bytes ?? defaults.limits.bodyBytes,
  accessLog: route.log?.access,
})

/** More failures in a row are seldom the target's fault. */
const MOST_RETRIES = 2
/** A request whose response did not come in time is not repeated: the next target may take as long. */
const RETRY_ON = RETRY_CAUSES.filter((cause) => cause !== 'answer_timeout')

/** `/` covers every path, as the empty prefix does. */
const prefix = (path: string): string => (path === '/' ? '' : path)

/** One object for all hosts of a route, which share its rate. */
function accessOf(route: RouteConfig, { table, onLimited }: RateContext): { access?: Access } {
  if (route.allow === undefined && route.deny === undefined && route.rate === undefined) return {}
  return { access: new Access(route, table, () => onLimited(route.id)) }
}

const rulesOf = (headers: object): HeaderRules => new HeaderRules(headers as HeadersConfig)

function forwardOf(route: RouteConfig, { timeouts }: RouteDefaults): Forward | undefined {
  const { upstream, path, strip, rewrite, encoded_slashes } = route
  if (upstream === undefined) return undefined
  const isCut = strip === true || rewrite !== undefined
  return {
    upstream,
    cutBytes: isCut ? prefix(path).length : 0,
    replacement: Buffer.from(prefix(rewrite ?? '/')),
    strippedPrefix: isCut ? strippedFrom(prefix(path), prefix(rewrite ?? '/')) : '',
    passesSlashes: encoded_slashes === 'pass',
    retries: { most: route.retries ?? MOST_RETRIES, causes: new Set(route.retry_on ?? RETRY_ON) },
    ...(route.request_headers === undefined ? {} : { requestHeaders: rulesOf(route.request_headers) }),
    timeouts: { ...timeouts, ...camelCase(route.timeouts ?? {}) },
  }
}

/** What the upstream does not see of a path: all but an end that `rewrite` keeps. */
const strippedFrom = (path: string, replacement: string): string =>
  path.endsWith(replacement) ? path.slice(0, path.length - replacement.length) : ''

function replyOf({ respond }: RouteConfig): LocalReply | undefined {
  if (respond === undefined) return undefined
  return localReply(respond.status, respond.body === '' ? {} : { 'Content-Type': respond.type }, respond.body)
}
