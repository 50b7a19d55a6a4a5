/** Which values --probe.allow refuses; what the others allow is in web/probe.test.ts. */
import { expect, test } from 'bun:test'
import { parseAllowed } from './allowed.ts'

test.each(['', '10.0.0.0/33', '10.0.0.0/', '10.0.0.0/x', '::/129', 'a b', 'http://dogs', 'dogs:80', '-x'])(
  '%j is neither a host nor a network',
  (text) => {
    expect(parseAllowed(text)).toBeUndefined()
  },
)
