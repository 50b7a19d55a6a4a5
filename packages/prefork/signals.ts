/**
 * Signals as promises. SIGTERM and SIGINT ask for a drain, a second one of them or SIGQUIT ends it at once.
 * Handlers only resolve; what to do is decided where the promises are awaited.
 */
export interface StopSignals {
  /** Resolves with the first signal's name. */
  drain: Promise<NodeJS.Signals>
  /** Resolves when waiting any longer is not wanted. */
  now: Promise<NodeJS.Signals>
  dispose(): void
}

/** Nobody presses Ctrl+C again sooner. */
const SAME_PRESS_WITHIN_MS = 200

/**
 * Of Ctrl+C one signal for each time it is pressed: under `bun run` it comes twice, from the terminal and from `bun run`, which
 * passes it on. Taken for two it would cut off what it should drain.
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
  let asked = 0
  const onStop = oncePerPress((signal) => {
    drain.resolve(signal)
    if (++asked > 1) now.resolve(signal)
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
