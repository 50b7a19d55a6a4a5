/**
 * A connection to a target: it sends requests, parses responses and passes them to the listener of the request. It
 * serves one request at a time. Bytes that arrive while it serves none, or after the end of a response, close it.
 */
import type { Socket, TCPSocketConnectOptions } from 'bun'
import { type Address, alternativesOf } from '../config/address.ts'
import type { ClientTls } from '../config/tls.ts'
import type { BlockCache } from '../http1/block_cache.ts'
import { END_OF_FIELDS, hasBareLf } from '../http1/bytes.ts'
import { readResponseHead, type ResponseHead, type ResponseRule } from '../http1/response_head.ts'
import { isOffered } from '../http1/upgrade.ts'
import { type Context, KEEP_ALIVE_MS, NEVER } from '../io/context.ts'
import { lacksFiles } from '../io/files.ts'
import { WriteQueue } from '../io/write_queue.ts'
import type { Failure } from './failure_responses.ts'
import type { UpstreamMetrics } from './metrics.ts'
import type { ResponseListener } from './response_listener.ts'
import { handlers, type SocketOwner, tlsHandlers } from './socket_handlers.ts'
import { tlsOptions } from './tls_options.ts'

/** More interim responses than this before one response are a fault. */
const MAX_INTERIM = 16

/** The objects that all connections to an upstream share. */
export interface UpstreamShared {
  readonly context: Context
  readonly blockCache: BlockCache<ResponseHead>
  readonly metrics: UpstreamMetrics
  readonly tls: ClientTls | undefined
}

/** The target of a connection. */
export interface ConnectionOwner {
  readonly address: Address
  /** Its address in logs. */
  readonly name: string
  readonly shared: UpstreamShared
  /** A new connection is open. */
  onOpen(): void
  /** The TLS handshake of a new connection has failed. */
  onHandshakeFailed(code: string): void
  /** A connection has become a tunnel. */
  onTunnel(): void
  /** The connection can serve another request. */
  release(connection: UpstreamConnection): void
  /** The connection is closed. */
  remove(connection: UpstreamConnection): void
  /** A request got its response. */
  succeeded(): void
  /** A request got no response, or not all of it, and the target is at fault. */
  failed(): void
}

export class UpstreamConnection implements SocketOwner {
  readonly out = new WriteQueue()
  isTunnel = false
  /** Whether it has served a request before, so the target may have closed it meanwhile. */
  isReused = false
  /** Whether a byte was received for the current request. */
  bytesReceived = false
  deadlineMs = NEVER
  #socket: Socket<unknown> | undefined
  #startedMs = 0
  /** Addresses of the target that were not tried yet. */
  #others: readonly Address[] = []
  #isClosed = false
  #listener: ResponseListener | undefined
  /** The beginning of a head. */
  #held: Buffer | undefined
  #interim = 0
  #isPaused = false
  #ends = false

  constructor(readonly target: ConnectionOwner) {}

  /** Opens the connection, to the first of the target's addresses that accepts it. */
  connect(): void {
    this.#startedMs = performance.now()
    this.#connectTo(alternativesOf(this.target.address))
  }

  #connectTo([address, ...others]: readonly Address[]): void {
    const tls = tlsOptions(address!, this.target.shared.tls)
    const options = {
      ...address,
      socket: tls === undefined ? handlers : tlsHandlers,
      ...(tls === undefined ? {} : { tls }),
      data: this,
    } as TCPSocketConnectOptions<UpstreamConnection>
    this.#others = others
    // Bun calls a handler for a failure and rejects the promise as well, or does one of the two.
    const onFailure = () => void (this.#others === others && this.onConnectError())
    // Deferred: for a path without a socket Bun calls the handlers before `connect` returns.
    queueMicrotask(() => void Bun.connect(options).catch(onFailure))
  }

  /** An address refuses: tries the next one. */
  onConnectError(): void {
    if (this.#others.length === 0 || this.#isClosed) return this.onClose()
    this.#connectTo(this.#others)
  }

  /** Starts to serve the request of this listener, which then writes it and calls `touch`. */
  serve(listener: ResponseListener | undefined): void {
    this.#listener = listener
    this.#interim = 0
    this.bytesReceived = false
    this.out.hasSent = false
  }

  /** Progress was made: sets the deadline for the next step. */
  touch(): void {
    const { context } = this.target.shared
    const { clock } = context
    const listener = this.#listener
    const timeouts = listener?.timeouts ?? context.timeouts
    if (this.#socket === undefined) this.deadlineMs = clock.nowMs + timeouts.connectMs
    else if (listener === undefined) this.deadlineMs = clock.nowMs + timeouts.poolIdleMs
    else if (this.isTunnel) this.deadlineMs = clock.nowMs + timeouts.tunnelIdleMs
    else if (this.out.isBlocked) this.deadlineMs = clock.nowMs + timeouts.bodyStallMs
    // The time for the response starts once the target has the whole request: a slow upload is not its fault.
    else if (listener.isRequestDone && !listener.hasHead)
      this.deadlineMs = clock.nowMs + timeouts.responseHeaderMs
    else this.deadlineMs = NEVER
  }

  onOpen(socket: Socket<unknown>): void {
    if (this.#isClosed) return void socket.terminate()
    const { metrics } = this.target.shared
    metrics.connects.ok.inc()
    metrics.connectSeconds.observe((performance.now() - this.#startedMs) / 1000)
    if (!('unix' in this.target.address)) socket.setKeepAlive(true, KEEP_ALIVE_MS)
    this.#socket = socket
    this.out.open(socket)
    this.target.onOpen()
    this.touch()
    if (!this.out.isBlocked) this.#listener?.onUpstreamDrained()
  }

  onHandshake(socket: Socket<unknown>, isDone: boolean, error: Error | null): void {
    if (isDone) return this.onOpen(socket)
    this.target.onHandshakeFailed((error as NodeJS.ErrnoException | null)?.code ?? 'unknown')
    this.onClose()
    socket.terminate()
  }

  onData(data: Buffer): void {
    const listener = this.#listener
    if (listener === undefined) return this.close()
    this.bytesReceived = true
    if (this.isTunnel) {
      this.touch()
      return listener.passToClient(data, 0)
    }
    let bytes = data
    if (this.#held !== undefined) {
      bytes = Buffer.concat([this.#held, data])
      this.#held = undefined
    }
    let at = 0
    while (!listener.hasHead) {
      const end = bytes.indexOf(END_OF_FIELDS, at) + END_OF_FIELDS.length
      if (end < END_OF_FIELDS.length) return this.#hold(bytes, at)
      const head = this.#readHead(bytes, at, end)
      if (typeof head === 'string') return this.failMalformed(head)
      if (head.status >= 200 || head.status === 101) {
        if (!isRequested(head, listener)) return this.failMalformed('upgrade')
        return listener.onResponse(head, bytes, at, end)
      }
      if (++this.#interim > MAX_INTERIM) return this.failMalformed('interim')
      listener.onInterim(head)
      at = end
    }
    listener.passToClient(bytes, at)
  }

  onDrain(): void {
    this.out.drain()
    this.touch()
    if (this.out.isBlocked) return
    if (this.#ends) this.#socket?.shutdown()
    this.#listener?.onUpstreamDrained()
  }

  onClose(error?: Error): void {
    if (this.#isClosed) return
    this.#isClosed = true
    this.target.remove(this)
    const listener = this.#listener
    this.#listener = undefined
    if (this.#socket !== undefined) return listener?.onUpstreamClosed('gone', error)
    this.target.shared.metrics.connects.failed.inc()
    listener?.onUpstreamClosed(lacksFiles() ? 'no_files' : 'unreachable')
  }

  onDeadline(): void {
    if (this.#listener === undefined) return this.close()
    if (this.#socket !== undefined) return this.fail('answer_timeout')
    this.target.shared.metrics.connects.timeout.inc()
    this.fail('connect_timeout')
  }

  /** The response is complete: returns the connection to the pool. */
  release(): void {
    this.#listener = undefined
    this.isReused = true
    this.touch()
    this.resume()
    this.target.release(this)
  }

  /** Closes the connection without a call to its listener. */
  close(): void {
    if (this.#isClosed) return
    this.#isClosed = true
    this.target.remove(this)
    // A reset stops the target's work on the request; an idle connection has none.
    if (this.#listener !== undefined) this.#socket?.terminate()
    else {
      // With TLS, `end` alone waits until the target closes, too.
      this.#socket?.shutdown()
      this.#socket?.end()
    }
    this.#listener = undefined
  }

  /** Closes the gateway's half once everything is sent. */
  end(): void {
    this.#ends = true
    if (!this.out.isBlocked) this.#socket?.shutdown()
  }

  /** Closes the connection and tells its listener why. */
  fail(failure: Failure): void {
    const listener = this.#listener
    this.close()
    listener?.onUpstreamClosed(failure)
  }

  /** An exception, which is a bug in the gateway. */
  onError(error: Error): void {
    const { log } = this.target.shared.context
    log.error({ err: error }, 'a bug in the gateway: the connection to the upstream is closed')
    this.fail('malformed')
  }

  /** The response breaks a rule: counts it and fails. */
  failMalformed(rule: ResponseRule): void {
    this.target.shared.metrics.rejections[rule].inc()
    this.#listener?.onMalformed(rule)
    this.fail('malformed')
  }

  /** From now on all bytes pass unread. */
  startTunnel(): void {
    this.isTunnel = true
    this.target.onTunnel()
    this.touch()
  }

  /** The target fails its checks: moves a waiting request to another target if that is allowed. */
  onTargetDown(): void {
    if (this.#listener?.onTargetDown()) this.close()
  }

  pause(): void {
    this.#isPaused = true
    this.#socket?.pause()
  }

  resume(): void {
    if (!this.#isPaused) return
    this.#isPaused = false
    this.#socket?.resume()
  }

  #readHead(bytes: Buffer, from: number, to: number): ResponseHead | ResponseRule {
    const { blockCache, context } = this.target.shared
    const known = blockCache.find(bytes, from, to)
    if (known !== undefined) return known
    if (to - from > context.limits.responseHeadersBytes) return 'fields_size'
    const head = readResponseHead(bytes, from, to, context.responseFields)
    if (typeof head !== 'string' && head.status >= 200) blockCache.keep(head)
    return head
  }

  #hold(bytes: Buffer, at: number): void {
    const rest = bytes.length - at
    if (rest > this.target.shared.context.limits.responseHeadersBytes)
      return this.failMalformed('fields_size')
    if (hasBareLf(bytes, at)) return this.failMalformed('field')
    this.#held = rest === 0 ? undefined : bytes.subarray(at)
  }
}

/** Whether a 101 switches to protocols that the client offered, after a whole request. Other responses pass. */
const isRequested = ({ status, upgrade = [] }: ResponseHead, listener: ResponseListener): boolean =>
  status !== 101 || (listener.isRequestDone && isOffered(upgrade, listener.upgrade))
