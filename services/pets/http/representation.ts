/** A JSON response to GET: its bytes, its ETag, and the choice between 200 and 304 (RFC 9110 sections 8.8.3 and 13.1.2). */
import type { RequestTally } from '@bun-monitoring/prefork'

const encoder = new TextEncoder()

export class Representation {
  readonly #bytes: Uint8Array<ArrayBuffer>
  readonly #etag: string
  readonly #headers: Record<string, string>

  constructor(json: string, headers: Record<string, string> = {}) {
    this.#bytes = encoder.encode(json)
    this.#etag = `"${Bun.hash(this.#bytes).toString(36)}"`
    this.#headers = { 'Content-Type': 'application/json', ETag: this.#etag, ...headers }
  }

  /** 200 with the bytes, or 304 if the client has them. */
  respond(request: Request, tally: RequestTally): Response {
    const known = request.headers.get('if-none-match')
    if (known !== null && this.#matches(known)) {
      return new Response(null, { status: 304, headers: { ETag: this.#etag } })
    }
    if (request.method !== 'HEAD') tally.sentBytes += this.#bytes.byteLength
    return new Response(this.#bytes, { headers: this.#headers })
  }

  #matches(ifNoneMatch: string): boolean {
    return ifNoneMatch.split(',').some((tag) => {
      const candidate = tag.trim()
      return candidate === '*' || candidate.replace(/^W\//, '') === this.#etag
    })
  }
}
