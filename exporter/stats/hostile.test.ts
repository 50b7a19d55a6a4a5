/** Targets that misbehave: real servers on free ports. The README has the same table. */
import { afterEach, describe, expect, setDefaultTimeout, test } from 'bun:test'
import type { Socket } from 'node:net'
import { http, MAX_BYTES, pour, problemOf, scrapeWithin, Targets } from '../testing.ts'

const targets = new Targets()
afterEach(() => targets.close())
// Longer than every deadline below: some tests transfer 100 MB.
setDefaultTimeout(120_000)

const responding = (body: string, head?: string) => targets.http((socket) => socket.end(http(body, head)))
const read = (uris: readonly string[], ms = 5000) => scrapeWithin(ms, uris)
const OK = 'HTTP/1.1 200 OK\r\n\r\n'

test('a target that does not finish fails at the deadline, and the others are read', async () => {
  const begun = [
    () => {},
    (socket: Socket) => void socket.write('HTTP/1.1 200'),
    (socket: Socket) => void socket.write(OK),
    (socket: Socket) => void socket.write('HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{"name":'),
  ]
  const slow = await Promise.all([
    ...begun.map((respond) => targets.http(respond)),
    targets.tcp((socket) => void socket.write('{')),
    targets.tcp(() => {}),
  ])
  const readings = await read([...slow, await responding('{"name":"dogs"}')], 2000)
  expect(readings.map(problemOf)).toEqual([
    ...begun.map(() => 'it did not respond in time'),
    'it did not respond in time',
    'it sent nothing in time: if it speaks HTTP, use http://',
    undefined,
  ])
})

test('a name service that does not respond fails at the deadline, too', async () => {
  const never = () => new Promise<never>(() => {})
  const [slow] = await scrapeWithin(50, ['http://dogs/'], false, never)
  expect(problemOf(slow)).toBe('it did not respond in time')
})

describe('a response without a document is a problem', () => {
  test.each([
    ['a status other than 200', http('{}', 'HTTP/1.1 503 Busy'), 'the response has status 503'],
    ['a redirect', http('', 'HTTP/1.1 302 Found\r\nLocation: /stats'), 'the response has status 302'],
    ['no content', 'HTTP/1.1 204 No Content\r\n\r\n', 'the response has status 204'],
    ['an empty body', http(''), 'the response is not JSON'],
    ['wrong JSON', http('{"name":'), 'the response is not JSON'],
    ['a greeting of another protocol', 'SSH-2.0-OpenSSH\r\n\r\n', 'the response is not HTTP/1'],
    [
      'a body that ends early',
      'HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n{}',
      'it closed the connection before the end of its response',
    ],
    ['a value of the wrong kind', http('{"workers":[{"id":1,"tx":"1"}]}'), 'workers[0].tx is not a number'],
  ])('%s', async (_, respond, problem) => {
    const uri = await targets.http((socket) => socket.end(respond))
    expect((await read([uri])).map(problemOf)).toEqual([problem])
  })

  test('a connection that is reset', async () => {
    const uri = await targets.http((socket) => socket.resetAndDestroy())
    expect((await read([uri])).map(problemOf)).toEqual(['it reset the connection (ECONNRESET)'])
  })

  test('a raw stats socket that is read by http, many times: one reason, which says what to do', async () => {
    const uri = (await targets.tcp((socket) => socket.end('{"name":"dogs"}'))).replace('tcp://', 'http://')
    const problems = new Set<string | undefined>()
    for (let i = 0; i < 30; i++) for (const reading of await read([uri])) problems.add(problemOf(reading))
    expect([...problems]).toEqual(['no HTTP: use tcp:// or stats-http'])
  })

  test('a raw stats socket that resets the connection when the request arrives, too', async () => {
    let connections = 0
    const target = await targets.tcp((socket) => {
      connections++
      socket.once('data', () => socket.resetAndDestroy())
      if (connections > 1) socket.end('{"name":"dogs"}')
    })
    const uri = target.replace('tcp://', 'http://')
    expect((await read([uri])).map(problemOf)).toEqual(['no HTTP: use tcp:// or stats-http'])
  })

  test('a tcp target that waits for a request: one reason, at the deadline and when it closes before', async () => {
    const uris = [await targets.tcp(() => {}), await targets.tcp((socket) => socket.end())]
    const problem = 'it sent nothing in time: if it speaks HTTP, use http://'
    expect((await read(uris, 500)).map(problemOf)).toEqual([problem, problem])
  })

  test('HTTP from a raw stats socket, as uWSGI sends it with stats-http', async () => {
    const uri = await targets.tcp((socket) => socket.end(http('{}')))
    expect((await read([uri])).map(problemOf)).toEqual(['the response is HTTP: use http://'])
  })
})

describe('a response that is too long is refused at the limit', () => {
  test.each([
    ['100 MB', (socket: Socket) => pour(socket, Buffer.alloc(1 << 20, '['), 100 << 20)],
    ['an endless body', (socket: Socket) => pour(socket, Buffer.alloc(1 << 20, ' '))],
    [
      'an endless list of cores',
      (socket: Socket) => {
        socket.write('{"workers":[{"cores":[')
        pour(socket, Buffer.from('{"id":1},'.repeat(100_000)))
      },
    ],
  ])('%s', async (_, respond) => {
    const uri = await targets.http((socket) => {
      socket.write(OK)
      respond(socket)
    })
    const [reading] = await read([uri], 20_000)
    expect(problemOf(reading)).toBe(`the response is longer than ${MAX_BYTES} bytes`)
  })

  test('an endless head', async () => {
    const uri = await targets.http((socket) => {
      socket.write('HTTP/1.1 200 OK\r\n')
      pour(socket, Buffer.from(`X: ${'x'.repeat(100_000)}\r\n`))
    })
    const [reading] = await read([uri], 20_000)
    expect(problemOf(reading)).toBe('the response head is longer than 65536 bytes')
  })
})

describe('a document is read in spite of', () => {
  test.each([
    ['a wrong content type', http('{"name":"dogs"}', 'HTTP/1.1 200 OK\r\nContent-Type: text/html')],
    ['floats', http('{"name":"dogs","workers":[{"id":1,"avg_rt":1.5}]}')],
    ['chunks', 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nf\r\n{"name":"dogs"}\r\n0\r\n\r\n'],
    ['a byte-order mark', http('\ufeff{"name":"dogs"}')],
  ])('%s', async (_, respond) => {
    const uri = await targets.http((socket) => socket.end(respond))
    expect(await read([uri])).toMatchObject([{ stats: { name: 'dogs' } }])
  })

  test('a document as uWSGI sends it: HTTP/1.0, its length unknown, bytes that are not UTF-8', async () => {
    const uri = await targets.http((socket) => {
      socket.write('HTTP/1.0 200 OK\r\nConnection: close\r\nContent-Type: application/json\r\n\r\n{"name":"')
      socket.end(Buffer.from([0xff, 0x22, 0x7d]))
    })
    expect(await read([uri])).toMatchObject([{ stats: { name: '\ufffd' } }])
  })

  test('a document from a stats socket', async () => {
    const uri = await targets.tcp((socket) => socket.end('{"name":"dogs"}'))
    expect(await read([uri])).toMatchObject([{ stats: { name: 'dogs' } }])
  })
})
