/** Follows the body of a request or response while it streams: which bytes belong to it, and whether it is complete. */
import { type ChunkOptions, Chunks } from './chunks.ts'
import { CHUNKED, type Framing, NO_LENGTH } from './framing.ts'

/** A request that is not forwarded. */
export const NO_CHUNKS: ChunkOptions = { keepsChunks: false }
/** A response to HTTP/1.0: data without framing. */
export const DATA: ChunkOptions = { keepsChunks: false, takesPadding: true }
/** A response to HTTP/1.1: chunks without trailers. */
export const CHUNKS: ChunkOptions = { keepsChunks: true, takesPadding: true }

export class Body {
  /** Whether it ends when its connection closes. */
  readonly isOpenEnded: boolean
  /** Ranges to forward of the bytes just read: start and end of each. */
  readonly pieces: number[] = []
  #remaining: number
  #passed = 0
  readonly #chunks: Chunks | undefined

  /** @param framing {@link NO_LENGTH} for a body that ends when its connection closes, 0 for none */
  constructor(framing: Framing, options: ChunkOptions) {
    this.#remaining = framing >= 0 ? framing : 0
    this.isOpenEnded = framing === NO_LENGTH
    this.#chunks = framing === CHUNKED ? new Chunks(options) : undefined
  }

  /** A request without framing has no body, for every method (RFC 9112 section 6.3). */
  static ofRequest(framing: Framing, options: ChunkOptions): Body {
    return new Body(framing === NO_LENGTH ? 0 : framing, options)
  }

  get isDone(): boolean {
    return this.#chunks === undefined ? this.#remaining === 0 && !this.isOpenEnded : this.#chunks.isDone
  }

  /** Bytes read so far, without framing. */
  get bytes(): number {
    return this.#chunks?.bodyBytes ?? this.#passed
  }

  /** The bytes to send after the last piece. */
  get tail(): Buffer | undefined {
    return this.#chunks?.tail
  }

  /**
   * Reads bytes of the body and fills `pieces`.
   * @returns the end of the body or of the bytes; -1 if they are outside the grammar.
   */
  read(bytes: Buffer, from: number, end: number): number {
    this.pieces.length = 0
    if (this.#chunks !== undefined) return this.#chunks.read(bytes, from, end, this.pieces)
    const to = this.isOpenEnded ? end : Math.min(end, from + this.#remaining)
    if (to > from) {
      this.pieces.push(from, to)
      this.#passed += to - from
      this.#remaining -= to - from
    }
    return to
  }
}
