/** Which values --probe.allow refuses; what the others allow is in web/probe.test.ts. */
import { expect, test } from 'bun:test'
import { isAllowed, parseAllowed } from './allowed.ts'
import { parseTarget } from './target.ts'

test.each(['', '10.0.0.0/33', '10.0.0.0/', '10.0.0.0/x', '::/129', 'a b', 'http://dogs', 'dogs:80', '-x'])(
  '%j is neither a host nor a network',
  (text) => {
    expect(parseAllowed(text)).toBeUndefined()
  },
)

test.each([
  ['tcp://DOGS:1', 'dogs', true],
  ['tcp://dogs:1', 'DOGS', true],
  ['tcp://dogs.example:1', 'dogs', false],
  ['http://10.0.0.1/', '10.0.0.1', true],
  ['http://10.0.0.1/', '10.0.0.2', false],
  ['unix:///run/stats.sock', '0.0.0.0/0', false],
  ['unix:///run/stats.sock', 'run', false],
])('%s is allowed by %s: %p', (uri, allowed, expected) => {
  expect(isAllowed(parseTarget(uri)!, [parseAllowed('192.0.2.1')!, parseAllowed(allowed)!])).toBe(expected)
})
