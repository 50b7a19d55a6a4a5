/**
 * Trap: a client that has half-closed may have left, or may wait for its response. The two look alike until the gateway
 * writes to the connection.
 */
import { expect, test } from 'bun:test'
import { OK, rawClient, rawUpstream, startGateway, until } from '../testing.ts'

test('a client that closes its half after the request gets its response', async () => {
  const asked = Promise.withResolvers<void>()
  using upstream = await rawUpstream(() => asked.resolve())
  await using gateway = startGateway(upstream.url)
  using client = await rawClient(gateway.port, 'GET /dogs/ HTTP/1.1\r\nHost: a\r\n\r\n', {
    allowHalfOpen: true,
  })
  await asked.promise
  client.socket.end()
  await client.until(/^HTTP\/1.1 102 Processing\r\n\r\n$/)
  // It has all the time that the upstream has for its response.
  gateway.advance(34_000)
  for (const socket of upstream.sockets) socket.write(OK)
  const responses = (await client.untilClosed()).split('\r\n\r\n')
  expect(responses[1]).toStartWith('HTTP/1.1 200 OK')
  expect(responses[1]).toContain('Connection: close')
  expect(responses[2]).toBe('ok')
  expect(await gateway.counted()).toEqual({ 'GET dogs 200': 1 })
})

test('pipelined requests before the half-close get their responses, also those that fail at once', async () => {
  const asked = Promise.withResolvers<void>()
  using upstream = await rawUpstream(() => asked.resolve())
  await using gateway = startGateway(upstream.url, { upstream: { maxTunnels: 0 } })
  const ask = 'GET /dogs/ HTTP/1.1\r\nHost: a\r\n\r\n'
  const upgrade = ask.replace('\r\n\r\n', '\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n')
  using client = await rawClient(gateway.port, ask + upgrade + upgrade, { allowHalfOpen: true })
  await asked.promise
  client.socket.end()
  await client.until(/102 Processing/)
  for (const socket of upstream.sockets) socket.write(OK)
  const statuses = [...(await client.untilClosed()).matchAll(/HTTP\/1\.1 (\d+)/g)].map(([, status]) => status)
  expect(statuses).toEqual(['102', '200', '503', '503'])
})

test.each(['GET / HTTP/3.0\r\n\r\n', 'POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\n'])(
  'a request that is rejected after the half-close ends the connection at once: %j',
  async (last) => {
    const asked = Promise.withResolvers<void>()
    using upstream = await rawUpstream(() => asked.resolve())
    await using gateway = startGateway(upstream.url)
    const ask = `GET /dogs/ HTTP/1.1\r\nHost: a\r\n\r\n${last}`
    using client = await rawClient(gateway.port, ask, { allowHalfOpen: true })
    await asked.promise
    client.socket.end()
    await client.until(/102 Processing/)
    for (const socket of upstream.sockets) socket.write(OK)
    await client.until(/HTTP\/1.1 (4|5)\d\d [^]*\}$/)
    expect(gateway.server.connections()).toBe(0)
  },
)

test.each([
  ['once a response has begun', '1.1', 'HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nwo'],
  ['in HTTP/1.0', '1.0', ''],
])('no 102 is sent %s', async (_, version, begun) => {
  const asked = Promise.withResolvers<void>()
  using upstream = await rawUpstream((__, socket) => {
    if (begun !== '') socket.write(begun)
    asked.resolve()
  })
  await using gateway = startGateway(upstream.url)
  using client = await rawClient(gateway.port, `GET /dogs/ HTTP/${version}\r\nHost: a\r\n\r\n`, {
    allowHalfOpen: true,
  })
  await asked.promise
  if (begun !== '') await client.until(/wo$/)
  client.socket.end()
  await until(gateway.hasHalfClosed)
  for (const socket of upstream.sockets) socket.write(begun === '' ? OK : 'of')
  expect(await client.untilClosed()).toMatch(/^HTTP\/1\.1 200 OK\r\n[^]*\r\n\r\n(ok|woof)$/)
})

test('of pipelined requests before the half-close only the last response says close', async () => {
  const asked = Promise.withResolvers<void>()
  using upstream = await rawUpstream(() => asked.resolve())
  await using gateway = startGateway(upstream.url)
  const none = 'GET /none HTTP/1.1\r\nHost: a\r\n\r\n'
  using client = await rawClient(gateway.port, `GET /dogs/ HTTP/1.1\r\nHost: a\r\n\r\n${none}${none}`, {
    allowHalfOpen: true,
  })
  await asked.promise
  client.socket.end()
  await client.until(/102 Processing/)
  for (const socket of upstream.sockets) socket.write(OK)
  const heads = (await client.untilClosed()).split(/(?=HTTP\/1\.1 )/).slice(1)
  expect(heads.map((head) => [head.slice(9, 12), head.includes('\r\nConnection: close\r\n')])).toEqual([
    ['200', false],
    ['404', false],
    ['404', true],
  ])
})
