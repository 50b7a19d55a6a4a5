/** Answers that the gateway gives itself: errors as problem+json, fixed texts, redirects, the page at `/`. */
import { PROBLEM_JSON, problemBody } from '@bun-monitoring/prefork'
import { STATUS_CODES } from 'node:http'

export interface OwnAnswer {
  status: number
  /** Lines of fields, each with its end. */
  fields: string
  body: Buffer
}

export const ownAnswer = (
  status: number,
  fields: Record<string, string>,
  body: string | Buffer = '',
): OwnAnswer => ({
  status,
  fields: Object.entries(fields)
    .map(([name, value]) => `${name}: ${value}\r\n`)
    .join(''),
  body: Buffer.from(body),
})

const RETRY = { 'Retry-After': '1' }

/** An error (RFC 9457). The detail says what it is about, never what the gateway is made of. */
export const problemAnswer = (
  status: number,
  detail: string,
  fields: Record<string, string> = {},
): OwnAnswer =>
  ownAnswer(
    status,
    { 'Content-Type': PROBLEM_JSON, ...(status === 503 ? RETRY : {}), ...fields },
    JSON.stringify({ ...problemBody(status, detail), title: STATUS_CODES[status] }),
  )

/** The bytes of an answer; those of a body only where one is to be sent. */
export function encode({ status, fields, body }: OwnAnswer, connection: string, hasBody: boolean): Buffer {
  // No length for an answer that cannot have a body (RFC 9110 section 8.6).
  const length = status === 204 || status === 304 ? '' : `Content-Length: ${body.length}\r\n`
  const head = `HTTP/1.1 ${status} ${STATUS_CODES[status] ?? ''}\r\n${dateLine()}${fields}${length}${connection}\r\n`
  return hasBody ? Buffer.concat([Buffer.from(head, 'latin1'), body]) : Buffer.from(head, 'latin1')
}

let second = 0
let line = ''

/** `Date` as a line, made once a second. */
export function dateLine(): string {
  const now = Math.floor(Date.now() / 1000)
  if (now !== second) {
    second = now
    line = `Date: ${new Date(now * 1000).toUTCString()}\r\n`
  }
  return line
}
