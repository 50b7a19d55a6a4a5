/**
 * A cluster of one process (`WORKERS=0`): the app and the admin server in this process, metrics on its heap. It boots and
 * drains as a worker does; there is no master.
 */
import { collectDefaultMetrics, Registry } from '@bun-monitoring/metrics'
import { serveAdmin } from './admin/admin_server.ts'
import {
  commonSnapshot,
  type SlotCounts,
  slotSnapshot,
  type WorkerSnapshot,
  type WorkerStatus,
} from './admin/snapshot.ts'
import { statsDocument } from './admin/stats_document.ts'
import type { Address } from './shared/app.ts'
import { bind, findPort } from './shared/bind.ts'
import type { Cluster } from './shared/cluster.ts'
import type { ProcessConfig } from './shared/config.ts'
import { EXIT } from './shared/exit_codes.ts'
import type { Logger } from './shared/logger.ts'
import { surviveOtherSignals } from './shared/other_signals.ts'
import { readConnections } from './shared/procfs.ts'
import { logReady } from './shared/ready.ts'
import { reapOrphans } from './shared/reap_orphans.ts'
import { CELL, Scoreboard } from './shared/scoreboard.ts'
import { SlotSockets } from './shared/slot_sockets.ts'
import { type StopSignals, stopSignals } from './shared/stop_signals.ts'
import { exitOnUncaughtErrors } from './shared/uncaught_errors.ts'
import { boot, bootFailure } from './worker/boot.ts'
import { closeListeners, sharedListeners } from './worker/close_listeners.ts'
import { drainAndLog, leavesToOthers } from './worker/drain.ts'

/** Slot and region of the only worker. */
const SLOT = 1
const REGION = 0

/** Signals that only a master can obey. */
const FOR_A_MASTER = ['SIGHUP', 'SIGTTIN', 'SIGTTOU'] as const

const NEVER = new Promise<never>(() => {})
const NEVER_RELOADED = { reloads: 0, reloadsFailed: 0, lastReloadEpochMs: 0 }

/** @returns the exit code. */
export async function runSingle<Config extends ProcessConfig>(
  cluster: Cluster<Config>,
  config: Config,
  log: Logger,
  signals: StopSignals = stopSignals(),
): Promise<number> {
  using cleanUp = new DisposableStack()
  cleanUp.defer(signals.dispose)
  cleanUp.defer(reapOrphans())
  const scoreboard = new Scoreboard()
  cleanUp.defer(surviveOtherSignals(log, FOR_A_MASTER))
  cleanUp.defer(exitOnUncaughtErrors(log, () => scoreboard.requests(performance.now())))
  const registry = new Registry()
  collectDefaultMetrics({ register: registry })
  let status: WorkerStatus = 'starting'
  const counts: SlotCounts = {
    exits: {},
    spawns: 1,
    lastSpawnEpochMs: Date.now(),
    goneCpuUs: 0,
    requestsBefore: 0,
  }
  try {
    const port = await findPort(cluster.prefix, config)
    const address = { hostname: config.host, port, reusePort: config.sharePort === 'yes' }
    const addresses: Address[] = [address]
    if (config.socketDir !== undefined) {
      const sockets = new SlotSockets(config.socketDir, cluster.name)
      await sockets.clear()
      cleanUp.defer(() => sockets.remove())
      addresses.push({ unix: sockets.private(REGION) })
    }
    const admin = await bind(cluster.prefix, 'admin', config, () =>
      serveAdmin(config, registry, {
        stats: () =>
          statsDocument({
            ...commonSnapshot(cluster, address),
            ...NEVER_RELOADED,
            workers: [workerSnapshot(scoreboard, counts, status)],
          }),
        notReady: () => whyNotReady(cluster.name, status) ?? cluster.notReady?.(config),
      }),
    )
    cleanUp.defer(() => void admin.stop(true))
    const role = { slot: SLOT, region: REGION, addresses, prepare: true }
    const booted = await boot(cluster, config, role, {
      registry,
      scoreboard,
      log,
      stopped: signals.drain,
      now: signals.now,
    })
    if (booted) {
      status = 'ready'
      logReady(log, config, address.port, admin.port!)
      const signal = await signals.drain
      status = 'draining'
      const { served, counters, stopMeasuring } = booted
      log.info({ signal, inFlight: counters.inFlight, drainMs: config.drainMs }, 'draining')
      // Ctrl+C is pressed by a developer: no balancer has to notice first.
      const lameDuckMs = signal === 'SIGTERM' ? config.lameDuckMs : 0
      const ports = new Set(sharedListeners().map((listener) => listener.port))
      const isClosed = await drainAndLog(log, served, {
        lameDuckMs,
        drainMs: config.drainMs,
        hasSuccessor: leavesToOthers(config, lameDuckMs),
        replaced: Promise.resolve(),
        closeListeners: () => closeListeners(),
        connections: () => readConnections(ports),
        inFlight: () => served.inFlight?.() ?? counters.inFlight,
        hurry: NEVER,
        now: signals.now,
      })
      stopMeasuring()
      if (!isClosed) return EXIT.crashed
    }
    log.info('stopped')
    return EXIT.ok
  } catch (error) {
    const { message, isKnown } = bootFailure(cluster.name, error)
    if (isKnown) log.fatal(message)
    else log.fatal({ err: error }, message)
    return EXIT.couldNotStart
  }
}

function whyNotReady(name: string, status: WorkerStatus): string | undefined {
  if (status === 'draining') return `${name} is stopping`
  return status === 'ready' ? undefined : `${name} is starting`
}

function workerSnapshot({ cells }: Scoreboard, counts: SlotCounts, status: WorkerStatus): WorkerSnapshot {
  const nowMs = performance.now()
  const [turnedMs, oldestMs] = [cells[CELL.turnedMs]!, cells[CELL.oldestMs]!]
  return slotSnapshot({
    id: SLOT,
    counts,
    total: (cell) => cells[cell]!,
    pids: [process.pid],
    oldestRequestMs: oldestMs === 0 ? 0 : nowMs - oldestMs,
    shown: {
      pid: process.pid,
      status,
      heartbeatAgeMs: turnedMs === 0 ? 0 : nowMs - turnedMs,
      eventLoopLagMs: cells[CELL.lagMs]!,
    },
  })
}
