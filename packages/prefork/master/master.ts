/**
 * The master's loop: it serves no traffic, it watches the workers. Signals, messages and deaths only enqueue events. Each turn
 * applies them to the state (transitions.ts), asks decide.ts what to do now, and does it.
 */
import { Segment } from '@bun-monitoring/metrics'
import { Scoreboard } from '../shared/scoreboard.ts'
import type { ProcessConfig } from '../shared/config.ts'
import { type Action, decide } from './decide.ts'
import { EXIT } from '../shared/exit_codes.ts'
import type { Cluster } from '../shared/cluster.ts'
import { type Spawn, type WorkerEnd, WorkerHandle, type WorkerListener } from './worker_handle.ts'
import type { SlotStats } from './slot_stats.ts'
import type { Role, WorkerMessage } from '../shared/messages.ts'
import type { SlotSockets } from '../shared/slot_sockets.ts'
import {
  enough,
  type ExitReason,
  type ClusterState,
  isReady,
  newCluster,
  type WorkerState,
  workersOf,
} from './state.ts'
import * as transitions from './transitions.ts'
import type { MasterLog } from './master_log.ts'
import type { Address } from '../shared/app.ts'

export type MasterEvent =
  | { type: 'signal'; signal: NodeJS.Signals }
  | { type: 'message'; worker: WorkerState; message: WorkerMessage }
  | { type: 'exit'; worker: WorkerState; end: WorkerEnd }

export interface MasterParts {
  cluster: Pick<Cluster, 'name' | 'prefix'>
  config: ProcessConfig
  masterLog: MasterLog
  segment: Segment
  /** The path by which workers open the segment. */
  segmentPath: string
  slotStats: SlotStats
  sockets: SlotSockets | undefined
  /** The address that all workers share. */
  address: { hostname: string; port: number }
  spawn: Spawn
  /** How many processes of this cgroup the kernel has killed to free memory, if that is known. */
  readOomKills(): number | undefined
}

/** A turn comes with each event, and without one at this interval for what depends on time alone. */
const TURN_EVERY_MS = 200

/** How long after the end of its drain time a worker is killed. */
const KILL_AFTER_MS = 1000

export class Master {
  readonly state: ClusterState
  readonly handles = new Map<WorkerState, WorkerHandle>()
  readonly #parts: MasterParts
  readonly #events: MasterEvent[] = []
  readonly #served = Promise.withResolvers<void>()
  readonly #ended = Promise.withResolvers<number>()
  #exitCode: number = EXIT.ok
  #lameDuckMs: number
  #oomKills: number | undefined

  constructor(parts: MasterParts) {
    this.#parts = parts
    this.#lameDuckMs = parts.config.lameDuckMs
    this.#oomKills = parts.readOomKills()
    this.state = newCluster(parts.segment.slots, parts.config.workers)
  }

  /** Resolves when all workers are ready for the first time. */
  get served(): Promise<void> {
    return this.#served.promise
  }

  /** Runs until the cluster has ended. @returns its exit code. */
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
    const { masterLog, slotStats } = this.#parts
    switch (signal) {
      case 'SIGHUP':
        masterLog.reloading(state.reload !== undefined)
        return transitions.reloadAsked(state)
      case 'SIGTTIN':
      case 'SIGTTOU': {
        const isChange = transitions.scaledBy(state, signal === 'SIGTTIN' ? 1 : -1)
        return masterLog.scaling(state.wanted, isChange, state.slots.length)
      }
      case 'SIGQUIT':
        return this.#stopNow(signal)
      default:
        if (state.isStopping) return this.#stopNow(signal)
        state.isStopping = true
        // Ctrl+C is pressed by a developer: no balancer has to notice first.
        if (signal === 'SIGINT') this.#lameDuckMs = 0
        masterLog.draining(signal, slotStats.inFlight)
    }
  }

  #stopNow(signal: NodeJS.Signals): void {
    this.state.isStopping = true
    this.#parts.masterLog.cutOff(signal, this.#parts.slotStats.inFlight)
    for (const worker of workersOf(this.state)) this.#kill(worker, 'stop')
  }

  #takeMessage(worker: WorkerState, message: WorkerMessage, nowMs: number): void {
    const { masterLog, config } = this.#parts
    if (!this.handles.has(worker)) return
    switch (message.type) {
      case 'prepared':
        return transitions.prepared(this.state, worker, nowMs)
      case 'failed':
        this.handles.get(worker)!.bootError = message.message
        return
      case 'draining': {
        const reason = this.state.isStopping ? 'stop' : 'signal'
        if (worker.phase !== 'ready') return
        return transitions.drainBegun(worker, reason, undefined, this.#deadline(config.lameDuckMs, nowMs))
      }
      case 'ready':
        if (worker.phase !== 'starting') return
        transitions.becameReady(this.state, worker, nowMs)
        masterLog.workerReady(worker)
        if (this.state.hasServed) this.#served.resolve()
    }
  }

  #reap(worker: WorkerState, end: WorkerEnd, nowMs: number): void {
    const { masterLog, slotStats, sockets, readOomKills } = this.#parts
    const handle = this.handles.get(worker)!
    const oomKills = readOomKills()
    const isOutOfMemory = oomKills !== this.#oomKills
    this.#oomKills = oomKills
    const outcome = transitions.exited(this.state, worker, { ...end, isOutOfMemory }, nowMs)
    const abandoned = slotStats.ended(worker, handle.cpu, outcome.reason)
    this.handles.delete(worker)
    if (!this.state.slots[worker.slot - 1]!.workers.some(isReady)) sockets?.withdraw(worker.slot)

    masterLog.workerEnded(worker, end, outcome.reason, abandoned)
    if (outcome.isReloadAbandoned) {
      slotStats.reloaded(false)
      masterLog.reloadAbandoned(end, handle.bootError)
    }
    if (outcome.fatal !== undefined) {
      this.#exitCode = outcome.fatal
      this.#lameDuckMs = 0
      this.state.isStopping = true
      masterLog.couldNotStart(worker, end, handle.bootError)
    }
  }

  #act(action: Action, nowMs: number): void {
    const { masterLog, slotStats, sockets } = this.#parts
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
        masterLog.killing(action.worker, action.reason, this.handles.get(action.worker)!, nowMs)
        if (action.reason === 'crash')
          this.handles.get(action.worker)!.bootError = masterLog.bootTimeout(action.worker)
        return this.#kill(action.worker, action.reason)
      case 'endReload':
        slotStats.reloaded(true)
        masterLog.reloaded()
        return transitions.reloadEnded(this.state)
      case 'exit':
        return this.#ended.resolve(this.#exitCode)
    }
  }

  #spawn(action: Extract<Action, { do: 'spawn' }>, nowMs: number): void {
    const { segment, segmentPath, sockets, address, slotStats, masterLog, spawn } = this.#parts
    const addresses: Address[] = [{ ...address, reusePort: true }]
    if (sockets) addresses.push({ unix: sockets.private(action.region) })
    const { slot, region, prepare } = action
    const role: Role = { slot, region, segment: segmentPath, addresses, prepare }
    let worker: WorkerState
    try {
      const listener: WorkerListener = {
        onMessage: (message) => this.enqueue({ type: 'message', worker, message }),
        onExit: (end) => this.enqueue({ type: 'exit', worker, end }),
      }
      const handle = new WorkerHandle(spawn, role, new Scoreboard(segment.board(region)), listener, nowMs)
      worker = transitions.spawned(this.state, action, handle.pid, nowMs)
      this.handles.set(worker, handle)
      slotStats.spawned(worker)
    } catch (error) {
      masterLog.notSpawned(slot, error)
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

  /** Why the cluster cannot take traffic, or `undefined` if it can. */
  whyNotReady(): string | undefined {
    const { name } = this.#parts.cluster
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
