/**
 * The failures of an upstream, with the status that the client gets for each, and the reasons for retries. Faults of the
 * client are in http1/rejections.ts.
 */

export const FAILURES = {
  unreachable: [502, 'cannot be reached'],
  gone: [502, 'closed the connection before it answered'],
  malformed: [502, 'sent a response outside the grammar'],
  connect_timeout: [504, 'did not take the connection in time'],
  answer_timeout: [504, 'did not begin to answer in time'],
  not_ready: [503, 'has no target that is ready'],
  queue_full: [503, 'has too many requests waiting'],
  queue_timeout: [503, 'had no free connection in time'],
  no_files: [503, 'cannot be connected to: the gateway has too many open files'],
  tunnel_limit: [503, 'has too many tunnels'],
} as const satisfies Record<string, readonly [status: number, detail: string]>

export type Failure = keyof typeof FAILURES

/**
 * Why a request was sent again, as `gateway_upstream_retries_total` names it. `stale`: the target closed a kept
 * connection.
 */
export const RETRY_REASONS = ['stale', 'unreachable', 'connect_timeout', 'gone', 'answer_timeout'] as const
export type RetryReason = (typeof RETRY_REASONS)[number]

/** The status label of an attempt without a response. */
export const NO_RESPONSE = 0
