/** The parts of messages that are written anew: the request line for an upstream, what concerns a connection, chunks. */
import type { AnswerHead } from './answer_head.ts'
import { CHUNKED } from './framing.ts'
import { gather } from './gather.ts'
import type { Sink } from './outbox.ts'
import { dateLine } from './own_answers.ts'
import type { Incoming } from './passes.ts'

export const EMPTY_LINE = Buffer.from('\r\n')
export const LAST_CHUNK = Buffer.from('0\r\n\r\n')
const VERSION_END = Buffer.from(' HTTP/1.1\r\n')
const SLASH = Buffer.from('/')

/** What an answer says of the client's connection: HTTP/1.1 stays open and HTTP/1.0 closes unless said otherwise. */
export function connectionLine(closes: boolean, minor: number): string {
  if (closes) return 'Connection: close\r\n'
  return minor === 0 ? 'Connection: keep-alive\r\n' : ''
}

/** The first line for the upstream: as it came, but in origin form, as HTTP/1.1, and with the route's change. */
export function gatherRequestLine(out: Sink, { bytes, line, route }: Incoming): void {
  const { cutBytes, replacement } = route!.forward!
  const isUnchanged = cutBytes === 0 && replacement.length === 0
  if (isUnchanged && line.minor === 1 && !line.isAbsolute) return gather(out, bytes, line.start, line.end)
  gather(out, bytes, line.start, line.methodEnd + 1)
  gather(out, replacement, 0, replacement.length)
  const from = line.pathStart + cutBytes
  // What is left of the path must begin with a slash, as it does unless all of it was cut off.
  if (from >= line.pathEnd && replacement.length === 0) gather(out, SLASH, 0, 1)
  gather(out, bytes, from, line.targetEnd)
  gather(out, VERSION_END, 0, VERSION_END.length)
}

/** What came of an answer without framing, as a chunk. */
export function gatherChunk(out: Sink, bytes: Buffer, [from, to]: number[]): void {
  if (from === undefined || to === undefined) return
  const size = Buffer.from(`${(to - from).toString(16)}\r\n`)
  gather(out, size, 0, size.length)
  gather(out, bytes, from, to)
  gather(out, EMPTY_LINE, 0, EMPTY_LINE.length)
}

/** What of an answer concerns the client's connection. */
interface Delivery {
  closes: boolean
  minor: number
  /** Whether an answer without framing is sent in chunks. */
  rechunks: boolean
}

/** The head of an answer that cannot go on as the bytes that came. */
export function gatherHead(out: Sink, head: AnswerHead, { closes, minor, rechunks }: Delivery): void {
  const forward = minor === 0 && head.framing === CHUNKED ? withoutChunked(head.forward) : head.forward
  const lines = [
    head.hasDate ? '' : dateLine(),
    rechunks ? 'Transfer-Encoding: chunked\r\n' : '',
    head.status === 101 ? '' : connectionLine(closes, minor),
  ]
  const end = Buffer.from(`${lines.join('')}\r\n`)
  gather(out, forward, 0, forward.length)
  gather(out, end, 0, end.length)
}

/** HTTP/1.0 knows no chunks. */
const withoutChunked = (head: Buffer): Buffer =>
  Buffer.from(head.toString('latin1').replace(/\r\ntransfer-encoding:[^\r]*/i, ''), 'latin1')
