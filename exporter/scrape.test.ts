/** Targets that answer, and all the ways not to: real servers, each on a free port. */
import { afterEach, describe, expect, mock, test } from 'bun:test'
import { createServer, type Server, type Socket } from 'node:net'
import { MAX_DOCUMENT_BYTES } from './read.ts'
import { DEFAULT_TIMEOUT_MS, logChanges, MAX_TIMEOUT_MS, type Reading, scrape, timeoutMs } from './scrape.ts'

const open: Server[] = []
afterEach(() => {
  for (const server of open.splice(0)) server.close()
})

/** A target that does with a connection what it likes once it was asked. */
function target(answer: (socket: Socket) => void): Promise<string> {
  const { promise, resolve } = Promise.withResolvers<string>()
  const server = createServer((socket) => {
    socket.on('error', () => {})
    socket.once('data', () => answer(socket))
  })
  open.push(server)
  server.listen(0, '127.0.0.1', () => {
    const address = server.address()
    resolve(`http://127.0.0.1:${typeof address === 'object' ? address?.port : ''}/stats`)
  })
  return promise
}

const http = (body: string, head = 'HTTP/1.1 200 OK\r\nContent-Type: application/json') =>
  `${head}\r\nConnection: close\r\nContent-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`
const answering = (body: string, head?: string) => target((socket) => socket.end(http(body, head)))
const within = (ms: number) => AbortSignal.timeout(ms)
const problemOf = (reading: Reading | undefined) =>
  reading && 'problem' in reading ? reading.problem : undefined

/** Writes the same bytes for as long as somebody reads. */
function pour(socket: Socket, bytes: Buffer): void {
  const fill = () => {
    while (socket.writable && socket.write(bytes));
  }
  socket.on('drain', fill)
  fill()
}

test('a dead target costs its own reading and nothing else, in the order of the targets', async () => {
  const alive = await answering('{"name":"dogs"}')
  const [dead, dogs] = await scrape(['http://127.0.0.1:1/stats', alive], within(5000))
  expect(problemOf(dead)).toBe('nothing listens there (ECONNREFUSED)')
  expect(dogs).toEqual({
    target: alive,
    stats: { name: 'dogs' },
    durationSeconds: expect.any(Number),
  } as never)
})

test('targets are read at the same time', async () => {
  const asked: Socket[] = []
  const answerTogether = (socket: Socket) => {
    if (asked.push(socket) === 2) for (const each of asked) each.end(http('{}'))
  }
  const targets = await Promise.all([target(answerTogether), target(answerTogether)])
  const readings = await scrape(targets, within(5000))
  expect(readings.map(problemOf)).toEqual([undefined, undefined])
})

describe('a target that does not finish is given up on at the deadline, and the others are there', () => {
  test.each([
    ['it says nothing', () => {}],
    ['it stops after the head', (socket: Socket) => void socket.write('HTTP/1.1 200 OK\r\n\r\n')],
    [
      'it stops within the body',
      (socket: Socket) => void socket.write('HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{"name":'),
    ],
  ])('%s', async (_, answer) => {
    const targets = [await target(answer), await answering('{"name":"dogs"}')]
    const [slow, dogs] = await scrape(targets, within(200))
    expect(problemOf(slow)).toBe('it did not answer in time')
    expect(problemOf(dogs)).toBeUndefined()
  })
})

describe('an answer that is no document is a problem', () => {
  test.each([
    ['a status other than 200', http('{}', 'HTTP/1.1 503 Busy'), 'it answered with status 503'],
    ['a redirect', http('', 'HTTP/1.1 302 Found\r\nLocation: /stats'), 'it answered with status 302'],
    ['no content', 'HTTP/1.1 204 No Content\r\n\r\n', 'it answered with status 204'],
    ['an empty body', http(''), 'its answer is not JSON'],
    ['wrong JSON', http('{"name":'), 'its answer is not JSON'],
    [
      'JSON without HTTP, as uWSGI answers without stats-http',
      '{"name":"dogs"}',
      'it closed the connection before the end of an HTTP answer (ECONNRESET)',
    ],
    [
      'a body that ends early',
      'HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{}',
      'it closed the connection before the end of an HTTP answer (ECONNRESET)',
    ],
  ])('%s', async (_, answer, problem) => {
    const uri = await target((socket) => socket.end(answer))
    expect((await scrape([uri], within(5000))).map(problemOf)).toEqual([problem])
  })

  test('an endless body', async () => {
    const uri = await target((socket) => {
      socket.write('HTTP/1.1 200 OK\r\n\r\n')
      pour(socket, Buffer.alloc(1 << 20, ' '))
    })
    const [reading] = await scrape([uri], within(20_000))
    expect(problemOf(reading)).toBe(`its answer is longer than ${MAX_DOCUMENT_BYTES} bytes`)
  })

  test('an endless head', async () => {
    const uri = await target((socket) => {
      socket.write('HTTP/1.1 200 OK\r\n')
      pour(socket, Buffer.from(`X: ${'x'.repeat(100_000)}\r\n`))
    })
    const [reading] = await scrape([uri], within(20_000))
    expect(problemOf(reading)).toBe('it could not be read (ResponseHeadersTooLarge)')
  })
})

test('a document as uWSGI sends it is read: HTTP/1.0, its length unknown, bytes that are not UTF-8', async () => {
  const uri = await target((socket) => {
    socket.write('HTTP/1.0 200 OK\r\nConnection: close\r\nContent-Type: application/json\r\n\r\n{"name":"')
    socket.end(Buffer.from([0xff, 0x22, 0x7d]))
  })
  const [reading] = await scrape([uri], within(5000))
  expect(reading).toMatchObject({ stats: { name: '\ufffd' } })
})

test('proxies of the environment are left aside', async () => {
  const uri = await answering('{}')
  const before = Bun.env['http_proxy']
  Bun.env['http_proxy'] = 'http://127.0.0.1:1'
  try {
    expect((await scrape([uri], within(5000))).map(problemOf)).toEqual([undefined])
  } finally {
    if (before === undefined) delete Bun.env['http_proxy']
    else Bun.env['http_proxy'] = before
  }
})

describe("a scrape's deadline is the scraper's less the offset", () => {
  test.each([
    ['10', 250, 9750],
    ['0.5', 250, 250],
    ['0.2', 250, 200],
    [null, 250, DEFAULT_TIMEOUT_MS - 250],
    ['', 250, DEFAULT_TIMEOUT_MS - 250],
    ['soon', 250, DEFAULT_TIMEOUT_MS - 250],
    ['-3', 250, DEFAULT_TIMEOUT_MS - 250],
    ['0', 250, DEFAULT_TIMEOUT_MS - 250],
    ['Infinity', 250, MAX_TIMEOUT_MS - 250],
    ['10', 60_000, 10_000],
  ])('%s s and %d ms', (header, offsetMs, expected) => {
    expect(timeoutMs(header, offsetMs)).toBe(expected)
  })
})

const down = (problem: string): Reading => ({ target: 'u', durationSeconds: 0, problem })

test('a change is logged once: down, down for another reason, up', () => {
  const log = { info: mock(), warn: mock() }
  const note = logChanges(log as never)
  const up = { target: 'u', durationSeconds: 0, stats: {} } as Reading

  for (const reading of [up, down('slow'), down('slow'), down('gone'), up, up]) note([reading])

  expect(log.warn.mock.calls).toEqual([
    [{ target: 'u', reason: 'slow' }, 'target is down'],
    [{ target: 'u', reason: 'gone' }, 'target is down'],
  ])
  expect(log.info.mock.calls).toEqual([[{ target: 'u' }, 'target is up again']])
})
