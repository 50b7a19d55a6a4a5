import { expect, test } from 'bun:test'
import { formatLine } from './log_line.ts'

test.each([
  ['{"level":"info","time":1,"name":"dogs","pid":2,"url":"http://x","msg":"ready"}', 'ready url=http://x'],
  ['{"level":"warn","time":1,"err":{"code":"X"},"msg":"busy"}', 'warn busy err={"code":"X"}'],
  ['ts=2026 level=INFO msg="from prometheus"', 'ts=2026 level=INFO msg="from prometheus"'],
  ['{"half', '{"half'],
  ['{"no":"message"}', '{"no":"message"}'],
])('%s is printed as %s', (line, printed) => {
  expect(formatLine(line)).toBe(printed)
})
