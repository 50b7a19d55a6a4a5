import { expect, test } from 'bun:test'
import { HeaderRules } from './header_rules.ts'
import { encodeReply, localReply, problemReply, withHeaders } from './local_reply.ts'

const VALUES = { host: 'a.example', client: '10.0.0.1', request_id: 'id' }
const kept = (rules: HeaderRules, lines: string) =>
  rules.keep(Buffer.from(lines, 'latin1')).toString('latin1')
const added = (rules: HeaderRules) => rules.added(VALUES).toString('latin1')

test('names are compared in any case, and only whole names', () => {
  const rules = new HeaderRules({ set: { 'X-A': '1' }, remove: ['x-B'] })
  const lines = 'x-a: 1\r\nX-AB: 2\r\nX-b:3\r\nA: x-a: 4\r\nX: 5\r\nX-A: 6\r\n'
  expect(kept(rules, lines)).toBe('X-AB: 2\r\nA: x-a: 4\r\nX: 5\r\n')
  expect(['x-a', 'x-b', 'x', 'x-ab'].map((name) => rules.replaces(name))).toEqual([true, true, false, false])
})

test('bytes beyond ASCII stay', () => {
  const rules = new HeaderRules({ remove: ['B'] })
  expect(kept(rules, 'A: \xe4\xff\r\nB: 1\r\n')).toBe('A: \xe4\xff\r\n')
})

test('rules that only add take nothing away', () => {
  const rules = new HeaderRules({ add: { A: ['1', '2'], B: '3' } })
  const lines = Buffer.from('A: 0\r\n')
  expect(rules.keep(lines)).toBe(lines)
  expect(added(rules)).toBe('A: 1\r\nA: 2\r\nB: 3\r\n')
  expect(rules.replaces('a')).toBe(false)
})

test('placeholders are filled as often as they stand there, and other braces stay', () => {
  const rules = new HeaderRules({
    set: { A: '{host} {client} {request_id} {host} {hosts} {Host} $& {}', B: '' },
  })
  expect(added(rules)).toBe('A: a.example 10.0.0.1 id a.example {hosts} {Host} $& {}\r\nB: \r\n')
  expect(added(new HeaderRules({}))).toBe('')
})

test('a local reply with the rules of its route has their fields in place of its own', () => {
  const reply = problemReply(503, 'no', { 'X-A': '1' })
  const rules = new HeaderRules({ set: { 'Retry-After': '9' }, remove: ['x-a'] })
  expect(withHeaders(reply, rules, VALUES).fields).toBe(
    'Content-Type: application/problem+json\r\nRetry-After: 9\r\n',
  )
  expect(withHeaders(reply, undefined, VALUES)).toBe(reply)
})

test.each([
  [503, 'Content-Type: application/problem+json\r\nRetry-After: 1\r\n'],
  [502, 'Content-Type: application/problem+json\r\n'],
])('an error of status %d has the fields %j', (status, fields) => {
  expect(problemReply(status, 'x')).toMatchObject({ status, fields, isProblem: true })
})

test.each([
  [200, true, 'Content-Length: 2\r\n', 'ok'],
  [200, false, 'Content-Length: 2\r\n', ''],
  [204, true, '', 'ok'],
  [304, true, '', 'ok'],
])('the bytes of a reply with status %d (body: %p)', (status, hasBody, length, body) => {
  const bytes = encodeReply(localReply(status, { A: 'b' }, 'ok'), 'Connection: close\r\n', hasBody).toString()
  expect(bytes).toMatch(new RegExp(`^HTTP/1\\.1 ${status} [A-Z][^\\r]+\\r\\nDate: [^\\r]+\\r\\nA: b\\r\\n`))
  expect(bytes).toEndWith(`\r\nA: b\r\n${length}Connection: close\r\n\r\n${body}`)
})
