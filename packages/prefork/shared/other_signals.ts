/**
 * Signals that operators and log rotation send to other servers. Their default action would end the process.
 */
import type { Logger } from './logger.ts'

const IGNORED = ['SIGUSR1', 'SIGUSR2'] as const

/** Logs each of these signals, and goes on. Without a log it only goes on. */
export function surviveOtherSignals(log?: Logger, more: readonly NodeJS.Signals[] = []): void {
  for (const signal of [...IGNORED, ...more]) {
    process.on(signal, () => log?.info({ signal }, `${signal} has no effect here: the process goes on`))
  }
}
