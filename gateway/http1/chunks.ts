/**
 * Reads the chunked coding (RFC 9112 section 7.1) strictly while it streams: lines end with CRLF, sizes are hexadecimal
 * digits. The bytes are forwarded as received, without chunk extensions and without trailers that are not allowed there.
 */
import { CR, END_OF_FIELDS, HEX, HTAB, LF, SP, VALUE } from './bytes.ts'
import type { ConnectionOptions } from './connection_options.ts'
import { OTHER } from './field_names.ts'
import { FieldList } from './fields.ts'

/** More digits than any size needs. */
const MAX_DIGITS = 12
/** Bytes of extensions in one body: they do not count towards the body limit. */
const MAX_EXTENSION_BYTES = 4096
const MAX_TRAILER_BYTES = 8192
const trailerFields = new FieldList(32)

const SEMICOLON = 0x3b
const EMPTY_LINE = Buffer.from('\r\n')

const enum At {
  size,
  padding,
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

const isBlank = (byte: number): boolean => byte === SP || byte === HTAB

/** How a chunked body is forwarded. */
export interface ChunkOptions {
  /** Whether the receiver reads chunks. HTTP/1.0 does not and gets the data alone. */
  keepsChunks: boolean
  /** Whether spaces may follow a size, as some servers send them. They are removed, as extensions are. */
  takesPadding?: boolean
  /** With it trailers are forwarded, except those that are hop-by-hop; without it none are. */
  trailersOf?: ConnectionOptions
}

export class Chunks {
  #at: At = At.size
  #size = 0
  #digits = 0
  #extensionBytes = 0
  #trailer: Buffer | undefined
  /** Bytes of data so far, without framing. */
  bodyBytes = 0
  /** The end of the body, to be sent after the last piece in place of the received trailer section. */
  tail: Buffer | undefined

  constructor(readonly options: ChunkOptions) {}

  get isDone(): boolean {
    return this.#at === At.end
  }

  /**
   * Reads bytes of the body and appends the ranges to forward to `pieces`.
   * @returns the end of the body or of the bytes; -1 if they are not chunks.
   */
  read(bytes: Buffer, from: number, end: number, pieces: number[]): number {
    const { keepsChunks, takesPadding } = this.options
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
          else if (byte === SEMICOLON || (isBlank(byte) && takesPadding)) {
            if (keepsChunks) pieces.push(start, i)
            this.#at = At.padding
          } else if (byte === CR) {
            this.#at = At.sizeLf
            i++
          } else return -1
          break
        }
        case At.padding:
          if (byte === SEMICOLON) this.#at = At.extension
          else if (byte === CR) {
            start = i
            this.#at = At.sizeLf
          } else if (!isBlank(byte) || ++this.#extensionBytes > MAX_EXTENSION_BYTES) return -1
          i++
          break
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
    const isCut = this.#at === At.padding || this.#at === At.extension
    if (keepsChunks && !isCut && start < i) pieces.push(start, i)
    return i
  }

  #readTrailer(bytes: Buffer, from: number, end: number): number {
    const before = this.#trailer?.length ?? 0
    const rest = bytes.subarray(from, end)
    const block = this.#trailer === undefined ? Buffer.from(rest) : Buffer.concat([this.#trailer, rest])
    const last = block.indexOf(END_OF_FIELDS, Math.max(0, before - 3))
    if (last === -1) {
      this.#trailer = block
      // Behind the section, the first byte of the empty line may be there.
      return block.length > MAX_TRAILER_BYTES + 1 ? -1 : end
    }
    const blockEnd = last + 2
    if (blockEnd > MAX_TRAILER_BYTES || trailerFields.read(block, 0, blockEnd) !== 'ok') return -1
    if (trailerFields.hasSpace) return -1
    this.#at = At.end
    this.#trailer = undefined
    const { keepsChunks, trailersOf } = this.options
    if (keepsChunks) this.tail = trailersOf === undefined ? EMPTY_LINE : forwardedTrailers(block, trailersOf)
    return from + blockEnd + 2 - before
  }
}

/** The trailer fields that are forwarded: those with a known name must come before a body, not behind it. */
function forwardedTrailers(block: Buffer, connection: ConnectionOptions): Buffer {
  const lines: string[] = []
  for (let i = 0; i < trailerFields.count; i++) {
    const name = trailerFields.name(block, i)
    if (trailerFields.names[i] !== OTHER || name.includes('_') || connection.owns(block, trailerFields, i))
      continue
    lines.push(`${name}: ${trailerFields.value(block, i)}\r\n`)
  }
  return Buffer.from(`${lines.join('')}\r\n`, 'latin1')
}
