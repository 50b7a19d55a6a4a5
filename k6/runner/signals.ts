/** Ctrl+C and SIGTERM as promises. */

/** Under `bun run`, Ctrl+C comes twice at once: from the terminal, and from `bun run`, which passes it on. */
const SAME_PRESS_WITHIN_MS = 200

export function stopSignals(source: NodeJS.EventEmitter = process) {
  const first = Promise.withResolvers<NodeJS.Signals>()
  const second = Promise.withResolvers<NodeJS.Signals>()
  let firstMs: number | undefined
  const onSignal = (signal: NodeJS.Signals) => {
    const nowMs = performance.now()
    if (firstMs !== undefined && nowMs - firstMs > SAME_PRESS_WITHIN_MS) second.resolve(signal)
    firstMs ??= nowMs
    first.resolve(signal)
  }
  source.on('SIGINT', onSignal).on('SIGTERM', onSignal)
  return { first: first.promise, second: second.promise }
}
