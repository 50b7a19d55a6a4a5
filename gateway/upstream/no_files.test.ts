/** A gateway that may open no further file says so, and no target is at fault. */
import { dlopen } from 'bun:ffi'
import { expect, spyOn, test } from 'bun:test'
import { namedUpstream, rawClient, startGateway, until } from '../testing.ts'
import { EJECT_AFTER } from './health.ts'

const GET = 'GET /dogs/ HTTP/1.1\r\nHost: a\r\n\r\n'
const OPEN_FILES = 7

/** Lowers this process's limit of open files to none, for the scope. */
function noFilesLeft(): Disposable {
  const { symbols } = dlopen('libc.so.6', {
    getrlimit: { args: ['int', 'ptr'], returns: 'int' },
    setrlimit: { args: ['int', 'ptr'], returns: 'int' },
  })
  const before = new BigUint64Array(2)
  if (symbols.getrlimit(OPEN_FILES, before) !== 0) throw new Error('the limit cannot be read')
  symbols.setrlimit(OPEN_FILES, new BigUint64Array([0n, before[1]!]))
  return { [Symbol.dispose]: () => void symbols.setrlimit(OPEN_FILES, before) }
}

const ejected = ({ server }: ReturnType<typeof startGateway>) => server.gateway.upstreams[0]!.states.ejected

test('a request that needs a connection gets a 503, and ejects no target', async () => {
  using first = await namedUpstream('first')
  using second = await namedUpstream('second')
  await using gateway = startGateway([first.url, second.url])
  using client = await rawClient(gateway.port, '')
  await until(() => gateway.server.connections() === 1)
  {
    using _ = noFilesLeft()
    for (let i = 1; i <= 2 * EJECT_AFTER; i++) {
      client.socket.write(GET)
      await client.until(new RegExp(`(too many open files"\\}[^]*){${i}}$`))
    }
  }
  expect(ejected(gateway)).toBe(0)
  expect(await gateway.counted()).toEqual({ 'GET dogs 503': 2 * EJECT_AFTER })
  expect(await gateway.ask(GET, /(first|second)$/)).toStartWith('HTTP/1.1 200 ')
})

test('a check that needs a file ejects no target', async () => {
  using first = await namedUpstream('first')
  using second = await namedUpstream('second')
  const health = { path: '/healthz', intervalMs: 1000, timeoutMs: 60_000, passes: 2, fails: 1 }
  await using gateway = startGateway([first.url, second.url], { upstream: { health } })
  using fetched = spyOn(globalThis, 'fetch')
  {
    using _ = noFilesLeft()
    gateway.advance(1000)
    expect(fetched).toHaveBeenCalledTimes(2)
    // The second check of a target shows that the first one has ended.
    while (fetched.mock.calls.length < 4) {
      await new Promise(setImmediate)
      gateway.advance(1000)
    }
  }
  expect(ejected(gateway)).toBe(0)
  expect(first.connections() + second.connections()).toBe(0)
})
