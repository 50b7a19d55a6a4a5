/**
 * The table of one kind. Every write is one statement, so SQLite takes the write lock before it reads and a reader's
 * snapshot is never upgraded: that upgrade would fail at once, whatever `busy_timeout` says (SQLITE_BUSY_SNAPSHOT).
 */
import type { Database } from 'bun:sqlite'
import { Counter, Gauge, type Registry } from '@bun-monitoring/metrics'
import { DatabaseMetrics } from '@bun-monitoring/metrics/sqlite'
import type { Kind } from './kind.ts'
import type { Pet, PetInput } from './model.ts'

/** A row as SQLite has it: booleans are 0 and 1. */
type Row = { id: number; name: string; breed: string; is_test: number } & Record<string, unknown>

export class Store {
  readonly #kind: Kind
  readonly #db: Database
  readonly #statements: ReturnType<typeof prepare>
  readonly #rows: ReturnType<typeof rowMetrics>
  #ownWrites = 0
  #countedVersion = ''

  constructor(kind: Kind, db: Database, registry: Registry) {
    this.#kind = kind
    this.#db = db
    this.#statements = prepare(kind, db, new DatabaseMetrics(registry))
    this.#rows = rowMetrics(kind, registry)
    this.countRows()
  }

  /** Publishes how many rows there are, if the table may have changed since the last time. */
  countRows(): void {
    const version = this.version()
    if (version === this.#countedVersion) return
    this.#countedVersion = version
    this.#rows.count.set(this.#statements.count.get()!.rows)
  }

  /**
   * Changes whenever the table may have changed. SQLite's `data_version` tells of other connections' commits, in this
   * process or another, and not of our own (sqlite.org/pragma.html#pragma_data_version); those are counted here.
   */
  version(): string {
    return `${this.#statements.version.get()!.data_version}.${this.#ownWrites}`
  }

  /** Up to `limit` pets with ids above `after`, by id. */
  list(after: number, limit: number): Pet[] {
    return this.#statements.list.all(after, limit).map((row) => this.#pet(row))
  }

  find(id: number): Pet | undefined {
    const row = this.#statements.find.get(id)
    return row ? this.#pet(row) : undefined
  }

  insert(pet: PetInput): Pet {
    const row = this.#statements.insert.get(
      pet.name,
      pet.breed,
      this.#trait(pet),
      pet.is_test === true ? 1 : 0,
    )!
    this.#wrote(this.#rows.inserts, 1)
    return this.#pet(row)
  }

  /** Sets name, breed and the trait; `is_test` stays as it is. */
  update(id: number, pet: PetInput): Pet | undefined {
    const row = this.#statements.update.get(pet.name, pet.breed, this.#trait(pet), id)
    if (!row) return undefined
    this.#wrote(this.#rows.updates, 1)
    return this.#pet(row)
  }

  /** Whether there was one. */
  delete(id: number): boolean {
    return this.#deleted(this.#statements.delete.run(id).changes) > 0
  }

  /** Deletes every test row and says how many there were. */
  deleteTests(): number {
    return this.#deleted(this.#statements.deleteTests.run().changes)
  }

  close(): void {
    this.#db.close()
  }

  #pet(row: Row): Pet {
    return {
      id: row.id,
      name: row.name,
      breed: row.breed,
      [this.#kind.trait]: row[this.#kind.trait] === 1,
      is_test: row.is_test === 1,
    }
  }

  #trait(pet: PetInput): 0 | 1 {
    return pet[this.#kind.trait] === true ? 1 : 0
  }

  #deleted(rows: number): number {
    if (rows > 0) this.#wrote(this.#rows.deletes, rows)
    return rows
  }

  #wrote(counter: { inc(rows: number): void }, rows: number): void {
    this.#ownWrites++
    counter.inc(rows)
  }
}

function prepare({ name, trait }: Kind, db: Database, metrics: DatabaseMetrics) {
  const columns = `id, name, breed, ${trait}, is_test`
  return {
    list: metrics.prepare<Row, [number, number]>(
      db,
      `SELECT ${columns} FROM ${name} WHERE id > ? ORDER BY id LIMIT ?`,
    ),
    find: metrics.prepare<Row, [number]>(db, `SELECT ${columns} FROM ${name} WHERE id = ?`),
    insert: metrics.prepare<Row, [string, string, number, number]>(
      db,
      `INSERT INTO ${name} (name, breed, ${trait}, is_test) VALUES (?, ?, ?, ?) RETURNING ${columns}`,
    ),
    update: metrics.prepare<Row, [string, string, number, number]>(
      db,
      `UPDATE ${name} SET name = ?, breed = ?, ${trait} = ? WHERE id = ? RETURNING ${columns}`,
    ),
    delete: metrics.prepare<never, [number]>(db, `DELETE FROM ${name} WHERE id = ?`),
    deleteTests: metrics.prepare<never, []>(db, `DELETE FROM ${name} WHERE is_test = 1`),
    // Bookkeeping of ours, not operations that a request asked for: not measured.
    version: db.prepare<{ data_version: number }, []>('PRAGMA data_version'),
    count: db.prepare<{ rows: number }, []>(`SELECT count(*) AS rows FROM ${name}`),
  }
}

function rowMetrics({ name }: Kind, registry: Registry) {
  const registers = [registry]
  const counter = (verb: string) =>
    new Counter({
      name: `model_${verb}s_total`,
      help: `Rows ${verb === 'insert' ? 'inserted' : `${verb}d`}, bulk operations included`,
      labelNames: ['model'],
      registers,
    }).labels(name)
  // All workers count the same table: the last count is the right one.
  const rows = new Gauge({
    name: 'model_rows',
    help: 'Rows of the table',
    labelNames: ['model'],
    aggregator: 'mostrecent',
    registers,
  })
  return {
    inserts: counter('insert'),
    updates: counter('update'),
    deletes: counter('delete'),
    count: rows.labels(name),
  }
}
