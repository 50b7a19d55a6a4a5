/**
 * Which target is next: of two that are drawn at random, the one with less to do. Nearly as even as to
 * ask all of them, and gateways that do not know of each other do not all run to the same one.
 */

export interface Candidate {
  /** What it is doing just now. */
  pending: number
  /** Its share: 1, less while it starts slowly, 0 where it is ejected. */
  weight: number
}

/** @returns `undefined` where there is none. */
export function pick<T extends Candidate>(candidates: readonly T[], random = Math.random): T | undefined {
  const { length } = candidates
  if (length < 2) return candidates[0]
  const first = Math.floor(random() * length)
  let second = Math.floor(random() * (length - 1))
  if (second >= first) second++
  const [a, b] = [candidates[first]!, candidates[second]!]
  // Who has a smaller share is passed over that often, however little it has to do.
  if (a.weight > b.weight && random() * a.weight >= b.weight) return a
  if (b.weight > a.weight && random() * b.weight >= a.weight) return b
  return b.pending < a.pending ? b : a
}
