/** Foreign origins and hosts, the fields of every response, and the log line of a request. */
import { afterAll, describe, expect, test } from 'bun:test'
import { dogs, linesOf, openPets, temporaryDatabase } from '../testing.ts'

const rex = { name: 'Rex', breed: 'Pug', is_test: true }
const REFUSED = 'A page of another origin sent this request: nothing was changed'

const { log, lines } = linesOf('info')
const pets = await openPets(temporaryDatabase(), { log })
afterAll(() => pets[Symbol.asyncDispose]())
const { ask } = pets
const make = async () => ((await (await pets.send('POST', '/dogs/', rex)).json()) as { id: number }).id

describe('a request of another origin', () => {
  const foreign: [why: string, headers: Record<string, string>][] = [
    ['another host', { Host: 'pets.example', Origin: 'https://evil.example' }],
    ['another port', { Host: 'localhost:8000', Origin: 'http://localhost:3000' }],
    ['another subdomain', { Host: 'pets.example', Origin: 'https://a.pets.example' }],
    ['an opaque origin', { Host: 'pets.example', Origin: 'null' }],
    ['no Host', { Origin: 'http://pets.example' }],
    ['a cross-site page', { Host: 'pets.example', 'Sec-Fetch-Site': 'cross-site' }],
    ['a page of a sibling', { Host: 'pets.example', 'Sec-Fetch-Site': 'same-site' }],
  ]
  const own: [why: string, headers: Record<string, string>][] = [
    ['a program', { Host: 'pets.example' }],
    [
      'its own page',
      { Host: 'localhost:8000', Origin: 'http://localhost:8000', 'Sec-Fetch-Site': 'same-origin' },
    ],
    ['its own page by TLS', { Host: 'pets.example:443', Origin: 'https://pets.example' }],
    ['the address bar', { Host: 'pets.example', 'Sec-Fetch-Site': 'none' }],
    ['its own page in capitals', { Host: 'PETS.example', Origin: 'http://pets.example' }],
  ]
  const requests = (id: number): [method: string, target: string, body?: string][] => [
    ['POST', '/dogs/', JSON.stringify(rex)],
    ['PUT', `/dogs/${id}/`, JSON.stringify(rex)],
    ['PATCH', `/dogs/${id}`, '{}'],
    ['DELETE', `/dogs/${id}/`],
    ['DELETE', '/dogs/?is_test=true'],
    ['GET', '/dogs/clean/'],
    ['GET', '/dogs/clean'],
  ]

  test.each(foreign)('%s: 403 for every change, and no row is changed', async (_, headers) => {
    const id = await make()
    const before = await (await ask('/dogs/?limit=1000')).text()
    for (const [method, target, body] of requests(id)) {
      const response = await ask(target, { method, headers, ...(body === undefined ? {} : { body }) })
      expect({ method, target, status: response.status }).toEqual({ method, target, status: 403 })
      expect((await response.json()).detail).toBe(REFUSED)
    }
    expect(await (await ask('/dogs/?limit=1000')).text()).toBe(before)
    expect((await ask('/dogs/', { headers })).status).toBe(200)
    // Safe methods are not refused: this one is, for another reason.
    expect((await ask('/dogs/', { method: 'OPTIONS', headers })).status).toBe(405)
  })

  test.each(own)('%s may change rows', async (_, headers) => {
    for (const [method, target, body] of requests(await make())) {
      const response = await ask(target, { method, headers, ...(body === undefined ? {} : { body }) })
      expect([200, 201, 404]).toContain(response.status)
    }
  })
})

describe('HOSTS', async () => {
  const guarded = await openPets(temporaryDatabase(), { hosts: ['pets.example', '.cats.example'] })
  afterAll(() => guarded[Symbol.asyncDispose]())

  test.each([
    ['pets.example', 200],
    ['PETS.example:8000', 200],
    ['pets.example.', 200],
    ['cats.example', 200],
    ['a.b.cats.example', 200],
    ['a.pets.example', 400],
    ['notcats.example', 400],
    ['pets.example.evil.example', 400],
    ['localhost', 400],
    ['', 400],
  ])('Host: %s is %d', async (host, status) => {
    const headers = { Host: host }
    expect((await guarded.ask('/dogs/', { headers })).status).toBe(status)
    expect((await guarded.ask('/dogs/?x=/healthz', { headers })).status).toBe(status)
    expect((await guarded.ask('/healthz', { headers })).status).toBe(200)
  })

  test('a wrong list of names ends the start with exit code 2', async () => {
    await using service = dogs({ DOGS_HOSTS: 'pets.example,,x' })
    expect(await service.exit()).toBe(2)
    expect(await service.stderr).toContain('DOGS_HOSTS="pets.example,,x" is not allowed')
  })
})

test('every response has the security fields of the original and the id of the request', async () => {
  const id = await make()
  const responses = [
    await ask('/dogs/'),
    await ask(`/dogs/${id}/`),
    await ask('/dogs/', { headers: { Accept: 'text/csv' } }),
    await ask(`/dogs/${id}/`, { headers: { 'If-None-Match': '*' } }),
    await pets.send('POST', '/dogs/', rex),
    await ask('/dogs/clean/'),
    await ask('/dogs/abc/'),
    await ask('/nowhere'),
    await ask('/dogs/', { method: 'POST', headers: { Origin: 'null' } }),
    await ask('/dogs/swagger'),
    await ask('/healthz'),
  ]
  expect(responses.map(({ status }) => status)).toEqual([
    200, 200, 200, 304, 201, 200, 404, 404, 403, 200, 200,
  ])
  for (const { headers } of responses) {
    expect(headers.get('x-content-type-options')).toBe('nosniff')
    expect(headers.get('referrer-policy')).toBe('same-origin')
    expect(headers.get('x-frame-options')).toBe('DENY')
    expect(headers.get('cross-origin-opener-policy')).toBe('same-origin')
    expect(headers.get('x-request-id')).toMatch(/^[0-9a-f-]{36}$/)
  }
  expect(new Set(responses.map(({ headers }) => headers.get('x-request-id'))).size).toBe(responses.length)
})

describe('the log', () => {
  const ids = {
    'X-Request-Id': '4bf92f3577b34da6',
    traceparent: '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01',
  }

  test('has one line for a failed request, with the ids that the gateway sends', async () => {
    lines.length = 0
    const response = await ask('/dogs/4711/?secret=1', {
      method: 'PUT',
      body: JSON.stringify(rex),
      headers: ids,
    })
    expect(response.headers.get('x-request-id')).toBe('4bf92f3577b34da6')
    expect((await response.json()).instance).toBe('4bf92f3577b34da6')
    expect(lines).toEqual([
      expect.objectContaining({
        level: 'info',
        msg: 'request',
        method: 'PUT',
        path: '/dogs/4711/',
        status: 404,
        seconds: expect.any(Number),
        request_id: '4bf92f3577b34da6',
        trace_id: '4bf92f3577b34da6a3ce929d0e0e4736',
      }),
    ])
  })

  test('has the id of the response if the client sends none, or one that cannot be logged', async () => {
    for (const headers of [{}, { 'X-Request-Id': 'a b' }, { 'X-Request-Id': 'x'.repeat(129) }]) {
      lines.length = 0
      const response = await ask('/dogs/abc/', { headers: headers as Record<string, string> })
      const id = response.headers.get('x-request-id')
      expect(id).toMatch(/^[0-9a-f-]{36}$/)
      expect((await response.json()).instance).toBe(id)
      expect(lines).toEqual([expect.objectContaining({ request_id: id })])
    }
  })

  test('has a line for a request that is refused, and an id of up to 128 characters', async () => {
    lines.length = 0
    const id = 'x'.repeat(128)
    await ask('/dogs/', { method: 'POST', body: '', headers: { 'X-Request-Id': id } })
    expect(lines).toEqual([expect.objectContaining({ status: 400, request_id: id })])
  })

  test('has no line for a request that succeeds, except at the level debug', async () => {
    lines.length = 0
    await ask('/dogs/')
    expect(lines).toEqual([])
    const verbose = linesOf('debug')
    await using debugged = await openPets(temporaryDatabase(), { log: verbose.log })
    const response = await debugged.ask('/dogs/?limit=1')
    expect(verbose.lines).toEqual([
      expect.objectContaining({
        level: 'debug',
        path: '/dogs/',
        status: 200,
        request_id: response.headers.get('x-request-id'),
      }),
    ])
  })
})
