import { Database } from 'bun:sqlite'
import { expect, spyOn, test } from 'bun:test'
import { Registry } from '../api/registry.ts'
import { DatabaseMetrics } from './sqlite.ts'

test('each call is observed once, failed ones too, and those are counted by their code', async () => {
  const registry = new Registry()
  const db = new Database(':memory:')
  db.run('CREATE TABLE dogs (id INTEGER PRIMARY KEY)')
  const metrics = new DatabaseMetrics(registry)
  const insert = metrics.prepare<{ id: number }, [number]>(
    db,
    'INSERT INTO dogs (id) VALUES (?) RETURNING id',
  )
  expect(insert.get(1)).toEqual({ id: 1 })
  expect(() => insert.get(1)).toThrow('UNIQUE')
  const select = metrics.prepare<{ id: number }, []>(db, 'SELECT id FROM dogs')
  expect(select.all()).toEqual([{ id: 1 }])

  const page = await registry.metrics()
  const count = 'db_client_operation_duration_seconds_count{db_system_name="sqlite"'
  expect(page).toContain(`${count},db_operation_name="INSERT",db_collection_name="dogs"} 2`)
  expect(page).toContain(`${count},db_operation_name="SELECT",db_collection_name="dogs"} 1`)
  expect(page).toContain(
    'db_client_operation_errors_total{db_system_name="sqlite",db_operation_name="INSERT",db_collection_name="dogs",error_type="SQLITE_CONSTRAINT_PRIMARYKEY"} 1',
  )
})

/** A database with three dogs, and how often an operation on them was observed. */
function threeDogs() {
  const registry = new Registry()
  const db = new Database(':memory:')
  db.run('CREATE TABLE dogs (id INTEGER PRIMARY KEY)')
  db.run('INSERT INTO dogs VALUES (1), (2), (3)')
  const statement = new DatabaseMetrics(registry).prepare<{ id: number }, [number]>(
    db,
    'SELECT id FROM dogs WHERE id > ?',
  )
  const observed = async (what = 'count') =>
    Number(
      new RegExp(
        `^db_client_operation_duration_seconds_${what}{.*db_collection_name="dogs"} (.*)$`,
        'm',
      ).exec(await registry.metrics())![1],
    )
  const failed = async () => (await registry.metrics()).includes('db_client_operation_errors_total{')
  return { db, statement, observed, failed }
}

class Dog {
  declare id: number
  get name() {
    return `dog ${this.id}`
  }
}

test('every way to run a statement is observed once, with the result of bun:sqlite', async () => {
  const { db, statement, observed, failed } = threeDogs()
  const bare = db.prepare<{ id: number }, [number]>('SELECT id FROM dogs WHERE id > ?')
  const calls = [
    (each: typeof bare) => each.get(1),
    (each: typeof bare) => each.all(1),
    (each: typeof bare) => each.values(1),
    (each: typeof bare) => each.raw(1),
    (each: typeof bare) => each.run(1),
    (each: typeof bare) => [...each.iterate(1)],
    (each: typeof bare) => [...each.iterate(3)],
    (each: typeof bare) => [...each],
    (each: typeof bare) => [each.columnNames, each.paramsCount, each.toString(), each.isFinalized],
    (each: typeof bare) =>
      each
        .as(Dog)
        .all(1)
        .map(({ name }) => name),
  ]
  let expected = 0
  for (const call of calls) {
    expect(call(statement as typeof bare)).toEqual(call(bare))
    if (call !== calls[8]) expected++
    expect(await observed(), String(call)).toBe(expected)
  }
  expect(await failed()).toBe(false)
})

test('an iteration that is left early is observed once, and the statement runs again', async () => {
  const { db, statement, observed, failed } = threeDogs()
  for (const { id } of statement.iterate(0)) if (id === 2) break
  expect(await observed()).toBe(1)
  db.run('DROP TABLE IF EXISTS cats')
  db.run('ALTER TABLE dogs ADD name TEXT')
  expect(statement.all(0)).toHaveLength(3)
  expect(await observed()).toBe(2)
  expect(await failed()).toBe(false)
  // An iteration that was not ended would keep the table locked.
  for (const _ of statement.iterate(0)) break
  db.run('DROP TABLE dogs')
})

test('the time of a call is that of the database, and rows are one operation', async () => {
  const { statement, observed } = threeDogs()
  using now = spyOn(performance, 'now')
  now.mockReturnValueOnce(1000).mockReturnValueOnce(1250)
  statement.get(1)
  expect(await observed('sum')).toBe(0.25)
  // Two rows and the end; between them 100 s pass in the program.
  for (const ms of [0, 500, 100_500, 101_000, 201_000, 202_000]) now.mockReturnValueOnce(ms)
  expect([...statement.iterate(1)]).toHaveLength(2)
  expect(await observed('sum')).toBe(2.25)
  expect(await observed()).toBe(2)
})

test('an iteration that fails is observed, and counted as an error', async () => {
  const { statement, observed, failed } = threeDogs()
  statement.finalize()
  expect(statement.isFinalized).toBe(true)
  expect(() => [...statement.iterate(0)]).toThrow()
  expect([await observed(), await failed()]).toEqual([1, true])
  expect(() => statement.get(0)).toThrow()
  expect(await observed()).toBe(2)
})
