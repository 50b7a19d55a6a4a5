/** The ids by which the log lines of one request are found: those of the gateway, or a new one without a gateway. */

/** Ids that may stand in a log and in a header. */
const ALLOWED_ID = /^[\w.:-]{1,128}$/

/** https://www.w3.org/TR/trace-context/#traceparent-header */
const TRACEPARENT = /^[0-9a-f]{2}-([0-9a-f]{32})-[0-9a-f]{16}-/

const newIds = new WeakMap<Request, string>()

/** `X-Request-Id` of the request, or a new id that stays the same for it. */
export function requestIdOf(request: Request): string {
  const sent = sentIdOf(request)
  if (sent !== undefined) return sent
  let id = newIds.get(request)
  if (id === undefined) newIds.set(request, (id = crypto.randomUUID()))
  return id
}

/** The id for the response, without remembering a new one if no log line needs it as well. */
export const lastRequestIdOf = (request: Request, isLogged: boolean): string =>
  isLogged ? requestIdOf(request) : (sentIdOf(request) ?? crypto.randomUUID())

function sentIdOf(request: Request): string | undefined {
  const sent = request.headers.get('x-request-id')
  return sent !== null && ALLOWED_ID.test(sent) ? sent : undefined
}

/** The ids as fields of a log line, named as in the gateway's access log. */
export function idsOf(request: Request): { request_id: string; trace_id?: string } {
  const traceId = TRACEPARENT.exec(request.headers.get('traceparent') ?? '')?.[1]
  return { request_id: requestIdOf(request), ...(traceId === undefined ? {} : { trace_id: traceId }) }
}
