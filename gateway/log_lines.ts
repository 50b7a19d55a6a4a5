/**
 * Lines to the standard output that several workers share: written in pieces that it takes as a whole, so that no line of
 * one is torn by a line of another. A pipe takes PIPE_BUF (pipe(7)), a file whatever there is.
 */
import { fstatSync, writeSync } from 'node:fs'

const PIPE_BYTES = 4096
const NEW_LINE = 0x0a
const STANDARD_OUTPUT = 1
/** Where the pipe is full and does not wait by itself. */
const TRY_AGAIN_AFTER_MS = 1

/** Where each piece of whole lines ends; a line that is too long is a piece of its own. */
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

/** A log that cannot be written costs its lines, not the requests that they are about. */
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
