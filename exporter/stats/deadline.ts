/**
 * A time limit for an asynchronous action. The timer is removed when the action ends: a scrape takes about a
 * millisecond, and the timer of `AbortSignal.timeout` would remain for the whole timeout of the scraper.
 */

/** Runs `act` with a signal that is aborted after the given time, or together with the other signal. */
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
