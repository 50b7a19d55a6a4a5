/** The command that copies a SQLite file into PostgreSQL, run as a process. */
import { Database } from 'bun:sqlite'
import { expect, test, describe } from 'bun:test'
import { join } from 'node:path'
import { openPets, postgresDatabase, temporaryDatabase, type TestDatabase } from './testing.ts'
import { isPostgresExpected } from './postgres/testing_server.ts'

/** For tests that start processes and a server. */
const SLOW_MS = 120_000

async function copy(databases: readonly TestDatabase[], ...args: string[]) {
  const env = Object.assign({}, ...databases.map((database) => database.env)) as Record<string, string>
  const run = Bun.spawn([process.execPath, join(import.meta.dir, '../dogs/copy.ts'), ...args], {
    env: { ...Bun.env, ...env },
    stdout: 'pipe',
    stderr: 'pipe',
  })
  const [stdout, stderr] = await Promise.all(
    [run.stdout, run.stderr].map((stream) => new Response(stream).text()),
  )
  return { exitCode: await run.exited, stdout: stdout!, stderr: stderr! }
}

/** A file with this number of rows, of which the first and the last are then deleted. */
async function fileWith(rows: number): Promise<TestDatabase & { path: string }> {
  const file = temporaryDatabase()
  // Does not dispose of the file, which outlives the service.
  const pets = await openPets({ ...file, [Symbol.asyncDispose]: async () => {} })
  using db = new Database(file.path)
  db.run(
    `INSERT INTO dogs (name, breed, likes_to_bark, is_test)
     WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ${rows})
     SELECT 'dog "' || i || '" 🐕', 'Pug', i % 2, i % 3 = 0 FROM n`,
  )
  db.run(`DELETE FROM dogs WHERE id IN (1, ${rows})`)
  await pets[Symbol.asyncDispose]()
  return file
}

describe.skipIf(!isPostgresExpected)('copy', () => {
  test(
    'copies every row with its id, prints the progress, and continues the ids of the file',
    async () => {
      await using file = await fileWith(2502)
      await using target = await postgresDatabase()
      const { exitCode, stdout, stderr } = await copy([file, target])
      expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: '' })
      expect(stdout.split('\n').slice(0, 3)).toEqual([
        '1000 of 2500 dogs',
        '2000 of 2500 dogs',
        '2500 of 2500 dogs',
      ])
      expect(stdout).toContain(`copied 2500 dogs from ${file.path} to 127.0.0.1:`)
      expect(stdout).toContain(': both have 2500\n')

      const keep = (database: TestDatabase) => ({ ...database, [Symbol.asyncDispose]: async () => {} })
      await using before = await openPets(keep(file))
      await using after = await openPets(keep(target))
      for (const path of [
        '/dogs/?limit=1000',
        '/dogs/?limit=1000&after=1001',
        '/dogs/?limit=1000&after=2001',
      ]) {
        expect(await (await after.ask(path)).text()).toBe(await (await before.ask(path)).text())
      }
      const made = await after.send('POST', '/dogs/', { name: 'next', breed: 'Pug' })
      expect(await made.json()).toMatchObject({ id: 2503 })
    },
    SLOW_MS,
  )

  test(
    'refuses a table with rows and leaves it unchanged, except with --replace',
    async () => {
      await using file = await fileWith(3)
      await using target = await postgresDatabase()
      expect((await copy([file, target])).exitCode).toBe(0)
      await target.query(`UPDATE dogs SET name = 'there before'`)
      const refused = await copy([file, target])
      expect(refused.exitCode).toBe(3)
      expect(refused.stderr).toBe(
        'dogs: nothing was copied\n  the table dogs in PostgreSQL has 1 rows: --replace deletes them\n',
      )
      expect(await target.query('SELECT name FROM dogs')).toEqual([{ name: 'there before' }])
      expect((await copy([file, target], '--replace')).exitCode).toBe(0)
      expect(await target.query('SELECT id, name FROM dogs')).toEqual([{ id: '2', name: 'dog "2" 🐕' }])
    },
    SLOW_MS,
  )

  test.each([
    ['id = 3', '1 dogs have', '3\n'],
    ['id <= 11', '10 dogs have', '2, 3, 4, 5, 6, 7, 8, 9, 10, 11\n'],
    ['id <= 12', '11 dogs have', '2, 3, 4, 5, 6, 7, 8, 9, 10, 11, …\n'],
  ])(
    'copies no row if PostgreSQL cannot hold those with %s, and prints up to ten ids',
    async (where, count, ids) => {
      await using file = await fileWith(14)
      await using target = await postgresDatabase()
      await file.query(`UPDATE dogs SET breed = 'a' || char(0) || 'b' WHERE ${where}`)
      const { exitCode, stderr } = await copy([file, target])
      expect(exitCode).toBe(3)
      expect(stderr).toContain(
        `${count} a NUL character in name or breed, which PostgreSQL cannot hold: change or delete ids ${ids}`,
      )
    },
    SLOW_MS,
  )

  test(
    'leaves the table empty if it fails halfway, or if a row is missing in the end',
    async () => {
      await using file = await fileWith(2502)
      await using target = await postgresDatabase()
      const pets = await openPets({ ...target, [Symbol.asyncDispose]: async () => {} })
      await pets[Symbol.asyncDispose]()
      await target.query('ALTER TABLE dogs ADD CONSTRAINT not_1500 CHECK (id <> 1500)')
      const { exitCode, stdout, stderr } = await copy([file, target])
      expect(exitCode).toBe(3)
      expect(stdout).toBe('1000 of 2500 dogs\n')
      expect(stderr).toContain('violates check constraint "not_1500"')
      expect(await target.query('SELECT id FROM dogs')).toEqual([])
      await target.query('ALTER TABLE dogs DROP CONSTRAINT not_1500')
      await target.query(
        `CREATE FUNCTION drop_row() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END'`,
      )
      await target.query(
        'CREATE TRIGGER not_1500 BEFORE INSERT ON dogs FOR EACH ROW WHEN (NEW.id = 1500) EXECUTE FUNCTION drop_row()',
      )
      expect((await copy([file, target])).stderr).toContain(
        'PostgreSQL has 2499 dogs and the file 2500: the copy was rolled back',
      )
      expect(await target.query('SELECT id FROM dogs')).toEqual([])
    },
    SLOW_MS,
  )

  test(
    'copies an empty file',
    async () => {
      await using file = await fileWith(1)
      await using target = await postgresDatabase()
      expect((await copy([file, target])).stdout).toContain('both have 0')
    },
    SLOW_MS,
  )
})

test(
  'names the missing or wrong setting, with exit code 2',
  async () => {
    await using file = temporaryDatabase()
    expect(await copy([file])).toMatchObject({
      exitCode: 2,
      stderr: 'dogs: nothing was copied\n  DOGS_DATABASE_URL is missing: set it to the URL of PostgreSQL\n',
    })
    const nowhere = { ...file, env: { ...file.env, DOGS_DATABASE_URL: 'postgres://127.0.0.1/x' } }
    const { exitCode, stderr } = await copy([nowhere])
    expect(exitCode).toBe(2)
    expect(stderr).toContain(`DOGS_DATABASE_PATH: there is no file ${file.path}`)
    expect((await copy([file], '--replace-all')).exitCode).toBe(2)
  },
  SLOW_MS,
)
