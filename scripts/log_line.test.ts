import { expect, test } from 'bun:test'
import { formatLine, LastWords } from './log_line.ts'

test.each([
  ['{"level":"info","time":1,"name":"dogs","pid":2,"url":"http://x","msg":"ready"}', 'ready url=http://x'],
  ['{"level":"warn","time":1,"err":{"code":"X"},"msg":"busy"}', 'warn busy err={"code":"X"}'],
  [
    '{"level":"error","err":{"stack":"Error: no\\n    at x"},"msg":"bad"}',
    'error bad err=Error: no\n    at x',
  ],
  ['{"level":"info","err":null,"msg":"fine"}', 'fine err=null'],
  ['ts=2026 level=INFO msg="from prometheus"', 'ts=2026 level=INFO msg="from prometheus"'],
  ['{"half', '{"half'],
  ['{"no":"message"}', '{"no":"message"}'],
])('%s is printed as %s', (line, printed) => {
  expect(formatLine(line)).toBe(printed)
})

const fatal = (msg: string) => `{"level":"fatal","msg":"${msg}"}`
const error = (msg: string) => `{"level":"error","msg":"${msg}"}`
const info = (msg: string) => `{"level":"info","msg":"${msg}"}`

test.each<[string, string[], string]>([
  ['nothing', [], ''],
  ['the last line, if none is an error', [info('starting'), 'Killed'], 'Killed'],
  [
    'the first error, not what follows from it',
    [info('starting'), error('worker 1 cannot start'), error('worker 1 ended'), info('stopped')],
    'worker 1 cannot start',
  ],
  [
    'the fatal line, not the errors around it',
    [error('a'), fatal('port is taken'), error('b')],
    'port is taken',
  ],
  ['the last fatal line', [fatal('a'), fatal('b'), info('stopped')], 'b'],
  [
    'an error that Bun prints, not the line of its version',
    ['1 | const = 1', 'error: Expected identifier but found "="', '', 'Bun v1.4.5 (Linux x64)'],
    'error: Expected identifier but found "="',
  ],
])('of a process that ended is told %s', (_, lines, told) => {
  const words = new LastWords()
  for (const line of lines) words.add(line)
  expect(words.text).toBe(told)
})
