/**
 * Ends a worker without losing a request. First it is a lame duck: it says `Connection: close` in every response, so that
 * clients leave. If another worker takes over, it then closes its listeners, so that new connections reach the other worker,
 * and waits for the connections that have had no such response. Then it stops, answers the requests
 * in flight, and cuts off those that take too long.
 */
import type { Served } from '../shared/app.ts'
import type { ProcessConfig } from '../shared/config.ts'
import type { Logger } from '../shared/logger.ts'

export interface DrainOptions {
  lameDuckMs: number
  /** The time for everything after the lame duck. */
  drainMs: number
  /** Whether another worker serves, or will serve, in the place of this one. */
  hasSuccessor: boolean
  /** Resolves when the successor serves. */
  replaced: Promise<unknown>
  closeListeners(): void | Promise<void>
  /** The open connections. */
  connections(): Set<string>
  /** The number of requests whose response is not complete. */
  inFlight(): number
  /** Resolves when requests are the only thing to wait for, and no longer a successor, silent connections or WebSockets. */
  hurry: Promise<unknown>
  /** Resolves when the worker must end without waiting any longer. */
  now: Promise<unknown>
}

/** How long a server may take to read the requests that its open connections have received. */
const READ_WITHIN_MS = 200

/** How often connections and requests are looked at. */
const LOOK_EVERY_MS = 50

/** How long the app may still take to close its resources when the drain time is over. Then the process ends. */
const CLOSE_WITHIN_MS = 500

/** Whether another cluster may serve the port of a worker that stops, in its place. In a hurry its clients are not waited for. */
export const leavesToOthers = (config: Pick<ProcessConfig, 'sharePort'>, lameDuckMs: number): boolean =>
  config.sharePort === 'yes' && lameDuckMs > 0

/**
 * @returns how many requests were cut off.
 * @throws the error of the app's `stop`.
 */
export async function drain(served: Served, options: DrainOptions): Promise<number> {
  const { lameDuckMs, drainMs, hasSuccessor, replaced, closeListeners, connections, inFlight } = options
  served.lameDuck()
  const [isReplaced, now] = [new Flag(replaced), new Flag(options.now)]
  const hurry = new Flag(options.hurry)
  const timer = setTimeout(now.set, lameDuckMs + drainMs)
  await Promise.race([Bun.sleep(lameDuckMs), now.promise])
  if (hasSuccessor) {
    await Promise.race([isReplaced.promise, hurry.promise, now.promise])
    if (isReplaced.isSet) await Promise.race([closeListeners(), now.promise])
    // Even in a hurry: a client that has just connected may have sent a request that is not read yet.
    const leave = new Flag(options.hurry.then(() => Bun.sleep(READ_WITHIN_MS)))
    // Those had no response yet that says `Connection: close`: the others are closed.
    const silent = connections()
    await untilTrue(() => silent.isDisjointFrom(connections()), leave, now)
  }
  let isStopped = false
  // An error of the app comes again from the second call, which is always awaited.
  const stopped = served
    .stop(false)
    .catch(() => {})
    .then(() => void (isStopped = true))
  // A server stops when its WebSockets have closed, too: in a hurry they are not waited for.
  await Promise.race([stopped, now.promise, hurry.promise])
  await untilTrue(() => isStopped || inFlight() === 0, now)
  const cutOff = isStopped ? 0 : inFlight()
  await Promise.race([served.stop(true), now.promise.then(() => Bun.sleep(CLOSE_WITHIN_MS))])
  clearTimeout(timer)
  return cutOff
}

/** Drains, and logs what went wrong. @returns false if the app could not close its resources. */
export async function drainAndLog(log: Logger, served: Served, options: DrainOptions): Promise<boolean> {
  try {
    const cutOff = await drain(served, options)
    if (cutOff > 0) log.warn({ inFlight: cutOff, drainMs: options.drainMs }, 'requests were cut off')
    return true
  } catch (error) {
    log.error({ err: error }, `the app could not close its resources: ${(error as Error).message}`)
    return false
  }
}

/** A promise whose state can be read. */
class Flag {
  isSet = false
  readonly promise: Promise<void>
  readonly set: () => void

  constructor(source: Promise<unknown>) {
    const { promise, resolve } = Promise.withResolvers<void>()
    this.promise = promise
    this.set = () => {
      this.isSet = true
      resolve()
    }
    void source.then(this.set)
  }
}

/** Resolves when the condition holds or a flag is set. */
async function untilTrue(condition: () => boolean, ...flags: Flag[]): Promise<void> {
  while (!flags.some(({ isSet }) => isSet) && !condition()) {
    await Promise.race([Bun.sleep(LOOK_EVERY_MS), ...flags.map(({ promise }) => promise)])
  }
}
