/**
 * The body of one HTTP/1.1 answer, let through as it comes in. Just what a client needs that asks once and closes: the
 * status, where the body ends, and a limit for all that is not body.
 */
import { ReadError } from './read_error.ts'

const MAX_HEAD_BYTES = 64 * 1024
const HEAD_END = '\r\n\r\n'

export const requestFor = ({ path, host }: { path: string; host: string }): string =>
  `GET ${path} HTTP/1.1\r\nHost: ${host}\r\nAccept: application/json\r\nConnection: close\r\n\r\n`

export class HttpBody {
  readonly #keep: (bytes: Buffer) => void
  #head: Buffer | undefined = Buffer.alloc(0)
  #isChunked = false
  /** Bytes to come of the body, or of the chunk that is being read. */
  #left = Infinity
  /** The beginning of a line between chunks. */
  #line = ''

  constructor(keep: (bytes: Buffer) => void) {
    this.#keep = keep
  }

  /**
   * @returns whether the answer is complete.
   * @throws {ReadError} where it is no answer with a document in it.
   */
  push(bytes: Buffer): boolean {
    if (!this.#head) return this.#isChunked ? this.#readChunks(bytes) : this.#readBody(bytes)
    const head = Buffer.concat([this.#head, bytes])
    const end = head.indexOf(HEAD_END)
    if (end > MAX_HEAD_BYTES || (end === -1 && head.length > MAX_HEAD_BYTES))
      throw new ReadError(`the head of its answer is longer than ${MAX_HEAD_BYTES} bytes`)
    this.#head = end === -1 ? head : undefined
    if (end === -1) return false
    this.#readHead(head.toString('latin1', 0, end))
    return this.push(head.subarray(end + HEAD_END.length))
  }

  /** The connection has ended. @throws {ReadError} where the answer has not. */
  end(): void {
    if (this.#head?.length === 0) throw new ReadError('it closed the connection without an answer')
    if (this.#head || this.#isChunked || this.#left !== Infinity)
      throw new ReadError('it closed the connection before the end of its answer')
  }

  #readHead(head: string): void {
    const status = /^HTTP\/1\.[01] (\d{3})/.exec(head)?.[1]
    if (status === undefined) throw new ReadError('it does not speak HTTP/1')
    if (status !== '200') throw new ReadError(`it answered with status ${status}`)
    this.#isChunked = /^transfer-encoding:.*\bchunked\s*$/im.test(head)
    const length = /^content-length:\s*(\d+)\s*$/im.exec(head)?.[1]
    if (this.#isChunked) this.#left = 0
    else if (length !== undefined) this.#left = Number(length)
  }

  #readBody(bytes: Buffer): boolean {
    this.#keep(bytes.subarray(0, this.#left))
    this.#left = Math.max(0, this.#left - bytes.length)
    return this.#left === 0
  }

  /** Trailers may follow the last chunk; they say nothing of interest. */
  #readChunks(bytes: Buffer): boolean {
    let at = 0
    while (at < bytes.length) {
      if (this.#left > 0) {
        const data = bytes.subarray(at, at + this.#left)
        this.#keep(data)
        this.#left -= data.length
        at += data.length
        continue
      }
      const lineEnd = bytes.indexOf('\n', at)
      this.#line += bytes.toString('latin1', at, lineEnd === -1 ? bytes.length : lineEnd)
      if (this.#line.length > MAX_HEAD_BYTES) throw new ReadError('it does not speak HTTP/1')
      if (lineEnd === -1) return false
      at = lineEnd + 1
      const line = this.#line.trim()
      this.#line = ''
      // The line end that follows each chunk.
      if (line === '') continue
      const size = /^[\da-f]{1,12}(?=;|\s|$)/i.exec(line)?.[0]
      if (size === undefined) throw new ReadError('it does not speak HTTP/1')
      this.#left = Number.parseInt(size, 16)
      if (this.#left === 0) return true
    }
    return false
  }
}
