/** The commands `bun run backup FILE` and `bun run restore FILE`, while the service runs. */
import { Database } from 'bun:sqlite'
import { expect, test } from 'bun:test'
import { existsSync, statSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { dogs, post, temporaryDatabase, type TestDatabase } from './testing.ts'

const SLOW_MS = 120_000

async function command(name: 'backup' | 'restore', database: TestDatabase, ...args: string[]) {
  const run = Bun.spawn([process.execPath, join(import.meta.dir, `../dogs/${name}.ts`), ...args], {
    env: { ...Bun.env, ...database.env },
    stdout: 'pipe',
    stderr: 'pipe',
  })
  const [stdout, stderr] = await Promise.all(
    [run.stdout, run.stderr].map((stream) => new Response(stream).text()),
  )
  return { exitCode: await run.exited, stdout: stdout!, stderr: stderr! }
}

const names = async (url: string) =>
  ((await (await fetch(`${url}/dogs/`)).json()) as { name: string }[]).map(({ name }) => name)

test(
  'a backup has every acknowledged row, and a restore under the running service brings them back at once',
  async () => {
    await using database = temporaryDatabase()
    const file = join(dirname(database.path), 'backup.sqlite')
    await using service = dogs(database.env)
    const { url } = await service.ready()
    for (const name of ['first', 'second']) expect((await post(url, name)).status).toBe(201)
    expect(await command('backup', database, file)).toEqual({
      exitCode: 0,
      stdout: `wrote 2 dogs from ${database.path} to ${file}\n`,
      stderr: '',
    })
    expect(statSync(file).mode & 0o777).toBe(0o600)
    for (const name of ['third', 'fourth', 'fifth']) await post(url, name)
    expect(await names(url)).toHaveLength(5)
    expect(await command('restore', database, file)).toEqual({
      exitCode: 0,
      stdout: `restored 2 dogs from ${file} to ${database.path}, in place of 5\n`,
      stderr: '',
    })
    expect(await names(url)).toEqual(['first', 'second'])
    // The ids of the rows that are gone are not assigned again.
    expect(await (await post(url, 'sixth')).json()).toMatchObject({ id: 6 })
    expect((await fetch(`${url}/healthz`)).status).toBe(200)
    expect(existsSync(`${file}-wal`)).toBe(false)
  },
  SLOW_MS,
)

test(
  'a backup of an older version is migrated, into a service that never ran',
  async () => {
    await using old = temporaryDatabase()
    await using fresh = temporaryDatabase()
    {
      using db = new Database(old.path)
      db.run('CREATE TABLE migrations (name TEXT PRIMARY KEY, applied_at TEXT NOT NULL) STRICT')
      db.run("INSERT INTO migrations VALUES ('0001_initial', '')")
      db.run(`CREATE TABLE dogs (id INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT NOT NULL, breed TEXT NOT NULL,
        likes_to_bark INTEGER NOT NULL DEFAULT 0) STRICT`)
      db.run("INSERT INTO dogs (id, name, breed) VALUES (7, 'old', 'Pug')")
    }
    const { exitCode, stderr } = await command('restore', fresh, old.path)
    expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: '' })
    expect(await fresh.query('SELECT * FROM dogs')).toEqual([
      { id: 7, name: 'old', breed: 'Pug', likes_to_bark: 0, is_test: 0 },
    ])
    expect(await old.query('SELECT name FROM migrations')).toEqual([{ name: '0001_initial' }])
  },
  SLOW_MS,
)

test(
  'refuses what it cannot restore, and leaves the rows as they are',
  async () => {
    await using database = temporaryDatabase()
    await using other = temporaryDatabase()
    await using service = dogs({ DOGS_WORKERS: '0', ...database.env })
    const { url } = await service.ready()
    await post(url, 'kept')
    await other.query('CREATE TABLE cats (id INTEGER)')
    const text = join(dirname(other.path), 'text')
    await Bun.write(text, 'this is not a database, though it is long enough to look like one')
    const later = join(dirname(other.path), 'later.sqlite')
    await command('backup', database, later)
    using db = new Database(later)
    db.run("INSERT INTO migrations VALUES ('9999_later', '')")
    const refusals: [file: string, reason: string][] = [
      ['/nowhere', 'there is no file /nowhere'],
      [other.path, 'it has no table dogs'],
      [text, 'file is not a database'],
      [later, 'the database has the migration 9999_later'],
    ]
    for (const [file, reason] of refusals) {
      const { exitCode, stderr } = await command('restore', database, file)
      expect({ exitCode, isNamed: stderr.includes(reason), stderr }).toMatchObject({
        exitCode: 3,
        isNamed: true,
      })
    }
    expect(await names(url)).toEqual(['kept'])
  },
  SLOW_MS,
)

test(
  'a backup never overwrites a file, and PostgreSQL is left to pg_dump',
  async () => {
    await using database = temporaryDatabase()
    await using service = dogs({ DOGS_WORKERS: '0', ...database.env })
    await service.ready()
    const { exitCode, stderr } = await command('backup', database, database.path)
    expect(exitCode).toBe(3)
    expect(stderr).toContain('no backup was written\n  EEXIST')
    expect(await command('backup', database)).toMatchObject({ exitCode: 2 })
    const postgres = { ...database, env: { DOGS_DATABASE_URL: 'postgres://127.0.0.1/x' } }
    expect(await command('backup', postgres, 'x')).toMatchObject({
      exitCode: 2,
      stderr: 'dogs: no backup was written\n  DOGS_DATABASE_URL is set: back up PostgreSQL with pg_dump\n',
    })
  },
  SLOW_MS,
)

test(
  'a restore of an empty table into an empty one leaves the first id free',
  async () => {
    await using source = temporaryDatabase()
    await using target = temporaryDatabase()
    const file = join(dirname(source.path), 'backup.sqlite')
    {
      await using service = dogs({ DOGS_WORKERS: '0', ...source.env })
      await service.ready()
    }
    expect((await command('backup', source, file)).stdout).toStartWith('wrote 0 dogs')
    expect((await command('restore', target, file)).exitCode).toBe(0)
    await using service = dogs({ DOGS_WORKERS: '0', ...target.env })
    const { url } = await service.ready()
    expect((await post(url, 'first')).headers.get('location')).toBe('/dogs/1/')
  },
  SLOW_MS,
)
