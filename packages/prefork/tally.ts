/**
 * What one worker has done, in plain numbers: the worker writes them on every request, `/stats` reads them.
 * These are facts about a process; what requests were about (routes, statuses) is the metrics' business.
 */

/** Counts one worker's requests. All times are `performance.now()` milliseconds. */
export class RequestTally {
  requests = 0
  exceptions = 0
  /** Body bytes handed to the socket, as far as the app reports them. */
  sentBytes = 0
  busyMs = 0
  /** When each request in flight began. A Set keeps insertion order, so its first entry is the oldest. */
  readonly #inFlight = new Set<{ startedMs: number }>()

  get inFlight(): number {
    return this.#inFlight.size
  }

  /** Age of the oldest request in flight, 0 when there is none. */
  oldestMs(nowMs: number): number {
    for (const { startedMs } of this.#inFlight) return nowMs - startedMs
    return 0
  }

  begin(startedMs: number): object {
    const request = { startedMs }
    this.#inFlight.add(request)
    return request
  }

  /** Ends what `begin` returned. A second end of the same request is ignored: each one counts once. */
  end(request: object, nowMs: number): void {
    const { startedMs } = request as { startedMs: number }
    if (!this.#inFlight.delete(request as { startedMs: number })) return
    this.requests++
    this.busyMs += nowMs - startedMs
  }
}
