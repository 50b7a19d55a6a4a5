/**
 * Sends a request to an upstream and gives back its answer as it comes: both bodies are streams. It knows one
 * address and fetch; which upstream a request goes to is decided before (routes.ts), what a failure looks like to
 * the client after (failure.ts).
 */
import { limitedBody } from './body.ts'
import { Deadline } from './deadline.ts'
import { ClientGone, Refusal, UpstreamTimeout, UpstreamUnreachable } from './failure.ts'
import type { GatewayFile, UpstreamConfig } from './file.ts'
import { endToEnd, upstreamHeaders } from './headers.ts'
import { type GatewayMetrics, NO_ANSWER } from './metrics.ts'

/** Below the services' 75 s, so that a request never meets a connection that they just close. */
const POOL_IDLE_SECONDS = 30

export class Upstream {
  readonly #session = new Bun.FetchSession({ keepAlive: { idleTimeout: POOL_IDLE_SECONDS }, proxy: false })

  constructor(
    readonly config: UpstreamConfig,
    readonly limits: Pick<GatewayFile, 'responseHeaderMs' | 'bodyBytes'>,
    readonly metrics: GatewayMetrics,
  ) {}

  /**
   * Resolves when the head of the answer is there. A client that leaves, then or later, ends the upstream's work.
   * @throws {Refusal} or another of failure.ts.
   */
  async forward(
    request: Request,
    pathAndQuery: string,
    clientAddress: string | undefined,
  ): Promise<Response> {
    const { name, target } = this.config
    const { responseHeaderMs, bodyBytes } = this.limits
    const abort = new AbortController()
    request.signal.addEventListener('abort', () => {
      this.metrics.clientAborted()
      abort.abort(new ClientGone('The client is gone'))
    })
    const deadline = new Deadline(responseHeaderMs, () =>
      abort.abort(new UpstreamTimeout(`${name} did not begin to answer within ${responseHeaderMs} ms`)),
    )
    // The upstream's time begins when it has the whole request: a slow upload is not its fault.
    const body = limitedBody(request, bodyBytes, () => deadline.start())

    const endAttempt = this.metrics.attempt(name)
    try {
      const answer = await this.#session.fetch(target + pathAndQuery, {
        method: request.method,
        headers: upstreamHeaders(request.headers, clientAddress),
        body,
        signal: abort.signal,
        decompress: false,
        redirect: 'manual',
      })
      const response = new Response(answer.body, { status: answer.status, headers: endToEnd(answer.headers) })
      endAttempt(answer.status)
      return response
    } catch (error) {
      const failure = request.signal.aborted ? abort.signal.reason : this.#failureOf(error)
      if (failure instanceof UpstreamTimeout || failure instanceof UpstreamUnreachable) endAttempt(NO_ANSWER)
      throw failure
    } finally {
      deadline.cancel()
    }
  }

  /** What failed: either our own reason to abort, or fetch on the way to the upstream. */
  #failureOf(error: unknown): Error {
    if (error instanceof Refusal || error instanceof UpstreamTimeout) return error
    const reason = (error as { code?: string }).code ?? 'no valid answer'
    return new UpstreamUnreachable(`${this.config.name} cannot be reached: ${reason}`, { cause: error })
  }
}
