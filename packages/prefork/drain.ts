/**
 * How a worker ends without losing a request: it first goes on as a lame duck, saying `Connection: close` in every
 * answer, so that clients leave by themselves; where another worker takes over it also waits for connections that
 * were silent all the time and so were not told; then it stops, answers what it has, and cuts off what takes too long.
 */
import type { Served } from './worker.ts'

export interface DrainOptions {
  lameDuckMs: number
  /** For what comes after the lame duck. */
  drainMs: number
  /** Whether to wait for connections that were not told. May change meanwhile. */
  isReplaced: () => boolean
  /** The connections that are open. */
  connections: () => Set<string>
  /** Requests that are not answered yet. */
  inFlight: () => number
  /** Resolves when waiting any longer is not wanted. */
  now: Promise<unknown>
}

/** How often it looks whether the last untold connection is gone. */
const LOOK_EVERY_MS = 50

/** @returns how many requests were cut off. */
export async function drain(served: Served, options: DrainOptions): Promise<number> {
  const { lameDuckMs, drainMs, inFlight, now } = options
  const untold = options.connections()
  served.lameDuck()
  const hasToGo = Promise.withResolvers<unknown>()
  const timer = setTimeout(hasToGo.resolve, lameDuckMs + drainMs)
  void now.then(hasToGo.resolve)
  await Promise.race([Bun.sleep(lameDuckMs), hasToGo.promise])
  await silentGone(untold, options, hasToGo.promise)
  const stopped = served.stop(false).then(() => 0)
  const cutOff = await Promise.race([stopped, hasToGo.promise.then(inFlight)])
  clearTimeout(timer)
  await served.stop(true)
  return cutOff
}

async function silentGone(
  untold: Set<string>,
  { isReplaced, connections }: DrainOptions,
  hasToGo: Promise<unknown>,
): Promise<void> {
  const isOver = hasToGo.then(() => true)
  while (isReplaced() && !untold.isDisjointFrom(connections())) {
    if (await Promise.race([isOver, Bun.sleep(LOOK_EVERY_MS).then(() => false)])) return
  }
}
