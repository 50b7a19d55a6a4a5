/** For the tests of all packages: random numbers from a seed, and tests that need another program. */

/** Numbers from 0 up to below 1, the same for the same seed (mulberry32). */
export function randomFrom(seed: number): () => number {
  let state = seed
  return () => {
    state = (state + 0x6d_2b_79_f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
}

/** Whole numbers from 0 up to below the limit of each call, the same for the same seed. */
export function wholeNumbersFrom(seed: number): (limit: number) => number {
  const random = randomFrom(seed)
  return (limit) => Math.floor(random() * limit)
}

/**
 * Tells whether to run tests that need a program which not every machine has. Without the program they are skipped with a
 * warning; when CI is set they run, and fail.
 * @param skipped says which program is missing, and what is not tested without it
 */
export function isExpected(isThere: boolean, skipped: string): boolean {
  if (!isThere) console.warn(`SKIPPED: ${skipped}`)
  return isThere || Bun.env.CI !== undefined
}
