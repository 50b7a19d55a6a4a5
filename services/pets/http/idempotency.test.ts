/** `Idempotency-Key`: a POST that is sent again creates no second row, on both databases. */
import { afterAll, beforeEach, describe, expect, test } from 'bun:test'
import { dogs, openPets, testDatabases } from '../testing.ts'

const rex = { name: 'Rex', breed: 'Pug', likes_to_bark: true, is_test: false }
const DAY_MS = 24 * 3_600_000

describe.each(testDatabases)('on %s', async (_, create) => {
  const pets = await openPets(await create())
  const { ask, database, store } = pets
  afterAll(() => pets[Symbol.asyncDispose]())
  beforeEach(async () => {
    await database.query('DELETE FROM dogs')
    await database.query('DELETE FROM dogs_idempotency')
  })

  const send = (key: string, pet: object = rex) =>
    ask('/dogs/', { method: 'POST', body: JSON.stringify(pet), headers: { 'Idempotency-Key': key } })
  const seen = async (response: Response) => ({
    status: response.status,
    location: response.headers.get('location'),
    text: await response.text(),
  })
  const rows = async () => (await (await ask('/dogs/')).json()) as unknown[]

  test('the same key and pet get the same response, also after the row has changed or is gone', async () => {
    const first = await seen(await send('a'))
    expect(first.status).toBe(201)
    expect(await seen(await send('a'))).toEqual(first)
    // Another spelling of the same pet.
    expect(await seen(await send('a', { breed: 'Pug', name: 'Rex', likes_to_bark: 1 }))).toEqual(first)
    expect(await rows()).toHaveLength(1)
    await ask(first.location!, { method: 'DELETE' })
    expect(await seen(await send('a'))).toEqual(first)
    expect(await rows()).toEqual([])
  })

  test('another pet under the same key is 422, another key creates another row', async () => {
    await send('a')
    const response = await send('a', { ...rex, name: 'Max' })
    expect(response.status).toBe(422)
    expect((await response.json()).detail).toBe('Idempotency-Key was used for another body: send a new key')
    expect((await send('b')).status).toBe(201)
    expect((await send('A')).status).toBe(201)
    expect(await rows()).toHaveLength(3)
  })

  test('a refused request keeps no key', async () => {
    expect((await send('a', { name: 'Rex' })).status).toBe(422)
    expect((await send('a')).status).toBe(201)
  })

  test.each(['', ' ', 'a b', 'ä', 'x'.repeat(256)])('the key %p is 400', async (key) => {
    const response = await send(key)
    expect(response.status).toBe(400)
    expect(await rows()).toEqual([])
  })

  test('a key of 255 characters is kept', async () => {
    const key = 'x'.repeat(255)
    expect(await seen(await send(key))).toEqual(await seen(await send(key)))
  })

  test('many at the same time create one row', async () => {
    const responses = await Promise.all(Array.from({ length: 20 }, async () => seen(await send('a'))))
    expect(new Set(responses.map((each) => JSON.stringify(each))).size).toBe(1)
    expect(responses[0]!.status).toBe(201)
    expect(await rows()).toHaveLength(1)
  })

  test('a key is kept for 24 hours, and then forgotten', async () => {
    const nowMs = 1_800_000_000_000
    const first = await store.insertOnce(rex, 'a', nowMs)
    expect(await store.insertOnce(rex, 'a', nowMs + DAY_MS - 1)).toEqual(first!)
    const later = await store.insertOnce(rex, 'a', nowMs + DAY_MS)
    expect(later!.id).toBeGreaterThan(first!.id)
    await store.insertOnce(rex, 'b', nowMs + 3 * DAY_MS)
    const keys = await database.query<{ key: string }>('SELECT key FROM dogs_idempotency')
    expect(keys.map(({ key }) => key)).toEqual(['b'])
  })

  test('inserts are counted once', async () => {
    const count = async () =>
      Number(/model_inserts_total{model="dogs"} (\d+)/.exec(await pets.registry.metrics())![1])
    const before = await count()
    await send('a')
    await send('a')
    expect(await count()).toBe(before + 1)
  })
})

describe.each(testDatabases)('on %s', (_, create) => {
  test('clients that repeat a POST to a service that is killed again and again create each row once', async () => {
    await using database = await create()
    const expected = 150
    const created = new Set<number>()
    let service = dogs({ DOGS_WORKERS: '0', ...database.env })
    let { url } = await service.ready()
    const clients = Array.from({ length: 6 }, async (_, client) => {
      for (let i = client; i < expected; i += 6) {
        for (;;) {
          const response = await fetch(`${url}/dogs/`, {
            method: 'POST',
            body: JSON.stringify({ ...rex, name: `dog ${i}` }),
            headers: { 'Idempotency-Key': `key ${i}`.replace(' ', '-') },
          }).catch(() => undefined)
          if (response?.status === 201) break
          await Bun.sleep(10)
        }
        created.add(i)
      }
    })
    for (const killAt of [30, 80]) {
      while (created.size < killAt) await Bun.sleep(1)
      service.signal('SIGKILL')
      await service.exit()
      service = dogs({ DOGS_WORKERS: '0', ...database.env })
      ;({ url } = await service.ready())
    }
    await Promise.all(clients)
    await service[Symbol.asyncDispose]()
    const rows = await database.query<{ name: string }>('SELECT name FROM dogs')
    expect(rows.map(({ name }) => name).toSorted()).toEqual(
      Array.from({ length: expected }, (_, i) => `dog ${i}`).toSorted(),
    )
  }, 60_000)
})
