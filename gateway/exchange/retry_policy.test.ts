import { expect, test } from 'bun:test'
import type { Failure } from '../upstream/failure_responses.ts'
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
  isTargetDown: false,
}

const RULE = { most: 2, causes: new Set(['unreachable', 'connect_timeout', 'gone', 'answer_timeout']) }

const decide = (
  failure: Failure,
  change: Partial<Attempt> = {},
  hasOther = true,
  hasBudget = true,
  rule = RULE,
) =>
  retryReason(failure, { ...SENT, ...change }, rule, {
    hasOtherTarget: () => hasOther,
    spendRetry: () => hasBudget,
  })

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

test.each<[Failure, Partial<Attempt>, string | undefined]>([
  ['unreachable', { hasSent: false }, undefined],
  ['gone', {}, undefined],
  ['gone', { isReused: true }, undefined],
  ['gone', { isReused: true, hasSent: false }, 'stale'],
  ['answer_timeout', { isTargetDown: true }, undefined],
])('with retries = 0 after %s nothing is sent again but %j: %p', (failure, change, reason) => {
  expect(decide(failure, change, true, true, { ...RULE, most: 0 })).toBe(reason as ReturnType<typeof decide>)
})

test('with retries = 1 a request is sent again once', () => {
  const rule = { ...RULE, most: 1 }
  expect(decide('gone', {}, true, true, rule)).toBe('gone')
  expect(decide('gone', { retries: 1 }, true, true, rule)).toBeUndefined()
})

test.each<Failure>(['unreachable', 'connect_timeout', 'gone', 'answer_timeout'])(
  'after %s a request is sent again only if that is a cause',
  (failure) => {
    const only = (cause: string) => ({ most: 2, causes: new Set([cause]) })
    expect(decide(failure, {}, true, true, only(failure))).toBe(failure as ReturnType<typeof decide>)
    expect(decide(failure, {}, true, true, only('none'))).toBeUndefined()
    expect(decide(failure, { hasSent: false }, true, true, only('none'))).toBeUndefined()
  },
)

test('a target that fails its checks is left, also if a timeout is no cause', () => {
  const rule = { most: 2, causes: new Set(['gone']) }
  expect(decide('answer_timeout', { isTargetDown: true }, true, true, rule)).toBe('answer_timeout')
  expect(decide('answer_timeout', {}, true, true, rule)).toBeUndefined()
})

test('the budget limits what was sent, not what is free', () => {
  expect(decide('gone', {}, true, false)).toBeUndefined()
  expect(decide('gone', { isReused: true }, true, false)).toBe('stale')
  expect(decide('connect_timeout', { hasSent: false }, true, false)).toBe('connect_timeout')
})
