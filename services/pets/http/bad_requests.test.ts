/**
 * Bad requests, each with its exact response, over a real socket. After all of them the service still responds, and the
 * rows of the database are unchanged.
 */
import { afterAll, describe, expect, test } from 'bun:test'
import { openPets, testDatabases } from '../testing.ts'

const name = 'must be a string of 1 to 128 characters without NUL'
const filter = 'must be one string of 1 to 128 characters without NUL'
const good = { name: 'Rex', breed: 'Pug' }
const json = { 'Content-Type': 'application/json' }
const type = (value: string) => ({ 'Content-Type': value })

type Case = [
  why: string,
  method: string,
  target: string,
  body: BodyInit | object | undefined,
  headers: Record<string, string>,
  status: number,
  detail: string,
  responseHeaders?: Record<string, string>,
]

const cases: Case[] = [
  ['malformed JSON', 'POST', '/dogs/', '{"name": "Rex"', json, 400, 'The body is not valid JSON'],
  [
    'JSON with a trailing comma',
    'POST',
    '/dogs/',
    '{"name":"R","breed":"P",}',
    json,
    400,
    'The body is not valid JSON',
  ],
  ['NaN', 'POST', '/dogs/', '{"name":NaN}', json, 400, 'The body is not valid JSON'],
  ['two JSON values', 'POST', '/dogs/', '{}{}', json, 400, 'The body is not valid JSON'],
  ['an empty body', 'POST', '/dogs/', '', json, 400, 'The body is empty: send a JSON object'],
  ['no body', 'POST', '/dogs/', undefined, {}, 400, 'The body is empty: send a JSON object'],
  ['only white space', 'PUT', '/dogs/1/', ' \n ', json, 400, 'The body is empty: send a JSON object'],
  [
    'invalid UTF-8',
    'POST',
    '/dogs/',
    new Uint8Array([0x22, 0xc3, 0x28, 0x22]),
    json,
    400,
    'The body is not valid UTF-8',
  ],
  [
    'UTF-16',
    'POST',
    '/dogs/',
    new Uint8Array([0xff, 0xfe, 0x7b, 0, 0x7d, 0]),
    json,
    400,
    'The body is not valid UTF-8',
  ],
  ['null', 'POST', '/dogs/', 'null', json, 422, 'body must be a JSON object'],
  ['an array', 'POST', '/dogs/', [good], json, 422, 'body must be a JSON object'],
  ['a string', 'POST', '/dogs/', '"Rex"', json, 422, 'body must be a JSON object'],
  ['a number', 'PUT', '/dogs/1/', '1e999', json, 422, 'body must be a JSON object'],
  ['no name', 'POST', '/dogs/', { breed: 'Pug' }, json, 422, `name ${name}`],
  ['no breed', 'POST', '/dogs/', { name: 'Rex' }, json, 422, `breed ${name}`],
  ['neither', 'POST', '/dogs/', {}, json, 422, `name ${name}; breed ${name}`],
  ['an empty name', 'POST', '/dogs/', { ...good, name: '' }, json, 422, `name ${name}`],
  ['129 characters', 'POST', '/dogs/', { ...good, name: 'x'.repeat(129) }, json, 422, `name ${name}`],
  [
    '129 characters beyond the BMP',
    'POST',
    '/dogs/',
    { ...good, name: '🐕'.repeat(129) },
    json,
    422,
    `name ${name}`,
  ],
  ['a NUL character', 'POST', '/dogs/', { ...good, name: 'a\0b' }, json, 422, `name ${name}`],
  ['only NUL', 'PUT', '/dogs/1/', { ...good, breed: '\0' }, json, 422, `breed ${name}`],
  ['a lone surrogate', 'POST', '/dogs/', '{"name":"\\ud800","breed":"x"}', json, 422, `name ${name}`],
  ['a number as name', 'POST', '/dogs/', { ...good, name: 7 }, json, 422, `name ${name}`],
  ['null as name', 'POST', '/dogs/', { ...good, name: null }, json, 422, `name ${name}`],
  ['an object as breed', 'POST', '/dogs/', { ...good, breed: {} }, json, 422, `breed ${name}`],
  [
    'a string as trait',
    'POST',
    '/dogs/',
    { ...good, likes_to_bark: 'true' },
    json,
    422,
    'likes_to_bark must be true or false',
  ],
  [
    'a number as trait',
    'PUT',
    '/dogs/1/',
    { ...good, likes_to_bark: 2 },
    json,
    422,
    'likes_to_bark must be true or false',
  ],
  [
    'null as is_test',
    'POST',
    '/dogs/',
    { ...good, is_test: null },
    json,
    422,
    'is_test must be true or false',
  ],
  [
    'a name behind __proto__',
    'POST',
    '/dogs/',
    '{"__proto__":{"name":"x","breed":"y"}}',
    json,
    422,
    `name ${name}; breed ${name}`,
  ],
  [
    'a form',
    'POST',
    '/dogs/',
    'name=Rex',
    type('application/x-www-form-urlencoded'),
    415,
    'application/x-www-form-urlencoded cannot be read here: send application/json',
    { accept: 'application/json' },
  ],
  [
    'plain text that is not JSON',
    'POST',
    '/dogs/',
    'Rex',
    type('text/plain'),
    415,
    'text/plain cannot be read here: send application/json',
  ],
  [
    'a media type that only begins like JSON',
    'PUT',
    '/dogs/1/',
    'callback({})',
    type('application/jsonp'),
    415,
    'application/jsonp cannot be read here: send application/json',
  ],
  [
    'a media type that only ends like JSON',
    'POST',
    '/dogs/',
    'callback({})',
    type('x-application/merge-patch+json'),
    415,
    'x-application/merge-patch+json cannot be read here: send application/json',
  ],
  [
    'a compressed body',
    'POST',
    '/dogs/',
    Bun.gzipSync(JSON.stringify(good)),
    { ...json, 'Content-Encoding': 'gzip' },
    415,
    'The content coding gzip cannot be read here',
  ],
  [
    'a body over the limit',
    'POST',
    '/dogs/',
    { ...good, pad: 'x'.repeat(1000) },
    json,
    413,
    'The body is larger than 1000 bytes',
  ],
  [
    'a chunked body over the limit',
    'POST',
    '/dogs/',
    endless,
    json,
    413,
    'The body is larger than 1000 bytes',
  ],
  ['an id that is a word', 'GET', '/dogs/abc/', undefined, {}, 404, 'There is no /dogs/abc/'],
  ['a negative id', 'GET', '/dogs/-1/', undefined, {}, 404, 'There is no /dogs/-1/'],
  ['an id with a fraction', 'GET', '/dogs/1.5/', undefined, {}, 404, 'There is no /dogs/1.5/'],
  ['an id in hexadecimal', 'DELETE', '/dogs/0x1/', undefined, {}, 404, 'There is no /dogs/0x1/'],
  [
    'an id beyond 64 bits',
    'GET',
    '/dogs/99999999999999999999/',
    undefined,
    {},
    404,
    'There is no /dogs/99999999999999999999/',
  ],
  [
    'an id beyond 53 bits',
    'DELETE',
    '/dogs/9007199254740993/',
    undefined,
    {},
    404,
    'There is no /dogs/9007199254740993/',
  ],
  ['an id without a row', 'PUT', '/dogs/4711/', good, json, 404, 'There is no /dogs/4711/'],
  ['an id that cannot be decoded', 'GET', '/dogs/%ff/', undefined, {}, 404, 'There is no /dogs/%ff/'],
  [
    'an id that cannot be decoded, to be changed',
    'PUT',
    '/dogs/%ff',
    good,
    json,
    404,
    'There is no /dogs/%ff/',
  ],
  ['SQL as id', 'DELETE', '/dogs/1%20OR%201=1/', undefined, {}, 404, 'There is no /dogs/1 OR 1=1/'],
  ['limit=0', 'GET', '/dogs/?limit=0', undefined, {}, 422, 'limit must be an integer from 1 to 1000'],
  ['limit=1001', 'GET', '/dogs/?limit=1001', undefined, {}, 422, 'limit must be an integer from 1 to 1000'],
  ['limit=-1', 'GET', '/dogs/?limit=-1', undefined, {}, 422, 'limit must be an integer from 1 to 1000'],
  ['limit=1e2', 'GET', '/dogs/?limit=1e2', undefined, {}, 422, 'limit must be an integer from 1 to 1000'],
  ['an empty limit', 'GET', '/dogs/?limit=', undefined, {}, 422, 'limit must be an integer from 1 to 1000'],
  ['after=x', 'GET', '/dogs/?after=x', undefined, {}, 422, 'after must be an id'],
  [
    'two bad values',
    'GET',
    '/dogs/?limit=x&after=-1',
    undefined,
    {},
    422,
    'limit must be an integer from 1 to 1000; after must be an id',
  ],
  [
    'limit twice',
    'GET',
    '/dogs/?limit=5&limit=6',
    undefined,
    {},
    422,
    'limit must be an integer from 1 to 1000',
  ],
  ['is_test=yes', 'GET', '/dogs/?is_test=yes', undefined, {}, 422, 'is_test must be true or false'],
  ['an empty name', 'GET', '/dogs/?name=', undefined, {}, 422, `name ${filter}`],
  ['NUL to search for', 'GET', '/dogs/?search=a%00', undefined, {}, 422, `search ${filter}`],
  ['a breed that is no UTF-8', 'GET', '/dogs/?breed=%ff', undefined, {}, 422, `breed ${filter}`],
  [
    '129 characters to search for',
    'GET',
    `/dogs/?search=${'x'.repeat(129)}`,
    undefined,
    {},
    422,
    `search ${filter}`,
  ],
  [
    'DELETE with is_test=false and true',
    'DELETE',
    '/dogs/?is_test=false&is_test=true',
    undefined,
    {},
    422,
    'is_test must be true',
  ],
  ['DELETE of everything', 'DELETE', '/dogs/', undefined, {}, 422, 'is_test must be true'],
  [
    'DELETE of rows that are no test',
    'DELETE',
    '/dogs/?is_test=false',
    undefined,
    {},
    422,
    'is_test must be true',
  ],
  [
    'PUT of the list',
    'PUT',
    '/dogs/',
    good,
    json,
    405,
    'Only GET, HEAD, POST, DELETE can be used here',
    { allow: 'GET, HEAD, POST, DELETE' },
  ],
  [
    'OPTIONS of the list',
    'OPTIONS',
    '/dogs/',
    undefined,
    {},
    405,
    'Only GET, HEAD, POST, DELETE can be used here',
  ],
  [
    'POST of one',
    'POST',
    '/dogs/1/',
    good,
    json,
    405,
    'Only GET, HEAD, PUT, PATCH, DELETE can be used here',
    { allow: 'GET, HEAD, PUT, PATCH, DELETE' },
  ],
  ['a merge patch that removes the name', 'PATCH', '/dogs/1', { name: null }, json, 422, `name ${name}`],
  ['a merge patch with a wrong breed', 'PATCH', '/dogs/1', { breed: '' }, json, 422, `breed ${name}`],
  [
    'a merge patch of a row that does not exist',
    'PATCH',
    '/dogs/4711',
    {},
    json,
    404,
    'There is no /dogs/4711/',
  ],
  [
    'POST of clean',
    'POST',
    '/dogs/clean/',
    undefined,
    {},
    405,
    'Only GET, HEAD can be used here',
    { allow: 'GET, HEAD' },
  ],
  ['DELETE of clean', 'DELETE', '/dogs/clean/', undefined, {}, 405, 'Only GET, HEAD can be used here'],
  [
    'a method that is not in RFC 9110',
    'PROPFIND',
    '/dogs/',
    undefined,
    {},
    405,
    'Only GET, HEAD, POST, DELETE can be used here',
  ],
  ['POST of a word', 'POST', '/dogs/abc/', good, json, 404, 'There is no /dogs/abc/'],
  ['another path', 'GET', '/', undefined, {}, 404, 'There is nothing at this path'],
  ['a deeper path', 'GET', '/dogs/1/2/', undefined, {}, 404, 'There is nothing at this path'],
  ['metrics on the traffic port', 'GET', '/metrics', undefined, {}, 404, 'There is nothing at this path'],
]

function endless(): ReadableStream {
  return new ReadableStream({ pull: (controller) => controller.enqueue(new Uint8Array(300).fill(32)) })
}

/** A stream can be sent only once, so each test creates its own. */
function sent(body: Case[3]): BodyInit {
  if (typeof body === 'function') return body()
  return typeof body === 'object' && !(body instanceof Uint8Array) ? JSON.stringify(body) : (body as BodyInit)
}

describe.each(testDatabases)('on %s', async (_, create) => {
  const pets = await openPets(await create(), { bodyBytes: 1000 })
  const server = Bun.serve({
    port: 0,
    development: false,
    maxRequestBodySize: 2 ** 40,
    fetch: pets.app.fetch,
  })
  afterAll(async () => {
    await server.stop(true)
    await pets[Symbol.asyncDispose]()
  })
  await pets.send('POST', '/dogs/', { ...good, is_test: true })
  const before = await (await pets.ask('/dogs/')).text()

  describe('each is refused with its reason', () => {
    test.each(cases)('%s', async (_, method, target, body, headers, status, detail, responseHeaders = {}) => {
      const response = await fetch(`http://127.0.0.1:${server.port}${target}`, {
        method,
        headers,
        ...(body === undefined ? {} : { body: sent(body) }),
      })
      expect(response.headers.get('content-type')).toBe('application/problem+json')
      expect(await response.json()).toMatchObject({
        type: 'about:blank',
        title: expect.any(String),
        status,
        detail,
      })
      expect(response.status).toBe(status)
      for (const [field, value] of Object.entries(responseHeaders))
        expect(response.headers.get(field)).toBe(value)
    })
  })

  test('422 lists each field separately', async () => {
    const response = await pets.send('POST', '/dogs/', { name: 1, breed: 'x', is_test: 'yes' })
    expect((await response.json()).errors).toEqual([
      { field: 'name', message: name },
      { field: 'is_test', message: 'must be true or false' },
    ])
  })

  test('after all of them the service responds, and no row was stored or lost', async () => {
    expect(cases.length).toBeGreaterThanOrEqual(30)
    expect(await (await fetch(`http://127.0.0.1:${server.port}/dogs/`)).text()).toBe(before)
  })
})
