/**
 * The pool under a random schedule of statements, failures and losses, over simulated connections: a connection has one
 * statement at a time, connections never exceed the size, and each statement gets a result. With a real server: away.slow.test.ts.
 */
import { describe, expect, spyOn, test } from 'bun:test'
import { Registry } from '@bun-monitoring/metrics'
import { PoolMetrics } from '@bun-monitoring/metrics/postgres'
import { randomFrom } from '@bun-monitoring/metrics/testing'
import { createLogger } from '@bun-monitoring/prefork'
import { SQL } from 'bun'
import { Unavailable } from '../store/store.ts'
import { Pool } from './pool.ts'
import type { Connected } from './target.ts'

const SIZE = 3
const STATEMENTS = 600
const CLIENTS = 12

const broken = () =>
  new SQL.PostgresError('Connection closed', { code: 'ERR_POSTGRES_CONNECTION_CLOSED' } as never)

/** A simulated server, with counters of the calls that it received. */
function simulatedServer(random: () => number) {
  const seen = { open: 0, mostOpen: 0, shared: 0, results: 0, broken: 0 }
  const connect = async (onClose: (sql: SQL) => void): Promise<Connected> => {
    let [isOpen, running] = [true, 0]
    const end = () => {
      if (!isOpen) return
      isOpen = false
      seen.open--
      onClose(sql)
    }
    await Bun.sleep(random() * 2)
    if (random() < 0.3) throw broken()
    seen.mostOpen = Math.max(seen.mostOpen, ++seen.open)
    const sql = {
      async unsafe(_text: string, [id]: [number]) {
        if (++running > 1) seen.shared++
        await Bun.sleep(random() * 2)
        running--
        if (random() < 0.05) end()
        if (!isOpen) {
          seen.broken++
          throw broken()
        }
        seen.results++
        return [id]
      },
      async close() {
        end()
      },
    } as unknown as SQL
    return { sql, server: 'simulated' }
  }
  return { seen, connect }
}

async function until(holds: () => boolean | Promise<boolean>): Promise<void> {
  const deadlineMs = performance.now() + 60_000
  while (!(await holds())) {
    if (performance.now() > deadlineMs) throw new Error(`did not hold within 60 s: ${holds}`)
    await Bun.sleep(1)
  }
}

test.each([1, 2, 3, Date.now() % 1_000_000])('seed %d', async (seed) => {
  const random = randomFrom(seed)
  const { seen, connect } = simulatedServer(random)
  const registry = new Registry()
  const pool = new Pool({
    size: SIZE,
    waitMs: 10_000,
    statementMs: 10_000,
    retryEveryMs: 5,
    connect,
    metrics: new PoolMetrics(registry),
    log: createLogger('test', 'silent'),
  })
  // Each client repeats a statement until it gets the result.
  let refused = 0
  const resultOf = async (id: number): Promise<void> => {
    for (;;) {
      try {
        // The result belongs to this statement, not to another one.
        return expect(await pool.run<number>('', [id])).toEqual([id] as never)
      } catch (error) {
        if (!(error instanceof Unavailable)) throw error
        refused++
        await Bun.sleep(random() * 5)
      }
    }
  }
  await Promise.all(
    Array.from({ length: CLIENTS }, async (_, client) => {
      for (let id = client; id < STATEMENTS; id += CLIENTS) {
        if (random() < 0.2) await Bun.sleep(random() * 5)
        await resultOf(id)
      }
    }),
  )
  expect(seen.results).toBe(STATEMENTS)
  expect(seen.broken).toBeGreaterThan(0)
  expect(refused).toBeGreaterThanOrEqual(seen.broken)
  expect(seen.shared).toBe(0)
  expect(seen.mostOpen).toBeLessThanOrEqual(SIZE)
  // A connection may be opening at this moment.
  await until(async () => {
    const page = await registry.metrics()
    const isCounted = page.includes(`db_client_connection_count{state="idle"} ${seen.open}\n`)
    return isCounted && page.includes('db_client_connection_count{state="used"} 0\n')
  })
  pool.close()
  await until(() => seen.open === 0)
  await expect(pool.run('', [])).rejects.toThrow('The database is away')
})

/** A pool over connections that the test ends, and the number of them that were opened. */
function controlledPool(size: number, statementMs = 10_000) {
  interface Controlled {
    isOpen: boolean
    hang: boolean
    /** Ends a statement that hangs. */
    finish?: () => void
    error?: Error
    end: () => void
  }
  const opened: Controlled[] = []
  const server = { name: 'first', refuses: 0, closes: 0 }
  const registry = new Registry()
  const pool = new Pool({
    size,
    waitMs: 10_000,
    statementMs,
    retryEveryMs: 5,
    async connect(onClose) {
      if (server.refuses-- > 0) throw broken()
      const connection: Controlled = { isOpen: true, hang: false, end: () => void sql.close() }
      const sql = {
        unsafe: async () => {
          if (connection.hang) await new Promise<void>((resolve) => (connection.finish = resolve))
          if (!connection.isOpen) throw broken()
          if (connection.error) throw connection.error
          return [opened.indexOf(connection)]
        },
        async close() {
          if (!connection.isOpen) return
          connection.isOpen = false
          onClose(sql)
        },
      } as unknown as SQL
      opened.push(connection)
      if (server.closes-- > 0) connection.end()
      return { sql, server: server.name }
    },
    metrics: new PoolMetrics(registry),
    log: createLogger('test', 'silent'),
  })
  return { pool, opened, server, registry }
}

test('each statement counts as a wait for a connection, also one that finds it idle', async () => {
  const { pool, registry } = controlledPool(1)
  for (let statement = 0; statement < 3; statement++) await pool.run('', [])
  expect(await registry.metrics()).toContain('db_client_connection_wait_time_seconds_count 3\n')
  pool.close()
})

test('a lost connection is replaced for a statement that waits, and no other is opened', async () => {
  const { pool, opened } = controlledPool(1)
  expect(await pool.run('', [])).toEqual([0] as never)
  opened[0]!.end()
  expect(await pool.run('', [])).toEqual([1] as never)
  expect(await pool.run('', [])).toEqual([1] as never)
  expect(opened).toHaveLength(2)
  pool.close()
})

test('a connection that opens after the pool was closed is closed', async () => {
  const { pool, opened } = controlledPool(1)
  const refused = pool.run('', []).catch(({ message }: Error) => message)
  pool.close()
  expect(await refused).toBe('The database is away: nothing was changed, try again')
  await until(() => opened.length === 1 && !opened[0]!.isOpen)
})

test('a statement that waits for a connection gets a new one when that is lost', async () => {
  const { pool, opened } = controlledPool(1)
  await pool.run('', [])
  opened[0]!.hang = true
  void pool.run('', []).catch(() => {})
  const waiting = pool.run('', [])
  opened[0]!.end()
  expect(await waiting).toEqual([1] as never)
  pool.close()
})

test('when a connection hangs, the idle ones are dropped with it', async () => {
  const { pool, opened } = controlledPool(2, 50)
  await Promise.all([pool.run('', []), pool.run('', [])])
  expect(opened).toHaveLength(2)
  for (const connection of opened) connection.hang = true
  void pool.run('', []).catch(() => {})
  await until(() => opened.every(({ isOpen }) => !isOpen))
  expect(await pool.run('', [])).toEqual([2] as never)
  pool.close()
})

test('a connection to another server makes the pool leave the older ones', async () => {
  const { pool, opened, server } = controlledPool(2)
  await pool.run('', [])
  server.name = 'second'
  // The older connection completes its statement.
  const both = await Promise.all([pool.run('', []), pool.run('', [])])
  expect(both.flat().every((each) => [0, 1].includes(each as never))).toBe(true)
  await until(() => !opened[0]!.isOpen)
  expect(opened[1]!.isOpen).toBe(true)
  pool.close()
})

test('a server that was switched to standby is left by every connection', async () => {
  const { pool, opened } = controlledPool(2)
  await Promise.all([pool.run('', []), pool.run('', [])])
  const { losses } = pool
  const refused = new SQL.PostgresError('cannot execute INSERT in a read-only transaction', {
    code: 'ERR_POSTGRES_SERVER_ERROR',
    errno: '25006',
  } as never)
  for (const connection of opened) connection.error = refused
  await expect(pool.run('', [])).rejects.toThrow('nothing was changed')
  expect(opened.map(({ isOpen }) => isOpen)).toEqual([false, false])
  expect(pool.losses).toBe(losses + 2)
  pool.close()
})

test('a connection to another server makes the pool leave an older one once its statement has ended', async () => {
  const { pool, opened, server } = controlledPool(2)
  await pool.run('', [])
  opened[0]!.hang = true
  const older = pool.run('', [])
  server.name = 'second'
  expect(await pool.run('', [])).toEqual([1] as never)
  expect(opened[0]!.isOpen).toBe(true)
  opened[0]!.finish!()
  expect(await older).toEqual([0] as never)
  await until(() => !opened[0]!.isOpen)
  pool.close()
})

test('a connection that the server closes at once is replaced', async () => {
  const { pool, server } = controlledPool(1)
  server.closes = 1
  await expect(pool.run('', [])).rejects.toThrow('The database is away')
  await until(async () => (await pool.run('', []).catch(() => [])).length === 1)
  expect(await pool.run('', [])).toEqual([1] as never)
  pool.close()
})

test('while a connection is open, a failed attempt to open another is repeated for a statement that waits', async () => {
  const { pool, opened, server } = controlledPool(2)
  await pool.run('', [])
  opened[0]!.hang = true
  void pool.run('', []).catch(() => {})
  server.refuses = 1
  expect(await pool.run('', [])).toEqual([1] as never)
  pool.close()
})

test('connections in use are shown', async () => {
  const { pool, opened, registry } = controlledPool(2)
  await Promise.all([pool.run('', []), pool.run('', [])])
  const shown = async () =>
    [...(await registry.metrics()).matchAll(/^db_client_connection_count\{state="(\w+)"\} (\d)$/gm)]
      .map(([, state, count]) => `${count} ${state}`)
      .toSorted()
  expect(await shown()).toEqual(['0 used', '2 idle'])
  opened[1]!.hang = true
  void pool.run('', []).catch(() => {})
  expect(await shown()).toEqual(['1 idle', '1 used'])
  opened[1]!.finish!()
  await until(async () => (await shown()).includes('2 idle'))
  opened[0]!.end()
  expect(await shown()).toEqual(['0 used', '1 idle'])
  pool.close()
})

describe('with a clock that the test moves', () => {
  const [WAIT_MS, STATEMENT_MS, GRACE_MS] = [10_000, 1000, 500]

  /** A pool with one connection whose statements hang. */
  async function clocked() {
    const stack = new DisposableStack()
    const clock = { ms: 1 }
    stack.use(spyOn(performance, 'now')).mockImplementation(() => clock.ms)
    const timers = stack.use(spyOn(globalThis, 'setInterval'))
    const controlled = controlledPool(1, STATEMENT_MS)
    stack.defer(() => controlled.pool.close())
    await controlled.pool.run('', [])
    const connection = controlled.opened[0]!
    connection.hang = true
    const sweepAt = (ms: number) => {
      clock.ms = ms
      ;(timers.mock.calls[0]![0] as () => void)()
    }
    return Object.assign(stack, controlled, { connection, sweepAt })
  }

  test('a statement waits as long as it may for a connection, not longer', async () => {
    using all = await clocked()
    const running = all.pool.run('', [])
    const waiting = all.pool.run('', [])
    all.connection.finish!()
    await running
    // The connection was given to the waiting one: another waits from now on.
    const last = all.pool.run('', []).then(
      () => 'done',
      ({ code }: Unavailable) => code,
    )
    const timeouts = async () =>
      /^db_client_connection_timeouts_total (\d)$/m.exec(await all.registry.metrics())![1]
    all.sweepAt(1 + WAIT_MS)
    expect(await timeouts()).toBe('0')
    all.sweepAt(2 + WAIT_MS)
    expect(await timeouts()).toBe('1')
    expect(await last).toBe('POOL_TIMEOUT')
    void waiting.catch(() => {})
  })

  test('a connection is dropped at the second check after the time of a statement, and not before', async () => {
    using all = await clocked()
    const end = 1 + STATEMENT_MS + GRACE_MS
    const statement = all.pool.run('', [])
    for (let i = 0; i < 3; i++) all.sweepAt(end - 1)
    all.sweepAt(end)
    expect(all.connection.isOpen).toBe(true)
    all.connection.finish!()
    await statement
    // The next statement has all of its time, and both checks again.
    const next = all.pool.run('', []).catch(() => {})
    for (let i = 0; i < 3; i++) all.sweepAt(end + end - 2)
    all.sweepAt(end + end - 1)
    expect(all.connection.isOpen).toBe(true)
    all.sweepAt(end + end - 1)
    expect(all.connection.isOpen).toBe(false)
    all.connection.finish!()
    await next
  })

  test('an idle connection stays', async () => {
    using all = await clocked()
    for (let i = 0; i < 3; i++) all.sweepAt(1_000_000)
    expect(all.connection.isOpen).toBe(true)
  })
})
