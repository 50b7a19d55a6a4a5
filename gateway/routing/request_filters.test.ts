/** The size of a forwarded head counts with the path as the route changes it, and with the fields that it adds for that. */
import { expect, test } from 'bun:test'
import type { RouteConfig } from '../config/gateway_file.ts'
import { cannedUpstream, OK, startGateway } from '../testing.ts'

/** The largest field with which a request for `/dogs/1` passes. */
async function largestField(change: Partial<RouteConfig>, fields = ''): Promise<number> {
  using upstream = await cannedUpstream(OK)
  await using gateway = startGateway(upstream.url, {
    limits: { headBytes: 1500 },
    trustedProxies: ['127.0.0.1'],
    routes: [{ id: 'dogs', path: '/dogs', upstream: 'dogs', ...change }],
  })
  let [fits, tooLarge] = [0, 1500]
  while (tooLarge - fits > 1) {
    const middle = Math.floor((fits + tooLarge) / 2)
    const text = `GET /dogs/1 HTTP/1.1\r\nHost: a\r\n${fields}A: ${'a'.repeat(middle)}\r\n\r\n`
    const status = (await gateway.ask(text, /ok$|\}$/)).slice(9, 12)
    expect(status).toBeOneOf(['200', '431'])
    if (status === '200') fits = middle
    else tooLarge = middle
  }
  return fits
}

const unchanged = await largestField({})

test.each<[Partial<RouteConfig>, string, number]>([
  // The prefix is in a field of its own then.
  [{ strip: true }, '', 0],
  [{ strip: true }, 'X-Forwarded-Prefix: /outer\r\n', -'/outer'.length],
  [{ rewrite: '/d' }, '', '/dogs'.length - '/d'.length],
  [{ rewrite: '/dogs/and/more' }, '', '/dogs'.length - '/dogs/and/more'.length],
  [{ request_headers: { set: { B: '1234' } } }, '', -'B: 1234\r\n'.length],
])('with %j and %j there is room for %d more bytes', async (change, fields, more) => {
  expect(await largestField(change, fields)).toBe(unchanged + more)
})
