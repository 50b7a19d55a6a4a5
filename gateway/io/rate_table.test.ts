import { expect, test } from 'bun:test'
import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { type Rate, RateTable, removeRateTables } from './rate_table.ts'

const SECOND = 1_000_000_000n

function tableAt() {
  let now = 5n * SECOND
  const table = new RateTable(new Uint8Array(RateTable.BYTES), () => now)
  /** How many of so many requests are allowed. */
  const allowed = (key: string, count: number, rate: Rate) => {
    let sum = 0
    for (let i = 0; i < count; i++) if (table.take(key, rate) === 0n) sum++
    return sum
  }
  return { table, allowed, advance: (ms: number) => void (now += BigInt(ms) * 1_000_000n) }
}

const RATE: Rate = { requests: 10, perMs: 1000, burst: 3 }

test('as many as the burst may come at once, and then one each interval', () => {
  const { allowed, advance } = tableAt()
  expect(allowed('a', 10, RATE)).toBe(3)
  advance(99)
  expect(allowed('a', 1, RATE)).toBe(0)
  advance(1)
  expect(allowed('a', 2, RATE)).toBe(1)
  advance(250)
  expect(allowed('a', 9, RATE)).toBe(2)
  advance(60_000)
  expect(allowed('a', 9, RATE)).toBe(3)
})

test('it says how long to wait', () => {
  const { table, allowed, advance } = tableAt()
  allowed('a', 3, RATE)
  expect(table.take('a', RATE)).toBe(SECOND / 10n)
  advance(40)
  expect(table.take('a', RATE)).toBe((SECOND * 6n) / 100n)
})

test('keys do not share, up to the size of the table and beyond', () => {
  const { allowed } = tableAt()
  let wrong = 0
  for (let i = 0; i < 20_000; i++) if (allowed(`k${i}`, 4, RATE) !== 3) wrong++
  expect(wrong).toBeLessThan(20)
  for (let i = 0; i < 100_000; i++) if (allowed(`m${i}`, 1, RATE) !== 1) wrong++
  expect(wrong).toBeLessThan(20)
}, 30_000)

test('places of keys whose time has passed are used again', () => {
  const { allowed, advance } = tableAt()
  for (let round = 0; round < 4; round++) {
    for (let i = 0; i < 60_000; i++) allowed(`${round} ${i}`, 1, RATE)
    advance(1000)
  }
  expect(allowed('new', 5, RATE)).toBe(3)
}, 30_000)

test('a table lives as long as the master of its gateway', async () => {
  await using master = Bun.spawn(['sleep', '1000'])
  RateTable.shared(master.pid)
  const tables = () => readdirSync('/dev/shm').filter((name) => name.endsWith(`-${master.pid}`))
  removeRateTables()
  expect(tables()).toHaveLength(1)
  master.kill()
  await master.exited
  removeRateTables()
  expect(tables()).toEqual([])
})

test('4 processes let through what one would, within 1 %, also if one is killed and begins anew', async () => {
  const program = `
    import { RateTable } from ${JSON.stringify(join(import.meta.dir, 'rate_table.ts'))}
    const table = RateTable.shared(${process.pid})
    const rate = { requests: 1000, perMs: 60_000, burst: 1000 }
    let allowed = 0
    const until = performance.now() + 1000
    while (performance.now() < until) {
      for (let i = 0; i < 100; i++) if (table.take('one', rate) === 0n) allowed++
      await Bun.sleep(0)
    }
    console.log(allowed)`
  const count = async () => {
    const child = Bun.spawn([process.execPath, '-e', program], { stdout: 'pipe', stderr: 'inherit' })
    return Number(await new Response(child.stdout).text())
  }
  const startedMs = performance.now()
  const counts = await Promise.all([count(), count(), count(), count()])
  // A fifth process is a worker that takes the place of another one.
  counts.push(await count())
  const seconds = (performance.now() - startedMs) / 1000
  const ideal = 1000 + (seconds * 1000) / 60
  const total = counts.reduce((sum, each) => sum + each, 0)
  console.log(`${total} of at most ${ideal.toFixed(0)} in ${counts.join(', ')}`)
  expect(total).toBeWithin(1000, ideal * 1.01)
  // It finds the burst spent: it has no more than what has come since.
  expect(counts.at(-1)).toBeLessThan(ideal - 1000 + 10)
  removeRateTables()
}, 120_000)
