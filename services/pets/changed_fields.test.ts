/** A declaration that changes after its table was made: the service goes on with the rows, or says at its start what to do. */
import { beforeAll, describe, expect, test } from 'bun:test'
import { defineKind, type Kind } from './model/kind.ts'
import { openPets, type TestDatabase, testDatabases } from './testing.ts'
import { birds } from './testdata/birds.ts'

describe.each(testDatabases)('a field of a table that exists, on %s', (system, create) => {
  // The first database starts the server.
  beforeAll(async () => {
    await (await create())[Symbol.asyncDispose]()
  }, 60_000)

  const isSqlite = system === 'SQLite'
  const text = { type: 'text', description: 'a text' } as const
  const kindOf = (fields: Kind['fields']): Kind => defineKind({ ...birds, fields: { name: text, ...fields } })

  /** The table is made with the first fields and gets a row; then the service starts with the second ones. */
  async function changed(before: Kind['fields'], row: object, after: Kind['fields'], ...sql: string[]) {
    const database = await create()
    const kept: TestDatabase = { ...database, [Symbol.asyncDispose]: async () => {} }
    {
      await using pets = await openPets(kept, { kind: kindOf(before) })
      expect((await pets.send('POST', '/birds/', { name: 'old', ...row })).status).toBe(201)
    }
    for (const statement of sql) await database.query(statement)
    return openPets(database, { kind: kindOf(after) })
  }
  const rejection = (...args: Parameters<typeof changed>) =>
    changed(...args).then(
      () => 'started',
      (error: Error) => error.message,
    )
  const discard = isSqlite
    ? /If no row is worth keeping: remove the file \S+\.sqlite$/
    : /If no row is worth keeping: DROP TABLE "birds", birds_idempotency; DELETE FROM migrations WHERE model = 'birds'$/

  test('that is new needs a migration', async () => {
    const problem = await rejection({}, {}, { chip: { ...text, default: 'x' } })
    expect(problem).toStartWith(
      "the table birds exists without chip: declare a later field with a default and a migration, as added: '0006_chip'. ",
    )
    expect(problem).toMatch(discard)
  })

  test('that is gone, and which each row must have, ends the start with how the column is dropped', async () => {
    const problem = await rejection({ chip: text }, { chip: 'x' }, {})
    expect(problem).toStartWith(
      'the table birds needs a value of chip in each row, and no field has that name: declare it again, or drop the column with its values: ALTER TABLE "birds" DROP COLUMN "chip". ',
    )
    expect(problem).toMatch(discard)
    await using pets = await changed(
      { chip: text },
      { chip: 'x' },
      {},
      'ALTER TABLE "birds" DROP COLUMN "chip"',
    )
    expect((await pets.send('POST', '/birds/', { name: 'new' })).status).toBe(201)
    expect(await (await pets.ask('/birds/')).json()).toMatchObject([{ name: 'old' }, { name: 'new' }])
  })

  test('that is gone and has a default is ignored, and comes back with its values', async () => {
    const sings = { type: 'boolean', description: 'whether it sings' } as const
    await using pets = await changed({ sings }, { sings: true }, {})
    expect((await pets.send('POST', '/birds/', { name: 'new' })).status).toBe(201)
    expect(await (await pets.ask('/birds/')).json()).toEqual([
      { id: 1, name: 'old', is_test: false },
      { id: 2, name: 'new', is_test: false },
    ])
    const again = { ...pets.database, [Symbol.asyncDispose]: async () => {} }
    await using before = await openPets(again, { kind: kindOf({ sings }) })
    expect(await (await before.ask('/birds/')).json()).toMatchObject([{ sings: true }, { sings: false }])
  })

  test('that was added by a migration and is gone is taken for an older version', async () => {
    const chip = { ...text, default: 'x', added: '0006_chip' }
    expect(await rejection({ chip }, {}, {})).toBe(
      'the database has the migration 0006_chip, which this version does not know: start the version that applied it, or declare its field again',
    )
  })

  test('that has another name is renamed by one statement', async () => {
    const rename = 'ALTER TABLE "birds" RENAME COLUMN "chip" TO "ring"'
    expect(await rejection({ chip: text }, { chip: 'x' }, { ring: text })).toContain(
      `as added: '0006_ring', or rename the column: ${rename}; `,
    )
    await using pets = await changed({ chip: text }, { chip: 'x' }, { ring: text }, rename)
    expect(await (await pets.ask('/birds/1/')).json()).toMatchObject({ ring: 'x' })
  })

  test('that has another type ends the start', async () => {
    const eggs = { type: 'integer', description: 'the eggs' } as const
    const [is, needs] = isSqlite ? ['TEXT', 'INTEGER'] : ['text', 'bigint']
    expect(await rejection({ eggs: text }, { eggs: '3' }, { eggs })).toStartWith(
      `the column eggs of the table birds has the type ${is}, and the field needs ${needs}: keep its type, and add a field under another name. `,
    )
  })

  test.each<[what: string, before: Kind['fields'], after: Kind['fields'], absent: object | number]>([
    [
      'has another default',
      { chip: { ...text, default: 'a' } },
      { chip: { ...text, default: 'b' } },
      { chip: 'b' },
    ],
    ['has a default from now on', { chip: text }, { chip: { ...text, default: 'b' } }, { chip: 'b' }],
    ['is required from now on', { chip: { ...text, default: 'a' } }, { chip: text }, 422],
    ['takes other values', { chip: text }, { chip: { type: 'enum', values: ['b'], description: 'x' } }, 422],
  ])('that %s keeps its values', async (_, before, after, absent) => {
    await using pets = await changed(before, { chip: 'kept' }, after)
    const response = await pets.send('POST', '/birds/', { name: 'new' })
    if (typeof absent === 'number') expect(response.status).toBe(absent)
    else expect([response.status, await response.json()]).toMatchObject([201, absent])
    expect(await (await pets.ask('/birds/1/')).json()).toMatchObject({ chip: 'kept' })
    expect((await pets.send('POST', '/birds/', { name: 'new', chip: 'b' })).status).toBe(201)
  })
})
