/** How a request can fail at the gateway, and what its client is told. The one place that knows both. */
import { problem } from '@bun-monitoring/prefork'

/** The request is the client's mistake: refused with this status. */
export class Refusal extends Error {
  override name = 'Refusal'
  constructor(
    readonly status: 400 | 404 | 405 | 413,
    detail: string,
    readonly headers: Record<string, string> = {},
  ) {
    super(detail)
  }
}

/** No connection to the upstream, or it ended before the head of the answer. */
export class UpstreamUnreachable extends Error {
  override name = 'UpstreamUnreachable'
}

/** The upstream did not begin to answer in time. */
export class UpstreamTimeout extends Error {
  override name = 'UpstreamTimeout'
}

/** The client hung up before it got an answer. Never the upstream's fault. */
export class ClientGone extends Error {
  override name = 'ClientGone'
}

/** 499 is nginx's word for a client that is gone: it is seen in metrics only. */
function statusOf(error: unknown): number {
  if (error instanceof Refusal) return error.status
  if (error instanceof UpstreamUnreachable) return 502
  if (error instanceof UpstreamTimeout) return 504
  return error instanceof ClientGone ? 499 : 500
}

/** The answer to a request that failed: problem+json, which tells nothing about the gateway's own bugs. */
export function failureAnswer(error: unknown): Response {
  const status = statusOf(error)
  const detail =
    error instanceof Error && status !== 500 ? error.message : 'The gateway failed to answer this request'
  return problem(status, detail, error instanceof Refusal ? error.headers : {})
}
