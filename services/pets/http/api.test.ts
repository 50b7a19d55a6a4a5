/** The API with valid requests, with the same results on both databases. */
import { afterAll, beforeEach, describe, expect, test } from 'bun:test'
import { openPets, testDatabases } from '../testing.ts'

const rex = { name: 'Rex', breed: 'Pug' }

describe.each(testDatabases)('on %s', async (_, create) => {
  const pets = await openPets(await create())
  const { ask, send, database } = pets
  afterAll(() => pets[Symbol.asyncDispose]())
  beforeEach(() => database.query('DELETE FROM dogs'))

  const make = async (pet: object = rex) =>
    (await send('POST', '/dogs/', pet)).json() as Promise<{ id: number }>

  describe('POST', () => {
    test('responds 201 with the object and its path, and absent flags are false', async () => {
      const response = await send('POST', '/dogs/', rex)
      const pet = await response.json()
      expect(response.status).toBe(201)
      expect(response.headers.get('location')).toBe(`/dogs/${pet.id}/`)
      expect(pet).toEqual({ id: pet.id, ...rex, likes_to_bark: false, is_test: false })
      expect(await (await ask(`/dogs/${pet.id}/`)).json()).toEqual(pet)
    })

    test.each([
      [true, [true, 1, 'True', 't', '1']],
      [false, [false, 0, 'False', 'f', '0', undefined]],
    ] as const)('reads a flag as %p from the values that the original takes', async (expected, values) => {
      for (const value of values) {
        expect(await make({ ...rex, likes_to_bark: value, is_test: value })).toMatchObject({
          likes_to_bark: expected,
          is_test: expected,
        })
      }
    })

    test('keeps the flags it is given', async () => {
      expect(await make({ ...rex, likes_to_bark: true, is_test: true })).toMatchObject({
        likes_to_bark: true,
        is_test: true,
      })
    })

    test('reads a body without a Content-Type as JSON, and ignores unknown properties', async () => {
      const body = new TextEncoder().encode(JSON.stringify({ ...rex, likes_to_drop_things: true, id: 99 }))
      const response = await ask('/dogs', { method: 'POST', body })
      const pet = await response.json()
      expect(response.status).toBe(201)
      expect(pet).toEqual({ id: pet.id, ...rex, likes_to_bark: false, is_test: false })
      expect(pet.id).not.toBe(99)
    })

    test.each([
      'application/json',
      'application/json; charset=utf-8',
      'Application/JSON',
      'application/vnd.pet+json',
      'application/x-www-form-urlencoded',
      'text/plain;charset=UTF-8',
    ])('takes %s', async (type) => {
      const init = { method: 'POST', body: JSON.stringify(rex), headers: { 'Content-Type': type } }
      expect((await ask('/dogs/', init)).status).toBe(201)
    })

    test.each([
      ['128 characters', 'x'.repeat(128)],
      ['128 characters beyond the BMP', '🐕'.repeat(128)],
      ['characters with a meaning in SQL and HTML', `'; DROP TABLE dogs; --"<script>`],
      ['only spaces', '  '],
    ])('keeps a name of %s as it is', async (_, name) => {
      const { id } = await make({ name, breed: name })
      expect(await (await ask(`/dogs/${id}/`)).json()).toMatchObject({ name, breed: name })
    })
  })

  describe('GET of the list', () => {
    test('is empty at first', async () => {
      const response = await ask('/dogs/')
      expect(response.status).toBe(200)
      expect(response.headers.get('content-type')).toBe('application/json')
      expect(await response.json()).toEqual([])
    })

    test('is ordered by id, with or without the slash', async () => {
      const ids = [(await make()).id, (await make()).id, (await make()).id]
      for (const path of ['/dogs/', '/dogs']) {
        const list = (await (await ask(path)).json()) as { id: number }[]
        expect(list.map(({ id }) => id)).toEqual(ids)
      }
    })

    test('comes in pages of 100; following Link gives each row once', async () => {
      await database.query(
        `INSERT INTO dogs (name, breed) WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 250) SELECT CAST(i AS text), 'x' FROM n`,
      )
      const sizes: number[] = []
      const names = new Set<string>()
      let target: string | undefined = '/dogs/'
      while (target) {
        const response: Response = await ask(target)
        const page = (await response.json()) as { name: string }[]
        sizes.push(page.length)
        for (const { name } of page) names.add(name)
        target = /<([^>]+)>; rel="next"/.exec(response.headers.get('link') ?? '')?.[1]
      }
      expect(sizes).toEqual([100, 100, 50])
      expect(names.size).toBe(250)
    })

    test('a page that ends with the last row has no next', async () => {
      await make()
      await make()
      expect((await ask('/dogs/?limit=2')).headers.get('link')).toBeNull()
      expect((await ask('/dogs/?limit=1')).headers.get('link')).toContain('rel="next"')
    })
  })

  describe('ETag', () => {
    test('a client that has the list or the object gets 304, until it changes', async () => {
      const { id } = await make()
      for (const path of ['/dogs/', `/dogs/${id}/`]) {
        const etag = (await ask(path)).headers.get('etag')!
        const again = () => ask(path, { headers: { 'If-None-Match': etag } })
        const response = await again()
        expect(response.status).toBe(304)
        expect(response.headers.get('etag')).toBe(etag)
        expect(await response.text()).toBe('')
        await send('PUT', `/dogs/${id}/`, { name: `renamed after ${etag}`, breed: 'x' })
        expect((await again()).status).toBe(200)
      }
    })

    test.each(['*', '"other", W/"ETAG"', '"ETAG"'])('If-None-Match: %s holds', async (field) => {
      const etag = (await ask('/dogs/')).headers.get('etag')!
      const headers = { 'If-None-Match': field.replace('"ETAG"', etag) }
      expect((await ask('/dogs/', { headers })).status).toBe(304)
    })

    test('different content has a different ETag', async () => {
      const before = (await ask('/dogs/')).headers.get('etag')
      await make()
      expect((await ask('/dogs/')).headers.get('etag')).not.toBe(before)
    })
  })

  describe('PUT', () => {
    test('sets name, breed and trait, never is_test; an absent trait is false', async () => {
      const { id } = await make({ ...rex, likes_to_bark: true, is_test: true })
      const response = await send('PUT', `/dogs/${id}/`, { name: 'Max', breed: 'Corgi', is_test: false })
      expect(response.status).toBe(200)
      const changed = { id, name: 'Max', breed: 'Corgi', likes_to_bark: false, is_test: true }
      expect(await response.json()).toEqual(changed)
      expect(await (await ask(`/dogs/${id}`)).json()).toEqual(changed)
    })

    test('of an id without a row is 404 and creates no row', async () => {
      expect((await send('PUT', '/dogs/4711/', rex)).status).toBe(404)
      expect(await (await ask('/dogs/')).json()).toEqual([])
    })
  })

  describe('DELETE', () => {
    test('responds 200 without a body, and then 404', async () => {
      const { id } = await make()
      const response = await ask(`/dogs/${id}/`, { method: 'DELETE' })
      expect(response.status).toBe(200)
      expect(await response.text()).toBe('')
      expect((await ask(`/dogs/${id}/`, { method: 'DELETE' })).status).toBe(404)
      expect((await ask(`/dogs/${id}/`)).status).toBe(404)
    })

    test('the id of a deleted row is never assigned again', async () => {
      const { id } = await make()
      await ask(`/dogs/${id}/`, { method: 'DELETE' })
      expect((await make()).id).toBeGreaterThan(id)
    })

    test.each([
      ['GET', '/dogs/clean/'],
      ['GET', '/dogs/clean'],
      ['DELETE', '/dogs/?is_test=true'],
    ])('%s %s deletes every test row and no other', async (method, target) => {
      const kept = await make()
      await make({ ...rex, is_test: true })
      await make({ ...rex, is_test: true })
      const response = await ask(target, { method })
      expect(response.status).toBe(200)
      expect(await response.text()).toBe('')
      expect(await (await ask('/dogs/')).json()).toEqual([kept])
    })
  })

  describe('HEAD', () => {
    test('responds as GET without the body, and deletes nothing on /clean/', async () => {
      const { id } = await make({ ...rex, is_test: true })
      for (const path of ['/dogs/', `/dogs/${id}/`]) {
        const [head, get] = [await ask(path, { method: 'HEAD' }), await ask(path)]
        expect(head.status).toBe(200)
        expect(head.headers.get('etag')).toBe(get.headers.get('etag'))
        expect(await head.text()).toBe('')
      }
      expect((await ask('/dogs/clean/', { method: 'HEAD' })).status).toBe(200)
      expect((await ask(`/dogs/${id}/`)).status).toBe(200)
    })
  })
})
