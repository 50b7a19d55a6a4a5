import { expect, test } from 'bun:test'
import { ClosedLoad, type Executor, type Host, OpenLoad } from './executors.ts'
import { Ramp, type Stage } from './stages.ts'
import { VirtualUser } from './virtual_user.ts'

const LONG_MS = 600_000

/** Iterations that go on until they are ended, or until their user is interrupted. */
class Iterations implements Host {
  readonly going = new Map<VirtualUser, () => void>()
  started = 0
  dropped = 0
  most = 0
  readonly seen = new Set<VirtualUser>()
  onStart: (iterations: this) => void = () => {}
  /** How many iterations are started or dropped before all are ended. */
  arrivals = Infinity

  newUser(): VirtualUser {
    const user = new VirtualUser()
    const interrupt = user.interrupt.bind(user)
    user.interrupt = () => {
      interrupt()
      this.going.get(user)?.()
    }
    return user
  }

  async iterate(user: VirtualUser): Promise<void> {
    expect(this.going.has(user)).toBe(false)
    this.started++
    this.seen.add(user)
    const { promise, resolve } = Promise.withResolvers<void>()
    this.going.set(user, resolve)
    this.most = Math.max(this.most, this.going.size)
    this.onStart(this)
    this.#endAllAfterLast()
    await promise
    this.going.delete(user)
  }

  onDropped(): void {
    this.dropped++
    this.#endAllAfterLast()
  }

  endAll(): void {
    for (const end of this.going.values()) end()
  }

  #endAllAfterLast(): void {
    if (this.started + this.dropped === this.arrivals) this.endAll()
  }
}

const closed = (start: number, stages: Stage[], graces = {}) =>
  new ClosedLoad({
    users: new Ramp(start, stages),
    gracefulRampDownMs: LONG_MS,
    gracefulStopMs: LONG_MS,
    ...graces,
  })
const open = (rate: number, duration: string, [preAllocatedUsers, maxUsers]: [number, number], graces = {}) =>
  new OpenLoad({
    rate: new Ramp(rate, [{ duration, target: rate }]),
    timeUnitMs: 1000,
    preAllocatedUsers,
    maxUsers,
    gracefulStopMs: LONG_MS,
    ...graces,
  })

/** Each iteration takes a millisecond. */
function quick(): Iterations {
  const host = new Iterations()
  host.onStart = () => setTimeout(() => host.endAll(), 1)
  return host
}

async function timed(executor: Executor, host: Host): Promise<number> {
  const startedMs = performance.now()
  await executor.run(host)
  return performance.now() - startedMs
}

test('users iterate one time after the other until the time is over, and all at once', async () => {
  const host = quick()
  const executor = closed(3, [{ duration: '100ms', target: 3 }])
  expect(executor.durationMs).toBe(100)
  expect(await timed(executor, host)).toBeGreaterThanOrEqual(99)
  expect(host.most).toBe(3)
  expect(host.seen.size).toBe(3)
  // As often as that also if the machine leaves this process without the processor meanwhile.
  expect(host.started).toBeGreaterThanOrEqual(6)
  expect(executor.users).toBe(0)
})

test('users become more and fewer with the stages; one that goes ends its iteration first', async () => {
  const host = new Iterations()
  const executor = closed(1, [
    { duration: '0s', target: 4 },
    { duration: '0s', target: 2 },
    { duration: '20ms', target: 2 },
  ])
  const run = executor.run(host)
  expect([host.going.size, executor.users]).toEqual([4, 4])
  host.endAll()
  await new Promise(setImmediate)
  expect([host.started, host.going.size, executor.users]).toEqual([6, 2, 2])
  while (executor.users > 0) {
    host.endAll()
    await new Promise(setImmediate)
  }
  await run
})

test('an iteration of a user that is no longer wanted is cut off after the grace of the ramp', async () => {
  const host = new Iterations()
  const stages = [
    { duration: '0s', target: 1 },
    { duration: '60ms', target: 1 },
  ]
  const executor = closed(2, stages, { gracefulRampDownMs: 5, gracefulStopMs: 5 })
  const run = executor.run(host)
  const [first, second] = [...host.going.keys()]
  await run
  expect([first!.isInterrupted, second!.isInterrupted]).toEqual([true, true])
  expect(host.started).toBe(2)
})

test.each([
  ['once', [0]],
  // Each step of a ramp looks at the users anew.
  ['and stays so at the next step', [1, 0]],
])(
  'a user that is not wanted %s, and then wanted again before its grace is over, goes on',
  async (_, targets) => {
    const host = new Iterations()
    const stages = [
      ...targets.map((target) => ({ duration: '0s', target })),
      { duration: '0s', target: 2 },
      { duration: '50ms', target: 2 },
    ]
    const executor = closed(2, stages, { gracefulRampDownMs: 1 })
    const run = executor.run(host)
    const users = [...host.going.keys()]
    await new Promise((resolve) => setTimeout(resolve, 30))
    expect(users.map(({ isInterrupted }) => isInterrupted)).toEqual([false, false])
    expect([...host.going.keys()]).toEqual(users)
    executor.interrupt()
    await run
  },
)

test('at the end an iteration has the grace of the end, and is then cut off', async () => {
  for (const executor of [
    closed(1, [{ duration: '20ms', target: 1 }], { gracefulStopMs: 30 }),
    open(1000, '20ms', [1, 1], { gracefulStopMs: 30 }),
  ]) {
    const host = new Iterations()
    expect(await timed(executor, host)).toBeGreaterThan(40)
    expect(host.started).toBe(1)
    expect([...host.seen][0]!.isInterrupted).toBe(true)
  }
})

test('the time of an executor begins with its run', async () => {
  for (const executor of [closed(1, [{ duration: '20ms', target: 1 }]), open(1000, '20ms', [1, 1])]) {
    await new Promise((resolve) => setTimeout(resolve, 20))
    expect(await timed(executor, quick())).toBeGreaterThanOrEqual(19)
  }
})

test('an interrupt cuts off all iterations at once, and nothing starts any more', async () => {
  for (const executor of [closed(3, [{ duration: '1h', target: 3 }]), open(1000, '1h', [3, 3])]) {
    const host = new Iterations()
    host.onStart = ({ going }) => going.size === 3 && queueMicrotask(() => executor.interrupt())
    expect(await timed(executor, host)).toBeLessThan(5000)
    expect([host.started, host.going.size]).toEqual([3, 0])
    expect([...host.seen].every(({ isInterrupted }) => isInterrupted)).toBe(true)
  }
})

test('iterations arrive at their rate, however long they take', async () => {
  const host = new Iterations()
  host.arrivals = 100
  await open(1000, '100ms', [200, 200]).run(host)
  expect(host.dropped).toBe(0)
  expect(host.started).toBe(100)
})

test('an iteration for which no user is free is dropped, and brings one more user until there are enough', async () => {
  const host = new Iterations()
  host.arrivals = 50
  const executor = open(1000, '50ms', [1, 4])
  await executor.run(host)
  // The first has a user; three are dropped and bring one each.
  expect([host.started, executor.users]).toEqual([4, 4])
  expect(host.started + host.dropped).toBe(50)
})
