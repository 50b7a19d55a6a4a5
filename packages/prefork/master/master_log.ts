/** Every line that the master logs: what happened, to which worker, why, and what to do about it. */
import { type ProcessConfig, variableName } from '../shared/config.ts'
import { EXIT } from '../shared/exit_codes.ts'
import type { Logger } from '../shared/logger.ts'
import { readMigratesRequests } from '../shared/procfs.ts'
import type { ExitReason, WorkerState } from './state.ts'
import type { WorkerEnd, WorkerHandle } from './worker_handle.ts'

/** Reasons that neither the operator nor the master caused. */
const UNEXPECTED = new Set<ExitReason>(['crash', 'signal', 'oom'])

export class MasterLog {
  readonly #log: Logger
  readonly #config: ProcessConfig
  readonly #prefix: string
  #hasReloaded = false

  constructor(log: Logger, config: ProcessConfig, prefix: string) {
    this.#log = log
    this.#config = config
    this.#prefix = prefix
  }

  workerReady(worker: WorkerState): void {
    const bootMs = Math.round(worker.readyMs! - worker.spawnedMs)
    this.#log.info({ ...fieldsOf(worker), bootMs }, `worker ${worker.slot} is ready`)
  }

  workerEnded(worker: WorkerState, end: WorkerEnd, reason: ExitReason, abandoned: number): void {
    const fields = { ...fieldsOf(worker), reason, abandoned }
    const { slot, phase } = worker
    // The reason of a kill was logged before it.
    const isExpected = end.code === EXIT.ok || phase === 'killed' || !UNEXPECTED.has(reason)
    if (reason === 'stop') this.#log.info(fields, `worker ${slot} stopped`)
    else if (isExpected) {
      this.#log.info(fields, `worker ${slot} ended (${reason})`)
    } else this.#log.error(fields, `worker ${slot} ${describe(end)} (${reason})${hintFor(end, reason)}`)
  }

  /** Logged before a worker is killed, with the requests that it was in. */
  killing(worker: WorkerState, reason: ExitReason, handle: WorkerHandle, nowMs: number): void {
    const fields = { ...fieldsOf(worker), latest: handle.latest(nowMs), oldest: handle.oldest(nowMs) }
    const route = fields.latest?.route || 'no known request'
    if (reason === 'harakiri') {
      this.#log.error(
        { ...fields, blockedMs: Math.round(handle.heartbeatAgeMs(nowMs)) },
        `harakiri: worker ${worker.slot} has not turned its event loop for ${this.#config.harakiriMs} ms, in ${route}; it is killed`,
      )
    } else if (worker.phase !== 'starting') {
      this.#log.warn(fields, `worker ${worker.slot} did not end in time and is killed`)
    } else if (reason === 'crash') {
      this.#log.error(fields, `${this.bootTimeout(worker)} It is killed`)
    }
  }

  /** Why a worker is killed that is not ready in time. */
  bootTimeout({ slot }: WorkerState): string {
    const setting = variableName(this.#prefix, 'bootTimeoutMs')
    return (
      `worker ${slot} was not ready within ${this.#config.bootTimeoutMs} ms: ` +
      `if it needs longer to boot, set ${setting} to more.`
    )
  }

  notSpawned(slot: number, error: unknown): void {
    const message = `worker ${slot} cannot be spawned: is the limit of processes reached?`
    this.#log.error({ err: error, worker: slot }, message)
  }

  couldNotStart(worker: WorkerState, end: WorkerEnd, bootError: string): void {
    this.#log.fatal(bootError || `worker ${worker.slot} ${describe(end)} before it was ready`)
  }

  reloading(isRunning: boolean): void {
    if (!this.#hasReloaded && readMigratesRequests() === false) {
      this.#log.info(
        'a reload may delay new connections by a second, because net.ipv4.tcp_migrate_req is 0: ' +
          '`sysctl -w net.ipv4.tcp_migrate_req=1` prevents this',
      )
    }
    this.#hasReloaded = true
    this.#log.info(
      isRunning ? 'another reload follows the one that runs' : 'reloading: one worker after the other',
    )
  }

  reloaded(): void {
    this.#log.info('reloaded: all workers run the new code')
  }

  reloadAbandoned(end: WorkerEnd, bootError: string): void {
    this.#log.error(
      `the reload is abandoned: the new worker could not start (${bootError || describe(end)}). ` +
        'The old workers go on; mend the cause and send SIGHUP again',
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

const fieldsOf = ({ slot, pid }: WorkerState) => ({ worker: slot, workerPid: pid })

const describe = ({ code, signal }: WorkerEnd): string =>
  signal === null ? `ended with exit code ${code}` : `was killed by ${signal}`

function hintFor({ signal }: WorkerEnd, reason: ExitReason): string {
  if (reason === 'oom') return ': the memory limit of its container was reached'
  return signal === 'SIGKILL' ? ': perhaps by the kernel, for lack of memory' : ''
}
