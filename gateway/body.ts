/** A body on its way, of a request or of an answer: how much of what comes belongs to it, and when it is whole. */
import { type ChunkOptions, Chunks } from './chunks.ts'
import { CHUNKED, type Framing, NO_LENGTH } from './framing.ts'
import { gather } from './gather.ts'
import type { Sink } from './outbox.ts'

/** How chunks go on to HTTP/1.0, as bare data, and to HTTP/1.1 without their trailers. */
export const NO_CHUNKS: ChunkOptions = { keepsChunks: false }
export const CHUNKS: ChunkOptions = { keepsChunks: true }

export class Body {
  /** Whether it ends with its connection. */
  readonly isOpenEnded: boolean
  /** Ranges of the bytes just read that go on: start and end of each. */
  readonly pieces: number[] = []
  #remaining: number
  #passed = 0
  readonly #chunks: Chunks | undefined

  /** For a body that ends with its connection `framing` is {@link NO_LENGTH}, for none it is 0. */
  constructor(framing: Framing, options: ChunkOptions) {
    this.#remaining = framing >= 0 ? framing : 0
    this.isOpenEnded = framing === NO_LENGTH
    this.#chunks = framing === CHUNKED ? new Chunks(options) : undefined
  }

  /** A request without framing has no body, whatever its method (RFC 9112 section 6.3). */
  static ofRequest(framing: Framing, options: ChunkOptions): Body {
    return new Body(framing === NO_LENGTH ? 0 : framing, options)
  }

  get isDone(): boolean {
    return this.#chunks === undefined ? this.#remaining === 0 && !this.isOpenEnded : this.#chunks.isDone
  }

  /** Bytes of it so far, without framing. */
  get bytes(): number {
    return this.#chunks?.bodyBytes ?? this.#passed
  }

  /** What is to be sent after the last piece. */
  get tail(): Buffer | undefined {
    return this.#chunks?.tail
  }

  /**
   * Takes what belongs to the body and fills `pieces`.
   * @returns where it ends or the bytes do; -1 where the bytes are outside the grammar.
   */
  read(bytes: Buffer, from: number, end: number): number {
    this.pieces.length = 0
    if (this.#chunks !== undefined) return this.#chunks.read(bytes, from, end, this.pieces)
    const to = this.isOpenEnded ? end : Math.min(end, from + this.#remaining)
    if (to > from) {
      this.pieces.push(from, to)
      this.#passed += to - from
      if (!this.isOpenEnded) this.#remaining -= to - from
    }
    return to
  }
}

/** Sends on what `body` has just read. */
export function gatherPieces(out: Sink, bytes: Buffer, body: Body): void {
  const { pieces, tail } = body
  for (let i = 0; i < pieces.length; i += 2) gather(out, bytes, pieces[i]!, pieces[i + 1]!)
  if (tail !== undefined) gather(out, tail, 0, tail.length)
}
