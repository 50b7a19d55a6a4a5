/**
 * Rolling reloads under load of all methods: clients that honour `Connection: close` lose nothing, whether service or
 * gateway reloads. The requests need no database, which may be locked.
 */
import { expect, test } from 'bun:test'
import { Load } from '@bun-monitoring/prefork/testing_load'
import { Stack } from './testdata/stack.ts'

const TIMES = 10
const CONNECTIONS = 32
const METHODS = ['GET', 'POST', 'PUT', 'DELETE'] as const
/** Longer than all deadlines inside. */
const TEST_MS = 300_000

test.each(['service', 'gateway', 'both at once'])(
  `${TIMES} reloads cost nothing: %s`,
  async (who) => {
    await using stack = await Stack.start()
    const families = [
      ...(who === 'gateway' ? [] : [stack.service()]),
      ...(who === 'service' ? [] : [stack.gateway]),
    ]
    const before = await Promise.all(families.map((family) => stack.workersOf(family)))
    await using load = new Load(stack.target, {
      connections: CONNECTIONS,
      methods: METHODS,
      path: '/dogs/none/',
    })
    for (let times = 1; times <= TIMES; times++) {
      await stack.reload(families, times)
      await load.more(CONNECTIONS)
    }
    const after = await Promise.all(families.map((family) => stack.workersOf(family)))
    await load.stop()
    console.log(`${load.answered} requests, ${TIMES} reloads: ${who}`)
    expect(after.flat().filter((pid) => before.flat().includes(pid))).toEqual([])
    expect(load.failures).toEqual([])
  },
  TEST_MS,
)
