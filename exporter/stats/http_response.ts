/**
 * Reads one HTTP/1.1 response and passes its body on as it arrives. It supports what a client of one request for each
 * connection needs: the status, the end of the body, and a size limit for the head and for chunk lines.
 */
import { ReadError } from './read_error.ts'

const MAX_HEAD_BYTES = 64 * 1024
export const OPEN_OBJECT = 0x7b

export const NO_HTTP = 'no HTTP: use tcp:// or stats-http'
export const CLOSED_WITHOUT_RESPONSE = 'it closed the connection without a response'

const HEAD_END = '\r\n\r\n'

export const requestFor = ({ path, host }: { path: string; host: string }): string =>
  `GET ${path} HTTP/1.1\r\nHost: ${host}\r\nAccept: application/json, text/plain;version=0.0.4\r\nConnection: close\r\n\r\n`

export class HttpResponse {
  readonly #onBody: (bytes: Buffer) => void
  #head: Buffer | undefined = Buffer.alloc(0)
  #isChunked = false
  /** Missing bytes of the body, or of the present chunk. */
  #left = Infinity
  /** The first part of a line between chunks. */
  #line = ''

  constructor(onBody: (bytes: Buffer) => void) {
    this.#onBody = onBody
  }

  /**
   * @returns whether the response is complete.
   * @throws {ReadError} when it is not a response with status 200.
   */
  push(bytes: Buffer): boolean {
    if (!this.#head) return this.#isChunked ? this.#readChunks(bytes) : this.#readBody(bytes)
    const head = Buffer.concat([this.#head, bytes])
    if (head[0] === OPEN_OBJECT) throw new ReadError(NO_HTTP)
    const end = head.indexOf(HEAD_END)
    if (end > MAX_HEAD_BYTES || (end === -1 && head.length > MAX_HEAD_BYTES))
      throw new ReadError(`the response head is longer than ${MAX_HEAD_BYTES} bytes`)
    this.#head = end === -1 ? head : undefined
    if (end === -1) return false
    this.#readHead(head.toString('latin1', 0, end))
    return this.push(head.subarray(end + HEAD_END.length))
  }

  /** The connection was closed. @throws {ReadError} when the response is not complete. */
  end(): void {
    if (this.#head?.length === 0) throw new ReadError(CLOSED_WITHOUT_RESPONSE)
    // A chunk has a length as well.
    if (this.#head || this.#left !== Infinity)
      throw new ReadError('it closed the connection before the end of its response')
  }

  #readHead(head: string): void {
    const status = /^HTTP\/1\.[01] (\d{3})/.exec(head)?.[1]
    if (status === undefined) throw new ReadError('the response is not HTTP/1')
    if (status !== '200') throw new ReadError(`the response has status ${status}`)
    this.#isChunked = /^transfer-encoding:.*\bchunked\s*$/im.test(head)
    const length = /^content-length:\s*(\d+)\s*$/im.exec(head)?.[1]
    if (this.#isChunked) this.#left = 0
    else if (length !== undefined) this.#left = Number(length)
  }

  #readBody(bytes: Buffer): boolean {
    this.#onBody(bytes.subarray(0, this.#left))
    this.#left = Math.max(0, this.#left - bytes.length)
    return this.#left === 0
  }

  /** The response is complete at the last chunk; trailers are not read. */
  #readChunks(bytes: Buffer): boolean {
    let at = 0
    while (at < bytes.length) {
      if (this.#left > 0) {
        const data = bytes.subarray(at, at + this.#left)
        this.#onBody(data)
        this.#left -= data.length
        at += data.length
        continue
      }
      const lineEnd = bytes.indexOf('\n', at)
      this.#line += bytes.toString('latin1', at, lineEnd === -1 ? bytes.length : lineEnd)
      if (this.#line.length > MAX_HEAD_BYTES) throw new ReadError('the response is not HTTP/1')
      if (lineEnd === -1) return false
      at = lineEnd + 1
      const line = this.#line.trim()
      this.#line = ''
      // A line break follows each chunk.
      if (line === '') continue
      const size = /^[\da-f]{1,12}(?=;|\s|$)/i.exec(line)?.[0]
      if (size === undefined) throw new ReadError('the response is not HTTP/1')
      this.#left = Number.parseInt(size, 16)
      if (this.#left === 0) return true
    }
    return false
  }
}
