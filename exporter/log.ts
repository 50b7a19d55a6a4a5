/** Log lines: JSON as of all our processes, or logfmt as of other exporters. */
import { createLogger } from '@bun-monitoring/prefork'
import { LOG_LEVELS, type LogFormat, type LogLevel } from './settings.ts'

/** What the exporter needs of a logger; pino's has it. */
export type Logger = Record<LogLevel, (fields: object, message: string) => void>

export const openLog = (format: LogFormat, level: LogLevel): Logger =>
  format === 'json' ? createLogger('exporter', level) : logfmt(level)

function logfmt(least: LogLevel): Logger {
  const write = (level: LogLevel) => (fields: object, msg: string) => {
    if (LOG_LEVELS.indexOf(level) < LOG_LEVELS.indexOf(least)) return
    const pairs = { time: new Date().toISOString(), level, msg, ...fields }
    console.log(
      Object.entries(pairs)
        .map(([key, value]) => `${key}=${logfmtValue(value)}`)
        .join(' '),
    )
  }
  return { debug: write('debug'), info: write('info'), warn: write('warn'), error: write('error') }
}

/** Quoted as Go does where anything in it would end the value. */
function logfmtValue(value: unknown): string {
  const text =
    value instanceof Error
      ? (value.stack ?? value.message)
      : typeof value === 'object'
        ? JSON.stringify(value)
        : String(value)
  return /^[^\s"=\\\p{C}]+$/u.test(text) ? text : JSON.stringify(text)
}
