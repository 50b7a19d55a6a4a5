/**
 * What can go wrong with a request, and the one place where it becomes an answer. Code throws; `answerTo` translates.
 * A client learns what it can change; what went wrong inside goes to the log.
 */
import { type Logger, PROBLEM_JSON, problemBody } from '@bun-monitoring/prefork'
import type { ValueError } from '@sinclair/typebox/value'
import { ParseError, ValidationError } from 'elysia'
import { isBusy } from './sqlite/file.ts'
import { Unavailable } from './store.ts'

/** One field of a request that is not as it should be. */
export interface FieldError {
  field: string
  message: string
}

/** An answer other than success, thrown from wherever it is known. */
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

/** 422: readable, but not what is asked for. */
export const invalid = (errors: readonly FieldError[]): HttpError =>
  new HttpError(422, errors.map(({ field, message }) => `${field} ${message}`).join('; '), {}, errors)

/** 503: the same request may be answered a second later. */
export const tryAgain = (detail: string): HttpError => new HttpError(503, detail, { 'Retry-After': '1' })

/** The answer to an error, as problem+json (RFC 9457). */
export function answerTo(error: unknown, code: unknown, log: Logger): Response {
  const { status, message, headers, errors } = translate(error, code, log)
  return new Response(JSON.stringify({ ...problemBody(status, message), ...(errors ? { errors } : {}) }), {
    status,
    headers: { 'Content-Type': PROBLEM_JSON, ...headers },
  })
}

function translate(error: unknown, code: unknown, log: Logger): HttpError {
  // Elysia wraps what a body parser throws.
  if (error instanceof ParseError) return translate(error.cause, undefined, log)
  if (error instanceof HttpError) return error
  if (error instanceof ValidationError) return invalid(fieldsOf(error))
  if (code === 'NOT_FOUND') return new HttpError(404, 'There is nothing at this path')
  if (isBusy(error)) {
    log.warn({ err: error }, 'the database was busy')
    return tryAgain('The database is busy: nothing was changed, try again')
  }
  if (error instanceof Unavailable) {
    // Every request says so while the database is away; that it is was said once.
    log.debug({ err: error }, 'the database was not there')
    return tryAgain(error.message)
  }
  log.error({ err: error }, 'a request failed')
  return new HttpError(500, 'Something went wrong here: it is in the log')
}

/** The first complaint about each field; the body itself is called `body`. */
function fieldsOf(error: ValidationError): FieldError[] {
  const byField = new Map<string, string>()
  for (const each of error.all as ValueError[]) {
    const field = each.path.slice(1) || 'body'
    if (!byField.has(field)) byField.set(field, String(each.schema.error ?? each.message))
  }
  return [...byField].map(([field, message]) => ({ field, message }))
}
