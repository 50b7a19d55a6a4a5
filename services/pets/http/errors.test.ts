/** Errors that Bun and clients cause. */
import { expect, test } from 'bun:test'
import { createLogger } from '@bun-monitoring/prefork'
import { errorResponse } from './errors.ts'
import { openPets, temporaryDatabase } from '../testing.ts'

test('a client that hangs up in the middle of its body is 499, and counts as no exception', async () => {
  await using pets = await openPets(temporaryDatabase())
  const responded = Promise.withResolvers<Response>()
  const arrived = Promise.withResolvers<void>()
  await using server = Bun.serve({
    port: 0,
    hostname: '127.0.0.1',
    fetch(request) {
      const response = Promise.resolve(pets.app.fetch(request))
      response.then(responded.resolve, responded.reject)
      arrived.resolve()
      return response
    },
  })
  const client = await Bun.connect({ hostname: '127.0.0.1', port: server.port!, socket: { data() {} } })
  client.write('POST /dogs/ HTTP/1.1\r\nHost: dogs\r\nContent-Length: 100\r\n\r\n{"name":')
  await arrived.promise
  client.terminate()

  expect((await responded.promise).status).toBe(499)
  expect(await pets.registry.metrics()).not.toMatch(/^http_server_exceptions_total{/m)
})

test('an error that has a number for its code is 500, as any other', () => {
  const error = new DOMException('The connection was closed.', 'AbortError')
  const request = new Request('http://localhost/')
  expect(errorResponse(request, error, 'UNKNOWN', createLogger('test', 'silent')).status).toBe(500)
})
