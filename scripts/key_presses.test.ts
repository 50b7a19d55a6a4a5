import { expect, test } from 'bun:test'
import { EventEmitter } from 'node:events'
import { keyPresses } from './key_presses.ts'

test('a key press that comes twice is one, and a second press is another', () => {
  let nowMs = 0
  const terminal = new EventEmitter()
  const presses: unknown[] = []
  keyPresses(terminal, () => nowMs).on('SIGINT', (signal) => presses.push(signal))
  terminal.emit('SIGINT')
  nowMs += 1
  terminal.emit('SIGINT')
  expect(presses).toEqual(['SIGINT'])
  nowMs += 1000
  terminal.emit('SIGINT')
  expect(presses).toEqual(['SIGINT', 'SIGINT'])
})
