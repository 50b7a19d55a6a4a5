/** The request line and the fields for the upstream, as the route changes them. */
import { expect, test } from 'bun:test'
import type { RouteConfig } from '../config/gateway_file.ts'
import { cannedUpstream, OK, startGateway } from '../testing.ts'

/** What the upstream gets, and the response. */
async function forwarded(change: Partial<RouteConfig>, target: string, fields = '') {
  using upstream = await cannedUpstream(OK)
  await using gateway = startGateway(upstream.url, {
    trustedProxies: ['127.0.0.1'],
    routes: [{ id: 'dogs', path: '/dogs', upstream: 'dogs', ...change }],
  })
  const response = await gateway.ask(`GET ${target} HTTP/1.1\r\nHost: a\r\n${fields}\r\n`)
  const [line, ...lines] = upstream.heads[0]!.split('\r\n')
  const valueOf = (name: string, of = lines) =>
    of.find((each) => each.startsWith(`${name}: `))?.slice(name.length + 2)
  return { line, valueOf, ofResponse: (name: string) => valueOf(name, response.split('\r\n')) }
}

test.each<[Partial<RouteConfig>, string, string]>([
  [{}, '/dogs/1?a', '/dogs/1?a'],
  [{}, 'http://a/dogs/1?a', '/dogs/1?a'],
  [{ strip: true }, '/dogs/1?a', '/1?a'],
  [{ strip: true }, '/dogs?a', '/?a'],
  [{ strip: true }, '/dogs', '/'],
  [{ strip: true }, '/dogs/', '/'],
  [{ rewrite: '/v2' }, '/dogs', '/v2'],
  [{ rewrite: '/v2' }, '/dogs/1', '/v2/1'],
  [{ path: '/', rewrite: '/v2' }, '/dogs/1?a', '/v2/dogs/1?a'],
])('with %j the upstream gets %s as %s', async (change, target, expected) => {
  expect((await forwarded(change, target)).line).toBe(`GET ${expected} HTTP/1.1`)
})

test.each<[Partial<RouteConfig>, string, string | undefined]>([
  [{}, '', undefined],
  [{}, '/outer/', '/outer/'],
  [{ strip: true }, '', '/dogs'],
  [{ strip: true }, '/outer/', '/outer/dogs'],
])('with %j behind a proxy that strips "%s" the prefix is %s', async (change, outer, expected) => {
  const field = outer === '' ? '' : `X-Forwarded-Prefix: ${outer}\r\n`
  expect((await forwarded(change, '/dogs/1', field)).valueOf('X-Forwarded-Prefix')).toBe(expected)
})

test.each(['request_headers', 'response_headers'])(
  '%s have the id of the request, logged or not',
  async (key) => {
    for (const access of ['off', 'all'] as const) {
      const change = { log: { access }, [key]: { set: { 'X-Id': '{request_id}' } } }
      const { valueOf, ofResponse } = await forwarded(change, '/dogs/1')
      const id = key === 'request_headers' ? valueOf('X-Id') : ofResponse('X-Id')
      expect(id).toBe(valueOf('X-Request-Id')!)
    }
  },
)
