import { expect, test } from 'bun:test'
import { oncePerPress } from './stop_signals.ts'

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
