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

export function stopSignals(source: NodeJS.EventEmitter = process): StopSignals {
  const drain = Promise.withResolvers<NodeJS.Signals>()
  const now = Promise.withResolvers<NodeJS.Signals>()
  let asked = 0
  const onStop = (signal: NodeJS.Signals) => {
    drain.resolve(signal)
    if (++asked > 1) now.resolve(signal)
  }
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
