/**
 * One scrape: every target read at the same time, within one deadline. A target that fails has a problem in place of
 * its stats and costs nothing else. The log tells when a target starts and stops failing, not at each scrape.
 */
import type { Logger } from '@bun-monitoring/prefork'
import { type Outcome, parseStats } from './parse.ts'
import { ReadError, readDocument } from './read.ts'

/** What one target gave at one scrape. */
export type Reading = Outcome & { target: string; durationSeconds: number }

/** The deadline where the scraper names none. */
export const DEFAULT_TIMEOUT_MS = 10_000
/** The longest deadline; whoever asks for more gets this. */
export const MAX_TIMEOUT_MS = 120_000

/** Reads all targets until the signal ends it. */
export function scrape(targets: readonly string[], signal: AbortSignal): Promise<Reading[]> {
  return Promise.all(
    targets.map(async (target) => {
      const startedMs = performance.now()
      const outcome = await readTarget(target, signal)
      return { ...outcome, target, durationSeconds: (performance.now() - startedMs) / 1000 }
    }),
  )
}

async function readTarget(target: string, signal: AbortSignal): Promise<Outcome> {
  try {
    return parseStats(await readDocument(target, signal))
  } catch (error) {
    if (error instanceof ReadError) return { problem: error.message }
    throw error
  }
}

/**
 * How long a scrape may take: what the scraper's `X-Prometheus-Scrape-Timeout-Seconds` says, less the offset, so that
 * the page arrives while it still waits. An offset that would leave nothing is not taken off.
 */
export function timeoutMs(header: string | null, offsetMs: number): number {
  const askedMs = Number(header ?? Number.NaN) * 1000
  const wholeMs = askedMs > 0 ? Math.min(askedMs, MAX_TIMEOUT_MS) : DEFAULT_TIMEOUT_MS
  return Math.ceil(wholeMs > offsetMs ? wholeMs - offsetMs : wholeMs)
}

/** A log of what changed: give it the readings of every scrape. */
export function logChanges(log: Logger): (readings: readonly Reading[]) => void {
  const problems = new Map<string, string>()
  return (readings) => {
    for (const reading of readings) {
      const { target } = reading
      if ('problem' in reading) {
        const reason = reading.problem
        if (problems.get(target) !== reason) log.warn({ target, reason }, 'target is down')
        problems.set(target, reason)
      } else if (problems.delete(target)) {
        log.info({ target }, 'target is up again')
      }
    }
  }
}
