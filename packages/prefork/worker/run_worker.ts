/**
 * The worker process: it boots the app, publishes its state on the scoreboard, and drains when the master says so or when
 * the master is gone. The master's view of a worker is master/worker_handle.ts.
 */
import { Registry, Segment } from '@bun-monitoring/metrics'
import { PortTakenError } from '../shared/bind.ts'
import type { Cluster } from '../shared/cluster.ts'
import type { ProcessConfig } from '../shared/config.ts'
import { EXIT } from '../shared/exit_codes.ts'
import type { Logger } from '../shared/logger.ts'
import type { Role } from '../shared/messages.ts'
import { surviveOtherSignals } from '../shared/other_signals.ts'
import { readConnections } from '../shared/procfs.ts'
import { Scoreboard } from '../shared/scoreboard.ts'
import { exitOnUncaughtErrors } from '../shared/uncaught_errors.ts'
import { boot, type Booted, bootFailure } from './boot.ts'
import { checkSharedPort, notShared } from './check_shared_port.ts'
import { closeListeners, sharedListeners } from './close_listeners.ts'
import { drainAndLog, leavesToOthers } from './drain.ts'
import { DrainOrders, tellMaster } from './drain_orders.ts'
import { orphanAlarm } from './orphan_alarm.ts'
import { wakeWithMaster } from './wake_with_master.ts'

/** Signals that a terminal sends to the whole process group. The master decides what they mean. */
const LEFT_TO_THE_MASTER = ['SIGINT', 'SIGHUP', 'SIGQUIT', 'SIGTTIN', 'SIGTTOU'] as const

/** @returns the exit code. */
export async function runWorker<Config extends ProcessConfig>(
  cluster: Cluster<Config>,
  config: Config,
  role: Role,
  log: Logger,
): Promise<number> {
  surviveOtherSignals(undefined, LEFT_TO_THE_MASTER)
  wakeWithMaster()
  const orders = new DrainOrders(config)
  const tcp = role.addresses.find((address) => 'port' in address)!
  const unix = role.addresses.find((address) => 'unix' in address)
  let booted: Booted | undefined
  try {
    const segment = Segment.open(role.segment)
    const scoreboard = new Scoreboard(segment.board(role.region))
    exitOnUncaughtErrors(log, () => scoreboard.requests(performance.now()))
    booted = await boot(cluster, config, role, {
      registry: new Registry(undefined, segment.writer(role.region)),
      scoreboard,
      log,
      checkPort: () => checkSharedPort(tcp.port, cluster.prefix, unix?.unix),
      onPrepared: () => tellMaster({ type: 'prepared' }),
      onTurn: orphanAlarm(config.harakiriMs),
      stopped: orders.drain,
      now: orders.now,
    })
  } catch (error) {
    const isTaken = (error as { code?: string }).code === 'EADDRINUSE' || error instanceof PortTakenError
    // The master has found the port free, unless it shares it with another cluster.
    const cause = isTaken && config.sharePort === 'no' ? notShared(tcp.port, cluster.prefix) : error
    const { message, isKnown } = bootFailure(cluster.name, cause)
    if (!isKnown) log.error({ err: error }, `worker ${role.slot} cannot start`)
    tellMaster({ type: 'failed', message })
    return EXIT.couldNotStart
  }
  if (!booted) return EXIT.ok
  const { served, counters, stopMeasuring } = booted
  tellMaster({ type: 'ready' })

  await orders.drain
  const ports = new Set(sharedListeners().map(({ port }) => port))
  const leaves = !orders.hasSuccessor && leavesToOthers(config, orders.lameDuckMs)
  const isClosed = await drainAndLog(log, served, {
    lameDuckMs: orders.lameDuckMs,
    drainMs: config.drainMs,
    hasSuccessor: orders.hasSuccessor || leaves,
    replaced: leaves ? Promise.resolve() : orders.replaced,
    closeListeners: () => closeListeners(),
    connections: () => readConnections(ports, unix?.unix),
    inFlight: () => served.inFlight?.() ?? counters.inFlight,
    hurry: orders.hurry,
    now: orders.now,
  })
  stopMeasuring()
  return isClosed ? EXIT.ok : EXIT.crashed
}
