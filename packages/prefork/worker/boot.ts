/** Boots the app in this process: what a worker and a cluster of one process (`WORKERS=0`) have in common. */
import { measureEventLoop, publishAppInfo, type Registry } from '@bun-monitoring/metrics'
import type { Served, Worker } from '../shared/app.ts'
import { bind, listenHigh, StartError } from '../shared/bind.ts'
import type { Cluster } from '../shared/cluster.ts'
import type { ProcessConfig } from '../shared/config.ts'
import type { Logger } from '../shared/logger.ts'
import type { Role } from '../shared/messages.ts'
import { RequestCounters } from '../shared/request_counters.ts'
import { CELL, type Scoreboard } from '../shared/scoreboard.ts'
import { SlotSockets } from '../shared/slot_sockets.ts'

export interface BootOptions {
  registry: Registry
  scoreboard: Scoreboard
  log: Logger
  /** Called after the migrations. */
  onPrepared?: () => void
  /** Called when the app listens. Throws if it does so in a wrong way. */
  checkPort?: () => Promise<void>
  /** Called at each turn of the event loop, from when the app serves. */
  onTurn?: () => void
  /** Resolves when the process is told to end. Migrations get the drain time to finish. */
  stopped: Promise<unknown>
  /** Resolves when the process must end without waiting any longer. */
  now: Promise<unknown>
}

export interface Booted {
  served: Served
  counters: RequestCounters
  stopMeasuring(): void
}

/**
 * @returns undefined if the process was told to end during the migrations.
 * @throws if a migration fails or the app cannot serve; {@link bootFailure} has the words for it.
 */
export async function boot<Config extends ProcessConfig>(
  cluster: Cluster<Config>,
  config: Config,
  { slot, region, addresses, prepare }: Omit<Role, 'segment'>,
  { registry, scoreboard, log, onPrepared, checkPort, onTurn, stopped, now }: BootOptions,
): Promise<Booted | undefined> {
  const counters = new RequestCounters(scoreboard)
  RequestCounters.own = counters
  publishAppInfo(registry, cluster)
  if (prepare) {
    let isPreparing = true
    let isStopped = false
    const overdue = stopped.then(() => {
      if (!isPreparing) return undefined
      isStopped = true
      log.info({ drainMs: config.drainMs }, 'stopping when the migrations are done')
      return Promise.race([Bun.sleep(config.drainMs), now])
    })
    const prepared = Promise.resolve(cluster.prepare?.(config)).then(() => true)
    // The migrations may wait for a database that never comes.
    const isPrepared = await Promise.race([prepared, overdue.then(() => false)])
    isPreparing = false
    if (!isPrepared) log.warn({ drainMs: config.drainMs }, 'the migrations were cut off')
    if (isStopped) return undefined
    onPrepared?.()
  }
  const worker: Worker = {
    id: slot,
    registry,
    get tally() {
      counters.isCountedByApp = true
      return counters
    },
    log,
    addresses,
  }
  const served = await bind(cluster.prefix, 'traffic', config, () =>
    listenHigh(() => cluster.serve(config, worker)),
  )
  if (checkPort) await checkPort()
  if (config.socketDir !== undefined) new SlotSockets(config.socketDir, cluster.name).publish(region, slot)
  const loop = measureEventLoop(registry, (turnedMs, lagMs) => {
    onTurn?.()
    scoreboard.cells[CELL.turnedMs] = turnedMs
    scoreboard.cells[CELL.lagMs] = lagMs
  })
  return { served, counters, stopMeasuring: () => loop.stop() }
}

/** @returns why the app could not boot, for the operator. `isKnown`: the message says all, a stack trace adds nothing. */
export function bootFailure(name: string, error: unknown): { message: string; isKnown: boolean } {
  const { message } = error as Error
  const isKnown = error instanceof StartError
  return { message: isKnown ? message : `${name} could not start: ${message}`, isKnown }
}
