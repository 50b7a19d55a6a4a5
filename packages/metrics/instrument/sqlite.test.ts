import { Database } from 'bun:sqlite'
import { expect, test } from 'bun:test'
import { Registry } from '../api/registry.ts'
import { describe } from './database.ts'
import { DatabaseMetrics } from './sqlite.ts'

test.each([
  ['SELECT id FROM dogs WHERE id = ?', 'SELECT', 'dogs'],
  [' insert INTO "cats" (a) VALUES (1)', 'INSERT', 'cats'],
  ['UPDATE dogs SET a = 1', 'UPDATE', 'dogs'],
  ['DELETE FROM dogs', 'DELETE', 'dogs'],
  ['PRAGMA data_version', 'PRAGMA', 'data_version'],
  ['VACUUM', 'VACUUM', ''],
])('%s is %s on %s', (sql, operation, collection) => {
  expect(describe(sql)).toEqual([operation, collection])
})

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
