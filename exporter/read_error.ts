/** Why there is no document, in words for a log line: the same words for the same trouble, so that it is logged once. */
export class ReadError extends Error {
  override name = 'ReadError'
}

/** @throws {ReadError} when the signal ends it first. */
export function orAbort<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
  const { promise: aborted, reject } = Promise.withResolvers<never>()
  const stop = () => reject(new ReadError('it did not answer in time'))
  signal.addEventListener('abort', stop)
  if (signal.aborted) stop()
  return Promise.race([promise, aborted]).finally(() => signal.removeEventListener('abort', stop))
}
