/** Routes over a store that the test controls: failures reach the client, lists are dropped, sent bytes are counted. */
import { expect, test } from 'bun:test'
import { Registry } from '@bun-monitoring/metrics'
import { RequestTally } from '@bun-monitoring/prefork'
import { petsApp } from '../app.ts'
import { type ListQuery, type Store, Unavailable } from '../store/store.ts'
import { limits, linesOf, testKind } from '../testing.ts'

const rex = { id: 1, name: 'Rex', breed: 'Pug', likes_to_bark: false, is_test: false }
const body = JSON.stringify({ name: 'Rex', breed: 'Pug' })

function appOver(store: Partial<Store>) {
  const tally = new RequestTally()
  const { log, lines } = linesOf('info')
  const app = petsApp({
    kind: testKind,
    version: '0.0.0',
    store: store as Store,
    limits,
    hosts: [],
    registry: new Registry(),
    tally,
    log,
  })
  const ask = (method: string, target: string, init: RequestInit = {}) =>
    app.handle(new Request(`http://localhost${target}`, { method, ...init }))
  return { ask, tally, lines }
}

const requests: [method: string, target: string, init: RequestInit][] = [
  ['GET', '/dogs/', {}],
  ['HEAD', '/dogs/', {}],
  ['GET', '/dogs/', { headers: { Accept: 'text/csv' } }],
  ['POST', '/dogs/', { body }],
  ['POST', '/dogs/', { body, headers: { 'Idempotency-Key': 'a' } }],
  ['POST', '/dogs/', { body, headers: { 'If-Match': '"a"' } }],
  ['DELETE', '/dogs/?is_test=true', {}],
  ['GET', '/dogs/clean/', {}],
  ['GET', '/dogs/1/', {}],
  ['PUT', '/dogs/1/', { body }],
  ['PUT', '/dogs/1/', { body, headers: { 'If-Match': '"a"' } }],
  ['PATCH', '/dogs/1/', { body: '{}' }],
  ['DELETE', '/dogs/1/', {}],
]

test.each(requests)('%s %s is 503 if the store fails, at once or later', async (method, target, init) => {
  const thrown = new Unavailable('The database is away: nothing was changed, try again', 'AWAY')
  for (const fail of [
    () => {
      throw thrown
    },
    async () => {
      await Bun.sleep(0)
      throw thrown
    },
  ]) {
    const store = new Proxy({ outage: undefined } as unknown as Store, {
      get: (each, name) => (name in each ? each[name as keyof Store] : fail),
    })
    const { ask, lines } = appOver(store)
    const response = await ask(method, target, init)
    expect(response.status).toBe(503)
    // The store logs the outage once, the service each failed request.
    expect(lines).toEqual([expect.objectContaining({ level: 'info', msg: 'request', status: 503 })])
    expect(response.headers.get('retry-after')).toBe('1')
    if (method !== 'HEAD') expect((await response.json()).detail).toBe(thrown.message)
  }
})

test('an error that is no outage is 500 without its message, which the log has with the id', async () => {
  const { ask, lines } = appOver({
    find() {
      throw new Error('secret')
    },
  })
  const response = await ask('GET', '/dogs/1/', { headers: { 'X-Request-Id': 'abc' } })
  expect(response.status).toBe(500)
  expect(await response.text()).not.toContain('secret')
  expect(lines).toEqual([
    expect.objectContaining({
      level: 'error',
      request_id: 'abc',
      err: expect.objectContaining({ message: 'secret' }),
    }),
    expect.objectContaining({ msg: 'request', status: 500, request_id: 'abc' }),
  ])
})

test('pages are kept while they are few, and dropped when clients ask for many', async () => {
  const known: string[] = []
  const { ask } = appOver({
    list(_: ListQuery, version: string) {
      known.push(version)
      return version === 'v' ? undefined : { version: 'v', json: '[]', next: undefined, prev: undefined }
    },
  })
  const isKnown = async (after: number) => {
    await ask('GET', `/dogs/?after=${after}`)
    return known.pop() === 'v'
  }
  for (let after = 0; after < 64; after++) expect(await isKnown(after)).toBe(false)
  for (let after = 0; after < 64; after++) expect(await isKnown(after)).toBe(true)
  expect(await isKnown(64)).toBe(false)
  expect(await isKnown(0)).toBe(false)
})

test('a page is kept for each query and form apart', async () => {
  const seen = new Set<string>()
  const { ask } = appOver({
    list(query: ListQuery, version: string) {
      const text = JSON.stringify(query)
      if (version !== '') return undefined
      seen.add(text)
      return {
        version: text,
        json: JSON.stringify([{ ...rex, name: text }]),
        next: undefined,
        prev: undefined,
      }
    },
  })
  const queries = [
    '',
    '?limit=7',
    '?after=7',
    '?before=7',
    '?after=7&before=9',
    '?name=a',
    '?breed=a',
    '?search=a',
  ]
  const all = [
    ...queries,
    '?is_test=true',
    '?is_test=false',
    '?name=a&breed=a',
    '?limit=7&after=7',
    '?limit=77',
  ]
  for (let round = 0; round < 2; round++) {
    const texts = new Set<string>()
    for (const query of all) {
      texts.add(await (await ask('GET', `/dogs/${query}`)).text())
      texts.add(await (await ask('GET', `/dogs/${query}`, { headers: { Accept: 'text/csv' } })).text())
    }
    expect(texts.size).toBe(2 * all.length)
  }
  expect(seen.size).toBe(all.length)
})

test('the bytes of every response body are counted, and those of HEAD are not', async () => {
  const pet = { ...rex, name: 'Zoë 🐕' }
  const { ask, tally } = appOver({
    find: () => pet,
    insert: () => pet,
    insertOnce: () => pet,
    update: () => pet,
    list: () => ({ version: 'v', json: '[]', next: undefined, prev: undefined }),
  })
  for (const [method, target, init] of requests.filter(
    ([, , init]) => !JSON.stringify(init).includes('If-'),
  )) {
    if (method === 'DELETE' || target === '/dogs/clean/') continue
    const before = tally.sentBytes
    const sent = await (await ask(method, target, init)).bytes()
    expect({ method, target, bytes: tally.sentBytes - before }).toEqual({
      method,
      target,
      bytes: sent.length,
    })
  }
  const before = tally.sentBytes
  for (const target of ['/dogs/', '/dogs/1/']) {
    const etag = (await ask('HEAD', target)).headers.get('etag')!
    expect((await ask('GET', target, { headers: { 'If-None-Match': etag } })).status).toBe(304)
  }
  expect(tally.sentBytes).toBe(before)
})
