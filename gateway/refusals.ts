/**
 * What the gateway refuses, and everything that can go wrong with an answer: one table from cause to status. The
 * cause's name is the `reason` of `gateway_rejections_total`.
 */

/** Why there is no answer from an upstream: for a refused message the connection is closed, too. */
export const CAUSES = {
  request_line: [400, 'The request line is not HTTP/1.1'],
  version: [505, 'The gateway speaks HTTP/1.1 and HTTP/1.0'],
  line_length: [414, 'The request line is too long'],
  field: [400, 'A header field is outside the grammar'],
  fields_size: [431, 'The header fields are too many or too large'],
  host: [400, 'The request does not say, or not clearly, which host it is for'],
  path: [400, 'The path can be read in two ways'],
  framing: [400, 'It is not clear where the message ends'],
  coding: [501, 'The only transfer coding here is chunked'],
  chunk: [400, 'The chunked body is outside the grammar'],
  expectation: [417, 'The only expectation here is 100-continue'],
  method: [405, 'The gateway does not take this method'],
  body_size: [413, 'The body is too large'],
  head_timeout: [408, 'The head of the request took too long'],
  body_timeout: [408, 'The body of the request took too long'],
  connections: [503, 'There are too many connections'],
} as const satisfies Record<string, readonly [status: number, detail: string]>

export type Cause = keyof typeof CAUSES

/** What an upstream may do wrong. The client's own faults are never counted here. */
export const FAILURES = {
  unreachable: [502, 'cannot be reached'],
  gone: [502, 'closed the connection before it answered'],
  malformed: [502, 'sent an answer outside the grammar'],
  connect_timeout: [504, 'did not take the connection in time'],
  answer_timeout: [504, 'did not begin to answer in time'],
  not_ready: [503, 'has no target that is ready'],
  queue_full: [503, 'has too many requests waiting'],
  queue_timeout: [503, 'had no free connection in time'],
} as const satisfies Record<string, readonly [status: number, detail: string]>

export type Failure = keyof typeof FAILURES

/**
 * Why a request was sent once more; `stale`: on a connection that had been kept, and was closed meanwhile. Keys of
 * `gateway_upstream_retries_total`.
 */
export const RETRY_REASONS = ['stale', 'unreachable', 'connect_timeout', 'gone', 'answer_timeout'] as const
export type RetryReason = (typeof RETRY_REASONS)[number]

/** nginx's word for a client that is gone before it had the head of its answer: for metrics and log only. */
export const CLIENT_GONE = 499

/** An upstream that gave no answer, as metrics name it. */
export class UpstreamFailure extends Error {
  override name = 'UpstreamFailure'
}
