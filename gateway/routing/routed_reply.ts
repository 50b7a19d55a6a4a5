/** A local reply as its client and its route want it: an error page in place of problem+json, and the route's fields. */
import type { RequestFields } from '../forward/request_fields.ts'
import { type ErrorPages, NO_PAGES, withErrorPage } from './error_pages.ts'
import { type LocalReply, withHeaders } from './local_reply.ts'
import type { Route } from './route.ts'

/** @param pages those of the file */
export function routedReply(
  reply: LocalReply,
  { acceptsHtml, host, client, requestId = '' }: RequestFields,
  route: Route | undefined,
  pages: ErrorPages,
  request_id = requestId,
): LocalReply {
  const page = withErrorPage(reply, acceptsHtml, route?.errorPages ?? NO_PAGES, pages)
  return withHeaders(page, route?.responseHeaders, { host, client, request_id })
}
