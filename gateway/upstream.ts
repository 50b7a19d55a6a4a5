/**
 * An upstream: a name, its targets (so far one) and the connections to it. A connection that is idle is used again by
 * the next request, the last one first, so that those too many grow old and are closed.
 */
import type { AnswerHead } from './answer_head.ts'
import type { Exchange } from './exchange.ts'
import type { Shared } from './limits.ts'
import { Memo } from './memo.ts'
import type { UpstreamMetrics } from './metrics.ts'
import { hostLine } from './target.ts'
import { type Target, UpstreamConnection } from './upstream_connection.ts'

/** How many heads of answers are kept. */
const MEMO_SLOTS = 128

export class Upstream {
  readonly memo = new Memo<AnswerHead>(MEMO_SLOTS)
  readonly #idle: UpstreamConnection[] = []
  readonly #all = new Set<UpstreamConnection>()

  /** For requests that came without a `Host`. */
  readonly hostLine: Buffer

  constructor(
    readonly name: string,
    readonly target: Target,
    readonly shared: Shared,
    readonly metrics: UpstreamMetrics,
  ) {
    this.hostLine = hostLine(target)
  }

  get idleConnections(): number {
    return this.#idle.length
  }

  get activeConnections(): number {
    return this.#all.size - this.#idle.length
  }

  /** A connection for this exchange. Where none was idle it is not open yet, and takes what is written all the same. */
  connectionFor(exchange: Exchange): UpstreamConnection {
    const idle = this.#idle.pop()
    const connection = idle ?? new UpstreamConnection(this)
    connection.serve(exchange)
    if (idle === undefined) {
      this.#all.add(connection)
      connection.connect()
    }
    return connection
  }

  /** Takes back a connection that has nothing left to say. */
  release(connection: UpstreamConnection): void {
    this.#idle.push(connection)
  }

  /** Forgets a connection that is closed. */
  remove(connection: UpstreamConnection): void {
    this.#all.delete(connection)
    const at = this.#idle.indexOf(connection)
    if (at !== -1) this.#idle.splice(at, 1)
  }

  /** Ends what took too long. */
  sweep(nowMs: number): void {
    for (const connection of this.#all) if (nowMs > connection.deadlineMs) connection.onDeadline()
  }

  close(): void {
    for (const connection of this.#all) connection.close()
  }
}
