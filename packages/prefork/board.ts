/**
 * The board: words of the segment in which a worker says how it is, by plain stores, and which the master reads whenever
 * it likes, also when the worker hangs or is dead. What was counted there goes on over the workers of a region.
 * Times are milliseconds of the worker's own clock (`performance.now()`); only it knows another one's, hence `turnedMs`.
 */
import { BOARD_WORDS } from '@bun-monitoring/metrics'

/** Where what is. */
export const CELL = {
  /** When the event loop last turned: a value that no longer changes is a worker that hangs. */
  turnedMs: 0,
  lagMs: 1,
  requests: 2,
  exceptions: 3,
  sentBytes: 4,
  busyMs: 5,
  inFlight: 6,
  /** Of the oldest request in flight and of the one that began last: since when (0: there is none), and its route. */
  oldestMs: 7,
  oldestRoute: 8,
  latestMs: 9,
  latestRoute: 10,
  routes: 15,
} as const

const FIRST_ROUTE = 16
const ROUTE_WORDS = 8
const ROUTE_BYTES = ROUTE_WORDS * 8
const MAX_ROUTES = (BOARD_WORDS - FIRST_ROUTE) / ROUTE_WORDS

/** A route's number where none is known, or none had room. */
export const NO_ROUTE = 0

const encoder = new TextEncoder()
const decoder = new TextDecoder()

export class Board {
  readonly cells: Float64Array
  readonly #routes = new Map<string, number>()

  /** @param cells of a segment; without them, memory of this process. */
  constructor(cells: Float64Array = new Float64Array(BOARD_WORDS)) {
    this.cells = cells
  }

  /** Before another worker takes the region over: what it counts goes on, what was of the moment is gone. */
  takeOver(): this {
    for (const cell of [CELL.turnedMs, CELL.lagMs, CELL.routes] as const) this.cells[cell] = 0
    this.clearRequests()
    return this
  }

  /** Nothing is in flight any more: the worker is dead. */
  clearRequests(): void {
    this.cells.fill(0, CELL.inFlight, CELL.latestRoute + 1)
  }

  /** The number that stands for a route: text is written once for each route, not for each request. */
  routeNumber(route: string): number {
    // Most requests begin before their route is known.
    return route === '' ? NO_ROUTE : (this.#routes.get(route) ?? this.#addRoute(route))
  }

  /** @returns an empty text for a route that is not known. */
  routeName(number: number): string {
    if (number < 1 || number > this.cells[CELL.routes]!) return ''
    const bytes = this.#bytesOf(number)
    const end = bytes.indexOf(0)
    return decoder.decode(bytes.subarray(0, end === -1 ? bytes.length : end))
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
