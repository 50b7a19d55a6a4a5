/** The queue of writes by itself: order, busy timeout, transactions and log lines. locked.test.ts has it in a service. */
import { Database } from 'bun:sqlite'
import { afterEach, beforeEach, expect, test } from 'bun:test'
import type { Logger } from '@bun-monitoring/prefork'
import { temporaryDatabase } from '../testing.ts'
import { Unavailable } from '../store/store.ts'
import { openFile } from './file.ts'
import { WriteQueue } from './write_queue.ts'

let file: ReturnType<typeof temporaryDatabase>
let [db, other]: Database[] = []
let queue: WriteQueue
let said: string[]

beforeEach(() => {
  file = temporaryDatabase()
  db = openFile(file.path, 'DOGS_DATABASE_PATH')
  db.run('CREATE TABLE toys (name TEXT NOT NULL)')
  other = new Database(file.path)
  said = []
  const log = {
    warn: (_: object, message: string) => said.push(message),
    info: (message: string) => said.push(message),
  }
  queue = new WriteQueue(db, log as unknown as Logger)
})
afterEach(async () => {
  queue.close()
  db!.close()
  other!.close()
  await file[Symbol.asyncDispose]()
})

const lock = () => void other!.run('BEGIN IMMEDIATE')
const release = () => void other!.run('COMMIT')
const insert = (name: string | null) => () => db!.run('INSERT INTO toys VALUES (?)', [name])
const names = () =>
  other!
    .query<{ name: string }, []>('SELECT name FROM toys')
    .all()
    .map(({ name }) => name)
const busyMs = () => db!.query<{ timeout: number }, []>('PRAGMA busy_timeout').get()!.timeout

test('a write that comes after the lock was released waits behind those that were there before', async () => {
  lock()
  const first = queue.write(insert('first'))
  release()
  const second = queue.write(insert('second'))
  expect([first, second].every((each) => each instanceof Promise)).toBe(true)
  await Promise.all([first, second])
  expect(names()).toEqual(['first', 'second'])
  // Without others a write has its turn at once.
  expect(queue.write(insert('third'))).not.toBeInstanceOf(Promise)
  expect(names()).toEqual(['first', 'second', 'third'])
})

test('SQLite itself waits a moment for the lock, and not at all while writes are in the queue', async () => {
  expect(busyMs()).toBe(5)
  lock()
  const write = queue.write(insert('toy'))
  expect(busyMs()).toBe(0)
  release()
  await write
  expect(busyMs()).toBe(5)
})

test('a write that fails when its turn comes is rolled back, and the next one has its turn', async () => {
  lock()
  const half = () => {
    insert('half')()
    insert(null)()
  }
  const failing = Promise.resolve(queue.write(half)).catch((error: Error) => error.message)
  const good = queue.write(insert('good'))
  release()
  expect(await failing).toContain('NOT NULL')
  await good
  expect(db!.inTransaction).toBe(false)
  expect(names()).toEqual(['good'])
})

test('a lock that is held for more than a second is told once, and so is its end', async () => {
  lock()
  const startedMs = performance.now()
  const refused = await Promise.allSettled([1, 2].map(() => queue.write(insert('refused'))))
  expect(performance.now() - startedMs).toBeGreaterThanOrEqual(999)
  for (const each of refused)
    expect(each).toMatchObject({ status: 'rejected', reason: { name: 'Unavailable', code: 'SQLITE_BUSY' } })
  const locked =
    'another process holds the lock of the SQLite file: responding 503 to writes until it is released'
  expect(said).toEqual([locked])
  expect(busyMs()).toBe(5)
  release()
  queue.write(insert('later'))
  queue.write(insert('more'))
  expect(said).toEqual([locked, 'the lock of the SQLite file is released'])
  expect(names()).toEqual(['later', 'more'])
})

test('a file that cannot be written is told once, and so is its end', () => {
  const full = () => {
    throw Object.assign(new Error('full'), { code: 'SQLITE_FULL' })
  }
  for (let i = 0; i < 2; i++) expect(() => queue.write(full)).toThrow(Unavailable)
  // A write that the table refuses says nothing about the file.
  expect(() => queue.write(insert(null))).toThrow('NOT NULL')
  expect(said).toHaveLength(1)
  expect(said[0]).toStartWith('the SQLite file cannot be written')
  queue.write(insert('toy'))
  expect(said.slice(1)).toEqual(['the SQLite file can be written again'])
})

test('reads do not wait for writes', async () => {
  lock()
  const write = queue.write(insert('toy'))
  expect(queue.read(() => db!.query('SELECT 1 AS one').get())).toEqual({ one: 1 })
  release()
  await write
})

test('a database that is closed refuses the writes that wait', async () => {
  lock()
  const write = Promise.resolve(queue.write(insert('late'))).catch((error: Error) => error.message)
  queue.close()
  expect(await write).toBe('the database was closed')
  release()
  expect(names()).toEqual([])
})
