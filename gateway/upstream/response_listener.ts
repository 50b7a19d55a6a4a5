/** Receives the response that arrives on an upstream connection. exchange/exchange.ts implements it. */
import type { Timeouts } from '../config/limits.ts'
import type { ResponseHead, ResponseRule } from '../http1/response_head.ts'
import type { Failure } from './failure_responses.ts'

export interface ResponseListener {
  readonly isTunnel: boolean
  /** The timeouts of the request's route. */
  readonly timeouts: Timeouts
  /** Whether the head of the response was received. */
  readonly hasHead: boolean
  /** Whether the whole request was received from the client. */
  readonly isRequestDone: boolean
  /** The protocols that the request offers. */
  readonly upgrade: readonly string[] | undefined
  /** A 1xx response other than 101. */
  onInterim(head: ResponseHead): void
  /** The head of the response, in `bytes` from `from` to `to`, and the bytes behind it. */
  onResponse(head: ResponseHead, bytes: Buffer, from: number, to: number): void
  /** More bytes of the response. */
  passToClient(bytes: Buffer, from: number): void
  /** The connection takes more bytes of the request. */
  onUpstreamDrained(): void
  /** The response breaks a rule; the failure follows. */
  onMalformed(rule: ResponseRule): void
  /** The connection failed; `error` is set if it was reset. */
  onUpstreamClosed(failure: Failure, error?: Error): void
  /** The target fails its checks. @returns whether the request was sent to another target. */
  onTargetDown(): boolean
}
