/**
 * Trap: a client that has half-closed may have left, or may wait for its response. The two look alike until the gateway
 * writes to the connection.
 */
import { expect, test } from 'bun:test'
import { OK, rawClient, rawUpstream, startGateway } from '../testing.ts'

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
  for (const socket of upstream.sockets) socket.write(OK)
  const responses = (await client.untilClosed()).split('\r\n\r\n')
  expect(responses[1]).toStartWith('HTTP/1.1 200 OK')
  expect(responses[1]).toContain('Connection: close')
  expect(responses[2]).toBe('ok')
  expect(await gateway.counted()).toEqual({ 'GET dogs 200': 1 })
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
