/** JSON log lines on standard output, through pino. */
import pino from 'pino'

export type Logger = pino.Logger

export const createLogger = (name: string, level: string): Logger =>
  pino({
    name,
    level,
    base: { name, pid: process.pid },
    formatters: { level: (label) => ({ level: label }) },
  })
