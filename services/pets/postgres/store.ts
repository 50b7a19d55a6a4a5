/**
 * Stores pets in a PostgreSQL table. Every write is one statement, hence a transaction of its own, committed before the
 * response. A list is one statement, too, which returns rows only if a write followed the known version.
 */
import type { Registry } from '@bun-monitoring/metrics'
import { PostgresMetrics } from '@bun-monitoring/metrics/postgres'
import type { Kind } from '../model/kind.ts'
import type { Pet, PetInput } from '../model/pet.ts'
import { type ModelMetrics, modelMetrics } from '../store/metrics.ts'
import type { Listing, Store } from '../store/store.ts'
import type { Pool, Rows } from './pool.ts'

export class PostgresStore implements Store {
  readonly #kind: Kind
  readonly #pool: Pool
  readonly #statements: ReturnType<typeof prepare>
  readonly #model: ModelMetrics
  #countedVersion = ''

  constructor(kind: Kind, pool: Pool, registry: Registry) {
    this.#kind = kind
    this.#pool = pool
    this.#statements = prepare(kind, pool, new PostgresMetrics(registry))
    this.#model = modelMetrics(kind, registry)
  }

  async publish(): Promise<void> {
    const [row] = await this.#statements.count(this.#countedVersion, this.#epoch(), this.#kind.name)
    if (row!.version === this.#countedVersion) return
    this.#countedVersion = row!.version
    this.#model.countRows(row!.rows)
    this.#model.countMigrations(row!.migrations.split(' '))
  }

  async list(after: number, limit: number, known: string): Promise<Listing | undefined> {
    const [row] = await this.#statements.list(after, limit, known, this.#epoch())
    const { version, json, next } = row!
    return version === known ? undefined : { version, json, next: next ?? undefined }
  }

  async find(id: number): Promise<Pet | undefined> {
    return (await this.#statements.find(id))[0]
  }

  async insert(pet: PetInput): Promise<Pet> {
    const trait = pet[this.#kind.trait] === true
    const [row] = await this.#statements.insert(pet.name, pet.breed, trait, pet.is_test === true)
    this.#model.inserts.inc(1)
    return row!
  }

  async update(id: number, pet: PetInput): Promise<Pet | undefined> {
    const trait = pet[this.#kind.trait] === true
    const [row] = await this.#statements.update(pet.name, pet.breed, trait, id)
    if (row) this.#model.updates.inc(1)
    return row
  }

  async delete(id: number): Promise<boolean> {
    return this.#deleted(await this.#statements.delete(id)) > 0
  }

  async deleteTests(): Promise<number> {
    return this.#deleted(await this.#statements.deleteTests())
  }

  close(): void {
    this.#pool.close()
  }

  #deleted({ count }: Rows<never>): number {
    this.#model.deletes.inc(count)
    return count
  }

  /** The prefix of versions: a version from before the loss of a connection equals none from after it. */
  #epoch(): string {
    return `${this.#pool.losses}/`
  }
}

/**
 * The version is the text of the snapshot: equal snapshots see the same transactions, hence the same rows. It is cheap, since
 * it reads no table, and never stale, since a statement sees every commit from before its start. (On a standby it is not
 * reliable.)
 */
const versionAfter = (epoch: `$${number}`) => `${epoch}::text || pg_current_snapshot()::text`

function prepare({ name, trait }: Kind, pool: Pool, metrics: PostgresMetrics) {
  const ask = <Row>(text: string, params: unknown[]): Promise<Rows<Row>> => pool.run<Row>(text, params)
  // As a double an id becomes a number in JavaScript.
  const columns = `id::float8 AS id, name, breed, ${trait}, is_test`
  return {
    list: metrics.prepare<
      [number, number, string, string],
      Rows<{ version: string; json: string; next: number | null }>
    >(
      `SELECT version, '[' || coalesce(rows, '') || ']' AS json,
         CASE WHEN count = $2::int AND EXISTS (SELECT FROM ${name} WHERE id > last) THEN last::float8 END AS next
       FROM (SELECT ${versionAfter('$4')} AS version) AS now, LATERAL (
         SELECT string_agg(row_to_json(pet)::text, ',' ORDER BY pet.id) AS rows, count(*) AS count, max(pet.id) AS last
         FROM (
           SELECT id, name, breed, ${trait}, is_test FROM ${name}
           WHERE version <> $3::text AND id > $1::bigint ORDER BY id LIMIT $2::int
         ) AS pet
       ) AS page`,
      ask,
    ),
    find: metrics.prepare<[number], Rows<Pet>>(`SELECT ${columns} FROM ${name} WHERE id = $1::bigint`, ask),
    insert: metrics.prepare<[string, string, boolean, boolean], Rows<Pet>>(
      `INSERT INTO ${name} (name, breed, ${trait}, is_test) VALUES ($1, $2, $3, $4) RETURNING ${columns}`,
      ask,
    ),
    update: metrics.prepare<[string, string, boolean, number], Rows<Pet>>(
      `UPDATE ${name} SET name = $1, breed = $2, ${trait} = $3 WHERE id = $4::bigint RETURNING ${columns}`,
      ask,
    ),
    delete: metrics.prepare<[number], Rows<never>>(`DELETE FROM ${name} WHERE id = $1::bigint`, ask),
    deleteTests: metrics.prepare<[], Rows<never>>(`DELETE FROM ${name} WHERE is_test`, ask),
    // Not an operation of a request, so not measured.
    count: (known: string, epoch: string, model: string) =>
      pool.run<{ version: string; rows: number; migrations: string }>(
        `SELECT version,
           CASE WHEN version <> $1::text THEN (SELECT count(*) FROM ${name})::float8 END AS rows,
           (SELECT coalesce(string_agg(name, ' '), '') FROM migrations WHERE model = $3::text) AS migrations
         FROM (SELECT ${versionAfter('$2')} AS version) AS now`,
        [known, epoch, model],
      ),
  }
}
