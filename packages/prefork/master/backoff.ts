/**
 * How long a slot waits before its next worker. A worker that dies is replaced at once, unless it died before it was ready
 * or its slot has lost too many workers lately. Each such death doubles the wait; a death of another kind ends the back-off.
 * Without the back-off a broken program would keep the machine busy with starts.
 */

/** More deaths than this within the window are too many. */
export const DEATHS_ALLOWED = 10
export const WINDOW_MS = 10_000

export const FIRST_WAIT_MS = 100
export const LONGEST_WAIT_MS = 10_000

export interface Backoff {
  strikes: number
  deathsMs: number[]
  notBeforeMs: number
}

/** The back-off after a death at `nowMs`. */
export function afterDeath(
  { strikes, deathsMs }: Pick<Backoff, 'strikes' | 'deathsMs'>,
  wasReady: boolean,
  nowMs: number,
): Backoff {
  const recent = [...deathsMs.filter((ms) => nowMs - ms < WINDOW_MS), nowMs]
  const isStrike = !wasReady || recent.length > DEATHS_ALLOWED
  if (!isStrike) return { strikes: 0, deathsMs: recent, notBeforeMs: nowMs }
  const waitMs = Math.min(FIRST_WAIT_MS * 2 ** strikes, LONGEST_WAIT_MS)
  return { strikes: strikes + 1, deathsMs: recent, notBeforeMs: nowMs + waitMs }
}
