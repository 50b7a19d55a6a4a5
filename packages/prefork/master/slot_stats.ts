/**
 * The master's counts for each slot, over all the processes that the slot has had, and its count of reloads. What workers
 * count themselves is on their scoreboards.
 */
import { Counter, type Registry, type Segment } from '@bun-monitoring/metrics'
import type { SlotCounts } from '../admin/snapshot.ts'
import { CELL, Scoreboard } from '../shared/scoreboard.ts'
import type { CpuTime } from './process_metrics.ts'
import { EXIT_REASONS, type ExitReason, type WorkerState } from './state.ts'

export class SlotStats {
  reloads = 0
  reloadsFailed = 0
  /** 0 for never. */
  lastReloadEpochMs = 0
  /** CPU time of all workers that have ended. */
  readonly endedCpu: CpuTime = { userUs: 0, systemUs: 0 }
  readonly #segment: Segment
  readonly #slots: SlotCounts[]
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
      help: 'Requests that were in flight in workers when they died; it is unknown whether they were answered',
      registers: [registry],
    })
  }

  slot(id: number): SlotCounts {
    return this.#slots[id - 1]!
  }

  /** The sum of a scoreboard cell over both regions of a slot. */
  total(slotId: number, cell: number): number {
    const first = 2 * (slotId - 1)
    return this.#segment.board(first)[cell]! + this.#segment.board(first + 1)[cell]!
  }

  /** Requests in flight in all workers. */
  get inFlight(): number {
    return this.#slots.reduce((sum, _, index) => sum + this.total(index + 1, CELL.inFlight), 0)
  }

  spawned({ slot }: WorkerState): void {
    const counts = this.slot(slot)
    counts.spawns++
    counts.lastSpawnEpochMs = Date.now()
    counts.requestsBefore = this.total(slot, CELL.requests)
  }

  /**
   * Counts the death of a worker. Its gauges vanish from the page, its requests in flight are counted as abandoned.
   * @returns how many requests were abandoned.
   */
  ended({ slot, region }: WorkerState, { userUs, systemUs }: CpuTime, reason: ExitReason): number {
    const counts = this.slot(slot)
    if (reason !== 'stop') counts.exits[reason]!++
    counts.goneCpuUs += userUs + systemUs
    this.endedCpu.userUs += userUs
    this.endedCpu.systemUs += systemUs
    const scoreboard = new Scoreboard(this.#segment.board(region))
    const inFlight = scoreboard.cells[CELL.inFlight]!
    scoreboard.clearRequests()
    // An app may measure its requests without counting them, or count them without measuring.
    const active = this.#segment.clearGauges(region).get('http_server_active_requests') ?? 0
    const abandoned = Math.max(0, active, inFlight)
    this.#abandoned.inc(abandoned)
    return abandoned
  }

  reloaded(isDone: boolean): void {
    if (isDone) this.reloads++
    else this.reloadsFailed++
    this.lastReloadEpochMs = Date.now()
  }
}
