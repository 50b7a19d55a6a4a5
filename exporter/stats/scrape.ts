/**
 * One scrape reads all targets at the same time, within one deadline. A target that fails has a problem in place of its
 * stats and does not affect the others. The log says when a target starts and stops to fail, not at each scrape.
 */
import type { Logger } from '../config/log.ts'
import type { DocumentMemory } from './document_memory.ts'
import { type Outcome, type ParseOptions, parseStats } from './parse.ts'
import { orAbort, ReadError } from './read_error.ts'
import { readDocument, type ReadOptions } from './read.ts'
import { type Lookup, lookUp, resolve } from './resolve.ts'
import type { Target } from '../config/target.ts'

/** The result of one target at one scrape. */
export type Reading = Outcome & {
  target: string
  durationSeconds: number
  /** The page at `/metrics`, if it was asked for and could be read. */
  metricsPage?: string
}

/** The timeout of a scraper that names none. */
export const DEFAULT_TIMEOUT_MS = 10_000
/** A longer timeout of a scraper counts as this one. */
export const MAX_TIMEOUT_MS = 120_000

export interface ScrapeOptions extends ReadOptions, ParseOptions {
  /** See `resolve`. */
  keepsName: boolean
  /** For the pages at `/metrics`, if they are wanted. */
  metricsMemory?: DocumentMemory
}

/** Reads all targets until the signal is aborted. Each address gives a reading; a name without an address gives one, too. */
export async function scrape(
  targets: readonly Target[],
  options: ScrapeOptions,
  lookup: Lookup = lookUp,
): Promise<Reading[]> {
  const startedMs = performance.now()
  const readingOf = (target: string, outcome: Outcome): Reading => ({
    ...outcome,
    target,
    durationSeconds: (performance.now() - startedMs) / 1000,
  })
  const readings = await Promise.all(
    targets.map(async (target) => {
      const found = await orAbort(resolve(target, lookup, options.keepsName), options.signal).catch(problemOf)
      if ('problem' in found) return [readingOf(target.label, found)]
      const readingAt = async (address: Target): Promise<Reading> => {
        const [outcome, metrics] = await Promise.all([
          outcomeOf(address, options),
          metricsPageOf(address, options),
        ])
        return { ...readingOf(address.label, outcome), ...metrics }
      }
      return Promise.all(found.map(readingAt))
    }),
  )
  // Two names may have the same address; its series must not appear twice.
  return [...new Map(readings.flat().map((reading) => [reading.target, reading])).values()]
}

/** A longer document leaves much garbage, which is collected at once to keep the memory of the process small. */
const LARGE_LENGTH = 4 * 2 ** 20

async function outcomeOf(target: Target, options: ScrapeOptions): Promise<Outcome> {
  let isLarge = false
  const outcome = await readDocument(target, options).then((text) => {
    isLarge = text.length > LARGE_LENGTH
    return parseStats(text, options)
  }, problemOf)
  // Runs when the page is written, which leaves more garbage than the document.
  if (isLarge) setImmediate(Bun.gc, true)
  return outcome
}

/** A target without such a page, or whose page cannot be read, has none. */
async function metricsPageOf(
  target: Target,
  { signal, metricsMemory: memory }: ScrapeOptions,
): Promise<{ metricsPage?: string }> {
  if (memory === undefined || target.http?.path !== '/stats') return {}
  const page = { ...target, http: { ...target.http, path: '/metrics' } }
  return readDocument(page, { signal, memory }).then(
    (metricsPage) => ({ metricsPage }),
    () => ({}),
  )
}

function problemOf(error: unknown): { problem: string } {
  if (error instanceof ReadError) return { problem: error.message }
  throw error
}

/**
 * The time limit of a scrape: the scraper's `X-Prometheus-Scrape-Timeout-Seconds` minus the offset, so that the page
 * arrives before the scraper's timeout. An offset longer than the timeout is ignored.
 */
export function timeoutMs(header: string | null, offsetMs: number): number {
  const askedMs = Number(header ?? Number.NaN) * 1000
  const wholeMs = askedMs > 0 ? Math.min(askedMs, MAX_TIMEOUT_MS) : DEFAULT_TIMEOUT_MS
  return Math.ceil(wholeMs > offsetMs ? wholeMs - offsetMs : wholeMs)
}

/** Limits the memory: probes can name any number of targets. */
const KEPT_PROBLEMS = 1000

/** Returns a function that takes the readings of each scrape and logs the changes. */
export function logChanges(log: Logger): (readings: readonly Reading[]) => void {
  const problems = new Map<string, string>()
  return (readings) => {
    for (const reading of readings) {
      const { target } = reading
      if ('problem' in reading) {
        const reason = reading.problem
        const known = problems.get(target)
        if (known !== reason) log.warn({ target, reason }, 'target is down')
        if (known === undefined && problems.size >= KEPT_PROBLEMS) problems.clear()
        problems.set(target, reason)
      } else if (problems.delete(target)) {
        log.info({ target }, 'target is up again')
      }
    }
  }
}
