/**
 * A client's connection: it reads requests off its wire, one after the other, and has each answered before it looks at
 * the next. What becomes of a request that is forwarded is exchange.ts's business.
 */
import { UNMATCHED } from '@bun-monitoring/metrics'
import type { Socket } from 'bun'
import { Body, NO_CHUNKS } from './body.ts'
import { connectionLine } from './compose.ts'
import { Exchange } from './exchange.ts'
import type { Gateway } from './gateway.ts'
import { NEVER } from './limits.ts'
import { HEAD, OTHER_METHOD } from './methods.ts'
import type { ClientState } from './metrics.ts'
import { encode, type OwnAnswer, problemAnswer } from './own_answers.ts'
import type { Outbox } from './outbox.ts'
import { type Incoming, pass, routeId } from './passes.ts'
import type { Peer } from './peers.ts'
import { type Cause, CAUSES, CLIENT_GONE } from './refusals.ts'
import { askedFor, readRequest } from './request.ts'
import { LINGER_MS, Wire } from './wire.ts'

export class ClientConnection {
  readonly peer: Peer
  readonly out: Outbox
  deadlineMs = NEVER
  readonly #wire: Wire
  #exchange: Exchange | undefined
  /** What came and is not read yet: the beginning of a head, or requests that wait for the one before. */
  #held: Buffer | undefined
  #isHeadBegun = false
  #isReading = false

  constructor(
    readonly gateway: Gateway,
    socket: Socket<ClientConnection>,
  ) {
    this.peer = gateway.peers.enter(socket.remoteAddress)
    this.#wire = new Wire(socket, gateway.metrics.sentBytes)
    this.out = this.#wire.out
    this.touch()
  }

  get state(): ClientState {
    if (this.#exchange?.request.isDone) return 'writing'
    return this.#exchange === undefined && this.#held === undefined ? 'waiting' : 'reading'
  }

  /** Whether the client will ask for nothing after what it has asked for. */
  get isLast(): boolean {
    return this.#wire.hasEnded && this.#held === undefined
  }

  onData(data: Buffer): void {
    this.gateway.metrics.receivedBytes.inc(data.length)
    if (this.#wire.isLeaving) return
    if (this.#exchange?.isTunnel) this.#exchange.passToUpstream(data)
    else this.#read(this.#held === undefined ? data : Buffer.concat([this.#held, data]))
  }

  onDrain(): void {
    this.#wire.drain()
    if (this.#wire.isClosed) return this.onClose()
    this.touch()
    if (this.out.isBlocked) return
    this.#exchange?.onClientDrained()
    this.#readOn()
  }

  onEnd(): void {
    this.#wire.end()
    if (this.#wire.isClosed) this.onClose()
    else if (!this.#wire.isLeaving) this.#endInput()
  }

  /** The socket is closed, by whomever. */
  onClose(): void {
    if (!this.gateway.forget(this)) return
    this.#held = undefined
    this.#abandon(CLIENT_GONE)
    if (!this.#wire.isClosed) this.#wire.close()
  }

  onDeadline(): void {
    const exchange = this.#exchange
    if (this.#wire.isLeaving || this.out.isBlocked || this.#wire.hasEnded) this.cut()
    else if (exchange !== undefined) this.refuse('body_timeout')
    else if (this.#held === undefined) this.close()
    else this.refuse('head_timeout')
  }

  /** From now on everything goes on as it is. */
  onTunnel(): void {
    const held = this.#held
    this.#held = undefined
    this.resume()
    if (held !== undefined) this.#exchange?.passToUpstream(held)
    if (this.#wire.hasEnded) this.#exchange?.sending.connection?.end()
  }

  /** The exchange is over. Where its request is not whole, nobody knows where the next one would begin. */
  onAnswered(closes: boolean, isWhole: boolean): void {
    this.#exchange = undefined
    if (closes) return this.#leave(!isWhole || this.#held !== undefined)
    this.touch()
    this.#readOn()
  }

  /** The rest of the answer will not come: the client must see that it is not whole. */
  breakOff(isReset: boolean): void {
    this.#exchange = undefined
    if (isReset) this.cut()
    else this.#leave(false)
  }

  /** Sends an answer of our own. */
  answer(answer: OwnAnswer, connection: string, hasBody: boolean): void {
    const bytes = encode(answer, connection, hasBody)
    this.out.write(bytes, 0, bytes.length)
  }

  /** Answers what is outside the rules, and listens no longer. */
  refuse(cause: Cause, incoming?: Incoming): void {
    const { gateway, peer } = this
    const method = incoming?.line.method ?? OTHER_METHOD
    const request = incoming === undefined ? '' : askedFor(incoming)
    const [status, detail] = CAUSES[cause]
    gateway.metrics.rejected(cause)
    const hasHead = this.#exchange?.hasHead === true
    if (this.#exchange !== undefined) this.#abandon(status, cause)
    else gateway.count(method, { client: peer.address, request, route: UNMATCHED, status, reason: cause })
    if (hasHead) return this.cut()
    this.answer(problemAnswer(status, detail), connectionLine(true, 1), method !== HEAD)
    this.#leave(true)
  }

  close(): void {
    this.#wire.close()
    this.onClose()
  }

  cut(): void {
    this.#wire.cut()
    this.onClose()
  }

  pause(): void {
    this.#wire.pause()
    this.touch()
  }

  resume(): void {
    this.#wire.resume()
    this.touch()
  }

  /** Something moved: whatever is waited for now is given its time anew. */
  touch(): void {
    const { clock, timeouts } = this.gateway
    const exchange = this.#exchange
    let ms = timeouts.bodyStallMs
    if (!this.out.isBlocked) {
      if (this.#wire.isLeaving) ms = LINGER_MS
      else if (exchange === undefined)
        ms = this.#isHeadBegun ? timeouts.requestHeaderMs : timeouts.clientIdleMs
      // Who has closed its half may have left, and a silent answer would never show it.
      else if (this.#wire.hasEnded && exchange.hasHead) ms = timeouts.bodyStallMs
      // Who has asked waits, and so does who cannot send because the upstream does not take it: the time is the upstream's.
      else if (exchange.request.isDone || this.#wire.isPaused) ms = NEVER
    }
    this.deadlineMs = clock.nowMs + ms
  }

  /** Reads as many requests as can be answered now; what is left is held. */
  #read(bytes: Buffer): void {
    this.#held = undefined
    this.#isReading = true
    const end = this.#readFrom(bytes)
    this.#isReading = false
    if (this.#wire.isLeaving) return
    if (end < bytes.length) this.#hold(bytes.subarray(end))
    if (this.#wire.hasEnded) this.#endInput()
  }

  /** @returns where what could be read ends. */
  #readFrom(bytes: Buffer): number {
    let at = 0
    while (at < bytes.length && !this.#wire.isLeaving) {
      const exchange = this.#exchange
      if (exchange?.request.isDone || (exchange === undefined && this.out.isBlocked)) return at
      const from = at
      at = exchange === undefined ? this.#readRequest(bytes, at) : this.#readBody(exchange, bytes, at)
      if (at === from) return at
    }
    return at
  }

  #readBody(exchange: Exchange, bytes: Buffer, from: number): number {
    const end = exchange.takeRequest(bytes, from)
    if (!this.#isRight(exchange.request, end)) return from
    this.touch()
    return end
  }

  /** @returns where the request's head and what came of its body end; `from` where the head is not whole. */
  #readRequest(bytes: Buffer, from: number): number {
    const { gateway } = this
    const { incoming } = gateway
    const wrong = readRequest(incoming, gateway.fields, this.peer, bytes, from)
    if (wrong === 'incomplete') return from
    this.#isHeadBegun = false
    const verdict = wrong ?? pass(incoming)
    if (typeof verdict === 'string') {
      this.refuse(verdict, wrong === undefined ? incoming : undefined)
      return from
    }
    const exchange = verdict === undefined ? new Exchange(gateway, this, incoming) : undefined
    this.#exchange = exchange
    const body = exchange?.request ?? Body.ofRequest(incoming.fields.framing, NO_CHUNKS)
    // Read before anything is sent: nothing of a message that is refused now reaches an upstream.
    const end = body.read(bytes, incoming.end, bytes.length)
    if (!this.#isRight(body, end, incoming)) return from
    if (verdict !== undefined) this.#answerSelf(verdict, incoming, body, end)
    exchange?.send(incoming)
    if (!this.#wire.isLeaving) this.touch()
    return end
  }

  /** Whether what was read is within grammar and limit; else the request is refused. */
  #isRight(body: Body, end: number, incoming?: Incoming): boolean {
    if (end === -1) this.refuse('chunk', incoming)
    else if (body.bytes > this.gateway.limits.bodyBytes) this.refuse('body_size', incoming)
    else return true
    return false
  }

  #answerSelf(answer: OwnAnswer, incoming: Incoming, body: Body, end: number): void {
    const { gateway, peer } = this
    const { line, fields } = incoming
    const isHead = line.method === HEAD
    const hasMore = end < incoming.bytes.length
    const closes = !fields.isPersistent || !body.isDone || gateway.isLameDuck || (this.isLast && !hasMore)
    this.answer(answer, connectionLine(closes, line.minor), !isHead)
    gateway.count(line.method, {
      client: peer.address,
      request: askedFor(incoming),
      route: routeId(incoming.route),
      status: answer.status,
      received_bytes: body.bytes,
      sent_bytes: isHead ? 0 : answer.body.length,
    })
    if (closes) this.#leave(!body.isDone || hasMore)
  }

  /** Nothing more will come: what is half said never will be whole, what is asked may still be waited for. */
  #endInput(): void {
    const exchange = this.#exchange
    if (exchange === undefined) {
      if (!this.out.isBlocked) this.#leave(false)
    } else if (!exchange.request.isDone) this.close()
    else {
      if (exchange.isTunnel) exchange.sending.connection?.end()
      else if (!exchange.hasHead && exchange.minor === 1) this.#wire.probe()
      this.touch()
    }
  }

  #readOn(): void {
    if (this.#isReading || this.#exchange !== undefined || this.#wire.isLeaving) return
    const held = this.#held
    if (held !== undefined) {
      this.resume()
      this.#read(held)
    } else if (this.#wire.hasEnded) this.#leave(false)
  }

  #hold(bytes: Buffer): void {
    this.#held = bytes
    if (this.#exchange !== undefined) {
      if (bytes.length > this.gateway.limits.headersBytes) this.pause()
    } else if (!this.out.isBlocked && !this.#isHeadBegun) {
      // The time for a head is absolute: it does not begin anew with each byte.
      this.#isHeadBegun = true
      this.touch()
    }
  }

  #leave(lingers: boolean): void {
    this.#held = undefined
    this.#wire.leave(lingers)
    if (this.#wire.isClosed) this.onClose()
    else this.touch()
  }

  #abandon(status: number, reason?: Cause): void {
    const exchange = this.#exchange
    this.#exchange = undefined
    exchange?.abandon(status, reason)
  }
}
