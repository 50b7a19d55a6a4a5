/**
 * Picks the target for a request: of two random ones, the one with fewer pending requests ("power of two choices"). It
 * spreads nearly as evenly as comparing all of them, and gateways that do not share state do not all pick the same one.
 */

export interface Candidate {
  /** Requests in progress. */
  pending: number
  /** Its share: 1; less during a slow start; 0 while ejected. */
  weight: number
}

/** @returns `undefined` if there are no candidates */
export function pick<T extends Candidate>(candidates: readonly T[], random = Math.random): T | undefined {
  const { length } = candidates
  if (length < 2) return candidates[0]
  const first = Math.floor(random() * length)
  let second = Math.floor(random() * (length - 1))
  if (second >= first) second++
  const [a, b] = [candidates[first]!, candidates[second]!]
  // The candidate with the smaller share is skipped in proportion, also if it has fewer pending requests.
  if (a.weight > b.weight && random() * a.weight >= b.weight) return a
  if (b.weight > a.weight && random() * b.weight >= a.weight) return b
  return b.pending < a.pending ? b : a
}
