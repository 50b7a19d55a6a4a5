/** JSON log lines on standard output, through pino. */
import pino from 'pino'

export type Logger = pino.Logger

/** A log whose reader is gone (EPIPE) loses its lines. Without this listener the first lost line ends the process. */
const loseLines = (): void => {}

/** @param worker slot of the worker that logs; absent in the master */
export function createLogger(name: string, level: string, worker?: number): Logger {
  if (!process.stdout.listeners('error').includes(loseLines)) process.stdout.on('error', loseLines)
  return pino({
    name,
    level,
    base: { name, pid: process.pid, ...(worker === undefined ? {} : { worker }) },
    formatters: { level: (label) => ({ level: label }) },
  })
}
