/**
 * One worker as its master sees it: the process, its scoreboard, its memory as the kernel reports it. The worker's own code
 * is worker/run_worker.ts.
 */
import { readProcStat } from '@bun-monitoring/metrics/proc_stat'
import type { Subprocess } from 'bun'
import { CELL, type RunningRequest, Scoreboard } from '../shared/scoreboard.ts'
import type { DrainMessage, Role, WorkerMessage } from '../shared/messages.ts'
import { roleVariable } from '../shared/messages.ts'
import type { CpuTime } from './process_metrics.ts'
import type { Vitals } from './state.ts'
import { existingFolder, OWN_START, workerCommand } from './worker_command.ts'

/** How a process ended: with a code, or by a signal. */
export interface WorkerEnd {
  code: number | null
  signal: NodeJS.Signals | null
}

export interface WorkerListener {
  onMessage(message: WorkerMessage): void
  onExit(end: WorkerEnd): void
}

/** A worker whose event loop has not turned for this long has the state `hung`. */
const HUNG_AFTER_MS = 2000

/** How long the messages of a worker that has ended are waited for. Its channel stays open if a child of it has it, too. */
const LAST_MESSAGES_WITHIN_MS = 100

const { command, cwd } = workerCommand(OWN_START)

/** Starts the process of a worker. */
export type Spawn = (
  command: string[],
  options: Bun.SpawnOptions.SpawnOptions<'ignore', 'inherit', 'inherit'>,
) => Subprocess

export class WorkerHandle {
  /** The worker's own message about why it cannot boot. */
  bootError = ''
  readonly #process: Subprocess
  readonly #scoreboard: Scoreboard
  readonly #requestsBefore: number
  #turnedMs = 0
  #seenTurningMs: number

  /** @throws if the system has no room for another process. */
  constructor(spawn: Spawn, role: Role, scoreboard: Scoreboard, listener: WorkerListener, nowMs: number) {
    this.#scoreboard = scoreboard.takeOver()
    this.#requestsBefore = scoreboard.cells[CELL.requests]!
    this.#seenTurningMs = nowMs
    const allReceived = Promise.withResolvers<void>()
    this.#process = spawn(command, {
      cwd: existingFolder(cwd),
      env: { ...process.env, ...roleVariable(role) },
      stdio: ['ignore', 'inherit', 'inherit'],
      serialization: 'json',
      ipc: (message: WorkerMessage) => listener.onMessage(message),
      onDisconnect: allReceived.resolve,
      onExit: ({ exitCode, signalCode }) => {
        const end = { code: exitCode, signal: signalCode as NodeJS.Signals | null }
        // Its last messages may not have been received yet.
        void Promise.race([allReceived.promise, Bun.sleep(LAST_MESSAGES_WITHIN_MS)]).then(() =>
          listener.onExit(end),
        )
      },
    })
  }

  get pid(): number {
    return this.#process.pid
  }

  /** CPU time of the worker after its end. */
  get cpu(): CpuTime {
    const { user = 0, system = 0 } = this.#process.resourceUsage()?.cpuTime ?? {}
    return { userUs: Number(user), systemUs: Number(system) }
  }

  /** Notes whether the event loop has turned since the last call. */
  observe(nowMs: number): void {
    const turnedMs = this.#scoreboard.cells[CELL.turnedMs]!
    if (turnedMs !== this.#turnedMs) this.#seenTurningMs = nowMs
    this.#turnedMs = turnedMs
  }

  heartbeatAgeMs(nowMs: number): number {
    return nowMs - this.#seenTurningMs
  }

  get lagMs(): number {
    return this.#scoreboard.cells[CELL.lagMs]!
  }

  isHung(nowMs: number): boolean {
    return this.heartbeatAgeMs(nowMs) > HUNG_AFTER_MS
  }

  /** @param needsMemory whether there is a limit for memory, which is read from /proc. */
  vitals(nowMs: number, needsMemory: boolean): Vitals {
    const rssBytes = needsMemory ? (readProcStat(this.pid)?.rssBytes ?? 0) : 0
    const requests = this.#scoreboard.cells[CELL.requests]! - this.#requestsBefore
    return { heartbeatAgeMs: this.heartbeatAgeMs(nowMs), requests, rssBytes }
  }

  /** The request that began last. */
  latest(nowMs: number): RunningRequest | undefined {
    return this.#scoreboard.latest(this.#workerNowMs(nowMs))
  }

  oldest(nowMs: number): RunningRequest | undefined {
    return this.#scoreboard.oldest(this.#workerNowMs(nowMs))
  }

  /** The worker's present time: that of its last turn, and the time since then on the master's clock. */
  #workerNowMs(nowMs: number): number {
    return this.#scoreboard.cells[CELL.turnedMs]! + this.heartbeatAgeMs(nowMs)
  }

  drain(lameDuckMs: number, isReplaced: boolean): void {
    const message: DrainMessage = { type: 'drain', lameDuckMs, isReplaced }
    // Sending to a process that has just ended would throw.
    if (this.#process.exitCode === null && this.#process.signalCode === null) this.#process.send(message)
  }

  kill(): void {
    this.#process.kill('SIGKILL')
  }
}
