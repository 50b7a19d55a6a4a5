/** Errors that are none of this code's own. */
import { expect, test } from 'bun:test'
import { createLogger } from '@bun-monitoring/prefork'
import { answerTo } from './errors.ts'
import { openPets, temporaryDatabase } from './testing.ts'

test('a client that hangs up in the middle of its body is 499, and no exception of ours', async () => {
  await using pets = await openPets(temporaryDatabase())
  const answered = Promise.withResolvers<Response>()
  const arrived = Promise.withResolvers<void>()
  await using server = Bun.serve({
    port: 0,
    hostname: '127.0.0.1',
    fetch(request) {
      const answer = Promise.resolve(pets.app.fetch(request))
      answer.then(answered.resolve, answered.reject)
      arrived.resolve()
      return answer
    },
  })
  const client = await Bun.connect({ hostname: '127.0.0.1', port: server.port!, socket: { data() {} } })
  client.write('POST /dogs/ HTTP/1.1\r\nHost: dogs\r\nContent-Length: 100\r\n\r\n{"name":')
  await arrived.promise
  client.terminate()

  expect((await answered.promise).status).toBe(499)
  expect(await pets.registry.metrics()).not.toMatch(/^http_server_exceptions_total{/m)
})

test('an error that has a number for its code is 500, as any other', () => {
  const error = new DOMException('The connection was closed.', 'AbortError')
  expect(answerTo(error, 'UNKNOWN', createLogger('test', 'silent')).status).toBe(500)
})
