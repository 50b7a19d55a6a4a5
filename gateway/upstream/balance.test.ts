import { expect, test } from 'bun:test'
import { randomFrom } from '@bun-monitoring/metrics/testing'
import { type Candidate, pick } from './balance.ts'

const SEED = Number(Bun.env.BALANCE_SEED ?? Date.now() % 1_000_000)

const target = (pending: number, weight = 1): Candidate => ({ pending, weight })

test('without candidates there is none, and a single one is always picked', () => {
  expect(pick([])).toBeUndefined()
  const only = target(100, 0)
  expect(pick([only])).toBe(only)
})

test.each([
  ['the one with less to do', target(3), target(2), 1],
  ['the first of equals', target(2), target(2), 0],
  ['one that is not ejected', target(0, 0), target(1000), 1],
] as const)('of two: %s', (_, first, second, expected) => {
  expect(pick([first, second], () => 0)).toBe([first, second][expected])
})

test('a candidate gets no more than its share, even if all are idle', () => {
  const random = randomFrom(SEED)
  const slow = target(0, 0.1)
  const targets = [slow, target(0)]
  let share = 0
  for (let i = 0; i < 10_000; i++) if (pick(targets, random) === slow) share += 1 / 10_000
  console.log(`seed ${SEED}: a share of ${share.toFixed(3)}`)
  // Equal candidates get half each.
  expect(share).toBeWithin(0.03, 0.07)
})

test('the two candidates are never the same', () => {
  const targets = [target(9), target(1), target(9)]
  // The second number would pick the first target again, so it stands for the next one.
  expect(pick(targets, () => 0)).toBe(targets[1]!)
  expect(pick(targets, () => 0.999)).toBe(targets[1]!)
})

test('requests of random duration are spread evenly, and much better than at random', () => {
  const random = randomFrom(SEED)
  const targets = Array.from({ length: 8 }, () => ({ pending: 0, weight: 1, served: 0 }))
  let most = 0
  const running: (typeof targets)[number][] = []
  for (let i = 0; i < 40_000; i++) {
    const chosen = pick(targets, random)!
    chosen.pending++
    chosen.served++
    running.push(chosen)
    if (running.length > 64) running.splice(Math.floor(random() * running.length), 1)[0]!.pending--
    most = Math.max(most, chosen.pending)
  }
  console.log(`seed ${SEED}: at most ${most} of 64 at one of 8`)
  expect(most).toBeLessThan(16)
  for (const { served } of targets) expect(served).toBeWithin(4500, 5500)
})
