import { expect, test } from 'bun:test'
import type { ErrorPage, RouteConfig } from '../config/gateway_file.ts'
import { acceptsHtml } from '../http1/accept.ts'
import { cannedUpstream, rawClient, startGateway } from '../testing.ts'

test.each<[string[], boolean]>([
  [['text/html'], true],
  [['text/html,application/xhtml+xml,*/*;q=0.8'], true],
  [['application/json', 'TEXT/HTML;level=1;q=0.5'], true],
  [['application/xhtml+xml ; q=1'], true],
  [['text/html;q=0'], false],
  [['text/html; q=0.000'], false],
  [['text/html;q=0;level=1'], false],
  [['text/html;q=0.01'], true],
  [['xtext/html'], false],
  [['a/b;c=text/html'], false],
  [['text/html ; q=0 '], false],
  [['text/html;level=1;q=0.0;a'], false],
  [['application/xhtml+xml;q=0, text/html'], true],
  [['*/*'], false],
  [['text/*, text/htmlx'], false],
  [[], false],
])('Accept %j asks for HTML: %p', (values, expected) => expect(acceptsHtml(values)).toBe(expected))

const BROWSER = 'Accept: text/html, */*;q=0.1\r\n'
const ROUTE: RouteConfig = { id: 'dogs', path: '/dogs', upstream: 'dogs', methods: ['GET', 'POST'] }
const own = new Map<number, ErrorPage>([[502, { html: '<p>route' }]])
const all = new Map<number, ErrorPage>([
  [502, { html: '<p>file' }],
  [405, { html: '<p>405' }],
  [400, { html: '<p>400' }],
  [404, { location: 'https://errors.example/404' }],
])

/** The response to a request line with these fields. */
async function ask(line: string, fields: string, route: Partial<RouteConfig> = {}) {
  const routes = [{ ...ROUTE, ...route }]
  await using gateway = startGateway('http://127.0.0.1:1', { routes, errors: all })
  using client = await rawClient(
    gateway.port,
    `${line} HTTP/1.1\r\nHost: a\r\n${fields}Connection: close\r\n\r\n`,
  )
  return await client.untilClosed()
}

test('a browser gets the page of the route, or that of the file', async () => {
  const response = await ask('POST /dogs/', BROWSER, { errors: own })
  expect(response).toStartWith('HTTP/1.1 502 Bad Gateway\r\n')
  expect(response).toContain('\r\nContent-Type: text/html; charset=utf-8\r\nContent-Length: 8\r\n')
  expect(response).toEndWith('\r\n\r\n<p>route')
  expect(await ask('POST /dogs/', BROWSER)).toEndWith('<p>file')
  expect(await ask('GET //dogs/', BROWSER)).toEndWith('<p>400')
})

test('other fields of the error stay, and HEAD gets no body', async () => {
  const response = await ask('PUT /dogs/', BROWSER)
  expect(response).toContain('\r\nAllow: GET, POST\r\n')
  expect(response).toEndWith('<p>405')
  expect(await ask('HEAD /dogs/', BROWSER)).toMatch(/^HTTP\/1\.1 405 [^]*Content-Length: 6\r\n[^]*\r\n\r\n$/)
})

test('a URL is a redirect', async () => {
  const response = await ask('GET /none', BROWSER)
  expect(response).toMatch(/^HTTP\/1\.1 302 Found\r\n[^]*\r\nLocation: https:\/\/errors\.example\/404\r\n/)
})

test.each(['', 'Accept: */*\r\n', 'Accept: application/json\r\n'])(
  'another client gets problem+json: %j',
  async (fields) => {
    expect(await ask('POST /dogs/', fields, { errors: own })).toContain(
      '\r\nContent-Type: application/problem+json\r\n',
    )
  },
)

test('errors of the upstream, and fixed responses of routes, pass unchanged', async () => {
  using upstream = await cannedUpstream('HTTP/1.1 502 Bad Gateway\r\nContent-Length: 4\r\n\r\ntheir')
  await using gateway = startGateway(upstream.url, { routes: [{ ...ROUTE, errors: own }], errors: all })
  const request = `GET /dogs/ HTTP/1.1\r\nHost: a\r\n${BROWSER}\r\n`
  expect(await gateway.ask(request, /thei$/)).toStartWith('HTTP/1.1 502 ')
  const respond = { status: 404, type: 'text/plain', body: 'mine' }
  const { upstream: _, ...rest } = ROUTE
  await using other = startGateway(upstream.url, { routes: [{ ...rest, respond }], errors: all })
  expect(await other.ask(request, /mine$/)).toStartWith('HTTP/1.1 404 ')
})
