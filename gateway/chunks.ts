/**
 * The chunked coding (RFC 9112 section 7.1), read strictly as it passes: line ends are CRLF, sizes are digits, nothing
 * is guessed. What goes on are the bytes that came, less chunk extensions and trailers that nobody may send there.
 */
import { CR, END_OF_FIELDS, HEX, LF, VALUE } from './bytes.ts'
import type { ConnectionOptions } from './connection_options.ts'
import { OTHER } from './field_names.ts'
import { FieldList } from './fields.ts'

/** More digits than any size needs. */
const MAX_DIGITS = 12
/** Bytes of extensions in one body: nobody needs them, and they do not count as body. */
const MAX_EXTENSION_BYTES = 4096
const MAX_TRAILER_BYTES = 8192
const trailerFields = new FieldList(32)

const SEMICOLON = 0x3b
const EMPTY_LINE = Buffer.from('\r\n')

const enum At {
  size,
  extension,
  sizeLf,
  data,
  dataCr,
  dataLf,
  trailer,
  lastLf,
  trailerLines,
  end,
}

/** How the reader of the chunks wants them. */
export interface ChunkOptions {
  /** Whether it reads chunks at all: HTTP/1.0 gets the data alone. */
  keepsChunks: boolean
  /** Whose trailers go on, less those that belong to its connection; without it none do. */
  trailersOf?: ConnectionOptions
}

export class Chunks {
  #at: At = At.size
  #size = 0
  #digits = 0
  #extensionBytes = 0
  #trailer: Buffer | undefined
  /** Data so far, without framing. */
  bodyBytes = 0
  /** What goes on after the last piece, in place of what came. */
  tail: Buffer | undefined

  constructor(readonly options: ChunkOptions) {}

  get isDone(): boolean {
    return this.#at === At.end
  }

  /**
   * Reads what belongs to the body, and appends the ranges that go on to `pieces`.
   * @returns where the body ends or the bytes do; -1 where they are no chunks.
   */
  read(bytes: Buffer, from: number, end: number, pieces: number[]): number {
    const { keepsChunks } = this.options
    let start = from
    let i = from
    while (i < end && !this.isDone) {
      const byte = bytes[i]!
      switch (this.#at) {
        case At.size: {
          const digit = HEX[byte]!
          if (digit <= 15) {
            if (++this.#digits > MAX_DIGITS) return -1
            this.#size = this.#size * 16 + digit
            i++
          } else if (this.#digits === 0) return -1
          else if (byte === SEMICOLON) {
            if (keepsChunks) pieces.push(start, i)
            this.#at = At.extension
          } else if (byte === CR) {
            this.#at = At.sizeLf
            i++
          } else return -1
          break
        }
        case At.extension:
          if (byte === CR) {
            start = i
            this.#at = At.sizeLf
          } else if (VALUE[byte] !== 1 || ++this.#extensionBytes > MAX_EXTENSION_BYTES) return -1
          i++
          break
        case At.sizeLf:
          if (byte !== LF) return -1
          this.#at = this.#size === 0 ? At.trailer : At.data
          this.#digits = 0
          i++
          break
        case At.data: {
          const length = Math.min(this.#size, end - i)
          if (!keepsChunks) pieces.push(i, i + length)
          this.bodyBytes += length
          this.#size -= length
          i += length
          if (this.#size === 0) this.#at = At.dataCr
          break
        }
        case At.dataCr:
          if (byte !== CR) return -1
          this.#at = At.dataLf
          i++
          break
        case At.dataLf:
          if (byte !== LF) return -1
          this.#at = At.size
          i++
          break
        case At.trailer:
          if (byte === CR) {
            this.#at = At.lastLf
            i++
          } else {
            if (keepsChunks) pieces.push(start, i)
            start = end
            this.#at = At.trailerLines
          }
          break
        case At.lastLf:
          if (byte !== LF) return -1
          this.#at = At.end
          i++
          break
        case At.trailerLines:
          i = this.#readTrailer(bytes, i, end)
          if (i === -1) return -1
          start = i
          break
      }
    }
    if (keepsChunks && this.#at !== At.extension && start < i) pieces.push(start, i)
    return i
  }

  #readTrailer(bytes: Buffer, from: number, end: number): number {
    const before = this.#trailer?.length ?? 0
    const rest = bytes.subarray(from, end)
    const block = this.#trailer === undefined ? Buffer.from(rest) : Buffer.concat([this.#trailer, rest])
    const last = block.indexOf(END_OF_FIELDS, Math.max(0, before - 3))
    if (last === -1) {
      this.#trailer = block
      return block.length > MAX_TRAILER_BYTES ? -1 : end
    }
    const blockEnd = last + 2
    if (blockEnd > MAX_TRAILER_BYTES || trailerFields.read(block, 0, blockEnd) !== 'ok') return -1
    if (trailerFields.hasSpace) return -1
    this.#at = At.end
    this.#trailer = undefined
    const { keepsChunks, trailersOf } = this.options
    if (keepsChunks) this.tail = trailersOf === undefined ? EMPTY_LINE : passed(block, trailersOf)
    return from + blockEnd + 2 - before
  }
}

/** The lines of fields that no gateway acts upon: all others must stand in front of a body, not behind it. */
function passed(block: Buffer, connection: ConnectionOptions): Buffer {
  const lines: string[] = []
  for (let i = 0; i < trailerFields.count; i++) {
    const name = trailerFields.name(block, i)
    if (trailerFields.names[i] !== OTHER || name.includes('_') || connection.owns(block, trailerFields, i))
      continue
    lines.push(`${name}: ${trailerFields.value(block, i)}\r\n`)
  }
  return Buffer.from(`${lines.join('')}\r\n`, 'latin1')
}
