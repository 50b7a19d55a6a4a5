import { expect, test } from 'bun:test'
import { FREE_RETRIES_PER_SECOND, MOST_SAVED, RETRY_SHARE, RetryBudget } from './retry_budget.ts'

/** Spends all retries and counts them. */
function spendAll(budget: RetryBudget, nowMs: number): number {
  let spent = 0
  while (budget.spend(nowMs)) spent++
  return spent
}

test('a few are free, and again after a second', () => {
  const budget = new RetryBudget()
  expect(spendAll(budget, 0)).toBe(FREE_RETRIES_PER_SECOND)
  expect(spendAll(budget, 0)).toBe(0)
  expect(spendAll(budget, 500)).toBe(FREE_RETRIES_PER_SECOND / 2)
  expect(spendAll(budget, 60_000)).toBe(FREE_RETRIES_PER_SECOND)
})

test('an upstream that fails altogether gets a fifth more than its traffic', () => {
  const budget = new RetryBudget()
  let retries = 0
  for (let i = 0; i < 10_000; i++) {
    budget.earn()
    if (budget.spend(0)) retries++
  }
  expect(retries).toBeWithin(10_000 * RETRY_SHARE, 10_000 * RETRY_SHARE + FREE_RETRIES_PER_SECOND + 1)
})

test('retries that are not spent are saved up, to a limit', () => {
  const budget = new RetryBudget()
  for (let i = 0; i < 100_000; i++) budget.earn()
  expect(spendAll(budget, 0)).toBe(MOST_SAVED)
})
