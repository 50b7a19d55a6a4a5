/**
 * Why the gateway rejects a client's message, with the status of each reason. The reason's name is the label `reason` of
 * `gateway_rejections_total`. Failures of an upstream are in upstream/failure_responses.ts.
 */

/** A rejected message closes its connection: the start of the next message is unknown. */
export const REJECTIONS = {
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

export type Rejection = keyof typeof REJECTIONS
