/**
 * Writes log lines to the standard output that several workers share, in pieces that the kernel writes as a whole, so
 * that lines of different workers never mix. For a pipe that is PIPE_BUF bytes (pipe(7)); a file takes any number.
 */
import { fstatSync, writeSync } from 'node:fs'

const PIPE_BYTES = 4096
const NEW_LINE = 0x0a
const STANDARD_OUTPUT = 1
/** Wait when a non-blocking pipe is full. */
const TRY_AGAIN_AFTER_MS = 1

/** The end of each piece of whole lines. A line that is too long is a piece of its own. */
export function piecesOf(bytes: Buffer): number[] {
  const ends: number[] = []
  for (let from = 0; from < bytes.length; from = ends.at(-1)!) {
    const last = bytes.lastIndexOf(NEW_LINE, from + PIPE_BYTES - 1)
    const end = last >= from ? last : bytes.indexOf(NEW_LINE, from)
    ends.push(end === -1 ? bytes.length : end + 1)
  }
  return ends
}

let isFile: boolean | undefined
let isFailing = false

/** If the output cannot be written, the lines are lost and requests go on. */
export function writeLines(lines: string): void {
  try {
    writePieces(lines)
    isFailing = false
  } catch (error) {
    const why = (error as Error).message
    if (!isFailing)
      console.error(`the access log cannot be written: ${why}: its lines are lost until it can be`)
    isFailing = true
  }
}

function writePieces(lines: string): void {
  const bytes = Buffer.from(lines)
  let from = 0
  isFile ??= fstatSync(STANDARD_OUTPUT).isFile()
  for (const end of isFile ? [bytes.length] : piecesOf(bytes)) {
    while (from < end) from += write(bytes, from, end - from)
  }
}

function write(bytes: Buffer, from: number, length: number): number {
  try {
    return writeSync(STANDARD_OUTPUT, bytes, from, length)
  } catch (error) {
    if ((error as { code?: string }).code !== 'EAGAIN') throw error
    Bun.sleepSync(TRY_AGAIN_AFTER_MS)
    return 0
  }
}
