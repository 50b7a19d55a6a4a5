/** When a worker must drain, and how: by order of its master, by a signal from outside, or because its master is gone. */
import { expect, test } from 'bun:test'
import { EventEmitter } from 'node:events'
import { DrainOrders } from './drain_orders.ts'

/** Orders of a worker, and which of their promises are resolved. */
function ordersOf(...events: [name: string, value?: object][]) {
  const source = new EventEmitter()
  const orders = new DrainOrders({ lameDuckMs: 1500 }, source)
  for (const [name, value] of events) source.emit(name, value)
  return orders
}

async function resolvedOf(orders: DrainOrders): Promise<string[]> {
  const resolved: string[] = []
  for (const name of ['drain', 'replaced', 'hurry', 'now'] as const)
    void orders[name].then(() => resolved.push(name))
  await Promise.resolve()
  return resolved.toSorted()
}

const drain = (lameDuckMs: number, isReplaced: boolean): [string, object] => [
  'message',
  { type: 'drain', lameDuckMs, isReplaced },
]

test.each<[string, [string, object?][], string[], lameDuckMs: number, hasSuccessor: boolean]>([
  ['no order', [], [], 1500, true],
  ['the master ends the cluster', [drain(700, false)], ['drain'], 700, false],
  ['the master has replaced the worker', [drain(700, true)], ['drain', 'replaced'], 700, true],
  [
    'the master ends the cluster while a replaced worker waits for its clients',
    [drain(700, true), drain(5, false)],
    ['drain', 'hurry', 'replaced'],
    700,
    true,
  ],
  [
    'the master is gone: no balancer and no other worker is waited for',
    [['disconnect']],
    ['drain'],
    0,
    false,
  ],
  [
    'the master goes while the worker drains',
    [drain(700, true), ['disconnect']],
    ['drain', 'hurry', 'replaced'],
    700,
    true,
  ],
  ['a signal from outside', [['SIGTERM']], ['drain'], 1500, true],
  [
    'a signal from outside, then the successor is ready',
    [['SIGTERM'], drain(5, true)],
    ['drain', 'replaced'],
    1500,
    true,
  ],
  [
    'a signal from outside, then the end of the cluster',
    [['SIGTERM'], drain(5, false)],
    ['drain', 'hurry'],
    1500,
    true,
  ],
  ['a second signal from outside', [['SIGTERM'], ['SIGTERM']], ['drain', 'now'], 1500, true],
  ['a signal from outside during a drain', [drain(700, false), ['SIGTERM']], ['drain'], 700, false],
])('%s', async (_, events, resolved, lameDuckMs, hasSuccessor) => {
  const orders = ordersOf(...events)
  expect(await resolvedOf(orders)).toEqual(resolved)
  expect(orders).toMatchObject({ lameDuckMs, hasSuccessor })
})
