/**
 * For tests of the master: a real master, segment and log, and workers that are no processes. The test sends their messages and
 * ends them, and sees what the master sent to them.
 */
import { Registry, renderText, Segment } from '@bun-monitoring/metrics'
import type { Subprocess } from 'bun'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Type } from '@sinclair/typebox'
import { processSettings, readConfig } from '../shared/config.ts'
import type { Logger } from '../shared/logger.ts'
import type { Role, WorkerMessage } from '../shared/messages.ts'
import type { SlotSockets } from '../shared/slot_sockets.ts'
import { Master } from './master.ts'
import { MasterLog } from './master_log.ts'
import { SlotStats } from './slot_stats.ts'
import { clusterSnapshot } from './cluster_snapshot.ts'
import type { Spawn } from './worker_handle.ts'

export const NAME = 'toys'
const ADDRESS = { hostname: '127.0.0.1', port: 8080 }
const schema = Type.Object(processSettings({ port: 8080, adminPort: 9080 }))

type SpawnOptions = Parameters<Spawn>[1]

/** A worker as a test plays it. */
export class PlayedWorker {
  exitCode: number | null = null
  signalCode: NodeJS.Signals | null = null
  /** What the master sent, and the signals that it used. */
  readonly received: unknown[] = []
  readonly role: Role
  readonly #options: SpawnOptions

  constructor(
    readonly pid: number,
    options: SpawnOptions,
  ) {
    this.#options = options
    this.role = JSON.parse(options.env!['PREFORK_ROLE']!) as Role
  }

  send(message: unknown): void {
    this.received.push(message)
  }

  kill(signal: string): void {
    this.received.push(signal)
  }

  resourceUsage() {
    return { cpuTime: { user: 3000n, system: 2000n } }
  }

  async say(message: WorkerMessage): Promise<void> {
    this.#options.ipc!(message, this as never, undefined)
    await settled()
  }

  /** @param last a message that arrives after the end */
  async end(end: { code?: number; signal?: NodeJS.Signals }, last?: WorkerMessage): Promise<void> {
    this.endWithOpenChannel(end)
    if (last) await this.say(last)
    this.#options.onDisconnect!()
    await settled()
  }

  /** As when a child of the worker has its channel, too, and lives on. */
  endWithOpenChannel({
    code = null,
    signal = null,
  }: {
    code?: number | null
    signal?: NodeJS.Signals | null
  }): void {
    this.exitCode = code
    this.signalCode = signal
    this.#options.onExit!(this as never, code, signal as never)
  }
}

/** Resolves when the master has taken its events. */
export async function settled(): Promise<void> {
  for (let turn = 0; turn < 4; turn++) await new Promise(setImmediate)
}

/** A cluster whose workers the test plays. */
export class PlayedCluster implements AsyncDisposable {
  readonly workers: PlayedWorker[] = []
  /** Log lines as `level message`, and the fields of each. */
  readonly said: string[] = []
  readonly fields: Record<string, unknown>[] = []
  /** The slots whose sockets were withdrawn. */
  readonly withdrawn: number[] = []
  /** Whether the system has room for another process. */
  hasRoom = true
  /** How many processes the kernel has killed to free memory. */
  oomKills = 0
  readonly segment: Segment
  readonly slotStats: SlotStats
  readonly registry: Registry
  readonly master: Master
  readonly code: Promise<number>
  readonly #folder = mkdtempSync(join(tmpdir(), 'master-'))

  constructor(env: Record<string, string> = {}, withSockets = false) {
    const config = readConfig(schema, 'TOYS', { TOYS_MAX_WORKERS: '4', ...env })
    this.segment = Segment.create(NAME, { slots: 4, regionBytes: config.metricsBytesPerWorker }, this.#folder)
    this.registry = new Registry(undefined, this.segment.writer(this.segment.masterRegion))
    this.slotStats = new SlotStats(this.segment, this.registry)
    const write = (level: string) => (first: object | string, message?: string) => {
      this.said.push(`${level} ${message ?? String(first)}`)
      this.fields.push(typeof first === 'string' ? {} : (first as Record<string, unknown>))
    }
    const log = Object.fromEntries(['info', 'warn', 'error', 'fatal'].map((level) => [level, write(level)]))
    const sockets = {
      private: (region: number) => `/run/.${region}`,
      withdraw: (slot: number) => void this.withdrawn.push(slot),
    }
    this.master = new Master({
      cluster: { name: NAME, prefix: 'TOYS' },
      config,
      masterLog: new MasterLog(log as unknown as Logger, config, 'TOYS'),
      segment: this.segment,
      segmentPath: '/the/segment',
      slotStats: this.slotStats,
      sockets: withSockets ? (sockets as unknown as SlotSockets) : undefined,
      address: ADDRESS,
      readOomKills: () => this.oomKills,
      spawn: (_command, options) => {
        if (!this.hasRoom) throw new Error('EAGAIN')
        const worker = new PlayedWorker(this.workers.length + 1, options)
        this.workers.push(worker)
        return worker as unknown as Subprocess
      },
    })
    this.code = this.master.run()
  }

  /** A cluster whose workers are all ready. */
  static async serving(env: Record<string, string> = {}, withSockets = false): Promise<PlayedCluster> {
    const cluster = new PlayedCluster(env, withSockets)
    await cluster.workers[0]!.say({ type: 'prepared' })
    for (const worker of cluster.workers) await worker.say({ type: 'ready' })
    return cluster
  }

  async signal(signal: NodeJS.Signals): Promise<void> {
    this.master.enqueue({ type: 'signal', signal })
    await settled()
  }

  snapshot() {
    return clusterSnapshot({ name: NAME, version: '1' }, ADDRESS, {
      ...this.master,
      slotStats: this.slotStats,
    })
  }

  /** The metrics page of the master. */
  async page(): Promise<string> {
    return renderText(await this.registry.families())
  }

  /** The fields of the first line that starts like this. */
  fieldsOf(line: string): Record<string, unknown> | undefined {
    const index = this.said.findIndex((each) => each.startsWith(line))
    return this.fields[index]
  }

  /** Ends the master, so that no turn of it is left for the next test. */
  async [Symbol.asyncDispose](): Promise<void> {
    for (const slot of this.master.state.slots) slot.workers = []
    this.master.handles.clear()
    await this.signal('SIGQUIT')
    await this.code
    this.segment.remove()
    rmSync(this.#folder, { recursive: true })
  }
}
