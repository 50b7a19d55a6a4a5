/**
 * Copies the SQLite file to a backup and back, by SQLite's own transactions: a copy of the file alone lacks the rows of the
 * WAL, and a file that is copied over one in use is overwritten by the next checkpoint.
 */
import { Database } from 'bun:sqlite'
import { existsSync, mkdtempSync, openSync, closeSync, rmSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { columnsOf, type Kind } from '../model/kind.ts'
import { migrations } from '../model/migrations.ts'
import { openFile } from './file.ts'
import { migrate } from './migrate.ts'

/**
 * Writes all rows of one moment.
 * @returns their number.
 * @throws Error if there is no such file, or the backup exists.
 */
export function backUp({ name }: Kind, path: string, backup: string): number {
  if (!existsSync(path)) throw new Error(`there is no file ${path}`)
  // Refuses an existing file, and keeps the rows from other users.
  closeSync(openSync(backup, 'wx', 0o600))
  try {
    using db = new Database(path)
    db.run('VACUUM INTO ?', [backup])
    using copy = new Database(backup, { readonly: true })
    return countOf(copy, name)
  } catch (error) {
    rmSync(backup)
    throw error
  }
}

/**
 * Replaces all rows in one transaction; a service that uses the file shows them at once. Ids of later rows are above those of
 * the backup and of the replaced rows.
 * @param variable the setting that names the file, for messages.
 * @throws Error if the backup is damaged, of another kind, or of a later version.
 */
export function restore(
  kind: Kind,
  path: string,
  variable: string,
  backup: string,
): { rows: number; replaced: number } {
  if (!existsSync(backup)) throw new Error(`there is no file ${backup}`)
  const { name } = kind
  using db = openFile(path, variable)
  migrate(db, migrations(kind))
  // The migrations of this version are applied to a copy: the backup stays as it is.
  const folder = mkdtempSync(join(dirname(path), 'restore-'))
  try {
    const copy = join(folder, 'backup.sqlite')
    copyChecked(name, backup, copy)
    {
      using migrated = new Database(copy)
      migrate(migrated, migrations(kind))
    }
    db.run('ATTACH ? AS backup', [copy])
    const columns = columnsOf(kind)
      .map((column) => `"${column}"`)
      .join(', ')
    const replace = db.transaction(() => {
      const replaced = countOf(db, name)
      const lastId = lastIdOf(db, name)
      db.run(`DELETE FROM main."${name}"`)
      // A key would repeat the response for a row that is gone.
      db.run(`DELETE FROM main.${name}_idempotency`)
      db.run(`INSERT INTO main."${name}" (${columns}) SELECT ${columns} FROM backup."${name}"`)
      db.run('DELETE FROM main.sqlite_sequence WHERE name = ?', [name])
      const last = Math.max(lastId, lastIdOf(db, name, 'backup'))
      db.run('INSERT INTO main.sqlite_sequence (name, seq) VALUES (?, ?)', [name, last])
      return { rows: countOf(db, name), replaced }
    })
    return replace.immediate()
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

function copyChecked(name: string, backup: string, copy: string): void {
  using source = new Database(backup, { readonly: true })
  const { quick_check: verdict } = source.query<{ quick_check: string }, []>('PRAGMA quick_check(1)').get()!
  if (verdict !== 'ok') throw new Error(`${backup} is damaged: ${verdict}`)
  const isOfKind = source.query("SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = ?").get(name)
  if (!isOfKind) throw new Error(`${backup} is no backup of ${name}: it has no table ${name}`)
  source.run('VACUUM INTO ?', [copy])
}

const countOf = (db: Database, name: string): number =>
  db.query<{ rows: number }, []>(`SELECT count(*) AS rows FROM "${name}"`).get()!.rows

const lastIdOf = (db: Database, name: string, schema = 'main'): number =>
  db.query<{ seq: number }, [string]>(`SELECT seq FROM ${schema}.sqlite_sequence WHERE name = ?`).get(name)
    ?.seq ?? 0
