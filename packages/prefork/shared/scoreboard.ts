/**
 * The scoreboard: words of the segment in which a worker publishes its state by plain stores. The master reads them at any
 * time, also when the worker hangs or is dead. Counts go on over all workers of a region.
 * Times are milliseconds of the worker's own clock (`performance.now()`). Clocks differ between processes: `turnedMs` is
 * what the master converts with.
 */
import { BOARD_WORDS } from '@bun-monitoring/metrics'

/** Offsets of the cells. */
export const CELL = {
  /** When the event loop last turned. The worker hangs if the value does not change. */
  turnedMs: 0,
  lagMs: 1,
  requests: 2,
  exceptions: 3,
  sentBytes: 4,
  busyMs: 5,
  inFlight: 6,
  /** Of the oldest request in flight and of the one that began last: its start (0: there is none), and its route. */
  oldestMs: 7,
  oldestRoute: 8,
  latestMs: 9,
  latestRoute: 10,
  /** How many routes have a name. */
  routes: 15,
} as const

const FIRST_ROUTE = 16
const ROUTE_WORDS = 8
const ROUTE_BYTES = ROUTE_WORDS * 8
const MAX_ROUTES = (BOARD_WORDS - FIRST_ROUTE) / ROUTE_WORDS

/** A request in flight, as the scoreboard shows it. */
export interface RunningRequest {
  /** Empty if the app has not published it yet. */
  route: string
  ageMs: number
}

/** The number of a route that is unknown, or that found no room. */
export const NO_ROUTE = 0

const encoder = new TextEncoder()
const decoder = new TextDecoder()

export class Scoreboard {
  readonly cells: Float64Array
  readonly #routes = new Map<string, number>()

  /** @param cells of a segment; without them the scoreboard is in the memory of this process. */
  constructor(cells: Float64Array = new Float64Array(BOARD_WORDS)) {
    this.cells = cells
  }

  /** Called before another worker takes the region over: counts stay, the state of the last worker is cleared. */
  takeOver(): this {
    for (const cell of [CELL.turnedMs, CELL.lagMs, CELL.routes] as const) this.cells[cell] = 0
    this.clearRequests()
    return this
  }

  /** Called when the worker is dead: it has no requests in flight any more. */
  clearRequests(): void {
    this.cells.fill(0, CELL.inFlight, CELL.latestRoute + 1)
  }

  /** The number that stands for a route, so that its text is written once for each route and not for each request. */
  routeNumber(route: string): number {
    // Most requests begin before their route is known.
    return route === '' ? NO_ROUTE : (this.#routes.get(route) ?? this.#addRoute(route))
  }

  /** @returns an empty string for an unknown route. */
  routeName(number: number): string {
    if (number < 1 || number > this.cells[CELL.routes]!) return ''
    const bytes = this.#bytesOf(number)
    const end = bytes.indexOf(0)
    return decoder.decode(bytes.subarray(0, end === -1 ? bytes.length : end))
  }

  /**
   * The request that began last. It is the one that blocks the event loop, unless an older one went on after a wait.
   * @param workerNowMs the present time on the worker's clock
   */
  latest(workerNowMs: number): RunningRequest | undefined {
    return this.#running(CELL.latestMs, CELL.latestRoute, workerNowMs)
  }

  oldest(workerNowMs: number): RunningRequest | undefined {
    return this.#running(CELL.oldestMs, CELL.oldestRoute, workerNowMs)
  }

  /** The fields of a log line about this worker. */
  requests(workerNowMs: number): { latest: RunningRequest | undefined; oldest: RunningRequest | undefined } {
    return { latest: this.latest(workerNowMs), oldest: this.oldest(workerNowMs) }
  }

  #running(startedCell: number, routeCell: number, workerNowMs: number): RunningRequest | undefined {
    const startedMs = this.cells[startedCell]!
    if (startedMs === 0) return undefined
    const ageMs = Math.max(0, Math.round(workerNowMs - startedMs))
    return { route: this.routeName(this.cells[routeCell]!), ageMs }
  }

  #addRoute(route: string): number {
    const known = this.cells[CELL.routes]!
    if (known === MAX_ROUTES) return NO_ROUTE
    const number = known + 1
    const bytes = this.#bytesOf(number).fill(0)
    encoder.encodeInto(route, bytes)
    this.cells[CELL.routes] = number
    this.#routes.set(route, number)
    return number
  }

  #bytesOf(number: number): Uint8Array {
    const { buffer, byteOffset } = this.cells
    return new Uint8Array(
      buffer,
      byteOffset + (FIRST_ROUTE + (number - 1) * ROUTE_WORDS) * Float64Array.BYTES_PER_ELEMENT,
      ROUTE_BYTES,
    )
  }
}
