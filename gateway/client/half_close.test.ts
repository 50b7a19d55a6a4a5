/**
 * Trap: a client that has closed its half of the connection may be gone, or may wait for its answer. The two look alike
 * until something is written to it.
 */
import { expect, test } from 'bun:test'
import { OK, rawClient, rawUpstream, startGateway } from '../testing.ts'

test('a client that closes its half after the request gets its answer', async () => {
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
  const answers = (await client.untilClosed()).split('\r\n\r\n')
  expect(answers[1]).toStartWith('HTTP/1.1 200 OK')
  expect(answers[1]).toContain('Connection: close')
  expect(answers[2]).toBe('ok')
  expect(await gateway.counted()).toEqual({ 'GET dogs 200': 1 })
})
