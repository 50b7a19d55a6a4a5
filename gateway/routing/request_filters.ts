/**
 * The filters that a request goes through before it is forwarded, as one list. A filter rejects the request, replies to
 * it, or returns `undefined` to pass it on.
 */
import { UNMATCHED } from '@bun-monitoring/metrics'
import type { HeadersConfig, Redirect } from '../config/gateway_file.ts'
import type { RequestHead } from '../forward/request_head.ts'
import { latin1 } from '../http1/bytes.ts'
import { METHODS, OPTIONS, ROUTED_METHODS, TRACE } from '../http1/methods.ts'
import { normalPath, type PathForm, readPath } from '../http1/path.ts'
import type { Rejection } from '../http1/rejections.ts'
import { HeaderRules } from './header_rules.ts'
import { type LocalReply, localReply, problemReply } from './local_reply.ts'
import { pageRoute } from './page.ts'
import { redirectReply } from './redirect.ts'
import { covers, findRoute, type Route } from './route.ts'

/** A request on its way through the filters. */
export interface Incoming extends RequestHead {
  routes: readonly Route[]
  /** The route that the filters have found. */
  route: Route | undefined
  form: PathForm
}

export type Filter = (request: Incoming) => Rejection | LocalReply | undefined

const ROOT = Buffer.from('/')
/** As long as the id that the gateway makes for a request. */
const UNKNOWN_ID = '0'.repeat(32)
/** Parts of a forwarded head that hardly vary: the rest of its lines, the ids, and `Host` if the client sent none. */
const MOST_FIXED_BYTES = 512

const FILTERS: readonly Filter[] = [
  rejectTrace,
  replyForGateway,
  rejectAmbiguousPath,
  matchRoute,
  checkAccess,
  rejectLargeHead,
  rejectLargeBody,
  replyLastForward,
  ({ route }) => route!.reply,
  redirect,
]

/** @returns the rejection or the reply; `undefined` if the route forwards the request */
export function filterRequest(request: Incoming): Rejection | LocalReply | undefined {
  request.route = undefined
  for (const filter of FILTERS) {
    const result = filter(request)
    if (result !== undefined) return result
  }
  return undefined
}

/** The filter of a listener that redirects all requests. @param headers changes of the fields of its replies */
export function redirectAll(redirect: Redirect, headers: HeadersConfig | undefined): Filter {
  const rules = headers && new HeaderRules(headers)
  return (request) => {
    request.route = undefined
    return redirectReply(redirect, request, rules)
  }
}

/** The most bytes of a request's body. */
export const bodyLimit = ({ route, limits }: Incoming): number => route?.bodyBytes ?? limits.bodyBytes

/** The route's id in metrics. */
export const routeId = (route: Route | undefined): string => route?.id ?? UNMATCHED

/** A TRACE would show the client the fields that the proxies add. */
function rejectTrace({ line }: Incoming): Rejection | undefined {
  return line.method === TRACE ? 'method' : undefined
}

/** `OPTIONS *` is a request to the gateway itself. */
function replyForGateway({ line }: Incoming): LocalReply | undefined {
  const isAsterisk = line.pathStart === line.targetEnd && !line.isAbsolute
  return isAsterisk ? localReply(204, {}) : undefined
}

function rejectAmbiguousPath(request: Incoming): Rejection | undefined {
  const { bytes, line } = request
  request.form = readPath(bytes, line.pathStart, line.pathEnd)
  return request.form === 'ambiguous' ? 'path' : undefined
}

function checkAccess({ route, fields }: Incoming): LocalReply | undefined {
  return route!.access?.check(fields.client)
}

/** An upstream has a limit, too, and its error has no words. So the fields that the gateway adds count. */
function rejectLargeHead({ line, fields, route, limits }: Incoming): Rejection | undefined {
  const { forward } = route!
  if (forward === undefined) return undefined
  const { host, client, prefix, requestId: request_id = UNKNOWN_ID } = fields
  const path = line.targetEnd - line.pathStart - forward.cutBytes + forward.replacement.length
  const added = forward.requestHeaders?.addedBytes({ host, client, request_id }) ?? 0
  const own = fields.forward.length + prefix.length + forward.strippedPrefix.length + MOST_FIXED_BYTES
  return line.methodEnd - line.start + path + own + added > limits.headBytes ? 'fields_size' : undefined
}

function rejectLargeBody({ fields, route }: Incoming): Rejection | undefined {
  return fields.framing > route!.bodyBytes ? 'body_size' : undefined
}

function matchRoute(request: Incoming): Rejection | LocalReply | undefined {
  const { bytes, line, routes, fields, form } = request
  let path = bytes
  let from = line.pathStart
  let to = line.pathEnd
  if (from === to) [path, from, to] = [ROOT, 0, 1]
  else if (form !== 'plain') {
    path = normalPath(bytes, from, to)
    from = 0
    to = path.length
  }
  const found =
    findRoute(routes, fields.host, path, from, to, line.method) ?? findPage(path, from, to, line.method)
  if (form === 'slashes' && !passesSlashes(found)) return 'path'
  if (found === undefined) return problemReply(404, `No route takes ${latin1(path, from, to)}`)
  if (Array.isArray(found)) {
    return problemReply(405, `This path takes ${found.join(', ')}`, { Allow: found.join(', ') })
  }
  request.route = found
  // `cutBytes` counts bytes of the path as received, so that must begin with the route's own path.
  const isCut = found.forward !== undefined && found.forward.cutBytes > 0
  return isCut && !covers(found.path, bytes, line.pathStart, line.pathEnd) ? 'path' : undefined
}

const passesSlashes = (found: Route | string[] | undefined): boolean =>
  found !== undefined && !Array.isArray(found) && found.forward?.passesSlashes === true

function findPage(path: Buffer, from: number, to: number, method: number): Route | string[] | undefined {
  if (to - from !== 1 || path[from] !== ROOT[0]) return undefined
  return pageRoute.methods!.includes(METHODS[method]!) ? pageRoute : pageRoute.methods
}

function redirect(request: Incoming): Rejection | LocalReply | undefined {
  const { route } = request
  return route!.redirect && redirectReply(route!.redirect, request)
}

/** RFC 9110 section 7.6.2. */
function replyLastForward({ line, fields, route }: Incoming): LocalReply | undefined {
  if (line.method !== OPTIONS || fields.maxForwards !== 0) return undefined
  return localReply(204, { Allow: (route!.methods ?? ROUTED_METHODS).join(', ') })
}
