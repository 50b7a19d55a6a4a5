/** The reply to a message that is rejected. */
import { ROUTED_METHODS } from '../http1/methods.ts'
import { type Rejection, REJECTIONS } from '../http1/rejections.ts'
import { type ErrorPages, NO_PAGES, withErrorPage } from '../routing/error_pages.ts'
import { type LocalReply, problemReply } from '../routing/local_reply.ts'
import type { Incoming } from '../routing/request_filters.ts'

/** RFC 9110 section 15.5.6 requires it of a 405. */
const ALLOW = { Allow: ROUTED_METHODS.join(', ') }

/** @param incoming the request, if its head could be read */
export function rejectionReply(
  reason: Rejection,
  { errorPages }: { errorPages: ErrorPages },
  incoming: Incoming | undefined,
): LocalReply {
  const [status, detail] = REJECTIONS[reason]
  const problem = problemReply(status, detail, reason === 'method' ? ALLOW : {})
  const acceptsHtml = incoming?.fields.acceptsHtml === true
  return withErrorPage(problem, acceptsHtml, incoming?.route?.errorPages ?? NO_PAGES, errorPages)
}
