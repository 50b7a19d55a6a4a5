/**
 * The command that copies the pets of a SQLite file into PostgreSQL, ids included, in one transaction on each side: it copies
 * all rows or none. Rows written to the file meanwhile are not copied: stop the service first.
 */
import { Database } from 'bun:sqlite'
import { existsSync } from 'node:fs'
import { parseArgs } from 'node:util'
import type { SQL, TransactionSQL } from 'bun'
import { ConfigError, createLogger, type Environment } from '@bun-monitoring/prefork'
import { runCommand } from './command.ts'
import { serviceConfig } from './config.ts'
import { typeOf } from './model/field_types.ts'
import { columnsOf, fieldsOfType, inputFields, type Kind, prefixOf } from './model/kind.ts'
import { connectWithRetries } from './postgres/database.ts'
import { migrate } from './postgres/migrate.ts'
import { whereIs } from './postgres/target.ts'

/** Rows in one statement. */
const BATCH = 1000

const USAGE = (
  kind: Kind,
) => `Copies ${kind.name} from ${prefixOf(kind)}_DATABASE_PATH into ${prefixOf(kind)}_DATABASE_URL.
  --replace  deletes the rows that the table in PostgreSQL has; without it the table must be empty`

/** @returns the exit code. */
export const runCopy = (kind: Kind, env: Environment, args: string[]): Promise<number> =>
  runCommand(kind, 'nothing was copied', async () => {
    const options = { replace: { type: 'boolean', default: false }, help: { type: 'boolean' } } as const
    const { values } = parseArgs({ args, options })
    if (values.help === true) console.log(USAGE(kind))
    else await copy(kind, env, values.replace)
  })

async function copy(kind: Kind, env: Environment, isReplacing: boolean): Promise<void> {
  const config = serviceConfig(kind, env)
  const { databasePath: path, databaseUrl } = config
  const prefix = prefixOf(kind)
  if (databaseUrl === undefined)
    throw new ConfigError([`${prefix}_DATABASE_URL is missing: set it to the URL of PostgreSQL`])
  if (!existsSync(path)) throw new ConfigError([`${prefix}_DATABASE_PATH: there is no file ${path}`])
  using file = new Database(path, { readonly: true, strict: true, safeIntegers: true })
  file.run('BEGIN')
  const source = readSource(kind, file)
  const sql: SQL = await connectWithRetries(
    kind,
    { ...config, databaseUrl },
    createLogger(kind.name, config.logLevel),
  )
  try {
    await migrate(sql, kind)
    await sql.begin(async (target) => {
      await clear(kind, target, isReplacing)
      let sent = 0
      for (const batch of source.batches()) {
        await insert(kind, target, batch)
        sent += batch.length
        console.log(`${sent} of ${source.rows} ${kind.name}`)
      }
      await continueIds(kind, target, source.lastId)
      await check(kind, target, source.rows)
    })
    console.log(
      `copied ${source.rows} ${kind.name} from ${path} to ${whereIs(databaseUrl)}: both have ${source.rows}`,
    )
  } finally {
    await sql.close()
  }
}

type Row = { id: bigint } & Record<string, string | number | bigint>

const listOf = (columns: readonly string[]): string => columns.map((column) => `"${column}"`).join(', ')

/** @throws Error that lists the ids of rows which PostgreSQL cannot hold. */
function readSource(kind: Kind, file: Database) {
  const { name } = kind
  const one = (sql: string) => file.query<{ value: bigint | null }, []>(sql).get()?.value ?? 0n
  const texts = fieldsOfType(kind, 'text')
  const hasNul = texts.map((column) => `instr("${column}", char(0)) > 0`)
  const nul = file
    .query<{ id: bigint }, []>(`SELECT id FROM "${name}" WHERE ${['0', ...hasNul].join(' OR ')} ORDER BY id`)
    .all()
  if (nul.length > 0) {
    const ids = nul.slice(0, 10).map(({ id }) => id)
    throw new Error(
      `${nul.length} ${name} have a NUL character in ${texts.join(' or ')}, which PostgreSQL cannot hold: change or delete ids ${ids.join(', ')}${nul.length > 10 ? ', …' : ''}`,
    )
  }
  const page = file.query<Row, [bigint, number]>(
    `SELECT ${listOf(columnsOf(kind))} FROM "${name}" WHERE id > ? ORDER BY id LIMIT ?`,
  )
  return {
    rows: Number(one(`SELECT count(*) AS value FROM "${name}"`)),
    /** The greatest id ever assigned: the id of a deleted row must not be assigned again. */
    lastId: one(`SELECT seq AS value FROM sqlite_sequence WHERE name = '${name}'`),
    *batches(): Generator<Row[]> {
      for (let after = -(2n ** 63n); ;) {
        const batch = page.all(after, BATCH)
        if (batch.length === 0) return
        yield batch
        after = batch.at(-1)!.id
      }
    },
  }
}

async function clear({ name }: Kind, target: TransactionSQL, isReplacing: boolean): Promise<void> {
  await target.unsafe(`LOCK TABLE "${name}" IN EXCLUSIVE MODE`)
  if (isReplacing) await target.unsafe(`DELETE FROM "${name}"`)
  const count = await countOf(name, target)
  if (count > 0) throw new Error(`the table ${name} in PostgreSQL has ${count} rows: --replace deletes them`)
}

/** Sends a batch as JSON, which is one parameter. */
async function insert(kind: Kind, target: TransactionSQL, batch: readonly Row[]): Promise<void> {
  const fields = inputFields(kind)
  const json = batch.map((row) =>
    // JSON has no bigint; PostgreSQL reads an integer from a text, too.
    Object.fromEntries([
      ['id', String(row.id)],
      ...fields.map(([name, { type }]) => {
        const value = row[name]!
        if (type === 'boolean') return [name, value === 1n]
        return [name, typeof value === 'bigint' ? String(value) : value]
      }),
    ]),
  )
  const columns = listOf(columnsOf(kind))
  const types = fields.map(([name, field]) => `"${name}" ${typeOf(field).postgres}`).join(', ')
  await target.unsafe(
    `INSERT INTO "${kind.name}" (${columns})
     SELECT ${columns} FROM json_to_recordset($1::text::json) AS pet (id bigint, ${types})`,
    [JSON.stringify(json)],
  )
}

async function continueIds({ name }: Kind, target: TransactionSQL, lastId: bigint): Promise<void> {
  if (lastId < 1n) return
  await target.unsafe(`SELECT setval(pg_get_serial_sequence('${name}', 'id'), $1::text::bigint)`, [
    String(lastId),
  ])
}

/** @throws Error if PostgreSQL has another number of rows than the file; the copy is then rolled back. */
async function check({ name }: Kind, target: TransactionSQL, expected: number): Promise<void> {
  const count = await countOf(name, target)
  if (count === expected) return
  throw new Error(`PostgreSQL has ${count} ${name} and the file ${expected}: the copy was rolled back`)
}

async function countOf(name: string, target: TransactionSQL): Promise<number> {
  const [row] = await target.unsafe(`SELECT count(*)::float8 AS count FROM "${name}"`)
  return row.count as number
}
