/**
 * Ends a worker without losing a request. First it is a lame duck: it says `Connection: close` in every response, so that
 * clients leave. If another worker takes over, it then waits for connections that were silent all the time and so had no
 * such response. Then it stops accepting, answers the requests in flight, and cuts off those that take too long.
 */
import type { Served } from '../shared/app.ts'

export interface DrainOptions {
  lameDuckMs: number
  /** The time for everything after the lame duck. */
  drainMs: number
  /** Whether to wait for silent connections. May change during the drain. */
  isReplaced: () => boolean
  /** The open connections. */
  connections: () => Set<string>
  /** The number of requests without a response. */
  inFlight: () => number
  /** Resolves when the worker must end without waiting any longer. */
  now: Promise<unknown>
}

/** How often the silent connections are looked at. */
const LOOK_EVERY_MS = 50

/** @returns how many requests were cut off. */
export async function drain(served: Served, options: DrainOptions): Promise<number> {
  const { lameDuckMs, drainMs, inFlight, now } = options
  const silent = options.connections()
  served.lameDuck()
  const mustEnd = Promise.withResolvers<unknown>()
  const timer = setTimeout(mustEnd.resolve, lameDuckMs + drainMs)
  void now.then(mustEnd.resolve)
  await Promise.race([Bun.sleep(lameDuckMs), mustEnd.promise])
  await untilGone(silent, options, mustEnd.promise)
  const stopped = served.stop(false).then(() => 0)
  const cutOff = await Promise.race([stopped, mustEnd.promise.then(inFlight)])
  clearTimeout(timer)
  await served.stop(true)
  return cutOff
}

async function untilGone(
  silent: Set<string>,
  { isReplaced, connections }: DrainOptions,
  mustEnd: Promise<unknown>,
): Promise<void> {
  const isOver = mustEnd.then(() => true)
  while (isReplaced() && !silent.isDisjointFrom(connections())) {
    if (await Promise.race([isOver, Bun.sleep(LOOK_EVERY_MS).then(() => false)])) return
  }
}
