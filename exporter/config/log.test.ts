/** Lines of --log.format=logfmt; JSON lines are pino's. */
import { afterEach, expect, spyOn, test } from 'bun:test'
import { openLog } from './log.ts'

const lines = spyOn(console, 'log').mockImplementation(() => {})
afterEach(() => lines.mockClear())

const said = () => lines.mock.calls.map(([line]) => String(line).replace(/^time=\S+Z /, ''))

test('fields follow the message; what would end a value is quoted', () => {
  openLog('logfmt', 'info').warn({ target: 'http://a/?b=c', reason: 'it "slept"\n', n: 5 }, 'target is down')
  expect(said()).toEqual([
    String.raw`level=warn msg="target is down" target="http://a/?b=c" reason="it \"slept\"\n" n=5`,
  ])
})

test('what is less severe than asked for is not written', () => {
  const log = openLog('logfmt', 'warn')
  log.info({}, 'quiet')
  log.error({}, 'loud')
  expect(said()).toEqual(['level=error msg=loud'])
})

test('the lowest level is written, and of an error its stack', () => {
  const log = openLog('logfmt', 'warn')
  const error = new Error('gone')
  error.stack = 'Error: gone\n    at here'
  log.warn({ err: error }, 'failed')
  expect(said()).toEqual([String.raw`level=warn msg=failed err="Error: gone\n    at here"`])
})

test('an object is written as JSON', () => {
  openLog('logfmt', 'info').info({ targets: ['a', 'b'], none: null }, 'ready')
  expect(said()).toEqual([String.raw`level=info msg=ready targets="[\"a\",\"b\"]" none=null`])
})

test('the format json is that of the other processes', () => {
  const log = openLog('json', 'info') as unknown as { bindings(): object; level: string }
  expect(log.bindings()).toMatchObject({ name: 'exporter' })
  expect(log.level).toBe('info')
  expect(said()).toEqual([])
})
