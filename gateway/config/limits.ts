/** Limits and timeouts of the data plane, as the file sets them. */

export interface Limits {
  lineBytes: number
  headersBytes: number
  headersCount: number
  /** Of the head that an upstream gets. */
  headBytes: number
  bodyBytes: number
  responseHeadersBytes: number
  responseHeadersCount: number
  /** Client connections at one time. */
  connections: number
}

export interface Timeouts {
  handshakeMs: number
  requestHeaderMs: number
  bodyStallMs: number
  connectMs: number
  responseHeaderMs: number
  clientIdleMs: number
  poolIdleMs: number
  tunnelIdleMs: number
}
