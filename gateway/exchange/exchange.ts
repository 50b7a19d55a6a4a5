/**
 * One forwarded request and its response: connects the client's connection with an upstream request. Both bodies stream;
 * back-pressure works in both directions, and either side may end first.
 */
import type { Timeouts } from '../config/limits.ts'
import { Body, CHUNKS, DATA } from '../http1/body.ts'
import { CHUNKED, NO_LENGTH } from '../http1/framing.ts'
import { HEAD, isIdempotent, POST } from '../http1/methods.ts'
import type { Rejection } from '../http1/rejections.ts'
import type { ResponseHead, ResponseRule } from '../http1/response_head.ts'
import { coalesce, flush } from '../io/coalesce.ts'
import type { RequestFields } from '../forward/request_fields.ts'
import type { HeaderValues } from '../routing/header_rules.ts'
import { problemReply } from '../routing/local_reply.ts'
import type { Incoming } from '../routing/request_filters.ts'
import type { Forward, Route } from '../routing/route.ts'
import { routedReply } from '../routing/routed_reply.ts'
import { type Failure, FAILURES } from '../upstream/failure_responses.ts'
import type { Upstream } from '../upstream/upstream.ts'
import {
  connectionLine,
  EMPTY_LINE,
  LAST_CHUNK,
  writeChunk,
  writePieces,
  writeRequestHead,
  writeResponseHead,
} from './compose.ts'
import type { Downstream, ExchangeContext } from './downstream.ts'
import { CLIENT_GONE, ExchangeRecord } from './record.ts'
import { UpstreamRequest, type UpstreamRequestListener } from './upstream_request.ts'

export class Exchange implements UpstreamRequestListener {
  readonly request: Body
  readonly method: number
  readonly minor: number
  readonly fields: RequestFields
  readonly route: Route
  isTunnel = false
  readonly #upstream: Upstream
  readonly #upstreamRequest: UpstreamRequest
  readonly #record: ExchangeRecord
  #closes: boolean
  #head: ResponseHead | undefined
  #response: Body | undefined
  #rechunks = false
  #isOver = false

  constructor(
    readonly context: ExchangeContext,
    readonly client: Downstream,
    incoming: Incoming,
  ) {
    const { line, fields, route } = incoming
    this.method = line.method
    this.fields = fields
    this.route = route!
    this.#upstream = context.upstream(this.#forward.upstream)
    this.minor = line.minor
    this.#closes = !fields.isPersistent
    this.request = Body.ofRequest(fields.framing, fields.chunks)
    this.#record = new ExchangeRecord(context, incoming)
    const { startedMs } = this.#record
    this.#upstreamRequest = UpstreamRequest.take(
      this,
      this.#upstream,
      isIdempotent(line.method) || (line.method === POST && fields.hasIdempotencyKey),
      this.#forward.retries,
      startedMs,
    )
  }

  get #forward(): Forward {
    return this.route.forward!
  }

  get #isHead(): boolean {
    return this.method === HEAD
  }

  /** The most bytes of the request's body. */
  get bodyBytes(): number {
    return this.route.bodyBytes
  }

  get hasHead(): boolean {
    return this.#head !== undefined
  }

  get isRequestDone(): boolean {
    return this.request.isDone
  }

  get timeouts(): Timeouts {
    return this.#forward.timeouts
  }

  get upgrade(): string[] | undefined {
    return this.fields.upgrade
  }

  /** Sends the head, and the part of the body that `request` has just read. */
  send(incoming: Incoming): void {
    if (this.upgrade !== undefined && !this.#upstream.hasTunnelRoom) return this.fail('tunnel_limit')
    const out = this.#upstreamRequest
    writeRequestHead(out, incoming, this.#upstream.hostLine, this.#record)
    this.#writeBody(incoming.bytes)
    out.begin()
    if (!this.#isOver) this.#awaitUpstream()
  }

  /**
   * Reads and forwards bytes of the request's body.
   * @returns the end of the body or of the bytes; -1 if they are outside the grammar.
   */
  readRequest(bytes: Buffer, from: number): number {
    const end = this.request.read(bytes, from, bytes.length)
    if (end === -1 || this.request.bytes > this.bodyBytes) return end
    this.#writeBody(bytes)
    this.#awaitUpstream()
    return end
  }

  /** Forwards bytes of a tunnel. */
  passToUpstream(bytes: Buffer): void {
    this.#upstreamRequest.write(bytes, 0, bytes.length)
    this.#upstreamRequest.connection?.touch()
    if (this.#upstreamRequest.isBlocked) this.client.pause()
  }

  /** The client of a tunnel has half-closed: so does the gateway. */
  endTunnel(): void {
    this.#upstreamRequest.connection?.end()
  }

  /** HTTP/1.0 has no interim responses. */
  onInterim({ forward }: ResponseHead): void {
    if (this.minor === 0) return
    const { out } = this.client
    coalesce(out, forward, 0, forward.length)
    coalesce(out, EMPTY_LINE, 0, EMPTY_LINE.length)
    flush(out)
  }

  onResponse(head: ResponseHead, bytes: Buffer, from: number, to: number): void {
    const { client, minor } = this
    const framing = this.#isHead || head.status === 204 || head.status === 304 ? 0 : head.framing
    const isUnframed = framing === NO_LENGTH && head.status !== 101
    if (!this.request.isDone || this.context.isLameDuck || client.isLast) this.#closes = true
    if (minor === 0 && (isUnframed || framing === CHUNKED)) this.#closes = true
    this.#rechunks = isUnframed && minor === 1
    const chunks = this.fields.takesTrailers ? head.chunks : CHUNKS
    const response = new Body(framing, minor === 1 ? chunks : DATA)
    const end = head.status === 101 ? to : response.read(bytes, to, bytes.length)
    if (end === -1) return this.#upstreamRequest.connection!.failMalformed('chunk')
    if (head.status === 101 && !this.#upstream.hasTunnelRoom) {
      this.#upstreamRequest.connection!.close()
      return this.fail('tunnel_limit')
    }
    this.#head = head
    this.#response = response
    this.#record.onStatus(head.status)
    this.#upstreamRequest.onResponse(head.status)
    const { out } = client
    const closes = this.#closes
    const isUnchanged = this.route.responseHeaders === undefined && !this.#rechunks
    const isVerbatim = head.isVerbatim && head.hasDate && !closes && minor === 1 && isUnchanged
    const { pieces } = response
    if (isVerbatim && pieces.length <= 2) {
      out.write(bytes, from, pieces[1] ?? to)
      pieces.length = 0
    } else if (isVerbatim) coalesce(out, bytes, from, to)
    else this.#writeHead(head)
    this.#upstreamRequest.connection!.touch()
    if (head.status === 101) return this.#openTunnel(bytes, to)
    this.#passResponse(bytes, end)
  }

  passToClient(bytes: Buffer, from: number): void {
    const { client } = this
    const { connection } = this.#upstreamRequest
    if (this.isTunnel) {
      client.out.write(bytes, from, bytes.length)
      client.touch()
      if (client.out.isBlocked) connection!.pause()
      return
    }
    const end = this.#response!.read(bytes, from, bytes.length)
    if (end === -1) return connection!.failMalformed('chunk')
    this.#passResponse(bytes, end)
  }

  /** The client takes more bytes. */
  onClientDrained(): void {
    this.#upstreamRequest.connection?.resume()
  }

  onUpstreamDrained(): void {
    this.client.resume()
  }

  onUpstreamClosed(failure: Failure, error?: Error): void {
    const upstreamRequest = this.#upstreamRequest
    if (!this.hasHead) {
      if (!upstreamRequest.retry(failure)) this.fail(failure)
      return
    }
    const connection = upstreamRequest.connection!
    if (this.isTunnel) return this.#finish(true)
    const response = this.#response!
    if (response.isOpenEnded && error === undefined && failure === 'gone') {
      connection.target.succeeded()
      if (this.#rechunks) this.client.out.write(LAST_CHUNK, 0, LAST_CHUNK.length)
      return this.#finish(this.#closes)
    }
    connection.target.failed()
    // The client notices by the length, by the missing last chunk, or else by a reset.
    this.#endRecord()
    this.client.breakOff(response.isOpenEnded && this.minor === 0)
  }

  onMalformed(rule: ResponseRule): void {
    this.#record.rule = rule
  }

  onTargetDown(): boolean {
    return this.#upstreamRequest.moveToOtherTarget()
  }

  /** The client is gone, or its body was rejected: the response is not needed. */
  abandon(status: number, reason?: Rejection): void {
    this.#record.reason = reason
    if (!this.hasHead) this.#record.onStatus(status)
    if (status === CLIENT_GONE) this.context.exchangeMetrics.aborts.inc()
    this.#upstreamRequest.connection?.close()
    this.#endRecord()
  }

  /** There is no response: sends an error. */
  fail(failure: Failure): void {
    const [status, detail] = FAILURES[failure]
    const { client, request } = this
    this.#record.onFailure(failure)
    this.#record.onStatus(status)
    const closes = this.#closes || !request.isDone || this.context.isLameDuck || client.isLast
    this.#endRecord()
    const problem = problemReply(status, `${this.#upstream.name} ${detail}`)
    const reply = routedReply(
      problem,
      this.fields,
      this.route,
      this.context.errorPages,
      this.#record.requestId,
    )
    client.reply(reply, connectionLine(closes, this.minor), !this.#isHead)
    client.onFinished(closes, request.isDone)
  }

  #writeHead(head: ResponseHead): void {
    const rules = this.route.responseHeaders
    writeResponseHead(this.client.out, head, {
      closes: this.#closes,
      minor: this.minor,
      rechunks: this.#rechunks,
      ...(rules === undefined ? {} : { rules, values: this.#values() }),
    })
  }

  #values(): HeaderValues {
    const { host, client } = this.fields
    return { host, client, request_id: this.#record.requestId }
  }

  #writeBody(bytes: Buffer): void {
    writePieces(this.#upstreamRequest, bytes, this.request)
    flush(this.#upstreamRequest)
  }

  /** Reads no more from the client than the upstream takes. */
  #awaitUpstream(): void {
    const { isBlocked, connection } = this.#upstreamRequest
    if (isBlocked || this.request.isDone) connection?.touch()
    if (isBlocked && !this.request.isDone) this.client.pause()
  }

  #passResponse(bytes: Buffer, end: number): void {
    const { client } = this
    const response = this.#response!
    if (this.#rechunks) writeChunk(client.out, bytes, response.pieces)
    else writePieces(client.out, bytes, response)
    flush(client.out)
    if (response.isDone) return this.#finishResponse(end < bytes.length)
    client.touch()
    if (client.out.isBlocked) this.#upstreamRequest.connection!.pause()
  }

  #openTunnel(bytes: Buffer, from: number): void {
    const { client } = this
    flush(client.out)
    this.#upstreamRequest.connection!.target.succeeded()
    this.isTunnel = true
    this.#upstreamRequest.connection!.startTunnel()
    if (from < bytes.length) this.passToClient(bytes, from)
    client.onTunnel()
  }

  /** The response is complete. The connection is reused only if both messages ended where they should. */
  #finishResponse(hasExtra: boolean): void {
    const connection = this.#upstreamRequest.connection!
    connection.target.succeeded()
    const isClean = !hasExtra && this.request.isDone && !connection.out.isBlocked
    if (isClean && this.#head!.isPersistent) connection.release()
    else connection.close()
    this.#finish(this.#closes)
  }

  #finish(closes: boolean): void {
    this.#endRecord()
    this.client.onFinished(closes, this.request.isDone)
  }

  #endRecord(): void {
    this.#isOver = true
    const { target } = this.#upstreamRequest
    this.#upstreamRequest.end()
    this.#record.finish(this.request.bytes, this.#response?.bytes ?? 0, target)
  }
}
