/** A family of one process (`WORKERS=0`): what a worker does, beside its own admin server and on memory of its own. */
import {
  collectDefaultMetrics,
  type EventLoop,
  measureEventLoop,
  publishAppInfo,
  Registry,
} from '@bun-monitoring/metrics'
import { serveAdmin } from './admin.ts'
import { bind, findPort, StartError } from './bind.ts'
import { Board, CELL } from './board.ts'
import type { ProcessConfig } from './config.ts'
import { drain } from './drain.ts'
import { EXIT } from './exit.ts'
import { countedOn, ownFacts } from './facts.ts'
import type { Family } from './family.ts'
import type { Logger } from './logger.ts'
import { readProcess } from './procfs.ts'
import { type StopSignals, stopSignals } from './signals.ts'
import { SlotSockets } from './sockets.ts'
import { type FamilyFacts, statsDocument, type WorkerStatus } from './stats.ts'
import { RequestTally } from './tally.ts'
import { sayReady } from './words.ts'
import type { Address, Served, Worker } from './worker.ts'

/** The only worker's. */
const SLOT = 1
const REGION = 0

/** @returns the exit code. */
export async function runSingle<Config extends ProcessConfig>(
  family: Family<Config>,
  config: Config,
  log: Logger,
  signals: StopSignals = stopSignals(),
): Promise<number> {
  const board = new Board()
  const tally = new RequestTally(board)
  const registry = new Registry()
  publishAppInfo(registry, family)
  collectDefaultMetrics({ register: registry })
  const loop = measureEventLoop(registry)
  const startedEpochMs = Date.now()
  let status: WorkerStatus = 'starting'
  let admin: Bun.Server<undefined> | undefined
  let served: Served
  const sockets = config.socketDir === undefined ? undefined : new SlotSockets(config.socketDir, family.name)
  try {
    const address = { hostname: config.host, port: await findPort(family.prefix, config), reusePort: false }
    await sockets?.clear()
    const addresses: Address[] = [address, ...(sockets ? [{ unix: sockets.private(REGION) }] : [])]
    admin = await bind(family.prefix, 'admin', config, () =>
      serveAdmin(config, family, registry, {
        stats: () => {
          const worker = workerFacts(board, loop, startedEpochMs, status)
          return statsDocument({ ...ownFacts(family, address), ...NEVER_RELOADED, workers: [worker] })
        },
        notReady: () => whyNotReady(family.name, status),
      }),
    )
    const prepared = Promise.resolve(family.prepare?.(config)).then(() => true)
    // It may wait for a database that never comes.
    if (!(await Promise.race([prepared, signals.drain.then(() => false)]))) {
      await admin.stop(true)
      log.info('stopped')
      return EXIT.ok
    }
    const worker: Worker = { id: SLOT, registry, tally, log, addresses }
    served = await bind(family.prefix, 'traffic', config, () => family.serve(config, worker))
    sockets?.publish(REGION, SLOT)
    status = 'ready'
    sayReady(log, config, address.port, admin.port!)
  } catch (error) {
    if (error instanceof StartError) log.fatal(error.message)
    else log.fatal({ err: error }, `${family.name} could not start: ${(error as Error).message}`)
    await admin?.stop(true)
    return EXIT.couldNotStart
  }

  const signal = await signals.drain
  status = 'draining'
  log.info({ signal, inFlight: tally.inFlight, drainMs: config.drainMs }, 'draining')
  const cutOff = await drain(served, {
    // Ctrl+C: somebody waits for the end, and has no balancer that must find out first.
    lameDuckMs: signal === 'SIGTERM' ? config.lameDuckMs : 0,
    drainMs: config.drainMs,
    isReplaced: () => false,
    connections: () => new Set(),
    inFlight: () => tally.inFlight,
    now: signals.now,
  })
  if (cutOff > 0) log.warn({ inFlight: cutOff }, 'requests were cut off')
  loop.stop()
  signals.dispose()
  sockets?.remove()
  await admin.stop(true)
  log.info('stopped')
  return EXIT.ok
}

const NEVER_RELOADED = { reloads: 0, reloadsFailed: 0, lastReloadEpochMs: 0 }

function whyNotReady(name: string, status: WorkerStatus): string | undefined {
  if (status === 'draining') return `${name} is stopping`
  return status === 'ready' ? undefined : `${name} is starting`
}

function workerFacts(
  { cells }: Board,
  loop: EventLoop,
  startedEpochMs: number,
  status: WorkerStatus,
): FamilyFacts['workers'][number] {
  const nowMs = performance.now()
  const oldestMs = cells[CELL.oldestMs]!
  const counted = countedOn((cell) => cells[cell]!)
  return {
    ...counted,
    id: SLOT,
    pid: process.pid,
    status,
    startedEpochMs,
    newRequests: counted.requests,
    oldestRequestMs: oldestMs === 0 ? 0 : nowMs - oldestMs,
    heartbeatAgeMs: nowMs - loop.turnedMs,
    eventLoopLagMs: loop.lagMs,
    spawns: 1,
    exits: {},
    // Where there is no /proc: memory is all that a process can tell of itself.
    ...(readProcess(process.pid) ?? {
      rssBytes: process.memoryUsage.rss(),
      vszBytes: 0,
      cpuUs: 0,
      openFiles: 0,
    }),
  }
}
