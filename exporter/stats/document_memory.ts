/**
 * The memory of all documents that are being read, of all targets and all scrapes, within one limit. When it is used up,
 * the longest document is dropped: an endless response fails alone, and the shorter ones are read.
 */
import { ReadError } from './read_error.ts'

/** All pieces have one size: a dropped piece fits the next document, and no bytes are copied when a document grows. */
const PIECE_BYTES = 64 * 1024

export class DocumentMemory {
  /** Size limit of one document, and of all documents together. */
  readonly limitBytes: number
  readonly #documents = new Set<ReceivedDocument>()

  constructor(limitBytes: number) {
    this.limitBytes = limitBytes
  }

  get heldBytes(): number {
    return Array.from(this.#documents).reduce((sum, { heldBytes }) => sum + heldBytes, 0)
  }

  /** An empty document; its user must release it. */
  open(): ReceivedDocument {
    const document = new ReceivedDocument(
      () => this.#dropTheLongest(),
      () => this.#documents.delete(document),
    )
    this.#documents.add(document)
    return document
  }

  #dropTheLongest(): void {
    const limitBytes = Math.ceil(this.limitBytes / PIECE_BYTES) * PIECE_BYTES
    if (this.heldBytes <= limitBytes) return
    const byLength = Array.from(this.#documents).toSorted((a, b) => b.heldBytes - a.heldBytes)
    byLength[0]!.drop()
  }
}

class ReceivedDocument {
  heldBytes = 0
  readonly #onGrow: () => void
  readonly #onRelease: () => void
  #pieces: Uint8Array<ArrayBuffer>[] = []
  #freeBytesInLastPiece = 0
  #isDropped = false

  constructor(onGrow: () => void, onRelease: () => void) {
    this.#onGrow = onGrow
    this.#onRelease = onRelease
  }

  /** @throws {ReadError} once the document was dropped. */
  append(bytes: Uint8Array): void {
    for (let at = 0; at < bytes.length;) {
      if (this.#freeBytesInLastPiece === 0) this.#grow()
      const part = bytes.subarray(at, at + this.#freeBytesInLastPiece)
      this.#pieces.at(-1)!.set(part, PIECE_BYTES - this.#freeBytesInLastPiece)
      this.#freeBytesInLastPiece -= part.length
      at += part.length
    }
  }

  /**
   * Decodes the document. Bytes that are not UTF-8 are replaced: uWSGI copies bytes of requests into its document.
   * @throws {ReadError} as `append` does.
   */
  text(): string {
    this.#throwIfDropped()
    const decoder = new TextDecoder()
    const last = this.#pieces.length - 1
    const texts = this.#pieces.map((piece, i) =>
      decoder.decode(i === last ? piece.subarray(0, PIECE_BYTES - this.#freeBytesInLastPiece) : piece, {
        stream: true,
      }),
    )
    return texts.join('') + decoder.decode()
  }

  drop(): void {
    this.#isDropped = true
    this.release()
  }

  release(): void {
    this.#onRelease()
    // Frees the memory at once; the garbage collector would free it later.
    for (const piece of this.#pieces) piece.buffer.transfer(0)
    this.#pieces = []
    this.#freeBytesInLastPiece = 0
    this.heldBytes = 0
  }

  #grow(): void {
    this.heldBytes += PIECE_BYTES
    this.#onGrow()
    this.#throwIfDropped()
    this.#pieces.push(new Uint8Array(PIECE_BYTES))
    this.#freeBytesInLastPiece = PIECE_BYTES
  }

  #throwIfDropped(): void {
    if (this.#isDropped)
      throw new ReadError('memory is short, and its response is the longest of those that are being read')
  }
}
