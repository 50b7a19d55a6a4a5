/**
 * The worker process: it serves, says how it is, and drains when it is told to, or when its master is gone. For a worker as
 * its master sees it see handle.ts.
 */
import { measureEventLoop, publishAppInfo, Registry, Segment } from '@bun-monitoring/metrics'
import { bind, listenHigh, StartError } from './bind.ts'
import { Board, CELL } from './board.ts'
import type { ProcessConfig } from './config.ts'
import { drain } from './drain.ts'
import { EXIT } from './exit.ts'
import type { Family } from './family.ts'
import type { Logger } from './logger.ts'
import type { DrainMessage, Role, WorkerMessage } from './messages.ts'
import { readConnections } from './procfs.ts'
import { SlotSockets } from './sockets.ts'
import { RequestTally } from './tally.ts'
import { watchdog } from './watchdog.ts'
import type { Served, Worker } from './worker.ts'

/** Ctrl+C, a closed terminal and the like reach the whole process group: what they mean is the master's to say. */
const LEFT_TO_THE_MASTER = ['SIGINT', 'SIGHUP', 'SIGQUIT', 'SIGTTIN', 'SIGTTOU'] as const

const tellMaster = (message: WorkerMessage): void => {
  // Without a master there is nobody to tell.
  if (process.connected) process.send!(message)
}

/** @returns the exit code. */
export async function work<Config extends ProcessConfig>(
  family: Family<Config>,
  config: Config,
  role: Role,
  log: Logger,
): Promise<number> {
  for (const signal of LEFT_TO_THE_MASTER) process.on(signal, () => {})
  const orders = new Orders(config)
  const booted = await boot(family, config, role, log)
  if (!booted) return EXIT.couldNotStart
  const { served, board, registry, tally } = booted
  const wind = watchdog(config.harakiriMs)
  const loop = measureEventLoop(registry, (turnedMs, lagMs) => {
    wind()
    board.cells[CELL.turnedMs] = turnedMs
    board.cells[CELL.lagMs] = lagMs
  })
  tellMaster({ type: 'ready' })

  await orders.drain
  const tcp = role.addresses.find((address) => 'port' in address)!
  const unix = role.addresses.find((address) => 'unix' in address)
  const cutOff = await drain(served, {
    lameDuckMs: orders.lameDuckMs,
    drainMs: config.drainMs,
    isReplaced: () => orders.isReplaced,
    connections: () => readConnections(tcp.port, unix?.unix),
    inFlight: () => tally.inFlight,
    now: orders.now,
  })
  if (cutOff > 0) log.warn({ inFlight: cutOff, drainMs: config.drainMs }, 'requests were cut off')
  loop.stop()
  return EXIT.ok
}

async function boot<Config extends ProcessConfig>(
  family: Family<Config>,
  config: Config,
  role: Role,
  log: Logger,
): Promise<{ served: Served; board: Board; registry: Registry; tally: RequestTally } | undefined> {
  try {
    const segment = Segment.open(role.segment)
    const board = new Board(segment.board(role.region))
    const registry = new Registry(undefined, segment.writer(role.region))
    const tally = new RequestTally(board)
    publishAppInfo(registry, family)
    const worker: Worker = { id: role.slot, registry, tally, log, addresses: role.addresses }
    if (role.prepare) {
      await family.prepare?.(config)
      tellMaster({ type: 'prepared' })
    }
    const served = await bind(family.prefix, 'traffic', config, () =>
      listenHigh(() => family.serve(config, worker)),
    )
    if (config.socketDir !== undefined) {
      new SlotSockets(config.socketDir, family.name).publish(role.region, role.slot)
    }
    return { served, board, registry, tally }
  } catch (error) {
    const { message } = error as Error
    const isTold = error instanceof StartError
    if (!isTold) log.error({ err: error }, `worker ${role.slot} cannot start`)
    tellMaster({ type: 'failed', message: isTold ? message : `${family.name} could not start: ${message}` })
    return undefined
  }
}

/** When and how to end, by word of the master, by a signal of somebody else, or because the master is gone. */
class Orders {
  readonly #drain = Promise.withResolvers<void>()
  readonly #now = Promise.withResolvers<void>()
  lameDuckMs: number
  isReplaced = true

  constructor(config: ProcessConfig) {
    this.lameDuckMs = config.lameDuckMs
    process.on('message', (message: DrainMessage) => {
      this.lameDuckMs = message.lameDuckMs
      this.isReplaced = message.isReplaced
      this.#drain.resolve()
    })
    process.on('disconnect', () => {
      this.lameDuckMs = 0
      this.isReplaced = false
      this.#drain.resolve()
    })
    let asked = 0
    process.on('SIGTERM', () => {
      if (++asked > 1) this.#now.resolve()
      tellMaster({ type: 'draining' })
      this.#drain.resolve()
    })
  }

  get drain(): Promise<void> {
    return this.#drain.promise
  }

  get now(): Promise<void> {
    return this.#now.promise
  }
}
