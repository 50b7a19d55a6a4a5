/**
 * Reads one stats document into text. It trusts the other end with nothing: not to answer, not to stop, not to send what
 * it says it sends. What the text means is up to parse.ts.
 */
import type { Budget } from './budget.ts'
import { Document } from './document.ts'
import { HttpBody } from './http.ts'
import { ReadError } from './read_error.ts'
import { receive, type Receiver } from './receive.ts'
import { Sieve } from './sieve.ts'
import type { Target } from './target.ts'

export interface ReadOptions {
  /** Ends the reading. */
  signal: AbortSignal
  /** What may be held of all documents that are being read; no single answer may be longer than this, either. */
  budget: Budget
  /** Name of the lists that are left out, as sieve.ts does it. */
  leaveOut: string
}

/**
 * What a target answers, less the lists to leave out.
 * @throws {ReadError} always with the same words for the same trouble.
 */
export async function readDocument(
  target: Target,
  { signal, budget, leaveOut }: ReadOptions,
): Promise<string> {
  const document = new Document(budget)
  const sieve = new Sieve(leaveOut, (bytes) => document.append(bytes))
  const keep = (bytes: Buffer) => sieve.push(bytes)
  const body = target.http ? new HttpBody(keep) : untilClosed(keep)
  try {
    await receive(target, upTo(budget.limitBytes, body), signal)
    sieve.end()
    return document.text()
  } finally {
    document.release()
  }
}

/** Without HTTP, an answer is whatever comes until the end. */
const untilClosed = (keep: (bytes: Buffer) => void): Receiver => ({
  push(bytes) {
    keep(bytes)
    return false
  },
  end() {},
})

function upTo(limitBytes: number, body: Receiver): Receiver {
  let received = 0
  return {
    push(bytes) {
      received += bytes.length
      if (received > limitBytes) throw new ReadError(`its answer is longer than ${limitBytes} bytes`)
      return body.push(bytes)
    },
    end: () => body.end(),
  }
}
