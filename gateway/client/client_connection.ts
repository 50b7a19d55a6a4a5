/**
 * A client's connection: it reads requests one after the other, and the next one only when the response to the last is
 * complete. exchange/exchange.ts forwards a request; this file replies to the others.
 */
import type { Socket } from 'bun'
import { connectionLine } from '../exchange/compose.ts'
import type { Downstream } from '../exchange/downstream.ts'
import { Exchange } from '../exchange/exchange.ts'
import { CLIENT_GONE, clientEntry } from '../exchange/record.ts'
import type { Protocol } from '../forward/forwarded.ts'
import type { Peer } from '../forward/peers.ts'
import { readRequest, requestLineOf } from '../forward/request_head.ts'
import { Body, NO_CHUNKS } from '../http1/body.ts'
import { HEAD, OTHER_METHOD } from '../http1/methods.ts'
import { type Rejection, REJECTIONS } from '../http1/rejections.ts'
import { NEVER } from '../io/context.ts'
import type { WriteQueue } from '../io/write_queue.ts'
import { encodeReply, type LocalReply } from '../routing/local_reply.ts'
import { bodyLimit, type Filter, type Incoming, routeId } from '../routing/request_filters.ts'
import { routedReply } from '../routing/routed_reply.ts'
import type { ClientContext } from './client_context.ts'
import { ClientSocket, LINGER_MS } from './client_socket.ts'
import type { ClientState } from './metrics.ts'
import { rejectionReply } from './rejection_reply.ts'

export class ClientConnection implements Downstream {
  readonly peer: Peer
  readonly out: WriteQueue
  deadlineMs = NEVER
  readonly #socket: ClientSocket
  #exchange: Exchange | undefined
  /** Received bytes that are not read yet: the beginning of a head, or pipelined requests. */
  #held: Buffer | undefined
  #isHeadBegun = false
  #isReading = false

  constructor(
    readonly context: ClientContext,
    socket: Socket<unknown>,
    protocol: Protocol,
    readonly filter: Filter,
  ) {
    this.peer = context.peers.enter(socket.remoteAddress, protocol)
    this.#socket = new ClientSocket(socket, context.clientMetrics.sentBytes)
    this.out = this.#socket.out
    this.touch()
  }

  get state(): ClientState {
    if (this.#exchange?.isRequestDone) return 'writing'
    return this.#exchange === undefined && this.#held === undefined ? 'waiting' : 'reading'
  }

  get isTunnel(): boolean {
    return this.#exchange?.isTunnel === true
  }

  /** How long a waiting client has been idle. */
  idleMs(nowMs: number): number {
    return nowMs - (this.deadlineMs - this.context.timeouts.clientIdleMs)
  }

  get isLast(): boolean {
    return this.#socket.hasEnded && this.#held === undefined && !this.#isReading
  }

  onData(data: Buffer): void {
    this.context.clientMetrics.receivedBytes.inc(data.length)
    if (this.#exchange?.isTunnel) this.#exchange.passToUpstream(data)
    else this.#read(this.#held === undefined ? data : Buffer.concat([this.#held, data]))
  }

  onDrain(): void {
    this.#socket.drain()
    this.touch()
    if (this.out.isBlocked) return
    this.#exchange?.onClientDrained()
    this.#readNext()
  }

  onEnd(): void {
    this.#socket.hasEnded = true
    this.#endInput()
  }

  /** The socket is closed, by either side. */
  onClose(): void {
    this.context.forget(this)
    this.#abandon(CLIENT_GONE)
  }

  onDeadline(): void {
    const exchange = this.#exchange
    if (this.out.isBlocked || this.#socket.hasEnded) this.reset()
    else if (exchange !== undefined) this.reject('body_timeout')
    else if (this.#held === undefined) this.close()
    else this.reject('head_timeout')
  }

  onTunnel(): void {
    const held = this.#held
    this.#held = undefined
    this.resume()
    if (held !== undefined) this.#exchange?.passToUpstream(held)
    if (this.#socket.hasEnded) this.#exchange?.endTunnel()
  }

  /** If the request is not whole, the start of the next one is unknown. */
  onFinished(closes: boolean, isWhole: boolean): void {
    this.#exchange = undefined
    if (closes) return this.#leave(!isWhole || this.#held !== undefined)
    this.touch()
    this.#readNext()
  }

  breakOff(isReset: boolean): void {
    this.#exchange = undefined
    if (isReset) this.reset()
    else this.#leave(false)
  }

  reply(reply: LocalReply, connection: string, hasBody: boolean): void {
    const bytes = encodeReply(reply, connection, hasBody)
    this.out.write(bytes, 0, bytes.length)
  }

  /** Replies with an error and reads no further. @param incoming the request, if its head could be read */
  reject(reason: Rejection, incoming?: Incoming): void {
    const { context, peer } = this
    const exchange = this.#exchange
    const {
      fields,
      route,
      method = OTHER_METHOD,
    } = exchange ?? { ...incoming, method: incoming?.line.method }
    const request = incoming === undefined ? '' : requestLineOf(incoming)
    const [status] = REJECTIONS[reason]
    context.clientMetrics.rejected(reason)
    if (exchange !== undefined) this.#abandon(status, reason)
    else {
      const client = fields === undefined ? { client: peer.address } : clientEntry(fields)
      context.count(method, { ...client, request, route: routeId(route), status, reason }, route?.accessLog)
    }
    if (exchange?.hasHead) return this.reset()
    const problem = rejectionReply(reason)
    const reply = fields === undefined ? problem : routedReply(problem, fields, route, context.errorPages)
    this.reply(reply, connectionLine(true, 1), method !== HEAD)
    this.#leave(true)
  }

  close(): void {
    this.#socket.close()
  }

  /** Closes with a reset. */
  reset(): void {
    this.#socket.reset()
  }

  pause(): void {
    this.#socket.pause()
  }

  resume(): void {
    this.#socket.resume()
    this.touch()
  }

  touch(): void {
    const { clock } = this.context
    const exchange = this.#exchange
    const timeouts = exchange?.timeouts ?? this.context.timeouts
    let ms = timeouts.bodyStallMs
    if (!this.out.isBlocked) {
      if (this.#socket.isLeaving) ms = LINGER_MS
      else if (exchange === undefined)
        ms = this.#isHeadBegun ? timeouts.requestHeaderMs : timeouts.clientIdleMs
      // A half-closed client may have left altogether, and a response without progress would never show it.
      else if (this.#socket.hasEnded && exchange.hasHead) ms = timeouts.bodyStallMs
      // No client deadline while the client waits for the upstream: for its response, or to take more of the body.
      else if (exchange.isRequestDone || this.#socket.isPaused) ms = NEVER
    }
    this.deadlineMs = clock.nowMs + ms
  }

  /** Reads requests as far as possible now, and holds the rest. */
  #read(bytes: Buffer): void {
    this.#held = undefined
    this.#isReading = true
    const end = this.#readFrom(bytes)
    this.#isReading = false
    if (this.#socket.isLeaving) return
    if (end < bytes.length) this.#hold(bytes.subarray(end))
    if (this.#socket.hasEnded) this.#endInput()
  }

  /** @returns the end of the bytes that were read */
  #readFrom(bytes: Buffer): number {
    let at = 0
    while (at < bytes.length && !this.#socket.isLeaving) {
      const exchange = this.#exchange
      if (exchange?.isRequestDone || (exchange === undefined && this.out.isBlocked)) return at
      const from = at
      at = exchange === undefined ? this.#readRequest(bytes, at) : this.#readBody(exchange, bytes, at)
      if (at === from) return at
    }
    return at
  }

  #readBody(exchange: Exchange, bytes: Buffer, from: number): number {
    const end = exchange.readRequest(bytes, from)
    if (!this.#isAccepted(exchange.request, end, exchange.bodyBytes)) return from
    this.touch()
    return end
  }

  /** @returns the end of the head and of the received part of the body; `from` if the head is incomplete */
  #readRequest(bytes: Buffer, from: number): number {
    const { context } = this
    const { incoming } = context
    const headResult = readRequest(incoming, context.fields, this.peer, bytes, from)
    if (headResult === 'incomplete') return from
    this.#isHeadBegun = false
    const result = headResult ?? this.filter(incoming)
    if (typeof result === 'string') {
      this.reject(result, headResult === undefined ? incoming : undefined)
      return from
    }
    const exchange = result === undefined ? new Exchange(context, this, incoming) : undefined
    this.#exchange = exchange
    const body = exchange?.request ?? Body.ofRequest(incoming.fields.framing, NO_CHUNKS)
    // Read before anything is sent, so that no part of a request rejected here reaches an upstream.
    const end = body.read(bytes, incoming.end, bytes.length)
    if (!this.#isAccepted(body, end, bodyLimit(incoming), incoming)) return from
    if (result !== undefined) this.#replyTo(incoming, result, body, end)
    exchange?.send(incoming)
    if (!this.#socket.isLeaving) this.touch()
    return end
  }

  /** Whether the body follows the grammar and the limit; otherwise the request is rejected. */
  #isAccepted(body: Body, end: number, limit: number, incoming?: Incoming): boolean {
    if (end === -1) this.reject('chunk', incoming)
    else if (body.bytes > limit) this.reject('body_size', incoming)
    else return true
    return false
  }

  #replyTo(incoming: Incoming, reply: LocalReply, body: Body, end: number): void {
    const { context } = this
    const { line, fields, route } = incoming
    const isHead = line.method === HEAD
    const hasMore = end < incoming.bytes.length
    const isLast = this.#socket.hasEnded && !hasMore
    const closes = !fields.isPersistent || !body.isDone || context.isLameDuck || isLast
    const routed = routedReply(reply, fields, route, context.errorPages)
    this.reply(routed, connectionLine(closes, line.minor), !isHead)
    const entry = {
      ...clientEntry(fields),
      request: requestLineOf(incoming),
      route: routeId(route),
      status: reply.status,
      received_bytes: body.bytes,
      sent_bytes: isHead ? 0 : routed.body.length,
    }
    context.count(line.method, entry, route?.accessLog)
    if (closes) this.#leave(!body.isDone || hasMore)
  }

  /** The client has half-closed: drops a partial request, responds to a complete one. */
  #endInput(): void {
    const exchange = this.#exchange
    if (exchange === undefined) {
      if (!this.out.isBlocked) this.#leave(false)
    } else if (!exchange.isRequestDone) this.close()
    else {
      if (exchange.isTunnel) exchange.endTunnel()
      else if (!exchange.hasHead && exchange.minor === 1) this.#socket.probe()
      this.touch()
    }
  }

  #readNext(): void {
    if (this.#isReading || this.#exchange !== undefined) return
    const held = this.#held
    if (held !== undefined) {
      this.resume()
      this.#read(held)
    } else if (this.#socket.hasEnded) this.#leave(false)
  }

  #hold(bytes: Buffer): void {
    this.#held = bytes
    if (this.#exchange !== undefined) {
      if (bytes.length > this.context.limits.headersBytes) this.pause()
    } else if (!this.#isHeadBegun) {
      // The time for a head is absolute: further bytes do not extend it.
      this.#isHeadBegun = true
      this.touch()
    }
  }

  #leave(lingers: boolean): void {
    this.#held = undefined
    this.#socket.leave(lingers)
    this.touch()
  }

  #abandon(status: number, reason?: Rejection): void {
    const exchange = this.#exchange
    this.#exchange = undefined
    exchange?.abandon(status, reason)
  }
}
