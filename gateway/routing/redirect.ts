/** Redirects whose location is made from the request: `{host}`, `{path}` and `{query}`. */
import type { Redirect } from '../config/gateway_file.ts'
import type { RequestHead } from '../forward/request_head.ts'
import { latin1 } from '../http1/bytes.ts'
import type { Rejection } from '../http1/rejections.ts'
import type { HeaderRules } from './header_rules.ts'
import { type LocalReply, localReply, withHeaders } from './local_reply.ts'

/** The placeholders; a `?` or `&` before an empty query goes with it, and so does a `&` behind `?`. */
const PLACEHOLDER = /\{(host|path)\}|([?&]?)\{query\}(&?)/g

/** @param rules changes of the fields by the listener; routedReply applies those of a route */
export function redirectReply(
  { status, location }: Redirect,
  head: RequestHead,
  rules?: HeaderRules,
): LocalReply | Rejection {
  const { bytes, line, fields } = head
  if (location.includes('{host}') && fields.host === '') return 'host'
  const path = latin1(bytes, line.pathStart, line.pathEnd)
  const query = latin1(bytes, Math.min(line.pathEnd + 1, line.targetEnd), line.targetEnd)
  const filled = location.replace(PLACEHOLDER, (_, name: string | undefined, before = '', behind = '') => {
    if (name === 'host') return fields.host
    if (name === 'path') return path === '' ? '/' : path
    if (query !== '') return `${before}${query}${behind}`
    return before === '?' && behind === '&' ? before : behind
  })
  const { host, client, requestId: request_id = '' } = fields
  return withHeaders(localReply(status, { Location: filled }), rules, { host, client, request_id })
}
