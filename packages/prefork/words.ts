/** What the master says to its operator: every line of its log, what happened, why, and what to do about it. */
import { authorityOf } from './bind.ts'
import type { ProcessConfig } from './config.ts'
import { EXIT } from './exit.ts'
import type { WorkerEnd, WorkerHandle } from './handle.ts'
import type { Logger } from './logger.ts'
import type { ExitReason, WorkerState } from './state.ts'

/** What nobody here asked for. */
const UNEXPECTED = new Set<ExitReason>(['crash', 'signal', 'oom'])

export class Words {
  readonly #log: Logger
  readonly #config: ProcessConfig

  constructor(log: Logger, config: ProcessConfig) {
    this.#log = log
    this.#config = config
  }

  ready(worker: WorkerState): void {
    const bootMs = Math.round(worker.readyMs! - worker.spawnedMs)
    this.#log.info({ ...about(worker), bootMs }, `worker ${worker.slot} is ready`)
  }

  gone(worker: WorkerState, end: WorkerEnd, reason: ExitReason, abandoned: number): void {
    const fields = { ...about(worker), reason, abandoned }
    if (end.code === EXIT.ok || !UNEXPECTED.has(reason)) {
      this.#log.info(fields, `worker ${worker.slot} is gone: ${reason}`)
    } else this.#log.error(fields, `worker ${worker.slot} ${inWords(end)}${hintFor(end, reason)}`)
  }

  /** Before a worker is killed: what it was doing. */
  killing(worker: WorkerState, reason: ExitReason, handle: WorkerHandle, nowMs: number): void {
    const fields = { ...about(worker), latest: handle.latest(nowMs), oldest: handle.oldest(nowMs) }
    const route = fields.latest?.route || 'no request that is known'
    if (reason === 'harakiri') {
      this.#log.error(
        { ...fields, blockedMs: Math.round(handle.heartbeatAgeMs(nowMs)) },
        `harakiri: worker ${worker.slot} has not turned its event loop for ${this.#config.harakiriMs} ms, in ${route}`,
      )
    } else if (worker.phase !== 'starting') {
      this.#log.warn(fields, `worker ${worker.slot} did not end in time and is killed`)
    } else if (reason === 'crash') {
      this.#log.error(fields, `worker ${worker.slot} did not get ready in time and is killed`)
    }
  }

  notSpawned(slot: number, error: unknown): void {
    const message = `worker ${slot} cannot be spawned: is the limit of processes reached?`
    this.#log.error({ err: error, worker: slot }, message)
  }

  couldNotStart(worker: WorkerState, end: WorkerEnd, lastWords: string): void {
    this.#log.fatal(lastWords || `worker ${worker.slot} ${inWords(end)} before it was ready`)
  }

  reloading(isReloading: boolean): void {
    this.#log.info(
      isReloading ? 'reloading once more after this time' : 'reloading: one worker after the other',
    )
  }

  reloaded(): void {
    this.#log.info('reloaded: all workers run the new code')
  }

  reloadAbandoned(end: WorkerEnd, lastWords: string): void {
    this.#log.error(
      `the reload is abandoned: the new worker could not start (${lastWords || inWords(end)}). ` +
        'The workers that serve go on; mend it and send SIGHUP again',
    )
  }

  scaling(workers: number, isChange: boolean, most: number): void {
    this.#log.info({ workers }, isChange ? 'scaling' : `scaling ends here: 1 to ${most} workers`)
  }

  draining(signal: NodeJS.Signals, inFlight: number): void {
    this.#log.info({ signal, inFlight, drainMs: this.#config.drainMs }, 'draining')
  }

  cutOff(signal: NodeJS.Signals, inFlight: number): void {
    if (inFlight > 0) this.#log.warn({ inFlight, because: signal }, 'requests were cut off')
  }
}

/** Said at any level: whoever started this process waits for it. The ports are those that were found. */
export function sayReady(log: Logger, config: ProcessConfig, port: number, adminPort: number): void {
  const { host, adminHost, workers, logLevel } = config
  const url = `http://${authorityOf(host, port)}`
  log[logLevel]({ url, admin: `http://${authorityOf(adminHost, adminPort)}`, workers }, 'ready')
}

const about = ({ slot, pid }: WorkerState) => ({ worker: slot, workerPid: pid })

const inWords = ({ code, signal }: WorkerEnd): string =>
  signal === null ? `ended with exit code ${code}` : `was killed by ${signal}`

function hintFor({ signal }: WorkerEnd, reason: ExitReason): string {
  if (reason === 'oom') return ': the memory limit of its container was reached'
  return signal === 'SIGKILL' ? ': perhaps by the kernel, for lack of memory' : ''
}
