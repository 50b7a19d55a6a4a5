/**
 * The master process from its start to its end: it takes what the cluster needs (admin port, traffic port, segment, socket
 * folder), lets master.ts run the workers, and gives everything back.
 */
import { Registry } from '@bun-monitoring/metrics'
import { serveAdmin } from '../admin/admin_server.ts'
import { statsDocument } from '../admin/stats_document.ts'
import { bind, findPort, StartError } from '../shared/bind.ts'
import type { Cluster } from '../shared/cluster.ts'
import type { ProcessConfig } from '../shared/config.ts'
import { EXIT } from '../shared/exit_codes.ts'
import type { Logger } from '../shared/logger.ts'
import { surviveOtherSignals } from '../shared/other_signals.ts'
import { readOomKills } from '../shared/procfs.ts'
import { reapOrphans } from '../shared/reap_orphans.ts'
import { logReady } from '../shared/ready.ts'
import { SlotSockets } from '../shared/slot_sockets.ts'
import { oncePerPress } from '../shared/stop_signals.ts'
import { exitOnUncaughtErrors } from '../shared/uncaught_errors.ts'
import { createSegment, lastingPath } from './cluster_segment.ts'
import { clusterSnapshot } from './cluster_snapshot.ts'
import { Master } from './master.ts'
import { MasterLog } from './master_log.ts'
import { publishProcessMetrics } from './process_metrics.ts'
import { SlotStats } from './slot_stats.ts'
import { workersOf } from './state.ts'

/** The signals of README.md. */
const SIGNALS = ['SIGTERM', 'SIGINT', 'SIGQUIT', 'SIGHUP', 'SIGTTIN', 'SIGTTOU'] as const

/** @returns the exit code. */
export async function runMaster<Config extends ProcessConfig>(
  cluster: Pick<Cluster<Config>, 'name' | 'version' | 'prefix' | 'notReady'>,
  config: Config,
  log: Logger,
): Promise<number> {
  exitOnUncaughtErrors(log)
  surviveOtherSignals(log)
  using cleanUp = new DisposableStack()
  cleanUp.defer(reapOrphans())
  try {
    const address = { hostname: config.host, port: await findPort(cluster.prefix, config) }
    const segment = cleanUp.adopt(createSegment(cluster, config, log), (each) => each.remove())
    const registry = new Registry(undefined, segment.writer(segment.masterRegion))
    const slotStats = new SlotStats(segment, registry)
    const sockets =
      config.socketDir === undefined ? undefined : new SlotSockets(config.socketDir, cluster.name)
    await sockets?.clear()
    if (sockets) cleanUp.defer(() => sockets.remove())

    const master = new Master({
      cluster,
      config,
      masterLog: new MasterLog(log, config, cluster.prefix),
      segment,
      segmentPath: lastingPath(segment),
      slotStats,
      sockets,
      address,
      spawn: Bun.spawn,
      readOomKills,
    })
    publishProcessMetrics(registry, {
      pids: () => workersOf(master.state).map(({ pid }) => pid),
      endedCpu: () => slotStats.endedCpu,
    })
    const admin = await bind(cluster.prefix, 'admin', config, () =>
      serveAdmin(config, registry, {
        stats: () => statsDocument(clusterSnapshot(cluster, address, { ...master, slotStats })),
        notReady: () => master.whyNotReady() ?? cluster.notReady?.(config),
      }),
    )
    cleanUp.defer(() => void admin.stop(true))
    for (const signal of SIGNALS)
      process.on(
        signal,
        oncePerPress(() => master.enqueue({ type: 'signal', signal })),
      )
    void master.served.then(() => logReady(log, config, address.port, admin.port!))
    const code = await master.run()
    log.info('stopped')
    return code
  } catch (error) {
    if (!(error instanceof StartError)) throw error
    log.fatal(error.message)
    return EXIT.couldNotStart
  }
}
