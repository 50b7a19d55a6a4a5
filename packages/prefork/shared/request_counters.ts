/**
 * Counts the requests of one worker on its scoreboard. Every request writes there; `/stats` and harakiri read it. These are
 * facts about the process: what its requests were about is for the metrics to say.
 */
import type { TalliedRequest } from '@bun-monitoring/metrics'
import { CELL, Scoreboard } from './scoreboard.ts'

/** All times are `performance.now()` milliseconds. */
export class RequestCounters {
  /** Those of this process, once its app boots. */
  static own: RequestCounters | undefined

  /** Whether the app has taken `Worker.tally`: then `serveHttp` counts nothing. */
  isCountedByApp = false
  readonly #scoreboard: Scoreboard
  readonly #cells: Float64Array
  /** Requests in flight are linked to each other, in the order of their begin. */
  #oldest: TalliedRequest | undefined
  #latest: TalliedRequest | undefined

  constructor(scoreboard = new Scoreboard()) {
    this.#scoreboard = scoreboard
    this.#cells = scoreboard.cells
  }

  get exceptions(): number {
    return this.#cells[CELL.exceptions]!
  }

  set exceptions(count: number) {
    this.#cells[CELL.exceptions] = count
  }

  /** Body bytes handed to the socket, as far as the app reports them. */
  get sentBytes(): number {
    return this.#cells[CELL.sentBytes]!
  }

  set sentBytes(bytes: number) {
    this.#cells[CELL.sentBytes] = bytes
  }

  get inFlight(): number {
    return this.#cells[CELL.inFlight]!
  }

  begin(request: TalliedRequest): void {
    const latest = this.#latest
    request.previous = latest
    this.#latest = request
    if (latest) latest.next = request
    else this.#setOldest(request)
    this.#cells[CELL.inFlight]!++
    this.#showLatest(request)
  }

  /** Publishes the request's route. Call it before the handler runs, so that harakiri can name the route. */
  route(request: TalliedRequest): void {
    const number = this.#scoreboard.routeNumber(request.route)
    if (request === this.#latest) this.#cells[CELL.latestRoute] = number
    if (request === this.#oldest) this.#cells[CELL.oldestRoute] = number
  }

  /** Call it once for each `begin`. */
  end(request: TalliedRequest, nowMs: number): void {
    const cells = this.#cells
    const { previous, next } = request
    if (previous) previous.next = next
    else this.#setOldest(next)
    if (next) next.previous = previous
    else {
      this.#latest = previous
      this.#showLatest(previous)
    }
    cells[CELL.inFlight]!--
    cells[CELL.requests]!++
    cells[CELL.busyMs]! += nowMs - request.startedMs
  }

  #setOldest(request: TalliedRequest | undefined): void {
    this.#oldest = request
    this.#cells[CELL.oldestMs] = request ? request.startedMs : 0
    this.#cells[CELL.oldestRoute] = request ? this.#scoreboard.routeNumber(request.route) : 0
  }

  #showLatest(request: TalliedRequest | undefined): void {
    this.#cells[CELL.latestMs] = request ? request.startedMs : 0
    this.#cells[CELL.latestRoute] = request ? this.#scoreboard.routeNumber(request.route) : 0
  }
}
