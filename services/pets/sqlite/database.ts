/** A database in a SQLite file. */
import type { Database } from '../database.ts'
import { type Kind, prefixOf } from '../kind.ts'
import { migrations } from '../migrations.ts'
import { openFile, serveWith } from './file.ts'
import { migrate } from './migrate.ts'
import { SqliteStore } from './store.ts'

export const sqliteDatabase = (kind: Kind, path: string): Database => ({
  migrate() {
    using db = openFile(path, `${prefixOf(kind)}_DATABASE_PATH`)
    return migrate(db, migrations(kind))
  },
  open(registry) {
    const db = openFile(path, `${prefixOf(kind)}_DATABASE_PATH`)
    serveWith(db)
    return new SqliteStore(kind, db, registry)
  },
})
