/**
 * The master process from its start to its end: it takes what the family needs to itself (admin port, traffic port,
 * segment, socket folder), lets master.ts run the workers, and gives everything back.
 */
import { collectDefaultMetrics, Registry, Segment, SegmentError } from '@bun-monitoring/metrics'
import { serveAdmin } from './admin.ts'
import { bind, findPort, StartError } from './bind.ts'
import type { ProcessConfig } from './config.ts'
import { EXIT } from './exit.ts'
import { familyFacts } from './facts.ts'
import type { Family } from './family.ts'
import { Ledger } from './ledger.ts'
import type { Logger } from './logger.ts'
import { Master } from './master.ts'
import { readMigratesRequests } from './procfs.ts'
import { oncePerPress } from './signals.ts'
import { SlotSockets } from './sockets.ts'
import { statsDocument } from './stats.ts'
import { sayReady, Words } from './words.ts'

/** What an operator may tell a master; see README.md. */
const SIGNALS = ['SIGTERM', 'SIGINT', 'SIGQUIT', 'SIGHUP', 'SIGTTIN', 'SIGTTOU'] as const

/** Slots for workers: SIGTTIN stops there. */
const slotsOf = ({ workers, maxWorkers = Math.max(8, 4 * workers) }: ProcessConfig): number =>
  Math.max(workers, maxWorkers)

/** @returns the exit code. */
export async function lead(
  family: Pick<Family, 'name' | 'version' | 'prefix' | 'documents'>,
  config: ProcessConfig,
  log: Logger,
): Promise<number> {
  using kept = new DisposableStack()
  try {
    const address = { hostname: config.host, port: await findPort(family.prefix, config) }
    const segment = kept.adopt(
      Segment.create(family.name, {
        slots: slotsOf(config),
        regionBytes: config.metricsBytesPerWorker,
      }),
      (each) => each.remove(),
    )
    const registry = new Registry(undefined, segment.writer(segment.masterRegion))
    collectDefaultMetrics({ register: registry })
    const ledger = new Ledger(segment, registry)
    const sockets =
      config.socketDir === undefined ? undefined : new SlotSockets(config.socketDir, family.name)
    await sockets?.clear()
    if (sockets) kept.defer(() => sockets.remove())

    const master = new Master({
      family,
      config,
      words: new Words(log, config),
      segment,
      ledger,
      sockets,
      address,
    })
    const admin = await bind(family.prefix, 'admin', config, () =>
      serveAdmin(config, family, registry, {
        stats: () => statsDocument(familyFacts(family, address, { ...master, ledger })),
        notReady: () => master.whyNotReady(),
      }),
    )
    kept.defer(() => void admin.stop(true))
    for (const signal of SIGNALS) {
      const enqueue = oncePerPress(() => master.enqueue({ type: 'signal', signal }))
      process.on(signal, enqueue)
      kept.defer(() => process.off(signal, enqueue))
    }
    if (readMigratesRequests() === false) {
      log.info(
        'net.ipv4.tcp_migrate_req is 0: connections that a stopping worker has not accepted yet are lost',
      )
    }
    void master.served.then(() => sayReady(log, config, address.port, admin.port!))
    const code = await master.run()
    log.info('stopped')
    return code
  } catch (error) {
    if (!(error instanceof StartError || error instanceof SegmentError)) throw error
    log.fatal(error.message)
    return EXIT.couldNotStart
  }
}
