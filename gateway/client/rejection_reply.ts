/** The reply to a message that is rejected. */
import { ROUTED_METHODS } from '../http1/methods.ts'
import { type Rejection, REJECTIONS } from '../http1/rejections.ts'
import { type LocalReply, problemReply } from '../routing/local_reply.ts'

/** RFC 9110 section 15.5.6 requires it of a 405. */
const ALLOW = { Allow: ROUTED_METHODS.join(', ') }

export function rejectionReply(reason: Rejection): LocalReply {
  const [status, detail] = REJECTIONS[reason]
  return problemReply(status, detail, reason === 'method' ? ALLOW : {})
}
