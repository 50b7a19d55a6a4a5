/**
 * What the master counts about its workers, slot by slot, over all the processes that a slot has had. What workers count
 * of themselves is on their boards.
 */
import { Counter, type Registry, type Segment } from '@bun-monitoring/metrics'
import { Board, CELL } from './board.ts'
import { EXIT_REASONS, type ExitReason, type WorkerState } from './state.ts'

export interface SlotAccount {
  /** Deaths by reason. */
  exits: Record<string, number>
  spawns: number
  lastSpawnEpochMs: number
  /** CPU time of the processes that are gone. */
  goneCpuUs: number
  /** Requests that the slot had answered before its present process. */
  requestsBefore: number
}

export class Ledger {
  reloads = 0
  reloadsFailed = 0
  /** 0 for never. */
  lastReloadEpochMs = 0
  readonly #segment: Segment
  readonly #slots: SlotAccount[]
  readonly #abandoned: Counter

  constructor(segment: Segment, registry: Registry) {
    this.#segment = segment
    this.#slots = Array.from({ length: segment.slots }, () => ({
      exits: Object.fromEntries(EXIT_REASONS.map((each) => [each, 0])),
      spawns: 0,
      lastSpawnEpochMs: 0,
      goneCpuUs: 0,
      requestsBefore: 0,
    }))
    this.#abandoned = new Counter({
      name: 'http_server_abandoned_requests_total',
      help: 'Requests that were in flight in workers when they died: nobody knows whether they were answered',
      registers: [registry],
    })
  }

  slot(id: number): SlotAccount {
    return this.#slots[id - 1]!
  }

  /** What both workers of a slot have on their boards, added up. */
  total(slotId: number, cell: number): number {
    const first = 2 * (slotId - 1)
    return this.#segment.board(first)[cell]! + this.#segment.board(first + 1)[cell]!
  }

  /** Requests in flight, in all workers. */
  get inFlight(): number {
    return this.#slots.reduce((sum, _, index) => sum + this.total(index + 1, CELL.inFlight), 0)
  }

  spawned({ slot }: WorkerState): void {
    const account = this.slot(slot)
    account.spawns++
    account.lastSpawnEpochMs = Date.now()
    account.requestsBefore = this.total(slot, CELL.requests)
  }

  /**
   * Closes the accounts of a dead worker: its gauges go off the page, what it had in flight is counted as abandoned.
   * @returns how many requests that were.
   */
  ended({ slot, region }: WorkerState, cpuUs: number, reason: ExitReason): number {
    const account = this.slot(slot)
    if (reason !== 'stop') account.exits[reason]!++
    account.goneCpuUs += cpuUs
    new Board(this.#segment.board(region)).clearRequests()
    const abandoned = this.#segment.clearGauges(region).get('http_server_active_requests') ?? 0
    this.#abandoned.inc(Math.max(0, abandoned))
    return abandoned
  }

  reloaded(isDone: boolean): void {
    if (isDone) this.reloads++
    else this.reloadsFailed++
    this.lastReloadEpochMs = Date.now()
  }
}
