/**
 * Signals that operators and log rotation send to other servers. Their default action would end the process.
 */
import type { Logger } from './logger.ts'

const IGNORED = ['SIGUSR1', 'SIGUSR2'] as const

/**
 * Logs each of these signals, and goes on. Without a log it only goes on.
 * @returns a function that ends this.
 */
export function surviveOtherSignals(log?: Logger, more: readonly NodeJS.Signals[] = []): () => void {
  const signals = [...IGNORED, ...more]
  const onSignal = (signal: NodeJS.Signals) =>
    log?.info({ signal }, `${signal} has no effect here: the process goes on`)
  for (const signal of signals) process.on(signal, onSignal)
  return () => {
    for (const signal of signals) process.off(signal, onSignal)
  }
}
