/**
 * One request that is forwarded, and its answer: what the client's connection and the upstream's have to do with each
 * other. Both bodies stream, each side is read only as fast as the other one is written, and either may end first.
 */
import type { AccessLogEntry } from './access_log.ts'
import type { AnswerHead } from './answer_head.ts'
import { Body, CHUNKS, gatherPieces, NO_CHUNKS } from './body.ts'
import type { ClientConnection } from './client.ts'
import { CHUNKED, NO_LENGTH } from './framing.ts'
import { fill, flush, gather, room } from './gather.ts'
import {
  connectionLine,
  EMPTY_LINE,
  gatherChunk,
  gatherHead,
  gatherRequestLine,
  LAST_CHUNK,
} from './compose.ts'
import type { Gateway } from './gateway.ts'
import { HEAD, isIdempotent, METHODS } from './methods.ts'
import { NO_ANSWER } from './metrics.ts'
import { problemAnswer } from './own_answers.ts'
import type { Incoming } from './passes.ts'
import { type Cause, CLIENT_GONE, type Failure, FAILURES, UpstreamFailure } from './refusals.ts'
import { askedFor } from './request.ts'
import type { RequestFields } from './request_fields.ts'
import { Sending } from './sending.ts'
import { MAX_ID_FIELDS_BYTES, writeIds, writtenRequestId } from './trace_ids.ts'
import type { Upstream } from './upstream.ts'

const UPSTREAM_FAILURE = new UpstreamFailure()

export class Exchange {
  readonly request: Body
  readonly fields: RequestFields
  readonly upstream: Upstream
  readonly sending: Sending
  readonly routeId: string
  readonly isHead: boolean
  readonly minor: number
  status = NO_ANSWER
  isTunnel = false
  closes: boolean
  answer: Body | undefined
  #head: AnswerHead | undefined
  #rechunks = false
  #headMs = 0
  /** For the log: the request line, and the id that the upstream got. */
  #asked = ''
  #requestId = ''
  #isOver = false
  #reason: Cause | Failure | undefined
  readonly #measured

  constructor(
    readonly gateway: Gateway,
    readonly client: ClientConnection,
    incoming: Incoming,
  ) {
    const { line, fields, route } = incoming
    this.fields = fields
    this.upstream = route!.forward!.upstream
    this.routeId = route!.id
    this.isHead = line.method === HEAD
    this.minor = line.minor
    this.closes = !fields.isPersistent
    this.request = Body.ofRequest(fields.framing, fields.chunks)
    if (gateway.accessLog.isOn) this.#asked = askedFor(incoming)
    this.#measured = gateway.metrics.http.begin(METHODS[line.method]!)
    this.sending = Sending.of(this, isIdempotent(line.method), this.#measured.startedMs)
  }

  get hasHead(): boolean {
    return this.#head !== undefined
  }

  /** Sends the head, and what `request` has just read of the body. */
  send(incoming: Incoming): void {
    const { upstream } = this
    const out = this.sending
    gatherRequestLine(out, incoming)
    const { forward, host, requestId, hasTraceparent } = this.fields
    if (host === '') gather(out, upstream.hostLine, 0, upstream.hostLine.length)
    gather(out, forward, 0, forward.length)
    const { buffer, at } = room(out, MAX_ID_FIELDS_BYTES)
    fill(writeIds(buffer, at, requestId !== undefined, hasTraceparent))
    if (this.gateway.accessLog.isOn) this.#requestId = requestId ?? writtenRequestId(buffer, at)
    gather(out, EMPTY_LINE, 0, EMPTY_LINE.length)
    this.#gatherBody(incoming.bytes)
    out.begin()
    if (!this.#isOver) this.#awaitUpstream()
  }

  /**
   * Takes what belongs to the request's body.
   * @returns where it ends or the bytes do; -1 where they are outside the grammar.
   */
  takeRequest(bytes: Buffer, from: number): number {
    const end = this.request.read(bytes, from, bytes.length)
    if (end === -1 || this.request.bytes > this.gateway.limits.bodyBytes) return end
    this.#gatherBody(bytes)
    this.#awaitUpstream()
    return end
  }

  /** Everything of a tunnel goes on as it is. */
  passToUpstream(bytes: Buffer): void {
    this.sending.write(bytes, 0, bytes.length)
    if (this.sending.isBlocked) this.client.pause()
  }

  /** An answer before the answer. HTTP/1.0 knows none. */
  onInterim({ forward }: AnswerHead): void {
    if (this.minor === 0) return
    const { out } = this.client
    gather(out, forward, 0, forward.length)
    gather(out, EMPTY_LINE, 0, EMPTY_LINE.length)
    flush(out)
  }

  /** The head of the answer, in `bytes` from `from` to `to`, and whatever came behind it. */
  onAnswer(head: AnswerHead, bytes: Buffer, from: number, to: number): void {
    const { client, minor } = this
    const framing = this.isHead || head.status === 204 || head.status === 304 ? 0 : head.framing
    const isUnframed = framing === NO_LENGTH && head.status !== 101
    if (!this.request.isDone || this.gateway.isLameDuck || client.isLast) this.closes = true
    if (minor === 0 && (isUnframed || framing === CHUNKED)) this.closes = true
    this.#rechunks = isUnframed && minor === 1
    const chunks = this.fields.takesTrailers ? head.chunks : CHUNKS
    const answer = new Body(framing, minor === 1 ? chunks : NO_CHUNKS)
    const end = head.status === 101 ? to : answer.read(bytes, to, bytes.length)
    if (end === -1) return this.sending.connection!.fail('malformed')

    this.sending.onAnswer()
    this.#head = head
    this.answer = answer
    this.#begin(head.status)
    const { out } = client
    const isVerbatim = head.isVerbatim && head.hasDate && !this.closes && minor === 1 && !this.#rechunks
    const { pieces } = answer
    if (isVerbatim && (pieces.length === 0 || (pieces.length === 2 && pieces[0] === to))) {
      out.write(bytes, from, pieces[1] ?? to)
      pieces.length = 0
    } else if (isVerbatim) gather(out, bytes, from, to)
    else gatherHead(out, head, { closes: this.closes, minor, rechunks: this.#rechunks })
    this.sending.connection!.touch()
    if (head.status === 101) return this.#openTunnel(bytes, to)
    this.#passAnswer(bytes, end)
  }

  passToClient(bytes: Buffer, from: number): void {
    const { answer, client } = this
    if (this.isTunnel) {
      client.out.write(bytes, from, bytes.length)
      client.touch()
      if (client.out.isBlocked) this.sending.connection!.pause()
      return
    }
    const end = answer!.read(bytes, from, bytes.length)
    if (end === -1) return this.sending.connection!.fail('malformed')
    this.#passAnswer(bytes, end)
  }

  /** The client takes more. */
  onClientDrained(): void {
    this.sending.connection?.resume()
  }

  /** The upstream takes more. */
  onUpstreamDrained(): void {
    this.client.resume()
  }

  /** The connection is gone without our doing; with an error it was reset. */
  onUpstreamClosed(failure: Failure, error?: Error): void {
    if (!this.hasHead) {
      if (!this.sending.resend(failure)) this.fail(failure)
      return
    }
    const { target } = this.sending.connection!
    this.sending.connection = undefined
    if (this.isTunnel) return this.#finish(true)
    if (this.answer!.isOpenEnded && error === undefined && failure === 'gone') {
      target.health.succeeded()
      if (this.#rechunks) this.client.out.write(LAST_CHUNK, 0, LAST_CHUNK.length)
      return this.#finish(this.closes)
    }
    target.failed()
    // The client must see that it is not whole: by a length that is not reached, a chunk that is missing, or a reset.
    this.#account()
    this.client.breakOff(this.answer!.isOpenEnded && this.minor === 0)
  }

  /** The client is gone, or was refused in the middle of its body: nobody waits for the answer. */
  abandon(status: number, reason?: Cause): void {
    this.#reason = reason
    if (!this.hasHead) this.#begin(status)
    if (status === CLIENT_GONE) this.gateway.metrics.aborts.inc()
    this.sending.connection?.close()
    this.#account()
  }

  #gatherBody(bytes: Buffer): void {
    gatherPieces(this.sending, bytes, this.request)
    flush(this.sending)
  }

  /** Nothing more is read than the upstream takes. */
  #awaitUpstream(): void {
    const { isBlocked, connection } = this.sending
    if (isBlocked || this.request.isDone) connection?.touch()
    if (isBlocked && !this.request.isDone) this.client.pause()
  }

  #passAnswer(bytes: Buffer, end: number): void {
    const { client, answer } = this
    if (this.#rechunks) gatherChunk(client.out, bytes, answer!.pieces)
    else gatherPieces(client.out, bytes, answer!)
    flush(client.out)
    if (answer!.isDone) return this.#finishAnswer(end < bytes.length)
    client.touch()
    if (client.out.isBlocked) this.sending.connection!.pause()
  }

  #openTunnel(bytes: Buffer, from: number): void {
    const { client } = this
    flush(client.out)
    this.sending.connection!.target.health.succeeded()
    this.isTunnel = true
    if (from < bytes.length) this.passToClient(bytes, from)
    client.onTunnel()
  }

  /** The answer is whole. Whether the connection serves another one depends on both sides having kept to the rules. */
  #finishAnswer(hasExtra: boolean): void {
    const connection = this.sending.connection!
    this.sending.connection = undefined
    connection.target.health.succeeded()
    const isClean = !hasExtra && this.request.isDone && !connection.out.isBlocked
    if (isClean && this.#head!.isPersistent) connection.release()
    else connection.close()
    this.#finish(this.closes)
  }

  #finish(closes: boolean): void {
    this.#account()
    this.client.onAnswered(closes, this.request.isDone)
  }

  /** There is no answer, and there will be none. */
  fail(failure: Failure): void {
    const [status, detail] = FAILURES[failure]
    const text = `${this.upstream.name} ${detail}`
    this.#reason = failure
    this.gateway.metrics.http.exception(this.routeId, UPSTREAM_FAILURE)
    const closes = this.closes || !this.request.isDone || this.gateway.isLameDuck || this.client.isLast
    this.#begin(status)
    this.#account()
    this.client.answer(problemAnswer(status, text), connectionLine(closes, this.minor), !this.isHead)
    this.client.onAnswered(closes, this.request.isDone)
  }

  /** The head of the answer is there, or the client's leaving is all there is: where the request ends for metrics. */
  #begin(status: number): void {
    const { metrics } = this.gateway
    this.status = status
    this.#headMs = performance.now()
    metrics.http.end(this.#measured, this.routeId, status)
    if (this.hasHead) metrics.answered(this.upstream, status, this.sending.seconds)
  }

  #account(): void {
    this.#isOver = true
    this.sending.end()
    this.gateway.metrics.passed(this.routeId, this.request.bytes, this.answer?.bytes ?? 0)
    const { accessLog } = this.gateway
    if (accessLog.takes(this.status)) accessLog.add(this.#entry())
  }

  #entry(): AccessLogEntry {
    return {
      client: this.client.peer.address,
      request: this.#asked,
      route: this.routeId,
      status: this.status,
      // To the microsecond: the rest of the digits is noise.
      seconds: Number(((this.#headMs - this.#measured.startedMs) / 1000).toFixed(6)),
      received_bytes: this.request.bytes,
      sent_bytes: this.answer?.bytes ?? 0,
      request_id: this.#requestId,
      ...(this.#reason === undefined ? {} : { reason: this.#reason }),
    }
  }
}
