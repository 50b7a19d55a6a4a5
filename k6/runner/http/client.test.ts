import type { Socket } from 'bun'
import { expect, test } from 'bun:test'
import { HttpClient, type HttpRequest, RequestFailed } from './client.ts'

interface Connection {
  socket: Socket<Connection>
  number: number
  received: string
}

/** A server that answers each request by hand, and counts its connections. */
function serve(onRequest: (connection: Connection, request: string) => void) {
  const connections: Connection[] = []
  const listener = Bun.listen<Connection>({
    hostname: '127.0.0.1',
    port: 0,
    socket: {
      open(socket) {
        socket.data = { socket, number: connections.length + 1, received: '' }
        connections.push(socket.data)
      },
      data({ data: connection }, bytes) {
        connection.received += bytes.toString()
        const end = connection.received.indexOf('\r\n\r\n')
        const length = Number(/content-length: (\d+)/i.exec(connection.received)?.[1] ?? 0)
        if (end === -1 || Buffer.byteLength(connection.received) < end + 4 + length) return
        const request = connection.received
        connection.received = ''
        onRequest(connection, request)
      },
    },
  })
  return {
    connections,
    url: new URL(`http://127.0.0.1:${listener.port}/dogs/?a=1`),
    [Symbol.dispose]: () => listener.stop(true),
  }
}

const ok = (body: string) => `HTTP/1.1 200 OK\r\nContent-Length: ${body.length}\r\n\r\n${body}`
const get = (url: URL): HttpRequest => ({ method: 'GET', url, headers: {}, body: null })
const post = (url: URL): HttpRequest => ({
  method: 'POST',
  url,
  headers: { 'Content-Type': 'x/y' },
  body: 'ä',
})
const failure = (exchange: Promise<unknown>) =>
  exchange.then(
    () => 'no failure',
    (error: unknown) => (error instanceof RequestFailed ? error.message : error),
  )

test('requests go over one connection, one after the other, with their fields and bodies', async () => {
  const requests: string[] = []
  using server = serve(({ socket, number }, request) => {
    requests.push(request)
    socket.write(ok(`from ${number}`))
  })
  const client = new HttpClient()
  for (const request of [get(server.url), post(server.url)]) {
    const { response } = await client.send(request)
    expect([response.status, String(response.body)]).toEqual([200, 'from 1'])
  }
  const shared = `Host: ${server.url.host}\r\nUser-Agent: bun-monitoring-load\r\n`
  expect(requests).toEqual([
    `GET /dogs/?a=1 HTTP/1.1\r\n${shared}\r\n`,
    `POST /dogs/?a=1 HTTP/1.1\r\n${shared}Content-Type: x/y\r\nContent-Length: 2\r\n\r\nä`,
  ])
  client.destroy('over')
})

test('each client has a connection of its own', async () => {
  using server = serve(({ socket, number }) => void socket.write(ok(`from ${number}`)))
  const clients = Array.from({ length: 3 }, () => new HttpClient())
  for (let turn = 0; turn < 2; turn++)
    await Promise.all(clients.map((client) => client.send(get(server.url))))
  expect(server.connections.length).toBe(3)
  for (const client of clients) client.destroy('over')
})

test('a response in many packets is put together', async () => {
  const body = Array.from({ length: 2000 }, (_, index) => String(index)).join()
  using server = serve(async ({ socket }) => {
    const text = ok(body)
    for (let at = 0; at < text.length; at += 1000) {
      socket.write(text.slice(at, at + 1000))
      socket.flush()
      await new Promise(setImmediate)
    }
  })
  const client = new HttpClient()
  const { response } = await client.send(get(server.url))
  expect(String(response.body)).toBe(body)
  client.destroy('over')
})

test('the time of a request is from its first byte to the last one of the response', async () => {
  const gate = Promise.withResolvers<void>()
  using server = serve(async ({ socket }) => {
    await gate.promise
    socket.write(ok('late'))
  })
  const client = new HttpClient()
  const startedMs = performance.now()
  const exchange = client.send(get(server.url))
  setTimeout(gate.resolve, 30)
  const { durationMs } = await exchange
  expect(durationMs).toBeGreaterThan(25)
  expect(durationMs).toBeLessThanOrEqual(performance.now() - startedMs)
  client.destroy('over')
})

test('after "Connection: close" the next request has a new connection', async () => {
  using server = serve(
    ({ socket, number }) =>
      void socket.write(`HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 1\r\n\r\n${number}`),
  )
  const client = new HttpClient()
  const bodies = []
  for (let turn = 0; turn < 2; turn++) bodies.push(String((await client.send(get(server.url))).response.body))
  expect(bodies).toEqual(['1', '2'])
  client.destroy('over')
})

test('a GET goes once more when the server closes an idle connection under it; a POST does not', async () => {
  const requests: string[] = []
  using server = serve(({ socket, number }, request) => {
    requests.push(`${request.slice(0, request.indexOf(' '))} on ${number}`)
    // The first connection is good for one request only.
    if (number === 1 && requests.length > 1) socket.terminate()
    else socket.write(ok('x'))
  })
  for (const [next, isRepeated] of [
    [get, true],
    [post, false],
  ] as const) {
    requests.length = server.connections.length = 0
    const client = new HttpClient()
    await client.send(get(server.url))
    const outcome = await failure(client.send(next(server.url)))
    expect(outcome === 'no failure').toBe(isRepeated)
    expect(requests.length).toBe(isRepeated ? 3 : 2)
    client.destroy('over')
  }
})

test('a GET does not go once more on a new connection, nor when its response has begun', async () => {
  let requests = 0
  using server = serve(({ socket }) => {
    requests++
    socket.terminate()
  })
  const client = new HttpClient()
  expect(await failure(client.send(get(server.url)))).toBe('EOF')
  expect(requests).toBe(1)

  let sent = 0
  using breaking = serve(({ socket }) => {
    if (++sent === 1) return void socket.write(ok('x'))
    socket.write('HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nx')
    socket.end()
  })
  await client.send(get(breaking.url))
  expect(await failure(client.send(get(breaking.url)))).toBe('EOF')
  expect(sent).toBe(2)
})

test('what is no HTTP, and a server that is not there, are failures that say so', async () => {
  using server = serve(({ socket }) => void socket.write('SSH-2.0-x\r\n\r\n'))
  const client = new HttpClient()
  expect(await failure(client.send(get(server.url)))).toBe('malformed HTTP response: "SSH-2.0-x"')
  expect(await failure(client.send(get(new URL('http://127.0.0.1:1/'))))).toBe('dial: connection refused')
})

test('a request that is destroyed fails with the reason, and is not sent again', async () => {
  const client = new HttpClient()
  let requests = 0
  using server = serve(({ socket }) => {
    if (++requests === 1) socket.write(ok('x'))
    else client.destroy('request timeout')
  })
  await client.send(get(server.url))
  expect(await failure(client.send(get(server.url)))).toBe('request timeout')
  expect(requests).toBe(2)
})

test('a body that the kernel does not take at once is sent whole', async () => {
  const body = 'x'.repeat(8_000_000)
  const lengths: number[] = []
  using server = serve(({ socket }, request) => {
    lengths.push(request.length - request.indexOf('\r\n\r\n') - 4)
    socket.write(ok('done'))
  })
  const client = new HttpClient()
  const { response } = await client.send({ ...post(server.url), body })
  expect(response.body.toString()).toBe('done')
  expect(lengths).toEqual([body.length])
  client.destroy('over')
})
