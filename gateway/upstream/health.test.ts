import { describe, expect, test } from 'bun:test'
import { EJECT_AFTER, EJECTION_MS, Health, SLOW_START_MS } from './health.ts'

const RULE = { passes: 2, fails: 3 }

/** A target that failed requests have ejected at this time. */
function ejected(nowMs = 0, health = new Health(undefined)): Health {
  for (let i = 0; i < EJECT_AFTER; i++) health.failed(nowMs, true)
  return health
}

function check(health: Health, results: string, nowMs = 0, mayEject = true): string {
  for (const result of results) health.checked(result === '+', nowMs, mayEject)
  return health.state
}

describe('failed requests', () => {
  test('in a row eject', () => {
    const health = new Health(undefined)
    health.failed(0, true)
    health.failed(0, true)
    expect(health).toMatchObject({ state: 'healthy', weight: 1 })
    health.failed(0, true)
    expect(health).toMatchObject({ state: 'ejected', weight: 0 })
  })

  test('with a success between them do not', () => {
    const health = new Health(undefined)
    for (let i = 0; i < 10; i++) {
      health.failed(0, true)
      health.failed(0, true)
      health.succeeded()
    }
    expect(health.state).toBe('healthy')
  })

  test('never eject the last target, but do as soon as there is another', () => {
    const health = new Health(undefined)
    for (let i = 0; i < 10; i++) health.failed(0, false)
    expect(health.state).toBe('healthy')
    health.failed(0, true)
    expect(health.state).toBe('ejected')
  })
})

describe('an ejection', () => {
  test('ends with a slow start, and then the target is healthy', () => {
    const health = ejected()
    health.advance(EJECTION_MS - 1)
    expect(health.state).toBe('ejected')
    health.advance(EJECTION_MS)
    expect(health).toMatchObject({ state: 'slow_start', weight: 0.1 })
    // Earlier failures count no more.
    for (let i = 1; i < EJECT_AFTER; i++) health.failed(EJECTION_MS, true)
    health.advance(EJECTION_MS + SLOW_START_MS / 2)
    expect(health).toMatchObject({ state: 'slow_start', weight: 0.5 })
    // The time is that of a sweep, which may come late.
    health.advance(EJECTION_MS + SLOW_START_MS + 100)
    expect(health).toMatchObject({ state: 'healthy', weight: 1 })
  })

  test('is twice as long each time, up to half a minute, and short again once the target was healthy', () => {
    const health = new Health(undefined)
    let nowMs = 0
    const lengths = Array.from({ length: 7 }, () => {
      ejected(nowMs, health)
      const fromMs = nowMs
      while (health.state === 'ejected') health.advance((nowMs += 1000))
      return nowMs - fromMs
    })
    expect(lengths).toEqual([1000, 2000, 4000, 8000, 16_000, 30_000, 30_000])
    health.advance((nowMs += SLOW_START_MS))
    ejected(nowMs, health)
    health.advance(nowMs + EJECTION_MS)
    expect(health.state).toBe('slow_start')
  })

  test('is not extended by requests that were in progress', () => {
    const health = ejected(0)
    health.failed(500, true)
    health.advance(EJECTION_MS)
    expect(health.state).toBe('slow_start')
  })
})

describe('checks', () => {
  test.each([
    ['--', 'healthy'],
    ['--+--', 'healthy'],
    ['---', 'ejected'],
    ['---+', 'ejected'],
    ['---+-+', 'ejected'],
    ['---++', 'slow_start'],
    ['---++---', 'ejected'],
  ])('%s: %s', (results, state) => expect(check(new Health(RULE), results)).toBe(state))

  test('that fail keep a target ejected for any time', () => {
    const health = new Health(RULE)
    check(health, '---')
    health.advance(1e9)
    expect(health.state).toBe('ejected')
  })

  test('that fail never eject the last target', () => {
    expect(check(new Health(RULE), '------', 0, false)).toBe('healthy')
  })

  test('that pass do not shorten an ejection by requests', () => {
    expect(check(ejected(0, new Health(RULE)), '+++++')).toBe('ejected')
  })

  test('that fail during an ejection extend it until checks pass', () => {
    const health = ejected(0, new Health(RULE))
    check(health, '---')
    health.advance(1e9)
    expect(health.state).toBe('ejected')
    expect(check(health, '++', 1e9)).toBe('slow_start')
  })
})
