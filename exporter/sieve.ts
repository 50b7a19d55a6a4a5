/**
 * Lets a stats document through in pieces, as its bytes come in, without the lists that nobody reads: uWSGI's `cores`
 * are nearly all of a large document, and their `vars` hold bytes that are no JSON at all. In place of such a list its
 * number of objects is left, so what comes out is JSON again and says how many there were.
 *
 * It looks for `"name":[` as uWSGI writes it. Within a text every quote has a backslash before it, so this is always the
 * end of a name; a list that is written otherwise passes and is as good.
 */
const QUOTE = 0x22
const BACKSLASH = 0x5c
const [OPEN_LIST, CLOSE_LIST, OPEN_OBJECT, CLOSE_OBJECT] = [0x5b, 0x5d, 0x7b, 0x7d] as const

/** 1 for the bytes that matter between texts. All others are passed over with one comparison. */
const IS_STRUCTURE = new Uint8Array(256)
for (const byte of [QUOTE, OPEN_LIST, CLOSE_LIST, OPEN_OBJECT, CLOSE_OBJECT]) IS_STRUCTURE[byte] = 1

const NOTHING = Buffer.alloc(0)

export class Sieve {
  readonly #marker: Buffer
  readonly #keep: (bytes: Uint8Array) => void
  /** The end of what came so far, where it may be the beginning of a marker. */
  #tail: Buffer = NOTHING
  /** Within a list that is left out: how deep. 0 outside. */
  #depth = 0
  #isInText = false
  /** Whether the first byte to come belongs to a backslash. */
  #isEscaped = false
  #objects = 0

  /** @param name of the lists to leave out. @param keep gets what is left; the bytes are only lent. */
  constructor(name: string, keep: (bytes: Uint8Array) => void) {
    this.#marker = Buffer.from(`"${name}":[`)
    this.#keep = keep
  }

  push(piece: Buffer): void {
    if (this.#tail.length === 0) return this.#sift(piece)
    const bytes = Buffer.from(new ArrayBuffer(this.#tail.length + piece.length))
    bytes.set(this.#tail)
    bytes.set(piece, this.#tail.length)
    this.#sift(bytes)
    // Free at once, not when the garbage is collected: as large as what came in.
    bytes.buffer.transfer(0)
  }

  #sift(bytes: Buffer): void {
    this.#tail = NOTHING
    let at = this.#depth > 0 ? this.#skip(bytes, 0) : 0
    while (this.#depth === 0 && at < bytes.length) {
      const found = bytes.indexOf(this.#marker, at)
      if (found === -1) {
        const end = Math.max(at, bytes.length - this.#marker.length + 1)
        this.#keep(bytes.subarray(at, end))
        this.#tail = Buffer.from(bytes.subarray(end))
        return
      }
      const list = found + this.#marker.length
      this.#keep(bytes.subarray(at, list - 1))
      this.#depth = 1
      this.#objects = 0
      at = this.#skip(bytes, list)
    }
  }

  /** Lets through what it held back. A list that has not ended leaves no number, so what came out is no JSON. */
  end(): void {
    this.#keep(this.#tail)
  }

  /** Where the list ends, or the end of the bytes. */
  #skip(bytes: Buffer, from: number): number {
    let at = this.#isEscaped ? from + 1 : from
    let depth = this.#depth
    let objects = this.#objects
    let isInText = this.#isInText
    while (at < bytes.length && depth > 0) {
      if (isInText) {
        while (at < bytes.length && isInText) {
          const byte = bytes[at++]!
          if (byte === BACKSLASH) at++
          else if (byte === QUOTE) isInText = false
        }
        continue
      }
      const byte = bytes[at++]!
      if (IS_STRUCTURE[byte] === 0) continue
      if (byte === QUOTE) isInText = true
      else if (byte === CLOSE_LIST || byte === CLOSE_OBJECT) depth--
      else if (depth++ === 1) objects++
    }
    this.#isEscaped = at > bytes.length
    this.#isInText = isInText
    this.#depth = depth
    this.#objects = objects
    if (depth === 0) this.#keep(Buffer.from(String(objects)))
    return at
  }
}
