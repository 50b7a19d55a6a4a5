/**
 * Errors of requests, and the one place that translates them to responses: other code throws, `errorResponse` translates.
 * The client learns what it can change; the cause of a 500 goes to the log.
 */
import { type Logger, PROBLEM_JSON, problemBody } from '@bun-monitoring/prefork'
import type { ValueError } from '@sinclair/typebox/value'
import { ParseError, ValidationError } from 'elysia'
import { Unavailable } from '../store/store.ts'
import { idsOf, requestIdOf } from './request_ids.ts'

/** One wrong field of a request. */
export interface FieldError {
  field: string
  message: string
}

/** A response other than success. */
export class HttpError extends Error {
  override name = 'HttpError'
  constructor(
    readonly status: number,
    detail: string,
    readonly headers: Record<string, string> = {},
    readonly errors?: readonly FieldError[],
  ) {
    super(detail)
  }
}

/** 422: the body or the query can be read, but has wrong values. */
export const invalid = (errors: readonly FieldError[]): HttpError =>
  new HttpError(422, errors.map(({ field, message }) => `${field} ${message}`).join('; '), {}, errors)

/** 503: the same request may succeed a second later. */
export const tryAgain = (detail: string): HttpError => new HttpError(503, detail, { 'Retry-After': '1' })

/** The response to an error, as problem+json (RFC 9457); `instance` is the id of the request. */
export function errorResponse(request: Request, error: unknown, code: unknown, log: Logger): Response {
  const { status, message, headers, errors } = translate(request, error, code, log)
  const problem = { ...problemBody(status, message), instance: requestIdOf(request) }
  return new Response(JSON.stringify(errors ? { ...problem, errors } : problem), {
    status,
    headers: { 'Content-Type': PROBLEM_JSON, ...headers },
  })
}

function translate(request: Request, error: unknown, code: unknown, log: Logger): HttpError {
  // Elysia wraps the errors of a body parser.
  if (error instanceof ParseError) return translate(request, error.cause, undefined, log)
  if (error instanceof HttpError) return error
  if (error instanceof ValidationError) return invalid(fieldsOf(error))
  if (code === 'NOT_FOUND') return new HttpError(404, 'There is nothing at this path')
  if (error instanceof Unavailable) {
    // The store has logged the outage once; each request that it refuses is logged at debug only.
    log.debug({ err: error, ...idsOf(request) }, 'the database was unavailable')
    return tryAgain(error.message)
  }
  log.error({ err: error, ...idsOf(request) }, 'a request failed')
  return new HttpError(500, 'An internal error: the log of the service has the cause')
}

/** The first error of each field; the body itself is called `body`. */
function fieldsOf(error: ValidationError): FieldError[] {
  const byField = new Map<string, string>()
  for (const each of error.all as ValueError[]) {
    const field = each.path.slice(1) || 'body'
    if (!byField.has(field)) byField.set(field, String(each.schema.error ?? each.message))
  }
  return [...byField].map(([field, message]) => ({ field, message }))
}
