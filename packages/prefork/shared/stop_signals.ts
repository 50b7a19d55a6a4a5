/**
 * Stop signals as promises. SIGTERM and SIGINT ask for a drain; a second one, or SIGQUIT, ends the drain at once.
 * The handlers only resolve promises. The code that awaits them decides what to do.
 */
export interface StopSignals {
  /** Resolves with the name of the first signal. */
  drain: Promise<NodeJS.Signals>
  /** Resolves when the process must end without waiting any longer. */
  now: Promise<NodeJS.Signals>
  dispose(): void
}

/** Two SIGINTs within this time come from one press of Ctrl+C. */
const SAME_PRESS_WITHIN_MS = 200

/**
 * Drops the second SIGINT of one press of Ctrl+C. Under `bun run` the terminal sends one and `bun run` forwards another;
 * the second one would cut off the requests that the first one lets finish.
 */
export function oncePerPress(
  act: (signal: NodeJS.Signals) => void,
  nowMs: () => number = () => performance.now(),
): (signal: NodeJS.Signals) => void {
  let lastMs = -Infinity
  return (signal) => {
    const isAnother = signal !== 'SIGINT' || nowMs() - lastMs > SAME_PRESS_WITHIN_MS
    if (signal === 'SIGINT') lastMs = nowMs()
    if (isAnother) act(signal)
  }
}

export function stopSignals(source: NodeJS.EventEmitter = process): StopSignals {
  const drain = Promise.withResolvers<NodeJS.Signals>()
  const now = Promise.withResolvers<NodeJS.Signals>()
  let count = 0
  const onStop = oncePerPress((signal) => {
    drain.resolve(signal)
    if (++count > 1) now.resolve(signal)
  })
  const onQuit = (signal: NodeJS.Signals) => {
    drain.resolve(signal)
    now.resolve(signal)
  }
  source.on('SIGTERM', onStop).on('SIGINT', onStop).on('SIGQUIT', onQuit)
  return {
    drain: drain.promise,
    now: now.promise,
    dispose: () => void source.off('SIGTERM', onStop).off('SIGINT', onStop).off('SIGQUIT', onQuit),
  }
}
