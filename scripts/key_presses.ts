/**
 * Ctrl+C, once for each time it is pressed: under `bun run` it comes twice, from the terminal and from `bun run`, which passes it
 * on. Taken for two it would kill what it should stop.
 */
import { EventEmitter } from 'node:events'

/** Nobody presses it again sooner. */
const SAME_PRESS_WITHIN_MS = 200

/** What {@link stopSignals} of prefork listens to. */
export function keyPresses(
  source: NodeJS.EventEmitter = process,
  nowMs: () => number = () => performance.now(),
): NodeJS.EventEmitter {
  const presses = new EventEmitter()
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGQUIT']) {
    let lastMs = -Infinity
    source.on(signal, () => {
      const isAnother = nowMs() - lastMs > SAME_PRESS_WITHIN_MS
      lastMs = nowMs()
      if (isAnother) presses.emit(signal, signal)
    })
  }
  return presses
}
