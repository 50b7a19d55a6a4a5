/**
 * What a request goes through before it is answered, as one list: each pass may refuse it, answer it, or say nothing.
 * A request that gets through is forwarded.
 */
import { UNMATCHED } from '@bun-monitoring/metrics'
import { latin1 } from './bytes.ts'
import type { Limits } from './limits.ts'
import { METHODS, OPTIONS, TRACE } from './methods.ts'
import { type OwnAnswer, ownAnswer, problemAnswer } from './own_answers.ts'
import { pageRoute } from './page.ts'
import { normalPath, readPath } from './path.ts'
import type { Cause } from './refusals.ts'
import type { RequestFields } from './request_fields.ts'
import type { RequestLine } from './request_line.ts'
import { covers, findRoute, type Route } from './routes.ts'

/** A request on its way through. There is one at a time. */
export interface Incoming {
  bytes: Buffer
  line: RequestLine
  fields: RequestFields
  /** Where the head ends. */
  end: number
  routes: readonly Route[]
  limits: Limits
  /** What the passes found out. */
  route: Route | undefined
  isNormal: boolean
}

type Pass = (request: Incoming) => Cause | OwnAnswer | undefined

const ROOT = Buffer.from('/')

const PASSES: readonly Pass[] = [
  refuseTrace,
  answerForGateway,
  refuseAmbiguousPath,
  refuseLargeBody,
  takeRoute,
  answerLastForward,
  ({ route }) => route!.answer,
]

/** @returns why the request is refused, or how it is answered; `undefined` where its route forwards it. */
export function pass(request: Incoming): Cause | OwnAnswer | undefined {
  for (const each of PASSES) {
    const verdict = each(request)
    if (verdict !== undefined) return verdict
  }
  return undefined
}

/** The route's name in metrics. */
export const routeId = (route: Route | undefined): string => route?.id ?? UNMATCHED

/** Whoever may send TRACE reads what a proxy added for others. */
function refuseTrace({ line }: Incoming): Cause | undefined {
  return line.method === TRACE ? 'method' : undefined
}

/** `OPTIONS *` asks the server itself. */
function answerForGateway({ line }: Incoming): OwnAnswer | undefined {
  const isAsterisk = line.pathStart === line.targetEnd && !line.isAbsolute
  return isAsterisk ? ownAnswer(204, {}) : undefined
}

function refuseAmbiguousPath(request: Incoming): Cause | undefined {
  const { bytes, line } = request
  const form = readPath(bytes, line.pathStart, line.pathEnd)
  request.isNormal = form === 'plain'
  return form === 'ambiguous' ? 'path' : undefined
}

function refuseLargeBody({ fields, limits }: Incoming): Cause | undefined {
  return fields.framing > limits.bodyBytes ? 'body_size' : undefined
}

function takeRoute(request: Incoming): Cause | OwnAnswer | undefined {
  const { bytes, line, routes, fields, isNormal } = request
  let path = bytes
  let from = line.pathStart
  let to = line.pathEnd
  if (from === to) [path, from, to] = [ROOT, 0, 1]
  else if (!isNormal) {
    path = normalPath(bytes, from, to)
    from = 0
    to = path.length
  }
  const found =
    findRoute(routes, fields.host, path, from, to, line.method) ?? findPage(path, from, to, line.method)
  if (found === undefined) return problemAnswer(404, `No route takes ${latin1(path, from, to)}`)
  if (Array.isArray(found)) {
    return problemAnswer(405, `This path takes ${found.join(', ')}`, { Allow: found.join(', ') })
  }
  request.route = found
  // What is cut off is counted in bytes of the path as it came: it must begin as the route's own does.
  const isCut = found.forward !== undefined && found.forward.cutBytes > 0
  return isCut && !covers(found.path, bytes, line.pathStart, line.pathEnd) ? 'path' : undefined
}

function findPage(path: Buffer, from: number, to: number, method: number): Route | string[] | undefined {
  if (to - from !== 1 || path[from] !== ROOT[0]) return undefined
  return pageRoute.methods!.includes(METHODS[method]!) ? pageRoute : pageRoute.methods
}

/** RFC 9110 section 7.6.2. */
function answerLastForward({ line, fields, route }: Incoming): OwnAnswer | undefined {
  if (line.method !== OPTIONS || fields.maxForwards !== 0) return undefined
  return ownAnswer(204, { Allow: (route!.methods ?? METHODS.slice(0, OPTIONS + 1)).join(', ') })
}
