/** Clients that a route does not admit: by address (403), and above its rate (429). */
import { describe, expect, test } from 'bun:test'
import type { RouteConfig } from '../config/gateway_file.ts'
import { cannedUpstream, OK, startGateway } from '../testing.ts'
import { durationMs } from './access.ts'

const ask = (client: string) => `GET /dogs/ HTTP/1.1\r\nHost: a\r\nX-Forwarded-For: ${client}\r\n\r\n`

/** The statuses of requests of these clients, behind a trusted proxy. */
async function statuses(route: Partial<RouteConfig>, ...clients: string[]): Promise<string[]> {
  using upstream = await cannedUpstream(OK)
  const routes = [{ id: `dogs-${crypto.randomUUID()}`, path: '/dogs', upstream: 'dogs', ...route }]
  await using gateway = startGateway(upstream.url, { routes, trustedProxies: ['127.0.0.1'] })
  const seen = []
  for (const client of clients) seen.push((await gateway.ask(ask(client), /ok$|\}$/)).slice(9, 12))
  return seen
}

test.each<[Partial<RouteConfig>, string, string]>([
  [{ allow: ['10.0.0.0/8', '2001:db8::/32'] }, '10.1.2.3', '200'],
  [{ allow: ['10.0.0.0/8', '2001:db8::/32'] }, '2001:db8::1', '200'],
  [{ allow: ['10.0.0.0/8'] }, '11.1.2.3', '403'],
  [{ deny: ['10.0.0.0/8'] }, '10.1.2.3', '403'],
  [{ deny: ['10.0.0.0/8'] }, '11.1.2.3', '200'],
  [{ allow: ['10.0.0.0/8'], deny: ['10.0.0.1'] }, '10.0.0.1', '403'],
  [{ allow: ['10.0.0.0/8'], deny: ['10.0.0.1'] }, '10.0.0.2', '200'],
  [{ allow: [] }, '10.0.0.2', '403'],
  [{ deny: ['10.0.0.0/8'] }, '::ffff:10.1.2.3', '403'],
  [{ deny: ['10.0.0.0/8'] }, '::FFFF:0a01:0203', '403'],
  [{ deny: ['::ffff:10.0.0.0/104'] }, '10.1.2.3', '403'],
  [{ deny: ['::ffff:10.0.0.0/104'] }, '11.1.2.3', '200'],
  [{ allow: ['10.0.0.0/8'] }, '10.1.2.3:4711', '200'],
  [{ allow: ['2001:db8::/32'] }, '[2001:db8::1]:4711', '200'],
  [{ allow: ['0.0.0.0/0'] }, '2001:db8::1', '403'],
])('with %j %s gets a %s', async (route, client, status) => {
  expect(await statuses(route, client)).toEqual([status])
})

describe('a rate', () => {
  test('is that of each client by default, and of all clients with key = "route"', async () => {
    const rate = { requests: 2, per: '1h' }
    expect(await statuses({ rate }, '1.1.1.1', '1.1.1.1', '1.1.1.1', '2.2.2.2')).toEqual([
      '200',
      '200',
      '429',
      '200',
    ])
    const all = { ...rate, key: 'route' as const }
    expect(await statuses({ rate: all }, '1.1.1.1', '2.2.2.2', '3.3.3.3')).toEqual(['200', '200', '429'])
  })

  test('has a burst', async () => {
    const rate = { requests: 100, per: '1h', burst: 1 }
    expect(await statuses({ rate }, '1.1.1.1', '1.1.1.1')).toEqual(['200', '429'])
  })

  test('takes the addresses of one /64 for one client', async () => {
    const rate = { requests: 1, per: '1h' }
    const clients = ['2001:db8::1', '2001:0db8:0::2:3', '2001:db8:0:1::1']
    expect(await statuses({ rate }, ...clients)).toEqual(['200', '429', '200'])
  })

  test('takes IPv4 addresses in IPv6 notation for what they are', async () => {
    const rate = { requests: 1, per: '1h' }
    const clients = ['1.1.1.1', '::ffff:1.1.1.1', '::ffff:2.2.2.2', '::ffff:202:202', '2.2.2.2:80']
    expect(await statuses({ rate }, ...clients)).toEqual(['200', '429', '200', '429', '429'])
  })

  test('is told with Retry-After and the RateLimit fields, and counted', async () => {
    using upstream = await cannedUpstream(OK)
    const id = `dogs-${crypto.randomUUID()}`
    const routes = [{ id, path: '/dogs', upstream: 'dogs', rate: { requests: 60, per: '1h', burst: 1 } }]
    await using gateway = startGateway(upstream.url, { routes, accessLog: 'errors' })
    await gateway.ask()
    const response = await gateway.ask('GET /dogs/ HTTP/1.1\r\nHost: a\r\n\r\n', /\}$/)
    expect(response).toStartWith('HTTP/1.1 429 Too Many Requests\r\n')
    expect(response).toContain('\r\nContent-Type: application/problem+json\r\n')
    expect(response).toMatch(/\r\nRetry-After: (59|60)\r\n/)
    expect(response).toMatch(new RegExp(`\r\nRateLimit: "${id}";r=0;t=(59|60)\r\n`))
    expect(response).toContain(`\r\nRateLimit-Policy: "${id}";q=60;w=3600;burst=1\r\n`)
    expect(await gateway.metric('gateway_rate_limited_total')).toBe(1)
    expect(gateway.logged()).toMatchObject([{ route: id, status: 429 }])
    expect(upstream.heads).toHaveLength(1)
  })
})

test.each([
  ['250ms', 250],
  ['2s', 2000],
  ['1m', 60_000],
  ['1h', 3_600_000],
  ['1d', 86_400_000],
])('%s are %d ms', (text, ms) => expect(durationMs(text)).toBe(ms))
