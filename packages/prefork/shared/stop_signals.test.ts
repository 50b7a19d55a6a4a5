import { expect, test } from 'bun:test'
import { EventEmitter } from 'node:events'
import { oncePerPress, stopSignals } from './stop_signals.ts'

test('two SIGINTs of one press of Ctrl+C count once, a second press counts again, and other signals always count', () => {
  let nowMs = 0
  const seen: NodeJS.Signals[] = []
  const onSignal = oncePerPress(
    (signal) => seen.push(signal),
    () => nowMs,
  )
  const send = (signal: NodeJS.Signals, afterMs: number) => {
    nowMs += afterMs
    onSignal(signal)
  }
  send('SIGINT', 0)
  send('SIGINT', 1)
  expect(seen).toEqual(['SIGINT'])
  send('SIGINT', 1000)
  send('SIGTERM', 1)
  send('SIGTERM', 1)
  expect(seen).toEqual(['SIGINT', 'SIGINT', 'SIGTERM', 'SIGTERM'])
})

test('SIGINTs are of one press until 200 ms have passed, and each counts from the last one', () => {
  let nowMs = 0
  const seen: number[] = []
  const onSignal = oncePerPress(
    () => seen.push(nowMs),
    () => nowMs,
  )
  for (nowMs of [1000, 1200, 1400, 1601]) onSignal('SIGINT')
  expect(seen).toEqual([1000, 1601])
})

test.each<[NodeJS.Signals[], drain: string | undefined, now: string | undefined]>([
  [[], undefined, undefined],
  [['SIGTERM'], 'SIGTERM', undefined],
  [['SIGINT'], 'SIGINT', undefined],
  [['SIGTERM', 'SIGTERM'], 'SIGTERM', 'SIGTERM'],
  [['SIGTERM', 'SIGINT'], 'SIGTERM', 'SIGINT'],
  [['SIGINT', 'SIGINT'], 'SIGINT', undefined],
  [['SIGQUIT'], 'SIGQUIT', 'SIGQUIT'],
  [['SIGTERM', 'SIGQUIT'], 'SIGTERM', 'SIGQUIT'],
])('after %j a drain is asked for by %s, and the end by %s', async (sent, drain, now) => {
  const source = new EventEmitter()
  const signals = stopSignals(source)
  for (const signal of sent) source.emit(signal, signal)
  const pending = Promise.resolve(undefined)
  expect(await Promise.race([signals.drain, pending.then(() => undefined)])).toBe(drain as never)
  expect(await Promise.race([signals.now, pending.then(() => undefined)])).toBe(now as never)
  signals.dispose()
  expect(source.eventNames()).toEqual([])
})
