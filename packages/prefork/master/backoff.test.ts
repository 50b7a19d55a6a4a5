import { expect, test } from 'bun:test'
import { afterDeath, DEATHS_ALLOWED, FIRST_WAIT_MS, LONGEST_WAIT_MS, WINDOW_MS } from './backoff.ts'

const FRESH = { strikes: 0, deathsMs: [], notBeforeMs: 0 }

/** Waits after deaths at these times, one after the other. */
function waitsAfter(deathsMs: readonly number[], wasReady: boolean): number[] {
  let backoff: ReturnType<typeof afterDeath> = FRESH
  return deathsMs.map((nowMs) => {
    backoff = afterDeath(backoff, wasReady, nowMs)
    return backoff.notBeforeMs - nowMs
  })
}

test('a worker that was of use is replaced at once', () => {
  expect(waitsAfter([1000], true)).toEqual([0])
})

test('deaths before ready double the wait, up to a limit', () => {
  const waits = waitsAfter([0, 1, 2, 3, 4, 5, 6, 7, 8], false)
  expect(waits.slice(0, 4)).toEqual([FIRST_WAIT_MS, 2 * FIRST_WAIT_MS, 4 * FIRST_WAIT_MS, 8 * FIRST_WAIT_MS])
  expect(waits.at(-1)).toBe(LONGEST_WAIT_MS)
})

test('the waits are 0.1, 0.2, 0.4 s and so on, at most 10 s', () => {
  expect([FIRST_WAIT_MS, LONGEST_WAIT_MS]).toEqual([100, 10_000])
  expect([DEATHS_ALLOWED, WINDOW_MS]).toEqual([10, 10_000])
})

test('so do too many deaths within the window', () => {
  const often = Array.from({ length: DEATHS_ALLOWED + 3 }, (_, i) => i * 100)
  expect(waitsAfter(often, true)).toEqual([
    ...Array.from({ length: DEATHS_ALLOWED }, () => 0),
    FIRST_WAIT_MS,
    2 * FIRST_WAIT_MS,
    4 * FIRST_WAIT_MS,
  ])
})

test('as many deaths over a longer time do not', () => {
  const seldom = Array.from({ length: 50 }, (_, i) => i * (WINDOW_MS / DEATHS_ALLOWED))
  expect(new Set(waitsAfter(seldom, true))).toEqual(new Set([0]))
})

test('a death after a useful life ends the back-off', () => {
  const struck = afterDeath(afterDeath(FRESH, false, 0), false, 300)
  const recovered = afterDeath(struck, true, 60_000)
  expect(recovered).toMatchObject({ strikes: 0, notBeforeMs: 60_000 })
  expect(afterDeath(recovered, false, 60_001).notBeforeMs).toBe(60_001 + FIRST_WAIT_MS)
})

test('a death counts until the window is over, and no longer', () => {
  const deathsMs = Array.from({ length: DEATHS_ALLOWED }, () => 1000)
  const after = (nowMs: number) => afterDeath({ strikes: 0, deathsMs }, true, nowMs)
  expect(after(1000 + WINDOW_MS - 1)).toMatchObject({ strikes: 1 })
  expect(after(1000 + WINDOW_MS)).toEqual({
    strikes: 0,
    deathsMs: [1000 + WINDOW_MS],
    notBeforeMs: 1000 + WINDOW_MS,
  })
})
