/**
 * The master: it serves no traffic, it watches. Signals, messages and deaths only enqueue; each turn takes what is in the
 * queue into the state, asks decide.ts what to do now, and does it. What an event means is in transitions.ts.
 */
import { Segment } from '@bun-monitoring/metrics'
import { Board } from './board.ts'
import type { ProcessConfig } from './config.ts'
import { type Action, decide } from './decide.ts'
import { EXIT } from './exit.ts'
import type { Family } from './family.ts'
import { WorkerHandle, type WorkerListener } from './handle.ts'
import type { Ledger } from './ledger.ts'
import type { Logger } from './logger.ts'
import type { Role, WorkerMessage } from './messages.ts'
import { readOomKills } from './procfs.ts'
import type { SlotSockets } from './sockets.ts'
import {
  enough,
  type ExitReason,
  type FamilyState,
  isReady,
  newFamily,
  type WorkerState,
  workersOf,
} from './state.ts'
import * as transitions from './transitions.ts'
import type { Address } from './worker.ts'

export type MasterEvent =
  | { type: 'signal'; signal: NodeJS.Signals }
  | { type: 'message'; worker: WorkerState; message: WorkerMessage }
  | { type: 'exit'; worker: WorkerState; code: number | null; signal: NodeJS.Signals | null }

export interface MasterParts {
  family: Pick<Family, 'name' | 'prefix'>
  config: ProcessConfig
  log: Logger
  segment: Segment
  ledger: Ledger
  sockets: SlotSockets | undefined
  /** Where all workers listen. */
  address: { hostname: string; port: number }
}

/** Turns also come with every event; without one this often, to see what only time tells. */
const TURN_EVERY_MS = 100

/** What nobody here asked for. */
const UNEXPECTED = new Set<ExitReason>(['crash', 'signal', 'oom'])

/** How much longer than its drain a worker gets before it is killed. */
const KILL_AFTER_MS = 1000

export class Master {
  readonly state: FamilyState
  readonly handles = new Map<WorkerState, WorkerHandle>()
  readonly #parts: MasterParts
  readonly #events: MasterEvent[] = []
  readonly #served = Promise.withResolvers<void>()
  readonly #ended = Promise.withResolvers<number>()
  #exitCode: number = EXIT.ok
  #lameDuckMs: number
  #oomKills = readOomKills()

  constructor(parts: MasterParts) {
    this.#parts = parts
    this.#lameDuckMs = parts.config.lameDuckMs
    this.state = newFamily(parts.segment.slots, parts.config.workers)
  }

  /** Resolves when all workers are ready for the first time. */
  get served(): Promise<void> {
    return this.#served.promise
  }

  /** Turns until the family has ended. @returns its exit code. */
  async run(): Promise<number> {
    const timer = setInterval(() => this.#turn(), TURN_EVERY_MS)
    this.#turn()
    const code = await this.#ended.promise
    clearInterval(timer)
    return code
  }

  enqueue(event: MasterEvent): void {
    this.#events.push(event)
    setImmediate(() => this.#turn())
  }

  #turn(): void {
    const nowMs = performance.now()
    for (const handle of this.handles.values()) handle.observe(nowMs)
    for (const event of this.#events.splice(0)) this.#take(event, nowMs)
    const { config } = this.#parts
    const vitalsOf = (worker: WorkerState) =>
      this.handles.get(worker)!.vitals(nowMs, config.reloadOnRssBytes > 0)
    for (const action of decide(this.state, vitalsOf, config, nowMs)) this.#act(action, nowMs)
  }

  #take(event: MasterEvent, nowMs: number): void {
    switch (event.type) {
      case 'signal':
        return this.#takeSignal(event.signal)
      case 'message':
        return this.#takeMessage(event.worker, event.message, nowMs)
      case 'exit':
        return this.#reap(event.worker, event.code, event.signal, nowMs)
    }
  }

  #takeSignal(signal: NodeJS.Signals): void {
    const { log, config } = this.#parts
    switch (signal) {
      case 'SIGHUP':
        log.info(
          this.state.reload ? 'reloading once more after this time' : 'reloading: one worker after the other',
        )
        return transitions.reloadAsked(this.state)
      case 'SIGTTIN':
      case 'SIGTTOU': {
        const isChange = transitions.scaledBy(this.state, signal === 'SIGTTIN' ? 1 : -1)
        return log.info(
          { workers: this.state.wanted },
          isChange ? 'scaling' : `scaling ends here: 1 to ${this.state.slots.length} workers`,
        )
      }
      case 'SIGQUIT':
        return this.#stopNow(signal)
      default: {
        if (this.state.isStopping) return this.#stopNow(signal)
        this.state.isStopping = true
        // Ctrl+C: somebody waits for the end, and has no balancer that must find out first.
        if (signal === 'SIGINT') this.#lameDuckMs = 0
        log.info({ signal, inFlight: this.#parts.ledger.inFlight, drainMs: config.drainMs }, 'draining')
      }
    }
  }

  #stopNow(signal: NodeJS.Signals): void {
    this.state.isStopping = true
    const { inFlight } = this.#parts.ledger
    if (inFlight > 0) this.#parts.log.warn({ inFlight, because: signal }, 'requests were cut off')
    for (const worker of workersOf(this.state)) this.#kill(worker, 'stop')
  }

  #takeMessage(worker: WorkerState, message: WorkerMessage, nowMs: number): void {
    const { log, config } = this.#parts
    switch (message.type) {
      case 'prepared':
        return transitions.prepared(this.state, worker)
      case 'failed':
        this.handles.get(worker)!.lastWords = message.message
        return
      case 'draining': {
        const reason = this.state.isStopping ? 'stop' : 'signal'
        if (worker.phase !== 'ready') return
        return transitions.drainBegun(worker, reason, true, this.#deadline(config.lameDuckMs, nowMs))
      }
      case 'ready': {
        if (worker.phase !== 'starting') return
        transitions.becameReady(this.state, worker, nowMs)
        log.info(
          { worker: worker.slot, workerPid: worker.pid, bootMs: Math.round(nowMs - worker.spawnedMs) },
          `worker ${worker.slot} is ready`,
        )
        if (this.state.hasServed) this.#served.resolve()
      }
    }
  }

  #reap(worker: WorkerState, code: number | null, signal: NodeJS.Signals | null, nowMs: number): void {
    const { log, ledger, sockets } = this.#parts
    const handle = this.handles.get(worker)!
    const oomKills = readOomKills()
    const isOutOfMemory = oomKills !== this.#oomKills
    this.#oomKills = oomKills
    const outcome = transitions.exited(this.state, worker, { code, signal, isOutOfMemory }, nowMs)
    const abandoned = ledger.ended(worker, handle.cpuUs, outcome.reason)
    this.handles.delete(worker)
    if (!this.state.slots[worker.slot - 1]!.workers.some(isReady)) sockets?.withdraw(worker.slot)

    const fields = { worker: worker.slot, workerPid: worker.pid, reason: outcome.reason, abandoned }
    const how = signal === null ? `ended with exit code ${code}` : `was killed by ${signal}`
    const isExpected = code === EXIT.ok || !UNEXPECTED.has(outcome.reason)
    if (isExpected) log.info(fields, `worker ${worker.slot} is gone: ${outcome.reason}`)
    else log.error(fields, `worker ${worker.slot} ${how}${hintFor(outcome.reason, signal)}`)

    if (outcome.isReloadAbandoned) {
      ledger.reloaded(false)
      log.error(
        `the reload is abandoned: the new worker could not start (${handle.lastWords || how}). ` +
          'The workers that serve go on; mend it and send SIGHUP again',
      )
    }
    if (outcome.fatal !== undefined && !this.state.isStopping) {
      this.#exitCode = outcome.fatal
      this.#lameDuckMs = 0
      this.state.isStopping = true
      log.fatal(handle.lastWords || `worker ${worker.slot} ${how} before it was ready`)
    }
  }

  #act(action: Action, nowMs: number): void {
    switch (action.do) {
      case 'spawn':
        return this.#spawn(action, nowMs)
      case 'drain': {
        const { worker, reason, isReplaced } = action
        transitions.drainBegun(worker, reason, isReplaced, this.#deadline(this.#lameDuckMs, nowMs))
        if (reason === 'scale') this.#parts.sockets?.withdraw(worker.slot)
        return this.handles.get(worker)!.drain(this.#lameDuckMs, isReplaced)
      }
      case 'kill':
        this.#sayWhyKilled(action.worker, action.reason, nowMs)
        return this.#kill(action.worker, action.reason)
      case 'endReload':
        this.#parts.ledger.reloaded(true)
        this.#parts.log.info('reloaded: all workers run the new code')
        return void transitions.reloadEnded(this.state)
      case 'exit':
        return this.#ended.resolve(this.#exitCode)
    }
  }

  #spawn(action: Extract<Action, { do: 'spawn' }>, nowMs: number): void {
    const { segment, sockets, address, ledger, log } = this.#parts
    const addresses: Address[] = [{ ...address, reusePort: true }]
    if (sockets) addresses.push({ unix: sockets.private(action.region) })
    const { slot, region, prepare } = action
    const role: Role = { slot, region, segment: segment.path, addresses, prepare }
    let worker: WorkerState
    try {
      const listener: WorkerListener = {
        onMessage: (message) => this.enqueue({ type: 'message', worker, message }),
        onExit: (end) => this.enqueue({ type: 'exit', worker, ...end }),
      }
      const handle = new WorkerHandle(role, new Board(segment.board(region)), listener, nowMs)
      worker = transitions.spawned(this.state, action, handle.pid, nowMs)
      this.handles.set(worker, handle)
      ledger.spawned(worker)
    } catch (error) {
      log.error(
        { err: error, worker: slot },
        `worker ${slot} cannot be spawned: is the limit of processes reached?`,
      )
      transitions.spawnFailed(this.state, slot, nowMs)
    }
  }

  #sayWhyKilled(worker: WorkerState, reason: string, nowMs: number): void {
    const { log, config } = this.#parts
    const handle = this.handles.get(worker)!
    const fields = { worker: worker.slot, workerPid: worker.pid }
    const [latest, oldest] = [handle.latest(nowMs), handle.oldest(nowMs)]
    if (reason === 'harakiri') {
      log.error(
        { ...fields, blockedMs: Math.round(handle.heartbeatAgeMs(nowMs)), latest, oldest },
        `harakiri: worker ${worker.slot} has not turned its event loop for ${config.harakiriMs} ms, in ${latest?.route || 'no request that is known'}`,
      )
    } else if (worker.phase === 'starting') {
      if (reason === 'crash') log.error(fields, `worker ${worker.slot} did not get ready and is killed`)
    } else log.warn({ ...fields, oldest }, `worker ${worker.slot} did not end in time and is killed`)
  }

  #kill(worker: WorkerState, reason: Parameters<typeof transitions.killed>[1]): void {
    transitions.killed(worker, reason)
    this.handles.get(worker)!.kill()
  }

  #deadline(lameDuckMs: number, nowMs: number): number {
    return nowMs + lameDuckMs + this.#parts.config.drainMs + KILL_AFTER_MS
  }

  /** Why the family cannot take traffic, or `undefined` when it can. */
  whyNotReady(): string | undefined {
    const { name } = this.#parts.family
    const { isStopping, hasServed, wanted } = this.state
    if (isStopping) return `${name} is stopping`
    if (!hasServed) return `${name} is starting`
    const nowMs = performance.now()
    const turning = workersOf(this.state).filter(
      (worker) => isReady(worker) && !this.handles.get(worker)!.isHung(nowMs),
    ).length
    const needed = enough(this.state)
    return turning >= needed ? undefined : `${turning} of ${wanted} workers are ready, ${needed} are needed`
  }
}

function hintFor(reason: string, signal: NodeJS.Signals | null): string {
  if (reason === 'oom') return ': the memory limit of its container was reached'
  return signal === 'SIGKILL' ? ': perhaps by the kernel, for lack of memory' : ''
}
