/** The log: JSON like the other processes of this repository, or logfmt like other exporters. */
import { createLogger } from '@bun-monitoring/prefork'
import { LOG_LEVELS, type LogFormat, type LogLevel } from './settings.ts'

/** The part of pino's logger that the exporter uses. */
export type Logger = Record<LogLevel, (fields: object, message: string) => void>

export const openLog = (format: LogFormat, level: LogLevel): Logger =>
  format === 'json' ? createLogger('exporter', level) : logfmt(level)

function logfmt(lowest: LogLevel): Logger {
  const write = (level: LogLevel) => (fields: object, msg: string) => {
    if (LOG_LEVELS.indexOf(level) < LOG_LEVELS.indexOf(lowest)) return
    const pairs = { time: new Date().toISOString(), level, msg, ...fields }
    console.log(
      Object.entries(pairs)
        .map(([key, value]) => `${key}=${logfmtValue(value)}`)
        .join(' '),
    )
  }
  return { debug: write('debug'), info: write('info'), warn: write('warn'), error: write('error') }
}

/** Quotes a value that contains white space, a quote, `=`, a backslash or a control character. */
function logfmtValue(value: unknown): string {
  const text =
    value instanceof Error
      ? (value.stack ?? value.message)
      : typeof value === 'object'
        ? JSON.stringify(value)
        : String(value)
  return /^[^\s"=\\\p{C}]+$/u.test(text) ? text : JSON.stringify(text)
}
