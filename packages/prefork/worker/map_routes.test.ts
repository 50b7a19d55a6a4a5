import { expect, test } from 'bun:test'
import type { Handler } from './count_requests.ts'
import { mapRoutes } from './map_routes.ts'

/** Each handler responds with the pattern of its route and its own response. */
const wrap =
  (handler: Handler, route: string): Handler =>
  async (request, server) =>
    new Response(`${route}: ${await (await handler(request, server))!.text()}`)

const ask = async (handler: unknown) => {
  const response = await (handler as Handler)(new Request('http://localhost/'), {} as Bun.Server<unknown>)
  return response!.text()
}

test('handlers are wrapped in all forms that Bun knows, each with the pattern of its route', async () => {
  const fixed = new Response('fixed')
  const routes = mapRoutes(
    {
      '/a': () => new Response('a'),
      '/fixed': fixed,
      '/by/:method': { GET: () => new Response('get'), POST: new Response('post') },
    },
    wrap,
  )
  expect(await ask(routes['/a'])).toBe('/a: a')
  // A response has one body, and each request needs one.
  for (let request = 0; request < 2; request++) expect(await ask(routes['/fixed'])).toBe('/fixed: fixed')
  const { GET, POST } = routes['/by/:method'] as Record<string, unknown>
  expect([await ask(GET), await ask(POST)]).toEqual(['/by/:method: get', '/by/:method: post'])
})

test.each([
  ['a file', Bun.file('/nowhere')],
  ['an HTML bundle', { index: 'index.html', GET: 1 }],
  ['an object of a class', new Map()],
  ['nothing', null],
  ['false, which lets Bun go on to the next route', false],
])('%s is left as it is: Bun serves it by itself', (_, value) => {
  expect(mapRoutes({ '/x': value }, wrap)['/x']).toBe(value)
})
