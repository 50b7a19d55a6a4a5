/** The reason why a target could not be read. Equal failures have equal messages, so each is logged once. */
export class ReadError extends Error {
  override name = 'ReadError'
}

export const TOO_LATE = 'it did not respond in time'

/** Waits for the promise. @throws {ReadError} when the signal is aborted first. */
export function orAbort<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
  const { promise: aborted, reject } = Promise.withResolvers<never>()
  const stop = () => reject(new ReadError(TOO_LATE))
  signal.addEventListener('abort', stop)
  if (signal.aborted) stop()
  return Promise.race([promise, aborted]).finally(() => signal.removeEventListener('abort', stop))
}
