/**
 * One worker as its master sees it: the process, its board, its memory as the kernel tells. For the process itself see
 * work.ts.
 */
import type { Subprocess } from 'bun'
import { Board, CELL } from './board.ts'
import type { DrainMessage, Role, WorkerMessage } from './messages.ts'
import { roleVariable } from './messages.ts'
import { readProcess } from './procfs.ts'
import type { Vitals } from './state.ts'

/** How a process ended: with a code, or by a signal. */
export interface WorkerEnd {
  code: number | null
  signal: NodeJS.Signals | null
}

export interface WorkerListener {
  onMessage(message: WorkerMessage): void
  onExit(end: WorkerEnd): void
}

/** A request as it stands on a board. */
export interface RunningRequest {
  /** Empty where the app had not told it yet. */
  route: string
  ageMs: number
}

/** A worker that misses so many turns of its loop is said to hang. */
const HUNG_AFTER_MS = 2000

/** Where a child of the worker still has its channel, nobody says when it is closed. */
const LAST_WORDS_WITHIN_MS = 100

/** How often the memory of a worker is read, where that is of interest. */
const READ_MEMORY_EVERY_MS = 1000

/** Flags of Bun that are for the master alone: a worker whose master is killed drains, and is restarted by nobody else. */
const MASTERS_FLAGS = /^--(no-orphans|watch|hot|inspect)/

const command = (): string[] => [
  process.execPath,
  ...process.execArgv.filter((flag) => !MASTERS_FLAGS.test(flag)),
  Bun.main,
  ...process.argv.slice(2),
]

export class WorkerHandle {
  /** Why it cannot boot, in its own words. */
  lastWords = ''
  readonly #process: Subprocess
  readonly #board: Board
  readonly #requestsBefore: number
  #turnedMs = 0
  #seenTurningMs: number
  #rssBytes = 0
  #readMemoryMs = 0

  /** @throws where the system has no room for another process. */
  constructor(role: Role, board: Board, listener: WorkerListener, nowMs: number) {
    this.#board = board.takeOver()
    this.#requestsBefore = board.cells[CELL.requests]!
    this.#seenTurningMs = nowMs
    const saidAll = Promise.withResolvers<void>()
    this.#process = Bun.spawn(command(), {
      env: { ...process.env, ...roleVariable(role) },
      stdio: ['ignore', 'inherit', 'inherit'],
      serialization: 'json',
      ipc: (message: WorkerMessage) => listener.onMessage(message),
      onDisconnect: saidAll.resolve,
      onExit: ({ exitCode, signalCode }) => {
        const end = { code: exitCode, signal: signalCode as NodeJS.Signals | null }
        // Its last words may still be under way.
        void Promise.race([saidAll.promise, Bun.sleep(LAST_WORDS_WITHIN_MS)]).then(() => listener.onExit(end))
      },
    })
  }

  get pid(): number {
    return this.#process.pid
  }

  /** CPU time of a process that has ended, in microseconds. */
  get cpuUs(): number {
    return Number(this.#process.resourceUsage()?.cpuTime.total ?? 0)
  }

  /** Looks whether the event loop has turned since the last look. */
  observe(nowMs: number): void {
    const turnedMs = this.#board.cells[CELL.turnedMs]!
    if (turnedMs !== this.#turnedMs) this.#seenTurningMs = nowMs
    this.#turnedMs = turnedMs
  }

  heartbeatAgeMs(nowMs: number): number {
    return nowMs - this.#seenTurningMs
  }

  get lagMs(): number {
    return this.#board.cells[CELL.lagMs]!
  }

  isHung(nowMs: number): boolean {
    return this.heartbeatAgeMs(nowMs) > HUNG_AFTER_MS
  }

  /** @param needsMemory whether anybody asks for it: it takes a look into /proc. */
  vitals(nowMs: number, needsMemory: boolean): Vitals {
    if (needsMemory && nowMs - this.#readMemoryMs >= READ_MEMORY_EVERY_MS) {
      this.#readMemoryMs = nowMs
      this.#rssBytes = readProcess(this.pid)?.rssBytes ?? 0
    }
    const requests = this.#board.cells[CELL.requests]! - this.#requestsBefore
    return { heartbeatAgeMs: this.heartbeatAgeMs(nowMs), requests, rssBytes: this.#rssBytes }
  }

  /** The request that began last, which is the one that blocks the loop unless an older one went on after a wait. */
  latest(nowMs: number): RunningRequest | undefined {
    return this.#running(CELL.latestMs, CELL.latestRoute, nowMs)
  }

  oldest(nowMs: number): RunningRequest | undefined {
    return this.#running(CELL.oldestMs, CELL.oldestRoute, nowMs)
  }

  /** The worker's clock is known by its last turn. */
  #running(startedCell: number, routeCell: number, nowMs: number): RunningRequest | undefined {
    const { cells } = this.#board
    const startedMs = cells[startedCell]!
    if (startedMs === 0) return undefined
    const workersNowMs = cells[CELL.turnedMs]! + this.heartbeatAgeMs(nowMs)
    return {
      route: this.#board.routeName(cells[routeCell]!),
      ageMs: Math.max(0, Math.round(workersNowMs - startedMs)),
    }
  }

  drain(lameDuckMs: number, isReplaced: boolean): void {
    const message: DrainMessage = { type: 'drain', lameDuckMs, isReplaced }
    // One that has just died needs no message, and takes none.
    if (this.#process.exitCode === null && this.#process.signalCode === null) this.#process.send(message)
  }

  kill(): void {
    this.#process.kill('SIGKILL')
  }
}
