/** The SQLite file: its permissions, a full disk, and a file that is removed, replaced or overwritten under the service. */
import { Database } from 'bun:sqlite'
import { describe, expect, test } from 'bun:test'
import { chmodSync, copyFileSync, renameSync, statSync, unlinkSync } from 'node:fs'
import { Registry } from '@bun-monitoring/metrics'
import { migrations } from '../model/migrations.ts'
import { Unavailable } from '../store/store.ts'
import { dogs, linesOf, post, temporaryDatabase, testKind } from '../testing.ts'
import { openFile } from './file.ts'
import { FileWatch } from './file_watch.ts'
import { migrate } from './migrate.ts'
import { SqliteStore } from './store.ts'

const SLOW_MS = 120_000

const openStore = (path: string) => {
  const db = openFile(path, 'DOGS_DATABASE_PATH')
  migrate(db, migrations(testKind))
  const { log, lines } = linesOf('info')
  return { db, lines, store: new SqliteStore(testKind, db, new FileWatch(path, log), new Registry(), log) }
}

test('the file and its WAL are readable by their owner only, and an older file keeps its mode', async () => {
  await using database = temporaryDatabase()
  const { store } = openStore(database.path)
  for (const path of [database.path, `${database.path}-wal`, `${database.path}-shm`]) {
    expect({ path, mode: statSync(path).mode & 0o777 }).toEqual({ path, mode: 0o600 })
  }
  store.close()
  chmodSync(database.path, 0o640)
  openStore(database.path).store.close()
  expect(statSync(database.path).mode & 0o777).toBe(0o640)
})

test('a full disk refuses writes with one line, serves reads, and recovers', async () => {
  await using database = temporaryDatabase()
  const { db, store, lines } = openStore(database.path)
  const pet = { name: 'x'.repeat(128), breed: 'x'.repeat(128), likes_to_bark: false, is_test: false }
  const { id } = await store.insert(pet)
  const { pages } = db
    .query<{ pages: number }, []>('SELECT page_count AS pages FROM pragma_page_count')
    .get()!
  db.run(`PRAGMA max_page_count = ${pages}`)
  const errors: unknown[] = []
  while (errors.length < 20) {
    try {
      await store.insert(pet)
    } catch (error) {
      errors.push(error)
    }
  }
  for (const error of errors) {
    expect(error).toBeInstanceOf(Unavailable)
    expect(error).toMatchObject({
      code: 'SQLITE_FULL',
      message: 'The database cannot be written: nothing was changed, try again',
    })
  }
  expect(await store.find(id)).toMatchObject(pet)
  expect(lines.map(({ msg }) => msg)).toEqual([expect.stringContaining('the SQLite file cannot be written')])
  db.run('PRAGMA max_page_count = 1000000')
  await store.insert(pet)
  expect(lines.map(({ msg }) => msg)).toEqual([expect.anything(), 'the SQLite file can be written again'])
  store.close()
})

describe('a file that is', () => {
  const losses: [how: string, lose: (path: string) => void, restore: ((path: string) => void) | undefined][] =
    [
      ['removed', (path) => renameSync(path, `${path}.away`), (path) => renameSync(`${path}.away`, path)],
      [
        'replaced',
        (path) => {
          copyFileSync(path, `${path}.copy`)
          renameSync(path, `${path}.away`)
          renameSync(`${path}.copy`, path)
        },
        (path) => renameSync(`${path}.away`, path),
      ],
      [
        'overwritten with a backup',
        (path) => {
          using db = new Database(path)
          db.run(`VACUUM INTO '${path}.backup'`)
          copyFileSync(`${path}.backup`, path)
        },
        undefined,
      ],
      ['without its WAL', (path) => unlinkSync(`${path}-wal`), undefined],
    ]

  // Each waits for the watch, which looks once a second.
  test.concurrent.each(losses)(
    '%s: no write is acknowledged, 503 and not healthy after a second, one line',
    async (how, lose, restore) => {
      await using database = temporaryDatabase()
      await using service = dogs({ DOGS_WORKERS: '0', ...database.env })
      const { url } = await service.ready()
      expect((await post(url, 'before')).status).toBe(201)
      // The watch has seen the WAL: it looks once a second, and on a busy machine no later than before the second of these responses.
      await Bun.sleep(1000)
      for (let request = 0; request < 2; request++) await fetch(`${url}/healthz`)
      const gone = `the SQLite file ${database.path} was removed, replaced or overwritten`
      lose(database.path)
      if (how === 'removed' || how === 'replaced') expect((await post(url, 'lost')).status).toBe(503)
      await service.line(gone)
      const read = await fetch(`${url}/dogs/`)
      expect(read.status).toBe(503)
      expect((await read.json()).detail).toBe('The database file is gone: nothing was changed')
      expect((await post(url, 'lost')).status).toBe(503)
      expect((await fetch(`${url}/healthz`)).status).toBe(503)
      if (restore) {
        restore(database.path)
        await service.line(`the SQLite file ${database.path} is back`)
        expect((await post(url, 'after')).status).toBe(201)
        const names = await database.query<{ name: string }>('SELECT name FROM dogs ORDER BY id')
        expect(names.map(({ name }) => name)).toEqual(['before', 'after'])
        expect((await fetch(`${url}/healthz`)).status).toBe(200)
      }
      expect(service.lines(gone)).toHaveLength(1)
    },
    SLOW_MS,
  )
})

test(
  'the service keeps its lock on the file: without it, a tool that opens the file and closes it removes the WAL',
  async () => {
    await using database = temporaryDatabase()
    await using service = dogs({ DOGS_WORKERS: '0', ...database.env })
    const { url } = await service.ready()
    expect((await post(url, 'before')).status).toBe(201)
    // The watch reads the file once a second.
    for (const until = Date.now() + 1500; Date.now() < until; await Bun.sleep(50))
      expect(await Bun.file('/proc/locks').text()).toContain(`:${statSync(database.path).ino} `)
  },
  SLOW_MS,
)

test.each(['0', '1'])(
  'with %s workers the admin port is not ready while the file is removed',
  async (workers) => {
    await using database = temporaryDatabase()
    await using service = dogs({ DOGS_WORKERS: workers, ...database.env })
    const { admin } = await service.ready()
    const ready = async () => {
      const response = await fetch(`${admin}/readyz`)
      return [response.status, await response.text()]
    }
    expect(await ready()).toEqual([200, 'ready\n'])
    renameSync(database.path, `${database.path}.away`)
    expect(await ready()).toEqual([
      503,
      expect.stringContaining(`the SQLite file ${database.path} was removed`),
    ])
    renameSync(`${database.path}.away`, database.path)
    expect(await ready()).toEqual([200, 'ready\n'])
  },
  SLOW_MS,
)
