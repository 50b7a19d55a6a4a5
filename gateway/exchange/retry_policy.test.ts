import { expect, test } from 'bun:test'
import type { Failure } from '../upstream/failures.ts'
import { type Attempt, retryReason } from './retry_policy.ts'

/** An idempotent request that was sent on a new connection and got no byte back. */
const SENT: Attempt = {
  isIdempotent: true,
  hasSent: true,
  bytesReceived: false,
  isReplayable: true,
  isReused: false,
  wasStale: false,
  retries: 0,
}

const decide = (failure: Failure, change: Partial<Attempt> = {}, hasOther = true, hasBudget = true) =>
  retryReason(
    failure,
    { ...SENT, ...change },
    { hasOtherTarget: () => hasOther, spendRetry: () => hasBudget },
  )

test.each<[string, Failure, Partial<Attempt>, string | undefined]>([
  ['that was sent is retried', 'gone', {}, 'gone'],
  ['is retried for the second time', 'gone', { retries: 1 }, 'gone'],
  ['is not retried for the third time', 'gone', { retries: 2 }, undefined],
  ['with a part of a response is not retried', 'gone', { bytesReceived: true }, undefined],
  ['that is not in memory any more is not retried', 'gone', { isReplayable: false }, undefined],
  ['with a malformed response is not retried', 'malformed', {}, undefined],
  ['that is not idempotent is not retried once sent', 'gone', { isIdempotent: false }, undefined],
  [
    'that is not idempotent is retried if unsent',
    'unreachable',
    { isIdempotent: false, hasSent: false },
    'unreachable',
  ],
  ['on a kept connection is stale', 'gone', { isReused: true }, 'stale'],
  [
    'on a kept connection, unsent, is stale',
    'gone',
    { isReused: true, hasSent: false, isIdempotent: false },
    'stale',
  ],
  ['on a kept connection is stale once', 'gone', { isReused: true, wasStale: true }, 'gone'],
  [
    'that timed out on a kept connection is not stale',
    'answer_timeout',
    { isReused: true },
    'answer_timeout',
  ],
])('a request %s', (_, failure, change, reason) => {
  expect(decide(failure, change)).toBe(reason as ReturnType<typeof decide>)
})

test('after a timeout only another target is tried', () => {
  expect(decide('answer_timeout', {}, false)).toBeUndefined()
  expect(decide('gone', {}, false)).toBe('gone')
})

test('the budget limits what was sent, not what is free', () => {
  expect(decide('gone', {}, true, false)).toBeUndefined()
  expect(decide('gone', { isReused: true }, true, false)).toBe('stale')
  expect(decide('connect_timeout', { hasSent: false }, true, false)).toBe('connect_timeout')
})
