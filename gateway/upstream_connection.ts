/**
 * A connection to a target: it reads answers and hands them to the exchange that asked. It serves one exchange at a
 * time; whatever comes when none is served, or after an answer's end, makes it useless.
 */
import type { Socket, TCPSocketConnectOptions } from 'bun'
import { answerHead, type AnswerHead } from './answer_head.ts'
import { END_OF_FIELDS, hasBareLf } from './bytes.ts'
import type { Exchange } from './exchange.ts'
import { discard } from './gather.ts'
import { NEVER } from './limits.ts'
import { Outbox } from './outbox.ts'
import type { Failure } from './refusals.ts'
import type { Target } from './target.ts'

/** More interim answers than anybody sends before the answer. */
const MAX_INTERIM = 16

export class UpstreamConnection {
  readonly out = new Outbox()
  /** Whether it has answered before, so that it may have been closed since. */
  isReused = false
  /** Whether anything came for the request that it serves. */
  hasHeard = false
  deadlineMs = NEVER
  #socket: Socket<unknown> | undefined
  #begunMs = 0
  #isClosed = false
  #exchange: Exchange | undefined
  /** The beginning of a head. */
  #held: Buffer | undefined
  #interim = 0
  #isPaused = false
  #ends = false

  constructor(readonly target: Target) {}

  connect(): void {
    const { address } = this.target
    this.#begunMs = performance.now()
    const options = {
      ...address,
      socket: handlers,
      data: this,
    } as TCPSocketConnectOptions<UpstreamConnection>
    // Not at once: Bun calls back before it returns where a path leads nowhere. The handlers hear of failures, too.
    queueMicrotask(() => void Bun.connect(options).catch(() => this.onClose()))
  }

  /** Takes the exchange whose request is sent next. */
  serve(exchange: Exchange): void {
    this.#exchange = exchange
    this.#interim = 0
    this.hasHeard = false
    this.out.hasSent = false
    this.touch()
  }

  /** Something moved: what is waited for now is given its time anew. */
  touch(): void {
    const { clock, timeouts } = this.target.upstream.shared
    const exchange = this.#exchange
    if (this.#socket === undefined) this.deadlineMs = clock.nowMs + timeouts.connectMs
    else if (exchange === undefined) this.deadlineMs = clock.nowMs + timeouts.poolIdleMs
    else if (exchange.isTunnel) this.deadlineMs = NEVER
    else if (this.out.isBlocked) this.deadlineMs = clock.nowMs + timeouts.bodyStallMs
    // A slow upload is not the upstream's fault: its time begins when it has the whole request.
    else if (exchange.request.isDone && !exchange.hasHead)
      this.deadlineMs = clock.nowMs + timeouts.responseHeaderMs
    else this.deadlineMs = NEVER
  }

  onOpen(socket: Socket<UpstreamConnection>): void {
    if (this.#isClosed) return void socket.terminate()
    const { metrics } = this.target.upstream
    metrics.connects.ok.inc()
    metrics.connectSeconds.observe((performance.now() - this.#begunMs) / 1000)
    this.#socket = socket
    this.out.open(socket)
    this.target.onOpen()
    this.touch()
    if (!this.out.isBlocked) this.#exchange?.onUpstreamDrained()
  }

  onData(data: Buffer): void {
    const exchange = this.#exchange
    if (exchange === undefined) return this.close()
    this.hasHeard = true
    if (exchange.isTunnel) return exchange.passToClient(data, 0)
    let bytes = data
    if (this.#held !== undefined) {
      bytes = Buffer.concat([this.#held, data])
      this.#held = undefined
    }
    let at = 0
    while (!exchange.hasHead) {
      const end = bytes.indexOf(END_OF_FIELDS, at) + END_OF_FIELDS.length
      if (end < END_OF_FIELDS.length) return this.#hold(bytes, at)
      const head = this.#readHead(bytes, at, end)
      if (head === undefined) return this.fail('malformed')
      if (head.status >= 200 || head.status === 101) {
        if (!isAsked(head, exchange)) return this.fail('malformed')
        return exchange.onAnswer(head, bytes, at, end)
      }
      if (++this.#interim > MAX_INTERIM) return this.fail('malformed')
      exchange.onInterim(head)
      at = end
      if (at === bytes.length) return
    }
    exchange.passToClient(bytes, at)
  }

  onDrain(): void {
    this.out.drain()
    this.touch()
    if (this.out.isBlocked) return
    if (this.#ends) this.#socket?.shutdown()
    this.#exchange?.onUpstreamDrained()
  }

  onClose(error?: Error): void {
    if (this.#isClosed) return
    this.#isClosed = true
    this.target.remove(this)
    const exchange = this.#exchange
    this.#exchange = undefined
    if (this.#socket === undefined) this.target.upstream.metrics.connects.failed.inc()
    exchange?.onUpstreamClosed(this.#socket === undefined ? 'unreachable' : 'gone', error)
  }

  onDeadline(): void {
    if (this.#exchange === undefined) return this.close()
    if (this.#socket !== undefined) return this.fail('answer_timeout')
    this.target.upstream.metrics.connects.timeout.inc()
    this.fail('connect_timeout')
  }

  /** The exchange has what it asked for: the connection can serve another one. */
  release(): void {
    this.#exchange = undefined
    this.isReused = true
    this.touch()
    this.resume()
    this.target.release(this)
  }

  /** Closes the connection; nobody hears of it any more. */
  close(): void {
    if (this.#isClosed) return
    this.#isClosed = true
    this.target.remove(this)
    // A reset ends the upstream's work; an idle connection has none.
    if (this.#exchange === undefined) this.#socket?.end()
    else this.#socket?.terminate()
    this.#exchange = undefined
  }

  /** Closes our half once everything is sent. */
  end(): void {
    this.#ends = true
    if (!this.out.isBlocked) this.#socket?.shutdown()
  }

  /** Gives up: the exchange learns why. */
  fail(failure: Failure): void {
    const exchange = this.#exchange
    this.close()
    exchange?.onUpstreamClosed(failure)
  }

  /** Its target does not answer checks: what waits for an answer here goes to another one, where that may be. */
  leave(): void {
    if (this.#exchange?.sending.leave()) this.close()
  }

  pause(): void {
    if (this.#isPaused) return
    this.#isPaused = true
    this.#socket?.pause()
  }

  resume(): void {
    if (!this.#isPaused) return
    this.#isPaused = false
    this.#socket?.resume()
  }

  #readHead(bytes: Buffer, from: number, to: number): AnswerHead | undefined {
    const { memo, shared } = this.target.upstream
    const known = memo.find(bytes, from, to)
    if (known !== undefined) return known
    if (to - from > shared.limits.headersBytes) return undefined
    const head = answerHead(bytes, from, to, shared.fields)
    if (head !== undefined && head.status >= 200) memo.keep(head)
    return head
  }

  #hold(bytes: Buffer, at: number): void {
    const rest = bytes.length - at
    if (rest > this.target.upstream.shared.limits.headersBytes || hasBareLf(bytes, at))
      return this.fail('malformed')
    this.#held = rest === 0 ? undefined : bytes.subarray(at)
  }
}

/** Whether a change of protocols, where the answer is one, is what the client asked for. */
const isAsked = ({ status, upgrade }: AnswerHead, { fields }: Exchange): boolean =>
  status !== 101 || upgrade?.toLowerCase() === fields.upgrade?.toLowerCase()

const handlers = {
  open: (socket: Socket<UpstreamConnection>) => socket.data.onOpen(socket),
  data: (socket: Socket<UpstreamConnection>, bytes: Buffer) => socket.data.onData(bytes),
  drain: (socket: Socket<UpstreamConnection>) => socket.data.onDrain(),
  close: (socket: Socket<UpstreamConnection>, error?: Error) => socket.data.onClose(error),
  // As for clients: what a handler threw.
  error(socket: Socket<UpstreamConnection>, error: Error) {
    discard()
    socket.data.target.upstream.shared.log.error({ err: error }, 'the gateway failed')
    socket.data.fail('malformed')
  },
  connectError: (socket: Socket<UpstreamConnection>, error: Error) => socket.data.onClose(error),
}
