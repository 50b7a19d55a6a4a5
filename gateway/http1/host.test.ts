/**
 * Attack: Host confusion. A request with two hosts, or with one that two parsers read differently, would be routed by one
 * name and served under another.
 */
import { describe, expect, test } from 'bun:test'
import { rawClient, recordingUpstream, startGateway } from '../testing.ts'

const fieldsOf = (fields: [string, string][], name: string) =>
  fields.filter(([key]) => key.toLowerCase() === name).map(([, value]) => value)

describe('rejected with 400', () => {
  test.each([
    ['no Host', ''],
    ['an empty Host', 'Host:\r\n'],
    ['two Hosts', 'Host: a\r\nHost: b\r\n'],
    ['the same Host twice', 'Host: a\r\nhost: a\r\n'],
    ['a list of Hosts', 'Host: a, b\r\n'],
    ['a Host with a user', 'Host: a@b\r\n'],
    ['a Host with a path', 'Host: a/b\r\n'],
    ['a Host with a query', 'Host: a?b\r\n'],
    ['a Host with a backslash', 'Host: a\\b\r\n'],
    ['a Host with a space', 'Host: a b\r\n'],
    ['a Host beyond ASCII', 'Host: \xe4\r\n'],
    ['a Host with a bad escape', 'Host: a%2\r\n'],
    ['a Host with half an escape', 'Host: a%4gb\r\n'],
    ['a Host with the other half', 'Host: a%g4b\r\n'],
    ['a port that is no number', 'Host: a:b\r\n'],
    ['a port above 65535', 'Host: a:65536\r\n'],
    ['two ports', 'Host: a:1:2\r\n'],
    ['an open bracket', 'Host: [::1\r\n'],
    ['empty brackets', 'Host: []\r\n'],
    ['a digit in brackets', 'Host: [1]\r\n'],
    ['letters behind brackets', 'Host: [::1]a\r\n'],
  ])('%s', async (_, host) => {
    using upstream = await recordingUpstream()
    await using gateway = startGateway(upstream.url)
    using client = await rawClient(gateway.port, `GET /dogs/ HTTP/1.1\r\n${host}\r\n`)
    expect(await client.untilClosed()).toStartWith('HTTP/1.1 400 ')
    expect(await gateway.metric('gateway_rejections_total{reason="host"}')).toBe(1)
    expect(upstream.requests).toEqual([])
  })

  test.each(['http:///dogs/', 'http://a@b/dogs/', 'http://a,b/dogs/', 'http://a:b/dogs/'])(
    'the target %s',
    async (target) => {
      using upstream = await recordingUpstream()
      await using gateway = startGateway(upstream.url)
      using client = await rawClient(gateway.port, `GET ${target} HTTP/1.1\r\nHost: a\r\n\r\n`)
      expect(await client.untilClosed()).toStartWith('HTTP/1.1 400 ')
      expect(upstream.requests).toEqual([])
    },
  )
})

test.each([
  ['[::1]', '[0:0:0:0:0:0:0:1]:80'],
  ['[0:0::1]', '[::1]'],
  ['[2001:DB8::]', '[2001:db8:0::0]:8000'],
  ['[::ffff:1.2.3.4]', '[::FFFF:102:304]'],
  ['Bücher.example', 'xn--bcher-kva.example.:80'],
  ['pets.example.', 'PETS.example:'],
  ['*.pets.example', 'a.b.Pets.Example.'],
])('a route of host %s takes the Host %s', async (host, given) => {
  using upstream = await recordingUpstream()
  const routes = [{ id: 'dogs', path: '/dogs', upstream: 'dogs', hosts: [host] }]
  await using gateway = startGateway(upstream.url, { routes })
  const response = await gateway.ask(`GET /dogs/ HTTP/1.1\r\nHost: ${given}\r\n\r\n`, /[\da-f]{40}$|\}$/)
  expect(response).toStartWith('HTTP/1.1 200 ')
  const other = await gateway.ask('GET /dogs/ HTTP/1.1\r\nHost: [::2]\r\n\r\n', /\}$/)
  expect(other).toStartWith('HTTP/1.1 404 ')
})

test.each([
  'a',
  'a:',
  'a:8000',
  'a:65535',
  'pets.example',
  '127.0.0.1:1',
  '[::1]',
  '[::1]:80',
  "a-_.~!$&'()*+;=b",
  'a%2Db',
])('the Host %s passes unchanged', async (host) => {
  using upstream = await recordingUpstream()
  await using gateway = startGateway(upstream.url)
  await gateway.ask(`GET /dogs/ HTTP/1.1\r\nHost: ${host}\r\n\r\n`, /[\da-f]{40}$/)
  expect(fieldsOf(upstream.requests[0]!.fields, 'host')).toEqual([host])
})

test('an absolute target replaces Host, for the route and for the upstream', async () => {
  using upstream = await recordingUpstream()
  await using gateway = startGateway(upstream.url, {
    routes: [{ id: 'dogs', host: 'pets.example', path: '/dogs', upstream: 'dogs' }],
  })
  await gateway.ask('GET HTTP://Pets.Example:80/dogs/?a HTTP/1.1\r\nHost: evil\r\n\r\n', /[\da-f]{40}$/)
  expect(upstream.requests[0]!.target).toBe('/dogs/?a')
  expect(fieldsOf(upstream.requests[0]!.fields, 'host')).toEqual(['Pets.Example:80'])
  expect(fieldsOf(upstream.requests[0]!.fields, 'x-forwarded-host')).toEqual(['Pets.Example:80'])
  expect(await gateway.ask('GET http://evil/dogs/ HTTP/1.1\r\nHost: pets.example\r\n\r\n', /\}$/)).toContain(
    ' 404 ',
  )
})

test('equal fields with another absolute target are not taken from the cache', async () => {
  using upstream = await recordingUpstream()
  await using gateway = startGateway(upstream.url)
  for (const target of ['/dogs/', 'http://b/dogs/', '/dogs/']) {
    await gateway.ask(`GET ${target} HTTP/1.1\r\nHost: a\r\n\r\n`, /[\da-f]{40}$/)
  }
  expect(upstream.requests.map(({ fields }) => fieldsOf(fields, 'host'))).toEqual([['a'], ['b'], ['a']])
})

test('HTTP/1.0 needs no Host: the upstream gets its own', async () => {
  using upstream = await recordingUpstream()
  await using gateway = startGateway(upstream.url)
  await gateway.ask('GET /dogs/ HTTP/1.0\r\n\r\n', /[\da-f]{40}$/)
  expect(fieldsOf(upstream.requests[0]!.fields, 'host')).toEqual([upstream.url.slice('http://'.length)])
  expect(fieldsOf(upstream.requests[0]!.fields, 'x-forwarded-host')).toEqual([])
})
