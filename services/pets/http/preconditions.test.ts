/** Conditional requests (RFC 9110 section 13), the same on both databases. */
import { afterAll, beforeEach, describe, expect, test } from 'bun:test'
import { openPets, testDatabases } from '../testing.ts'

const rex = { name: 'Rex', breed: 'Pug' }

describe.each(testDatabases)('on %s', async (_, create) => {
  const pets = await openPets(await create())
  const { ask, database } = pets
  afterAll(() => pets[Symbol.asyncDispose]())
  beforeEach(() => database.query('DELETE FROM dogs'))

  const send = (method: string, target: string, headers: Record<string, string>, body?: unknown) =>
    ask(target, { method, headers, ...(body === undefined ? {} : { body: JSON.stringify(body) }) })
  const make = async () => {
    const { id } = (await (await send('POST', '/dogs/', {}, rex)).json()) as { id: number }
    const path = `/dogs/${id}/`
    return { path, tag: (await ask(path)).headers.get('etag')! }
  }
  const nameAt = async (path: string) => ((await (await ask(path)).json()) as { name: string }).name

  const writes: [method: string, body: unknown][] = [
    ['PUT', { name: 'Max', breed: 'Pug' }],
    ['PATCH', { name: 'Max' }],
    ['DELETE', undefined],
  ]

  describe.each(writes)('%s', (method, body) => {
    test('with the current tag in If-Match changes the row', async () => {
      const { path, tag } = await make()
      expect((await send(method, path, { 'If-Match': `"x", ${tag}` }, body)).status).toBe(200)
      expect((await ask(path)).status).toBe(method === 'DELETE' ? 404 : 200)
    })

    test('with If-Match: * changes a row, and is 404 without one', async () => {
      const { path } = await make()
      expect((await send(method, path, { 'If-Match': '*' }, body)).status).toBe(200)
      expect((await send(method, '/dogs/4711/', { 'If-Match': '*' }, body)).status).toBe(404)
    })

    test.each(['stale', 'weak', 'not a tag'])('with a tag that is %s in If-Match is 412', async (which) => {
      const { path, tag } = await make()
      if (which === 'stale') await send('PUT', path, {}, { name: 'by another', breed: 'Pug' })
      const field = { stale: tag, weak: `W/${tag}`, 'not a tag': tag.slice(1, -1) }[which]!
      const response = await send(method, path, { 'If-Match': field }, body)
      expect(response.status).toBe(412)
      expect((await response.json()).detail).toContain('nothing was changed')
      expect(await nameAt(path)).toBe(which === 'stale' ? 'by another' : 'Rex')
    })

    test.each(['*', 'TAG', 'W/TAG'])('with If-None-Match: %s is 412', async (field) => {
      const { path, tag } = await make()
      const response = await send(method, path, { 'If-None-Match': field.replace('TAG', tag) }, body)
      expect(response.status).toBe(412)
      expect(await nameAt(path)).toBe('Rex')
    })

    test('with another tag in If-None-Match changes the row', async () => {
      const { path } = await make()
      expect((await send(method, path, { 'If-None-Match': '"other"' }, body)).status).toBe(200)
    })

    test('ignores dates, because rows have none', async () => {
      const { path } = await make()
      const date = 'Thu, 01 Jan 1970 00:00:00 GMT'
      const headers = { 'If-Unmodified-Since': date, 'If-Modified-Since': date }
      expect((await send(method, path, headers, body)).status).toBe(200)
    })
  })

  test('of clients that change a row from the same tag at the same time, one wins', async () => {
    for (let round = 0; round < 10; round++) {
      const { path, tag } = await make()
      const responses = await Promise.all(
        Array.from({ length: 8 }, (_, i) =>
          send('PUT', path, { 'If-Match': tag }, { name: `client ${i}`, breed: 'Pug' }),
        ),
      )
      const winners = responses.flatMap(({ status }, i) => (status === 200 ? [`client ${i}`] : []))
      expect(winners).toEqual([await nameAt(path)])
      expect(responses.filter(({ status }) => status === 412)).toHaveLength(7)
    }
  })

  test('patches of different fields at the same time are all kept', async () => {
    const { path } = await make()
    const patches = [{ name: 'Max' }, { breed: 'Corgi' }, { likes_to_bark: true }, { is_test: true }]
    await Promise.all(patches.map((patch) => send('PATCH', path, {}, patch)))
    expect(await (await ask(path)).json()).toMatchObject(Object.assign({}, ...patches))
  })

  test('POST and DELETE of the list hold their preconditions against the list', async () => {
    const tag = (await ask('/dogs/')).headers.get('etag')!
    expect((await send('POST', '/dogs/', { 'If-Match': '"other"' }, rex)).status).toBe(412)
    expect((await send('POST', '/dogs/', { 'If-None-Match': '*' }, rex)).status).toBe(412)
    expect((await send('POST', '/dogs/', { 'If-Match': tag }, rex)).status).toBe(201)
    expect((await send('DELETE', '/dogs/?is_test=true', { 'If-Match': tag })).status).toBe(412)
    const now = (await ask('/dogs/')).headers.get('etag')!
    expect((await send('DELETE', '/dogs/?is_test=true', { 'If-Match': now })).status).toBe(200)
  })

  test.each(['GET', 'HEAD'])('%s with a tag in If-Match that does not match is 412', async (method) => {
    const { path, tag } = await make()
    for (const target of ['/dogs/', path]) {
      expect((await send(method, target, { 'If-Match': '"other"' })).status).toBe(412)
    }
    expect((await send(method, path, { 'If-Match': tag })).status).toBe(200)
  })

  test('a client that polls a full page learns of the next one', async () => {
    await make()
    await make()
    const { headers } = await ask('/dogs/?limit=2')
    expect(headers.get('link')).toBeNull()
    await make()
    const later = await ask('/dogs/?limit=2', { headers: { 'If-None-Match': headers.get('etag')! } })
    expect(later.status).toBe(200)
    const link = later.headers.get('link')!
    expect(link).toContain('rel="next"')
    const same = await ask('/dogs/?limit=2', { headers: { 'If-None-Match': later.headers.get('etag')! } })
    expect(same.status).toBe(304)
    expect(same.headers.get('link')).toBe(link)
  })

  test('304 has no Content-Length of another size, also for HEAD on a socket', async () => {
    await using server = Bun.serve({ port: 0, hostname: '127.0.0.1', fetch: pets.app.fetch })
    const { path, tag } = await make()
    for (const method of ['GET', 'HEAD']) {
      const closed = Promise.withResolvers<string>()
      let text = ''
      const socket = await Bun.connect({
        hostname: '127.0.0.1',
        port: server.port!,
        socket: { data: (_, data) => void (text += data), close: () => closed.resolve(text) },
      })
      socket.write(
        `${method} ${path} HTTP/1.1\r\nHost: a\r\nIf-None-Match: ${tag}\r\nConnection: close\r\n\r\n`,
      )
      const response = await closed.promise
      expect(response).toStartWith('HTTP/1.1 304 Not Modified')
      expect(response.toLowerCase()).not.toContain('content-length')
      expect(response).toContain(`ETag: ${tag}`)
    }
  })
})
