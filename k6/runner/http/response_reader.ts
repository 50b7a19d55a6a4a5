/**
 * Reads HTTP/1.1 responses from the bytes of a connection (RFC 9112): by Content-Length, in chunks, or until the connection closes.
 * One reader per connection; a request's method decides whether its response has a body.
 */

export interface RawResponse {
  status: number
  /** By lower-case name; of a repeated field the last value. */
  headers: Map<string, string>
  body: Buffer
  /** Whether the connection may send the next request. */
  isReusable: boolean
}

const LINE_END = '\r\n'
const HEAD_END = '\r\n\r\n'
/** More than any head that is meant well. */
const MOST_HEAD_BYTES = 65_536

type Head = Pick<RawResponse, 'status' | 'headers' | 'isReusable'>

export class ResponseReader {
  #bytes: Buffer = Buffer.alloc(0)
  #head: Head | undefined
  #method = ''
  /** Chunks of the body that are complete. */
  #chunks: Buffer[] = []

  /** Whether any byte of the response has come. */
  get hasBegun(): boolean {
    return this.#head !== undefined || this.#bytes.length > 0
  }

  /** Prepares for the response to a request with this method. */
  begin(method: string): void {
    this.#method = method
    this.#head = undefined
    this.#bytes = Buffer.alloc(0)
    this.#chunks = []
  }

  /** The response, once these bytes complete it. @throws Error when they are not HTTP/1.1 */
  read(bytes: Buffer): RawResponse | undefined {
    this.#bytes = this.#bytes.length === 0 ? bytes : Buffer.concat([this.#bytes, bytes])
    this.#head ??= this.#readHead()
    return this.#head && this.#readBody(this.#head)
  }

  /** The response that the end of the connection completes, if it does. */
  end(): RawResponse | undefined {
    const head = this.#head
    if (head === undefined || head.headers.has('content-length') || isChunked(head)) return undefined
    return { ...head, body: this.#bytes, isReusable: false }
  }

  #readHead(): Head | undefined {
    const end = this.#bytes.indexOf(HEAD_END)
    if (end === -1) {
      if (this.#bytes.length > MOST_HEAD_BYTES)
        throw new Error('malformed HTTP response: its head is too long')
      return undefined
    }
    const [statusLine, ...lines] = this.#bytes.toString('latin1', 0, end).split(LINE_END)
    this.#bytes = this.#bytes.subarray(end + HEAD_END.length)
    const [, minor, status] = /^HTTP\/1\.([01]) ([1-5]\d\d)(?: |$)/.exec(statusLine!) ?? []
    if (status === undefined) throw new Error(`malformed HTTP response: ${JSON.stringify(statusLine)}`)
    // An interim response, such as 100 (Continue): the final one follows.
    if (status.startsWith('1')) return this.#readHead()
    const headers = new Map<string, string>()
    for (const line of lines) {
      const colon = line.indexOf(':')
      if (colon < 1) throw new Error(`malformed HTTP response: ${JSON.stringify(line)}`)
      headers.set(line.slice(0, colon).toLowerCase(), line.slice(colon + 1).trim())
    }
    const closes = /\bclose\b/i.test(headers.get('connection') ?? '')
    return { status: Number(status), headers, isReusable: minor === '1' && !closes }
  }

  #readBody(head: Head): RawResponse | undefined {
    if (this.#method === 'HEAD' || head.status === 204 || head.status === 304) return this.#whole(head, 0)
    if (isChunked(head)) return this.#readChunks(head)
    const length = head.headers.get('content-length')
    if (length === undefined) return undefined
    if (!/^\d+$/.test(length)) throw new Error(`malformed HTTP response: Content-Length "${length}"`)
    return this.#bytes.length < Number(length) ? undefined : this.#whole(head, Number(length))
  }

  #readChunks(head: Head): RawResponse | undefined {
    for (;;) {
      const lineEnd = this.#bytes.indexOf(LINE_END)
      if (lineEnd === -1) return undefined
      const [, digits] = /^([0-9a-f]{1,8})\s*(?:;|$)/i.exec(this.#bytes.toString('latin1', 0, lineEnd)) ?? []
      if (digits === undefined) throw new Error('malformed HTTP response: the size of a chunk')
      const size = Number.parseInt(digits, 16)
      const start = lineEnd + LINE_END.length
      if (size === 0) return this.#readTrailers(head, start)
      if (this.#bytes.length < start + size + LINE_END.length) return undefined
      this.#chunks.push(this.#bytes.subarray(start, start + size))
      this.#bytes = this.#bytes.subarray(start + size + LINE_END.length)
    }
  }

  /** Trailers are skipped. @param start of the first one */
  #readTrailers(head: Head, start: number): RawResponse | undefined {
    for (let at = start; ;) {
      const lineEnd = this.#bytes.indexOf(LINE_END, at)
      if (lineEnd === -1) return undefined
      const next = lineEnd + LINE_END.length
      if (lineEnd === at)
        return { ...head, body: Buffer.concat(this.#chunks), isReusable: this.#isLast(head, next) }
      at = next
    }
  }

  #whole(head: Head, length: number): RawResponse {
    return { ...head, body: this.#bytes.subarray(0, length), isReusable: this.#isLast(head, length) }
  }

  /** Bytes behind the response belong to no request: the connection cannot be trusted with another one. */
  #isLast(head: Head, end: number): boolean {
    return head.isReusable && this.#bytes.length === end
  }
}

const isChunked = ({ headers }: Head): boolean => /\bchunked\b/i.test(headers.get('transfer-encoding') ?? '')
