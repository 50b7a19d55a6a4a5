/**
 * One scrape: every target read at the same time, within one deadline. A target that fails has a problem in place of
 * its stats and costs nothing else. The log tells when a target starts and stops failing, not at each scrape.
 */
import type { Logger } from './log.ts'
import { type Outcome, parseStats } from './parse.ts'
import { orAbort, ReadError } from './read_error.ts'
import { readDocument, type ReadOptions } from './read.ts'
import { type Lookup, lookUp, resolve } from './resolve.ts'
import type { Target } from './target.ts'

/** What one target gave at one scrape. */
export type Reading = Outcome & { target: string; durationSeconds: number }

/** The deadline where the scraper names none. */
export const DEFAULT_TIMEOUT_MS = 10_000
/** The longest deadline; whoever asks for more gets this. */
export const MAX_TIMEOUT_MS = 120_000

export interface ScrapeOptions extends ReadOptions {
  /** See `resolve`. */
  keepsName: boolean
}

/** Reads all targets until the signal ends it: a reading for each of their addresses, or one that says why there is none. */
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
      return Promise.all(
        found.map(async (address) => readingOf(address.label, await outcomeOf(address, options))),
      )
    }),
  )
  // Two names may lead to one address, whose series would be there twice.
  return [...new Map(readings.flat().map((reading) => [reading.target, reading])).values()]
}

/** Length of a document that leaves so much garbage behind that the engine must not be left to collect it when it likes. */
const LARGE_LENGTH = 4 * 2 ** 20

async function outcomeOf(target: Target, options: ReadOptions): Promise<Outcome> {
  let isLarge = false
  const outcome = await readDocument(target, options).then((text) => {
    isLarge = text.length > LARGE_LENGTH
    return parseStats(text)
  }, problemOf)
  // Once the page is written: it leaves more behind than the document.
  if (isLarge) setImmediate(Bun.gc, true)
  return outcome
}

function problemOf(error: unknown): { problem: string } {
  if (error instanceof ReadError) return { problem: error.message }
  throw error
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

/** Whoever probes one target after the other must not fill the memory with what is wrong with them. */
const KEPT_PROBLEMS = 1000

/** A log of what changed: give it the readings of every scrape. */
export function logChanges(log: Logger): (readings: readonly Reading[]) => void {
  const problems = new Map<string, string>()
  return (readings) => {
    for (const reading of readings) {
      const { target } = reading
      if ('problem' in reading) {
        const reason = reading.problem
        if (problems.get(target) !== reason) log.warn({ target, reason }, 'target is down')
        if (problems.size >= KEPT_PROBLEMS) problems.clear()
        problems.set(target, reason)
      } else if (problems.delete(target)) {
        log.info({ target }, 'target is up again')
      }
    }
  }
}
