/** A scrape of several targets, its deadline, and its log lines. Targets that misbehave are in hostile.test.ts. */
import { afterEach, describe, expect, mock, spyOn, test } from 'bun:test'
import { mkdtempSync, readdirSync, renameSync, rmSync } from 'node:fs'
import { createServer, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { isExpected } from '@bun-monitoring/prefork/testing'
import { DEFAULT_TIMEOUT_MS, logChanges, MAX_TIMEOUT_MS, type Reading, scrape, timeoutMs } from './scrape.ts'
import { parseTarget } from '../config/target.ts'
import { http, MAX_BYTES, pour, problemOf, scrapeWithin, Targets } from '../testing.ts'
import { within } from './deadline.ts'
import { readDocument } from './read.ts'
import { DocumentMemory } from './document_memory.ts'

const targets = new Targets()
afterEach(() => targets.close())

const responding = (body: string) => targets.http((socket) => socket.end(http(body)))

test('a dead target affects its own reading only; readings are in the order of the targets', async () => {
  const alive = await responding('{"name":"dogs"}')
  const uris = ['http://127.0.0.1:1/stats', 'unix:///nowhere.sock', alive]
  const [dead, nowhere, dogs] = await scrapeWithin(5000, uris)
  expect(problemOf(dead)).toBe('nothing listens there (ECONNREFUSED)')
  expect(problemOf(nowhere)).toBe('nothing listens there (ENOENT)')
  expect(dogs).toEqual({
    target: alive,
    stats: { name: 'dogs' },
    durationSeconds: expect.any(Number),
  } as never)
})

test('a unix socket without a listener is distinguished from a missing one', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'exporter-unix-'))
  const left = join(folder, 'left.sock')
  const listener = Bun.listen({ unix: join(folder, 'served.sock'), socket: { data() {} } })
  // The renamed socket stays when its listener stops.
  renameSync(join(folder, 'served.sock'), left)
  listener.stop(true)
  const readings = await scrapeWithin(5000, [`unix://${left}`, `unix://${folder}/none.sock`])
  rmSync(folder, { recursive: true })
  expect(readings.map(problemOf)).toEqual([
    'nothing accepts connections there',
    'nothing listens there (ENOENT)',
  ])
})

test('the document of a unix socket is read, also if it closes at once', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'exporter-unix-'))
  const path = join(folder, 'stats.sock')
  const server = createServer((socket) => socket.end('{"name":"dogs"}'))
  await new Promise<void>((resolve) => server.listen(path, resolve))
  for (let scrapes = 0; scrapes < 5; scrapes++)
    expect(await scrapeWithin(5000, [`unix://${path}`])).toMatchObject([{ stats: { name: 'dogs' } }])
  server.close()
  rmSync(folder, { recursive: true })
})

test('the path of a unix socket has at most 107 bytes, as the system wants it', async () => {
  const uris = [107, 108].map((bytes) => `unix://${'/none.sock'.padStart(bytes, '/none')}`)
  expect((await scrapeWithin(5000, uris)).map(problemOf)).toEqual([
    'nothing listens there (ENOENT)',
    'its path is too long for a socket',
  ])
})

const hasPython = isExpected(
  Bun.which('python3') !== null,
  'python3 is not on PATH, so no abstract unix socket is read',
)

test.skipIf(!hasPython)('an abstract unix socket is read, and a missing one reported', async () => {
  const name = `exporter-${process.pid}-${performance.now()}`
  // Bun cannot listen on an abstract socket.
  const script =
    'import socket,sys\ns=socket.socket(socket.AF_UNIX)\ns.bind("\\0"+sys.argv[1])\ns.listen()\nprint(flush=True)\n' +
    'c=s.accept()[0]\nc.sendall(b\'{"name":"dogs"}\')\nc.close()'
  const child = Bun.spawn(['python3', '-c', script, name], { stdout: 'pipe' })
  await child.stdout.getReader().read()
  const readings = await scrapeWithin(5000, [`unix:@${name}`, 'unix:@exporter-none'])
  expect(readings).toMatchObject([
    { target: `unix:@${name}`, stats: { name: 'dogs' } },
    { problem: 'nothing accepts connections there' },
  ])
  await child.exited
})

test('targets are read at the same time', async () => {
  const connected: Socket[] = []
  const respondTogether = (socket: Socket) => {
    if (connected.push(socket) === 2) for (const each of connected) each.end(http('{}'))
  }
  const uris = await Promise.all([targets.http(respondTogether), targets.http(respondTogether)])
  const readings = await scrapeWithin(5000, uris)
  expect(readings.map(problemOf)).toEqual([undefined, undefined])
})

test('a name is read at each of its addresses, and an address of two names once', async () => {
  const port = /:(\d+)/.exec(await responding('{"name":"dogs"}'))![1]
  const lookup = async () => ['127.0.0.1', '127.0.0.2'].map((address) => ({ address, family: 4 }))
  const uris = [`http://dogs:${port}/stats`, `http://hounds:${port}/stats`]
  const readings = await scrapeWithin(5000, uris, false, lookup)
  expect(readings.map(({ target }) => target)).toEqual([
    `http://127.0.0.1:${port}/stats`,
    `http://127.0.0.2:${port}/stats`,
  ])
  expect(readings.map(problemOf)).toEqual([undefined, 'nothing listens there (ECONNREFUSED)'])
})

test('the duration is that of reading the target, in seconds', async () => {
  const uri = await targets.http((socket) => void setTimeout(() => socket.end(http('{}')), 200))
  const startedMs = performance.now()
  const [reading, dead] = await scrapeWithin(5000, [uri, 'http://127.0.0.1:1/stats'])
  const wholeSeconds = (performance.now() - startedMs) / 1000
  expect(reading!.durationSeconds).toBeGreaterThanOrEqual(0.199)
  expect(reading!.durationSeconds).toBeLessThanOrEqual(wholeSeconds)
  expect(dead!.durationSeconds).toBeLessThan(reading!.durationSeconds)
})

test.each([
  [4 * 2 ** 20, 0],
  [4 * 2 ** 20 + 1, 1],
])('after a document of %d bytes, garbage is collected %d times', async (bytes, times) => {
  const gc = spyOn(Bun, 'gc').mockImplementation(() => 0)
  const uri = await responding('{"workers":[]}'.padEnd(bytes))
  expect((await scrapeWithin(5000, [uri])).map(problemOf)).toEqual([undefined])
  await new Promise(setImmediate)
  expect(gc.mock.calls).toEqual(Array.from({ length: times }, () => [true]) as never)
  gc.mockRestore()
})

test.each([
  [1 << 20, undefined],
  [(1 << 20) + 1, 'the response is longer than 1048576 bytes'],
])('a response of %d bytes with a limit of 1 MiB', async (bytes, problem) => {
  const uri = await targets.tcp((socket) => socket.end('{}'.padEnd(bytes)))
  const [reading] = await within(5000, new AbortController().signal, (signal) =>
    scrape([parseTarget(uri)!], {
      signal,
      memory: new DocumentMemory(1 << 20),
      withCores: false,
      keepsName: false,
      acceptsAnyObject: true,
    }),
  )
  expect(problemOf(reading)).toBe(problem!)
})

test.each<[string, (socket: Socket) => void, number]>([
  ['a whole response', (socket) => void socket.write(http('{}')), 5000],
  ['a response that is too long', (socket) => pour(socket, Buffer.from(http('{}'.padEnd(1 << 17)))), 5000],
  ['a target that is too slow', (socket) => void socket.write('HTTP/1.1 200 OK\r\n\r\n{'), 50],
])('%s leaves neither memory nor a connection behind', async (_, respond, ms) => {
  const closed = Promise.withResolvers<unknown>()
  const uri = await targets.http((socket) => {
    socket.on('close', closed.resolve)
    respond(socket)
  })
  const memory = new DocumentMemory(1 << 16)
  const options = { memory, withCores: false, keepsName: false, acceptsAnyObject: true }
  await within(ms, new AbortController().signal, (signal) =>
    scrape([parseTarget(uri)!], { ...options, signal }),
  )
  expect(memory.heldBytes).toBe(0)
  await closed.promise
})

test('a connection that opens after the deadline is closed without a request', async () => {
  const seen = Promise.withResolvers<string>()
  const uri = await targets.tcp((socket) =>
    socket.on('data', () => seen.resolve('a request')).on('close', () => seen.resolve('no request')),
  )
  const options = { signal: AbortSignal.abort(), memory: new DocumentMemory(1 << 16) }
  await expect(readDocument(parseTarget(uri.replace('tcp', 'http'))!, options)).rejects.toThrow('in time')
  expect(await seen.promise).toBe('no request')
})

test('a unix socket that cannot be read leaves no open file', async () => {
  const files = () => readdirSync('/proc/self/fd').length
  const uris = ['unix:///nowhere.sock', 'unix:@exporter-none']
  await scrapeWithin(5000, uris)
  const before = files()
  for (let scrapes = 0; scrapes < 20; scrapes++) await scrapeWithin(5000, uris)
  expect(files()).toBeLessThan(before + 10)
})

test('proxies of the environment are not used', async () => {
  const uri = await responding('{}')
  const before = Bun.env['http_proxy']
  Bun.env['http_proxy'] = 'http://127.0.0.1:1'
  try {
    expect((await scrapeWithin(5000, [uri])).map(problemOf)).toEqual([undefined])
  } finally {
    if (before === undefined) delete Bun.env['http_proxy']
    else Bun.env['http_proxy'] = before
  }
})

describe('the page at /metrics', () => {
  const STATS = http('{"name":"dogs","workers":[]}')
  const byPath = (metrics: (socket: Socket) => void) =>
    targets.tcp((socket) => {
      socket.once('data', (request) => {
        if (request.toString().startsWith('GET /metrics ')) metrics(socket)
        else socket.end(STATS)
      })
    })
  const pageOf = async (origin: string, path: string, metricsMemory?: DocumentMemory) => {
    const [reading] = await within(2000, new AbortController().signal, (signal) =>
      scrape([parseTarget(origin.replace('tcp:', 'http:') + path)!], {
        signal,
        memory: new DocumentMemory(MAX_BYTES),
        withCores: false,
        keepsName: false,
        acceptsAnyObject: false,
        ...(metricsMemory ? { metricsMemory } : {}),
      }),
    )
    expect(problemOf(reading)).toBeUndefined()
    return reading!.metricsPage
  }
  const small = () => new DocumentMemory(1 << 20)

  test('is read beside /stats, if it is asked for', async () => {
    const origin = await byPath((socket) => socket.end(http('a 1\n')))
    expect(await pageOf(origin, '/stats', small())).toBe('a 1\n')
    expect(await pageOf(origin, '/stats')).toBeUndefined()
    expect(await pageOf(origin, '/other', small())).toBeUndefined()
  })

  test.each([
    ['a status other than 200', (socket: Socket) => void socket.end(http('', 'HTTP/1.1 404 Not Found'))],
    ['no response', () => {}],
    [
      'an endless one',
      (socket: Socket) => {
        socket.write('HTTP/1.1 200 OK\r\n\r\n')
        pour(socket, Buffer.alloc(1 << 16, 'a'))
      },
    ],
  ])('that cannot be read does not affect the stats: %s', async (_, respond) => {
    expect(await pageOf(await byPath(respond), '/stats', small())).toBeUndefined()
  })
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
    ['0.25', 250, 250],
    ['0.001', 0, 1],
    ['0.0105', 0, 11],
    ['0.251', 250, 1],
    ['120', 0, 120_000],
    ['121', 0, 120_000],
    [null, 0, 10_000],
  ])('%s s and %d ms', (header, offsetMs, expected) => {
    expect(timeoutMs(header, offsetMs)).toBe(expected)
  })
})

const down = (problem: string): Reading => ({ target: 'u', durationSeconds: 0, problem })

test('a change is logged once: down, down for another reason, up', () => {
  const log = { debug: mock(), info: mock(), warn: mock(), error: mock() }
  const note = logChanges(log)
  const up = { target: 'u', durationSeconds: 0, stats: {} } as Reading

  for (const reading of [up, down('slow'), down('slow'), down('gone'), up, up]) note([reading])

  expect(log.warn.mock.calls).toEqual([
    [{ target: 'u', reason: 'slow' }, 'target is down'],
    [{ target: 'u', reason: 'gone' }, 'target is down'],
  ])
  expect(log.info.mock.calls).toEqual([[{ target: 'u' }, 'target is up again']])
})

test('a probe of one target does not affect what is logged of others', () => {
  const log = { debug: mock(), info: mock(), warn: mock(), error: mock() }
  const note = logChanges(log)
  note([down('slow')])
  note([{ target: 'v', durationSeconds: 0, problem: 'gone' }])
  note([down('slow')])
  expect(log.warn).toHaveBeenCalledTimes(2)
})

test('a thousand failing targets are each logged once, and the reasons of more are forgotten', () => {
  const log = { debug: mock(), info: mock(), warn: mock(), error: mock() }
  const note = logChanges(log)
  const failing = (count: number) =>
    Array.from({ length: count }, (_, i): Reading => ({
      target: `u${i}`,
      durationSeconds: 0,
      problem: 'gone',
    }))
  for (let scrapes = 0; scrapes < 3; scrapes++) note(failing(1000))
  expect(log.warn).toHaveBeenCalledTimes(1000)
  note(failing(1001))
  note(failing(1))
  expect(log.warn).toHaveBeenCalledTimes(1002)
})
