/** Pages, filters and CSV of the list, the same on both databases. */
import { afterAll, describe, expect, test } from 'bun:test'
import { wholeNumbersFrom } from '@bun-monitoring/metrics/testing'
import { openPets, testDatabases } from '../testing.ts'
import { csvOf, prefersCsv } from './csv.ts'

type Dog = { id: number; name: string; breed: string; is_test: boolean }

const NAMES = ['Rex', 'rexana', 'Max', 'T-REX', 'ÄRex', 'Bello', '100%', 'a_b', "O'Neill", 'Zoë']
const BREEDS = ['Pug', 'Corgi', 'pug mix']

describe.each(testDatabases)('on %s', async (_, create) => {
  const pets = await openPets(await create())
  const { ask, send, database } = pets
  afterAll(() => pets[Symbol.asyncDispose]())

  const dogs: Dog[] = []
  for (let i = 0; i < 60; i++) {
    const pet = { name: NAMES[i % 10]!, breed: BREEDS[i % 3]!, is_test: i % 4 === 0 }
    dogs.push((await (await send('POST', '/dogs/', pet)).json()) as Dog)
  }
  // Ids with gaps.
  for (const { id } of dogs.filter((_, i) => i % 7 === 3)) await ask(`/dogs/${id}/`, { method: 'DELETE' })
  const left = dogs.filter((_, i) => i % 7 !== 3)

  const linksOf = (response: Response): Record<string, string> =>
    Object.fromEntries(
      [...(response.headers.get('link') ?? '').matchAll(/<([^>]+)>; rel="(\w+)"/g)].map(([, url, rel]) => [
        rel!,
        url!,
      ]),
    )
  const idsOf = (rows: readonly Dog[]) => rows.map(({ id }) => id)

  const filters: [query: string, holds: (dog: Dog) => boolean][] = [
    ['', () => true],
    ['name=Rex', ({ name }) => name === 'Rex'],
    ['name=rex', () => false],
    ['breed=pug+mix', ({ breed }) => breed === 'pug mix'],
    ['is_test=true', (dog) => dog.is_test],
    ['is_test=false', (dog) => !dog.is_test],
    ['search=rEX', ({ name }) => /rex/i.test(name)],
    ['search=PUG', ({ breed }) => /pug/i.test(breed)],
    ['search=%C3%84', ({ name }) => name.includes('Ä')],
    ['search=%C3%A4', () => false],
    ['search=%25', ({ name }) => name.includes('%')],
    ['search=_', ({ name }) => name.includes('_')],
    ["search='", ({ name }) => name.includes("'")],
    [
      'search=rex&breed=Pug&is_test=true',
      (dog) => dog.is_test && dog.breed === 'Pug' && /rex/i.test(dog.name),
    ],
  ]

  describe.each(filters)('GET /dogs/?%s', (query, holds) => {
    const expected = idsOf(left.filter(holds))

    test.each([1, 3, 1000])(
      'in pages of %d: next and prev lead to each row once, and back',
      async (limit) => {
        const pages: number[][] = []
        let target: string | undefined = `/dogs/?limit=${limit}&${query}`
        let last = ''
        while (target !== undefined) {
          last = target
          const response: Response = await ask(target)
          expect(response.status).toBe(200)
          pages.push(idsOf((await response.json()) as Dog[]))
          const links = linksOf(response)
          expect('prev' in links).toBe(pages.length > 1)
          target = links.next
        }
        expect(pages.flat()).toEqual(expected)
        const back: number[][] = []
        target = last
        while (target !== undefined) {
          const response: Response = await ask(target)
          back.unshift(idsOf((await response.json()) as Dog[]))
          const links = linksOf(response)
          expect('next' in links).toBe(back.length > 1)
          target = links.prev
        }
        expect(back.flat()).toEqual(expected)
      },
    )
  })

  test('after and before together: the rows between them, in pages', async () => {
    const [lowest, highest] = [left[5]!.id, left[20]!.id]
    const ids: number[] = []
    let target: string | undefined = `/dogs/?limit=4&after=${lowest}&before=${highest}`
    while (target !== undefined) {
      const response: Response = await ask(target)
      ids.push(...idsOf((await response.json()) as Dog[]))
      expect(linksOf(response).prev).toBeUndefined()
      target = linksOf(response).next
    }
    expect(ids).toEqual(idsOf(left.slice(6, 20)))
  })

  test('unknown parameters are ignored', async () => {
    expect(await (await ask('/dogs/?_=1&x')).json()).toEqual(await (await ask('/dogs/')).json())
  })

  test('a Host that looks like a query is not one', async () => {
    const response = await pets.app.handle(new Request('http://a&limit=1/dogs/'))
    expect((await response.json()) as Dog[]).toHaveLength(left.length)
  })

  test('a page before or after all rows has the link back', async () => {
    const [lowest, highest] = [left[0]!.id, left.at(-1)!.id]
    const below = await ask(`/dogs/?before=${lowest}`)
    expect(await below.json()).toEqual([])
    expect(linksOf(below)).toEqual({ next: `/dogs/?limit=100&after=${lowest - 1}` })
    const above = await ask(`/dogs/?after=${highest}`)
    expect(await above.json()).toEqual([])
    expect(linksOf(above)).toEqual({ prev: `/dogs/?limit=100&before=${highest + 1}` })
  })

  test('pages of random queries, cached or not, always show the current rows', async () => {
    const seed = Date.now() % 1_000_000
    const pick = wholeNumbersFrom(seed)
    for (let i = 0; i < 300; i++) {
      const [query, holds] = filters[pick(filters.length)]!
      const limit = 1 + pick(5)
      const after = pick(3) === 0 ? 0 : left[pick(left.length)]!.id
      const rows = (await (await ask(`/dogs/?limit=${limit}&after=${after}&${query}`)).json()) as Dog[]
      const expected = left.filter((dog) => dog.id > after && holds(dog)).slice(0, limit)
      expect({ seed, i, rows }).toEqual({
        seed,
        i,
        rows: expected.map((dog) => expect.objectContaining(dog)),
      })
      if (pick(10) === 0) {
        const changed = left[pick(left.length)]!
        changed.breed = BREEDS[pick(3)]!
        await send('PUT', `/dogs/${changed.id}/`, { name: changed.name, breed: changed.breed })
      }
    }
  })

  describe('CSV', () => {
    const csv = { headers: { Accept: 'text/csv' } }

    test('has a header, quotes where it must, and the links and filters of JSON', async () => {
      await database.query(`UPDATE dogs SET name = 'a "b", c', breed = 'x
y' WHERE id = ${left[0]!.id}`)
      const response = await ask('/dogs/?limit=2', csv)
      expect(response.headers.get('content-type')).toStartWith('text/csv')
      expect(response.headers.get('link')).toBe((await ask('/dogs/?limit=2')).headers.get('link'))
      expect(await response.text()).toBe(
        'id,name,breed,likes_to_bark,is_test\r\n' +
          `${left[0]!.id},"a ""b"", c","x\ny",false,true\r\n` +
          `${left[1]!.id},rexana,${left[1]!.breed},false,false\r\n`,
      )
    })

    test('is another representation: its own tag, and Vary: Accept on both', async () => {
      const [asCsv, asJson] = [await ask('/dogs/', csv), await ask('/dogs/')]
      expect(asCsv.headers.get('etag')).not.toBe(asJson.headers.get('etag'))
      for (const { headers } of [asCsv, asJson]) expect(headers.get('vary')).toBe('Accept')
      const again = await ask('/dogs/', {
        headers: { ...csv.headers, 'If-None-Match': asCsv.headers.get('etag')! },
      })
      expect(again.status).toBe(304)
      expect(again.headers.get('vary')).toBe('Accept')
    })
  })
})

test.each([
  [null, false],
  ['*/*', false],
  ['application/json', false],
  ['text/csv', true],
  ['TEXT/CSV', true],
  ['text/csv, */*', true],
  ['text/csv;q=0.5, application/json', false],
  ['application/json;q=0.5, text/csv;q=0.6', true],
  ['text/csv;q=0', false],
  ['text/csv;q=0.5, application/*;q=0.4', true],
  ['text/html, text/csv;q=0.2, */*;q=0.3', false],
])('Accept: %p prefers CSV: %p', (accept, expected) => {
  expect(prefersCsv(accept)).toBe(expected)
})

test.each([
  ['plain', 'plain'],
  ['a,b', '"a,b"'],
  ['a"b', '"a""b"'],
  ['a\nb', '"a\nb"'],
  ['a\rb', '"a\rb"'],
])('%j as a cell of CSV', (name, cell) => {
  expect(csvOf(JSON.stringify([{ name }]), ['name'])).toBe(`name\r\n${cell}\r\n`)
})
