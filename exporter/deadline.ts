/**
 * A limit in time for what a request waits for. A timer of its own, taken away as soon as it is not needed: a scrape is
 * over in a millisecond, and `AbortSignal.timeout` would stay for as long as the scraper would have waited.
 */

/** Runs `act` with a signal that is aborted after so long, or with another signal. */
export async function within<T>(
  ms: number,
  other: AbortSignal,
  act: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const controller = new AbortController()
  const stop = () => controller.abort()
  const timer = setTimeout(stop, ms)
  other.addEventListener('abort', stop)
  if (other.aborted) stop()
  try {
    return await act(controller.signal)
  } finally {
    clearTimeout(timer)
    other.removeEventListener('abort', stop)
  }
}
