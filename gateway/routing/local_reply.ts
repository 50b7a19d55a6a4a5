/** Responses that the gateway makes itself: errors as problem+json, fixed texts, redirects, the page at `/`. */
import { PROBLEM_JSON, problemBody, statusTitle } from '@bun-monitoring/prefork'
import { dateLine } from '../http1/date.ts'
import type { HeaderRules, HeaderValues } from './header_rules.ts'

export interface LocalReply {
  status: number
  /** Field lines, each with its end. */
  fields: string
  body: Buffer
  /** Whether an error page may take its place. */
  isProblem?: boolean
}

export const localReply = (
  status: number,
  fields: Record<string, string>,
  body: string | Buffer = '',
): LocalReply => ({
  status,
  fields: Object.entries(fields)
    .map(([name, value]) => `${name}: ${value}\r\n`)
    .join(''),
  body: Buffer.from(body),
})

const RETRY = { 'Retry-After': '1' }

/** An error (RFC 9457). Its detail names the problem, never the gateway's internals. */
export const problemReply = (
  status: number,
  detail: string,
  fields: Record<string, string> = {},
): LocalReply => ({
  ...localReply(
    status,
    { 'Content-Type': PROBLEM_JSON, ...(status === 503 ? RETRY : {}), ...fields },
    JSON.stringify(problemBody(status, detail)),
  ),
  isProblem: true,
})

/** A reply with the changes of its route. */
export const withHeaders = (
  reply: LocalReply,
  rules: HeaderRules | undefined,
  values: HeaderValues,
): LocalReply => {
  if (rules === undefined) return reply
  const kept = rules.keep(Buffer.from(reply.fields, 'latin1')).toString('latin1')
  return { ...reply, fields: kept + rules.added(values).toString('latin1') }
}

/** The bytes of a reply. Without `hasBody` the length is declared but the body left out, as HEAD needs it. */
export function encodeReply(
  { status, fields, body }: LocalReply,
  connection: string,
  hasBody: boolean,
): Buffer {
  // A status without a body has no length either (RFC 9110 section 8.6).
  const length = status === 204 || status === 304 ? '' : `Content-Length: ${body.length}\r\n`
  const head = `HTTP/1.1 ${status} ${statusTitle(status)}\r\n${dateLine()}${fields}${length}${connection}\r\n`
  return hasBody ? Buffer.concat([Buffer.from(head, 'latin1'), body]) : Buffer.from(head, 'latin1')
}
