/** A SQLite file as a database of the service. */
import { existsSync } from 'node:fs'
import { type Kind, prefixOf } from '../model/kind.ts'
import { type Column, requireColumns } from '../model/columns.ts'
import { migrations } from '../model/migrations.ts'
import type { Database } from '../store/store.ts'
import { openFile } from './file.ts'
import { FileWatch } from './file_watch.ts'
import { migrate } from './migrate.ts'
import { SqliteStore } from './store.ts'

export const sqliteDatabase = (kind: Kind, path: string): Database => ({
  migrate() {
    using db = openFile(path, `${prefixOf(kind)}_DATABASE_PATH`)
    const applied = migrate(db, migrations(kind))
    const columns = db
      .query<Column, [string]>(
        'SELECT name, type, "notnull" AND dflt_value IS NULL AS isRequired FROM pragma_table_info(?)',
      )
      .all(kind.name)
    requireColumns(kind, 'sqlite', columns, `remove the file ${path}`)
    return applied
  },
  open(registry, log) {
    const db = openFile(path, `${prefixOf(kind)}_DATABASE_PATH`)
    return new SqliteStore(kind, db, new FileWatch(path, log), registry, log)
  },
  notReady: () => (existsSync(path) ? undefined : `the SQLite file ${path} was removed`),
})
