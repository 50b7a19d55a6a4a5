/**
 * Ends the process after an error that no code caught. While the entry file awaits `run`, Bun only prints such an error and
 * goes on, although the request it belongs to never gets a response.
 */
import { EXIT } from './exit_codes.ts'

interface ErrorLog {
  error(fields: object, message: string): void
}

/**
 * Logs an uncaught error or an unhandled rejection as one line, then exits with {@link EXIT}`.crashed`. As in Node.js, a
 * rejection is left to the app if the app listens for `unhandledRejection`. Listeners of the app for `uncaughtException` are
 * called before the exit.
 * @param fields of the log line, such as the requests in flight
 * @returns a function that ends this.
 */
export function exitOnUncaughtErrors(log: ErrorLog, fields: () => object = () => ({})): () => void {
  let isEnding = false
  const end = (error: unknown, message: string) => {
    if (isEnding) return
    isEnding = true
    log.error({ err: error, ...fields() }, message)
    setImmediate(() => process.exit(EXIT.crashed))
  }
  const onError = (error: unknown) => end(error, `an error was not caught: ${messageOf(error)}`)
  const onRejection = (reason: unknown) => {
    if (process.listenerCount('unhandledRejection') > 1) return
    end(reason, `a promise was rejected and no code handled it: ${messageOf(reason)}`)
  }
  process.on('uncaughtException', onError).on('unhandledRejection', onRejection)
  return () => void process.off('uncaughtException', onError).off('unhandledRejection', onRejection)
}

const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error))
