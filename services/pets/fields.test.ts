/**
 * A service whose kind has a field of every type: the API, the docs, the admin page, CSV, migrations and copies are made from
 * the declaration alone, and both databases store the same.
 */
import { Database } from 'bun:sqlite'
import { afterAll, beforeEach, describe, expect, spyOn, test } from 'bun:test'
import { Validator } from '@seriousme/openapi-schema-validator'
import type { OpenAPIV3 } from 'openapi-types'
import { account, PASSWORD } from './admin/testing_account.ts'
import { runBackup, runRestore } from './backup.ts'
import { runCopy } from './copy.ts'
import { defineKind, type Kind } from './model/kind.ts'
import { openPets, type TestDatabase, testDatabases } from './testing.ts'
import { birds } from './testdata/birds.ts'

const REQUIRED = { name: 'Kiwi', species: 'owl', wingspan_cm: 12.5, feathers: 3000, hatched: '2024-02-29' }
const DEFAULTS = {
  eggs: 0,
  drift: -0.5,
  sings: true,
  order: '',
  note: "it's new",
  ringed: '2000-02-29',
  state: 'free',
  is_test: false,
}
const OTHERS = {
  eggs: 20,
  drift: 1e21,
  sings: false,
  order: 'Strigiformes',
  note: 'hoots',
  ringed: '9999-12-31',
  state: 'caged',
  is_test: true,
}

/** Values of a field on both sides of each of its bounds, and of other types. */
const EXAMPLES: Record<string, { taken: unknown[]; refused: unknown[]; rule: string }> = {
  name: {
    taken: ['x', '🐦'.repeat(128)],
    refused: ['', 'x'.repeat(129), 1, null, true, 'a\0b', '\ud800'],
    rule: 'must be a string of 1 to 128 characters without NUL',
  },
  order: {
    taken: ['', 'x'.repeat(20)],
    refused: ['x'.repeat(21), null],
    rule: 'must be a string of 0 to 20 characters without NUL',
  },
  note: {
    taken: ['x', 'x'.repeat(1000)],
    refused: ['', 'x'.repeat(1001)],
    rule: 'must be a string of 1 to 1000 characters without NUL',
  },
  species: {
    taken: ['owl', 'robin', 'tit'],
    refused: ['Owl', 'owl ', '', 'cat', 1, null],
    rule: 'must be one of owl, robin, tit',
  },
  wingspan_cm: {
    taken: [1.5, 400, 33.3],
    refused: [1.4999, 400.001, '33', null, true],
    rule: 'must be a number of at least 1.5 and at most 400',
  },
  drift: {
    taken: [-1.7976931348623157e308, 5e-324, 1e-7, 0.1 + 0.2, 123456789012345680, 0],
    refused: ['0', true],
    rule: 'must be a number',
  },
  eggs: {
    taken: [0, 20],
    refused: [-1, 21, 1.5, '1', true],
    rule: 'must be an integer of at least 0 and at most 20',
  },
  feathers: {
    taken: [Number.MIN_SAFE_INTEGER, Number.MAX_SAFE_INTEGER, 2 ** 31, 2 ** 32],
    refused: [2 ** 53, -(2 ** 53), 0.5],
    rule: 'must be an integer',
  },
  sings: { taken: [true, false], refused: ['yes', 2, null], rule: 'must be true or false' },
  hatched: {
    taken: ['0001-01-01', '2024-02-29', '9999-12-31'],
    refused: [
      '2023-02-29',
      '0000-01-01',
      '2024-13-01',
      '2024-1-1',
      '10000-01-01',
      '2024-02-29T00:00:00Z',
      '',
      1,
    ],
    rule: 'must be a date such as 2024-02-29',
  },
}

describe.each(testDatabases)('on %s', async (_, create) => {
  const pets = await openPets(await create(), { kind: birds, admin: account, bodyBytes: 100_000 })
  const { ask, send, database } = pets
  afterAll(() => pets[Symbol.asyncDispose]())
  beforeEach(() => database.query('DELETE FROM birds'))
  const created = async (fields: object = {}) =>
    (await (await send('POST', '/birds/', { ...REQUIRED, ...fields })).json()) as { id: number }
  const text = async (path: string, init?: RequestInit) => (await ask(path, init)).text()

  test('a new row has the fields in their order, with the defaults of those that were not sent', async () => {
    const response = await send('POST', '/birds/', REQUIRED)
    expect(response.status).toBe(201)
    const body = await response.text()
    const { id } = JSON.parse(body) as { id: number }
    const pet = { id, name: 'Kiwi', species: 'owl', wingspan_cm: 12.5, eggs: 0, feathers: 3000, drift: -0.5 }
    const rest = { sings: true, hatched: '2024-02-29', order: '', note: "it's new", ringed: '2000-02-29' }
    expect(body).toBe(JSON.stringify({ ...pet, ...rest, state: 'free', is_test: false }))
    expect(await text(`/birds/${id}/`)).toBe(body)
    expect(await text('/birds/')).toBe(`[${body}]`)
  })

  test('every field without a default is required, each by its name', async () => {
    const response = await send('POST', '/birds/', {})
    expect(response.status).toBe(422)
    const { errors } = (await response.json()) as { errors: { field: string }[] }
    expect(errors.map(({ field }) => field).toSorted()).toEqual(Object.keys(REQUIRED).toSorted())
  })

  test.each(Object.entries(EXAMPLES))('%s takes what its type and its bounds allow', async (field, each) => {
    for (const value of each.taken) {
      const row = (await created({ [field]: value })) as Record<string, unknown>
      expect(row[field]).toBe(value)
      const body = await text(`/birds/${row.id}/`)
      expect(body).toBe(JSON.stringify(row))
      const list = await text(`/birds/?after=${Number(row.id) - 1}`)
      expect(list).toBe(`[${body}]`)
    }
    for (const value of each.refused) {
      const response = await send('POST', '/birds/', { ...REQUIRED, [field]: value })
      expect([value, response.status]).toEqual([value, 422])
      expect(await response.json()).toMatchObject({ errors: [{ field, message: each.rule }] })
    }
  })

  test('JSON that is no number of JavaScript is refused, and zero has no sign', async () => {
    const post = (drift: string) =>
      ask('/birds/', {
        method: 'POST',
        body: JSON.stringify({ ...REQUIRED, drift: 'x' }).replace('"x"', drift),
      })
    expect((await post('1e999')).status).toBe(422)
    const { id } = (await (await post('-0')).json()) as { id: number }
    expect(await text(`/birds/${id}/`)).toContain('"drift":0,')
    expect(await text('/birds/')).toContain('"drift":0,')
  })

  test('PUT sets all fields, PATCH some; null sets the default, and is refused where there is none', async () => {
    const { id } = await created(OTHERS)
    expect(await (await ask(`/birds/${id}/`)).json()).toEqual({ id, ...REQUIRED, ...OTHERS })
    const put = await send('PUT', `/birds/${id}/`, { ...REQUIRED, wingspan_cm: 2 })
    expect(await put.json()).toEqual({ id, ...REQUIRED, ...DEFAULTS, wingspan_cm: 2, is_test: true })
    const patch = { ...OTHERS, is_test: false, species: 'tit' }
    expect(await (await send('PATCH', `/birds/${id}/`, patch)).json()).toEqual({
      id,
      ...REQUIRED,
      wingspan_cm: 2,
      ...patch,
    })
    const nulls = Object.fromEntries(Object.keys(DEFAULTS).map((field) => [field, null]))
    const reset = await (await send('PATCH', `/birds/${id}/`, nulls)).json()
    expect(reset).toMatchObject(DEFAULTS)
    for (const field of Object.keys(REQUIRED)) {
      expect((await send('PATCH', `/birds/${id}/`, { [field]: null })).status).toBe(422)
    }
  })

  test('a change under a tag compares every field', async () => {
    const { id } = await created(OTHERS)
    for (const [field, value] of Object.entries({ ...REQUIRED, ...DEFAULTS, name: 'Emu', feathers: 1 })) {
      const etag = (await ask(`/birds/${id}/`)).headers.get('etag')!
      await send('PATCH', `/birds/${id}/`, { [field]: value })
      const change = { method: 'DELETE', headers: { 'If-Match': etag } }
      const isSame = (await ask(`/birds/${id}/`)).headers.get('etag') === etag
      if (!isSame) expect((await ask(`/birds/${id}/`, change)).status).toBe(412)
    }
    const etag = (await ask(`/birds/${id}/`)).headers.get('etag')!
    const headers = { 'If-Match': etag, 'Content-Type': 'application/json' }
    const body = JSON.stringify({ ...REQUIRED, wingspan_cm: 399.5 })
    expect((await ask(`/birds/${id}/`, { method: 'PUT', headers, body })).status).toBe(200)
    const last = (await ask(`/birds/${id}/`)).headers.get('etag')!
    expect((await ask(`/birds/${id}/`, { method: 'DELETE', headers: { 'If-Match': last } })).status).toBe(200)
  })

  test('the same key creates one row', async () => {
    const init = {
      method: 'POST',
      body: JSON.stringify(REQUIRED),
      headers: { 'Idempotency-Key': crypto.randomUUID() },
    }
    const first = await text('/birds/', init)
    expect(await text('/birds/', init)).toBe(first)
  })

  test('texts and enums filter a list, and texts are searched', async () => {
    const owl = await created({ name: 'Uhu', order: 'Strigiformes' })
    const tit = await created({ name: 'Meise', species: 'tit', note: 'strict diet' })
    const ids = async (query: string) =>
      ((await (await ask(`/birds/?${query}`)).json()) as { id: number }[]).map(({ id }) => id)
    expect(await ids('species=tit')).toEqual([tit.id])
    expect(await ids('species=owl&order=Strigiformes')).toEqual([owl.id])
    expect(await ids('search=STRI')).toEqual([owl.id, tit.id])
    expect(await ids('search=tit')).toEqual([])
    expect(await ids('wingspan_cm=1')).toEqual([owl.id, tit.id])
    const refused = await ask('/birds/?species=cat')
    expect([refused.status, await refused.json()]).toMatchObject([
      422,
      { errors: [{ field: 'species', message: 'must be one of owl, robin, tit' }] },
    ])
    const page = await ask('/birds/?species=owl&limit=1&after=0')
    expect(page.headers.get('link')).toBeNull()
    await created({ name: 'Eule' })
    const link = (await ask('/birds/?species=owl&limit=1')).headers.get('link')
    expect(link).toBe(`</birds/?limit=1&after=${owl.id}&species=owl>; rel="next"`)
  })

  test('a list as CSV has a column for each field', async () => {
    const { id } = await created({ note: 'a "b", c' })
    expect(await text('/birds/', { headers: { Accept: 'text/csv' } })).toBe(
      'id,name,species,wingspan_cm,eggs,feathers,drift,sings,hatched,order,note,ringed,state,is_test\r\n' +
        `${id},Kiwi,owl,12.5,0,3000,-0.5,true,2024-02-29,,"a ""b"", c",2000-02-29,free,false\r\n`,
    )
  })

  test('the API docs are valid and have the type and the bounds of each field', async () => {
    const document = (await (await ask('/birds/swagger/json')).json()) as OpenAPIV3.Document
    expect((await new Validator().validate(structuredClone(document) as never)).errors).toBeUndefined()
    const schemas = document.components!.schemas as Record<string, OpenAPIV3.SchemaObject>
    expect(schemas.Bird!.properties).toMatchObject({
      wingspan_cm: { type: 'number', minimum: 1.5, maximum: 400 },
      eggs: { type: 'integer', minimum: 0, maximum: 20 },
      species: { type: 'string', enum: ['owl', 'robin', 'tit'] },
      hatched: { type: 'string', format: 'date' },
      order: { type: 'string', minLength: 0, maxLength: 20 },
      sings: { type: 'boolean' },
    })
    expect(schemas.NewBird!.required).toEqual(Object.keys(birds.fields).filter((name) => name in REQUIRED))
    expect(schemas.NewBird!.properties!.eggs).toMatchObject({
      description: 'the eggs in the nest; 0 if absent',
    })
    for (const property of Object.values(schemas.NewBird!.properties!)) {
      expect(Object.keys(property)).not.toContain('field')
      expect(Object.keys(property)).not.toContain('error')
    }
  })

  describe('on the admin page', async () => {
    const login = await ask('/birds/admin/login', {
      method: 'POST',
      body: new URLSearchParams({ user: 'admin', password: PASSWORD }),
    })
    const headers = { cookie: login.headers.get('set-cookie')!.split(';')[0]! }
    const see = (path: string) => text(`/birds/admin/${path}`, { headers })
    const hidden = (html: string, name: string) =>
      new RegExp(`name="${name}" value="([^"]+)"`).exec(html)![1]!.replaceAll('&quot;', '"')
    const submit = async (path: string, form: string, fields: Record<string, string>) =>
      ask(`/birds/admin/${path}`, {
        method: 'POST',
        headers,
        body: new URLSearchParams({
          csrf: hidden(form, 'csrf'),
          ...(form.includes('name="etag"') ? { etag: hidden(form, 'etag') } : {}),
          ...fields,
        }),
      })
    const typed = (fields: object) =>
      Object.fromEntries(
        Object.entries(fields).flatMap(([name, value]) =>
          value === false ? [] : [[name, value === true ? 'on' : String(value)]],
        ),
      )
    const inputOf = (html: string, name: string) =>
      new RegExp(`<(?:input|select)\\s[^>]*id="${name}"[^>]*>`).exec(html)![0].replaceAll(/\s+/g, ' ')

    test('each field has an input of its type, with its bounds and its default', async () => {
      const html = await see('add')
      expect(html).toContain('<h1>Add a bird</h1>')
      expect(inputOf(html, 'wingspan_cm')).toContain('type="number" step="any" min="1.5" max="400"')
      expect(inputOf(html, 'eggs')).toContain('value="0" type="number" step="1" min="0" max="20"')
      expect(inputOf(html, 'hatched')).toContain('value="" type="date"')
      expect(inputOf(html, 'ringed')).toContain('value="2000-02-29" type="date"')
      expect(inputOf(html, 'note')).toContain('value="it&#39;s new" maxlength="1000"')
      expect(inputOf(html, 'sings')).toContain('checked')
      expect(html).toMatch(
        /<select id="state"[^>]*>\s*<option selected>free<\/option>\s*<option >caged<\/option>/,
      )
    })

    test('a row is created and changed with the values that were typed', async () => {
      const added = await submit('add', await see('add'), typed({ ...REQUIRED, ...OTHERS }))
      expect(added.headers.get('location')).toContain('done=created')
      const [row] = (await (await ask('/birds/')).json()) as [{ id: number }]
      expect(row).toEqual({ id: row.id, ...REQUIRED, ...OTHERS })
      const form = await see(`${row.id}/`)
      expect(inputOf(form, 'drift')).toContain(`value="${OTHERS.drift}"`)
      const changed = await submit(`${row.id}/`, form, typed({ ...REQUIRED, ...DEFAULTS }))
      expect(changed.headers.get('location')).toContain('done=changed')
      expect(await (await ask(`/birds/${row.id}/`)).json()).toEqual({ id: row.id, ...REQUIRED, ...DEFAULTS })
      const list = await see('')
      for (const shown of ['Wingspan cm', '12.5', '2024-02-29', 'owl', 'Yes']) expect(list).toContain(shown)
      expect(list).toContain('1 bird<')
      expect(await see('?sort=-species')).toContain('aria-sort="descending"')
    })

    test('a wrong value is told beside its field, and stays in the form', async () => {
      const wrong = {
        ...typed({ ...REQUIRED, ...OTHERS }),
        wingspan_cm: 'wide',
        eggs: '',
        hatched: '2023-02-29',
      }
      const response = await submit('add', await see('add'), wrong)
      expect(response.status).toBe(422)
      const html = await response.text()
      expect(html).toContain('Wingspan cm must be a number of at least 1.5 and at most 400')
      expect(html).toContain('Eggs must be an integer of at least 0 and at most 20')
      expect(html).toContain('Hatched must be a date such as 2024-02-29')
      expect(inputOf(html, 'wingspan_cm')).toContain('value="wide"')
      expect(await text('/birds/')).toBe('[]')
    })
  })
})

describe.each(testDatabases)('a field that is added later, on %s', (_, create) => {
  const without = (added: boolean): Kind =>
    defineKind({
      ...birds,
      fields: Object.fromEntries(
        Object.entries(birds.fields).filter(([, field]) => added || field.added === undefined),
      ),
    })

  test('has its default in the rows that exist, and the old version does not start any more', async () => {
    await using database = await create()
    const kept: TestDatabase = { ...database, [Symbol.asyncDispose]: async () => {} }
    let id
    {
      await using before = await openPets(kept, { kind: without(false) })
      id = ((await (await before.send('POST', '/birds/', REQUIRED)).json()) as { id: number }).id
    }
    {
      await using after = await openPets(kept, { kind: without(true) })
      expect(await (await after.ask(`/birds/${id}/`)).json()).toEqual({ id, ...REQUIRED, ...DEFAULTS })
    }
    await expect(openPets(kept, { kind: without(false) })).rejects.toThrow(
      '0006_note, 0007_ringed, 0008_state',
    )
  })
})

test.each(testDatabases)('a kind may have a word of SQL as its name, on %s', async (_, create) => {
  await using pets = await openPets(await create(), { kind: { ...birds, name: 'order' } })
  const created = await pets.send('POST', '/order/', REQUIRED)
  const pet = await created.json()
  expect([created.status, pet]).toEqual([201, { id: 1, ...REQUIRED, ...DEFAULTS }])
  expect(await (await pets.ask('/order/?species=owl')).json()).toEqual([pet])
  expect((await pets.send('PATCH', '/order/1/', { eggs: 2 })).status).toBe(200)
  expect((await pets.ask('/order/1/', { method: 'DELETE' })).status).toBe(200)
})

test('the tables of dogs are as they were before fields were declared', async () => {
  await using database = await testDatabases[0]![1]()
  await using _ = await openPets({ ...database, [Symbol.asyncDispose]: async () => {} })
  using file = new Database(database.env.DOGS_DATABASE_PATH!)
  expect(
    file.query('SELECT name, type, "notnull", dflt_value FROM pragma_table_info(\'dogs\')').values(),
  ).toEqual([
    ['id', 'INTEGER', 0, null],
    ['name', 'TEXT', 1, null],
    ['breed', 'TEXT', 1, null],
    ['likes_to_bark', 'INTEGER', 1, '0'],
    ['is_test', 'INTEGER', 1, '0'],
  ])
})

describe('the commands', () => {
  const env = (database: TestDatabase) =>
    Object.fromEntries(
      Object.entries(database.env).map(([name, value]) => [name.replace('DOGS', 'BIRDS'), value]),
    )
  const quietly = async (run: () => Promise<number>) => {
    const logs = spyOn(console, 'log').mockImplementation(() => {})
    try {
      expect(await run()).toBe(0)
    } finally {
      logs.mockRestore()
    }
  }
  /** A file with one row whose values are not the defaults. */
  const filled = async (): Promise<{ file: TestDatabase; list: string }> => {
    const database = await testDatabases[0]![1]()
    const file: TestDatabase = { ...database, [Symbol.asyncDispose]: async () => {} }
    await using pets = await openPets(file, { kind: birds })
    await pets.send('POST', '/birds/', { ...REQUIRED, ...OTHERS, feathers: 2 ** 40 })
    return { file: database, list: await (await pets.ask('/birds/')).text() }
  }
  const listOf = async (database: TestDatabase) => {
    await using pets = await openPets({ ...database, [Symbol.asyncDispose]: async () => {} }, { kind: birds })
    return (await pets.ask('/birds/')).text()
  }

  test.skipIf(testDatabases.length < 2)('copy takes every field to PostgreSQL', async () => {
    const { file, list } = await filled()
    await using target = await testDatabases[1]![1]()
    await quietly(() => runCopy(birds, { ...env(file), ...env(target) }, []))
    expect(await listOf(target)).toBe(list)
    await file[Symbol.asyncDispose]()
  })

  test('backup and restore keep every field', async () => {
    const { file, list } = await filled()
    const backup = `${file.env.DOGS_DATABASE_PATH}.backup`
    await quietly(() => runBackup(birds, env(file), [backup]))
    await file.query('DELETE FROM birds')
    await quietly(() => runRestore(birds, env(file), [backup]))
    expect(await listOf(file)).toBe(list)
    await file[Symbol.asyncDispose]()
  })
})

describe('a declaration', () => {
  const declared = (fields: Kind['fields'], name = 'birds') => defineKind({ ...birds, name, fields })
  const text = { type: 'text', description: 'x' } as const

  test('with mistakes is refused, and each is named', () => {
    const mistakes: [Kind['fields'], string][] = [
      [{}, 'there must be a field'],
      [{ Name: text }, 'Name must be of small letters, digits and _'],
      [{ 'x" TEXT, y': text }, 'must be of small letters'],
      [{ id: text }, 'id means something else here'],
      [{ limit: text }, 'limit means something else here'],
      [{ a: { ...text, default: '' } }, 'the default of a must be a string of 1 to 128 characters'],
      [
        { a: { type: 'integer', maximum: 3, default: 4, description: 'x' } },
        'the default of a must be an integer of at most 3',
      ],
      [{ a: { ...text, added: '0006_a' } }, 'a was added later, so it needs a default'],
      [{ a: { ...text, default: 'x', added: '0005_a' } }, 'which must be like 0006_a'],
      [
        { a: { ...text, default: 'x', added: '0006_a' }, b: { ...text, default: 'x', added: '0006_a' } },
        '0006_a adds two fields',
      ],
    ]
    for (const [fields, message] of mistakes) expect(() => declared(fields)).toThrow(message)
    expect(() => declared({ a: text }, 'migrations')).toThrow('the table migrations is')
    expect(() => declared({ a: text }, 'Birds')).toThrow('the name Birds must be of small letters')
    expect(() => declared({ a: { ...text, default: 'x', added: '0006_a' } })).not.toThrow()
  })
})
