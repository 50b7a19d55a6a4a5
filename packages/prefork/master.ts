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
import { type WorkerEnd, WorkerHandle, type WorkerListener } from './handle.ts'
import type { Ledger } from './ledger.ts'
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
import type { Words } from './words.ts'
import type { Address } from './worker.ts'

export type MasterEvent =
  | { type: 'signal'; signal: NodeJS.Signals }
  | { type: 'message'; worker: WorkerState; message: WorkerMessage }
  | { type: 'exit'; worker: WorkerState; end: WorkerEnd }

export interface MasterParts {
  family: Pick<Family, 'name' | 'prefix'>
  config: ProcessConfig
  words: Words
  segment: Segment
  ledger: Ledger
  sockets: SlotSockets | undefined
  /** Where all workers listen. */
  address: { hostname: string; port: number }
}

/** Turns also come with every event; without one this often, to see what only time tells. */
const TURN_EVERY_MS = 100

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
        return this.#reap(event.worker, event.end, nowMs)
    }
  }

  #takeSignal(signal: NodeJS.Signals): void {
    const { state } = this
    const { words, ledger } = this.#parts
    switch (signal) {
      case 'SIGHUP':
        words.reloading(state.reload !== undefined)
        return transitions.reloadAsked(state)
      case 'SIGTTIN':
      case 'SIGTTOU': {
        const isChange = transitions.scaledBy(state, signal === 'SIGTTIN' ? 1 : -1)
        return words.scaling(state.wanted, isChange, state.slots.length)
      }
      case 'SIGQUIT':
        return this.#stopNow(signal)
      default:
        if (state.isStopping) return this.#stopNow(signal)
        state.isStopping = true
        // Ctrl+C: somebody waits for the end, and has no balancer that must find out first.
        if (signal === 'SIGINT') this.#lameDuckMs = 0
        words.draining(signal, ledger.inFlight)
    }
  }

  #stopNow(signal: NodeJS.Signals): void {
    this.state.isStopping = true
    this.#parts.words.cutOff(signal, this.#parts.ledger.inFlight)
    for (const worker of workersOf(this.state)) this.#kill(worker, 'stop')
  }

  #takeMessage(worker: WorkerState, message: WorkerMessage, nowMs: number): void {
    const { words, config } = this.#parts
    if (!this.handles.has(worker)) return
    switch (message.type) {
      case 'prepared':
        return transitions.prepared(this.state, worker, nowMs)
      case 'failed':
        this.handles.get(worker)!.lastWords = message.message
        return
      case 'draining': {
        const reason = this.state.isStopping ? 'stop' : 'signal'
        if (worker.phase !== 'ready') return
        return transitions.drainBegun(worker, reason, true, this.#deadline(config.lameDuckMs, nowMs))
      }
      case 'ready':
        if (worker.phase !== 'starting') return
        transitions.becameReady(this.state, worker, nowMs)
        words.ready(worker)
        if (this.state.hasServed) this.#served.resolve()
    }
  }

  #reap(worker: WorkerState, end: WorkerEnd, nowMs: number): void {
    const { words, ledger, sockets } = this.#parts
    const handle = this.handles.get(worker)!
    const oomKills = readOomKills()
    const isOutOfMemory = oomKills !== this.#oomKills
    this.#oomKills = oomKills
    const outcome = transitions.exited(this.state, worker, { ...end, isOutOfMemory }, nowMs)
    const abandoned = ledger.ended(worker, handle.cpuUs, outcome.reason)
    this.handles.delete(worker)
    if (!this.state.slots[worker.slot - 1]!.workers.some(isReady)) sockets?.withdraw(worker.slot)

    words.gone(worker, end, outcome.reason, abandoned)
    if (outcome.isReloadAbandoned) {
      ledger.reloaded(false)
      words.reloadAbandoned(end, handle.lastWords)
    }
    if (outcome.fatal !== undefined && !this.state.isStopping) {
      this.#exitCode = outcome.fatal
      this.#lameDuckMs = 0
      this.state.isStopping = true
      words.couldNotStart(worker, end, handle.lastWords)
    }
  }

  #act(action: Action, nowMs: number): void {
    const { words, ledger, sockets } = this.#parts
    switch (action.do) {
      case 'spawn':
        return this.#spawn(action, nowMs)
      case 'drain': {
        const { worker, reason, isReplaced } = action
        transitions.drainBegun(worker, reason, isReplaced, this.#deadline(this.#lameDuckMs, nowMs))
        if (reason === 'scale') sockets?.withdraw(worker.slot)
        return this.handles.get(worker)!.drain(this.#lameDuckMs, isReplaced)
      }
      case 'kill':
        words.killing(action.worker, action.reason, this.handles.get(action.worker)!, nowMs)
        return this.#kill(action.worker, action.reason)
      case 'endReload':
        ledger.reloaded(true)
        words.reloaded()
        return transitions.reloadEnded(this.state)
      case 'exit':
        return this.#ended.resolve(this.#exitCode)
    }
  }

  #spawn(action: Extract<Action, { do: 'spawn' }>, nowMs: number): void {
    const { segment, sockets, address, ledger, words } = this.#parts
    const addresses: Address[] = [{ ...address, reusePort: true }]
    if (sockets) addresses.push({ unix: sockets.private(action.region) })
    const { slot, region, prepare } = action
    const role: Role = { slot, region, segment: segment.path, addresses, prepare }
    let worker: WorkerState
    try {
      const listener: WorkerListener = {
        onMessage: (message) => this.enqueue({ type: 'message', worker, message }),
        onExit: (end) => this.enqueue({ type: 'exit', worker, end }),
      }
      const handle = new WorkerHandle(role, new Board(segment.board(region)), listener, nowMs)
      worker = transitions.spawned(this.state, action, handle.pid, nowMs)
      this.handles.set(worker, handle)
      ledger.spawned(worker)
    } catch (error) {
      words.notSpawned(slot, error)
      transitions.spawnFailed(this.state, slot, nowMs)
    }
  }

  #kill(worker: WorkerState, reason: ExitReason): void {
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
