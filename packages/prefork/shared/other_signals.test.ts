import { expect, test } from 'bun:test'
import type { Logger } from './logger.ts'
import { surviveOtherSignals } from './other_signals.ts'

const SIGNALS = ['SIGUSR1', 'SIGUSR2', 'SIGHUP'] as const
const count = () => SIGNALS.map((signal) => process.listenerCount(signal))

test('signals for other servers are logged, until that is ended; without a log they are survived', () => {
  const before = count()
  const said: unknown[] = []
  const log = { info: (...line: unknown[]) => said.push(line) } as unknown as Logger
  const end = surviveOtherSignals(log)
  expect(count()).toEqual([before[0]! + 1, before[1]! + 1, before[2]!])
  process.emit('SIGUSR2', 'SIGUSR2')
  expect(said).toEqual([[{ signal: 'SIGUSR2' }, 'SIGUSR2 has no effect here: the process goes on']])
  end()
  expect(count()).toEqual(before)

  const endMore = surviveOtherSignals(undefined, ['SIGHUP'])
  expect(count()).toEqual(before.map((each) => each + 1))
  process.emit('SIGHUP', 'SIGHUP')
  endMore()
  expect(count()).toEqual(before)
  expect(said).toHaveLength(1)
})
