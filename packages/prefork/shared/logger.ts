/** JSON log lines on standard output, through pino. */
import pino from 'pino'

export type Logger = pino.Logger

/** @param worker slot of the worker that logs; absent in the master */
export const createLogger = (name: string, level: string, worker?: number): Logger =>
  pino({
    name,
    level,
    base: { name, pid: process.pid, ...(worker === undefined ? {} : { worker }) },
    formatters: { level: (label) => ({ level: label }) },
  })
