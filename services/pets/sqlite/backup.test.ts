/** What a backup and a restore leave behind. The commands are in ../backup.test.ts. */
import { Database } from 'bun:sqlite'
import { expect, test } from 'bun:test'
import { readdirSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'
import { migrations } from '../model/migrations.ts'
import { temporaryDatabase, testKind } from '../testing.ts'
import { backUp, restore } from './backup.ts'
import { openFile } from './file.ts'
import { migrate } from './migrate.ts'

const VARIABLE = 'DOGS_DATABASE_PATH'

/** A database with these rows, and the files in its folder besides its own. */
function filled(...statements: string[]) {
  const database = temporaryDatabase()
  const db = openFile(database.path, VARIABLE)
  migrate(db, migrations(testKind))
  for (const statement of statements) db.run(statement)
  db.close()
  const others = () =>
    readdirSync(dirname(database.path)).filter((file) => !file.startsWith(basename(database.path)))
  return Object.assign(database, { others, backup: join(dirname(database.path), 'backup.sqlite') })
}

const insert = (id: number) => `INSERT INTO dogs (id, name, breed) VALUES (${id}, 'Rex', 'Pug')`

test.each([
  ['the backup', [insert(9), 'DELETE FROM dogs', insert(2)], [insert(3)], 10],
  ['the replaced rows', [insert(2)], [insert(9), 'DELETE FROM dogs'], 10],
])('the next id is above all that %s ever had', async (_, inBackup, replaced, next) => {
  await using source = filled(...inBackup)
  await using target = filled(...replaced)
  expect(backUp(testKind, source.path, source.backup)).toBe(1)
  restore(testKind, target.path, VARIABLE, source.backup)
  await target.query("INSERT INTO dogs (name, breed) VALUES ('next', 'Pug')")
  expect(await target.query('SELECT id FROM dogs ORDER BY id')).toEqual([{ id: 2 }, { id: next }])
})

test('a restore forgets the keys of rows that are gone, and leaves no file behind', async () => {
  const key = "INSERT INTO dogs_idempotency (key, fingerprint, pet_id, created_ms) VALUES ('a', 'b', 1, 2)"
  await using database = filled(insert(1), key)
  backUp(testKind, database.path, database.backup)
  expect(restore(testKind, database.path, VARIABLE, database.backup)).toEqual({ rows: 1, replaced: 1 })
  expect(await database.query('SELECT * FROM dogs_idempotency')).toEqual([])
  expect(database.others()).toEqual(['backup.sqlite'])
})

test('a backup or a restore that fails leaves no file behind', async () => {
  await using database = filled(insert(1))
  const text = join(dirname(database.path), 'text')
  await Bun.write(text, 'this is not a database, though it is long enough to look like one')
  expect(() => backUp(testKind, text, database.backup)).toThrow('not a database')
  expect(() => restore(testKind, database.path, VARIABLE, text)).toThrow('not a database')
  expect(database.others()).toEqual(['text'])
  using db = new Database(database.path)
  expect(db.query('SELECT id FROM dogs').all()).toEqual([{ id: 1 }])
})
