/** Where requests go: to all targets there are, evenly, and to none that is not well or not there any more. */
import { describe, expect, test } from 'bun:test'
import { renameSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { namedUpstream, rawClient, startGateway, temporaryFolder, until } from './testing.ts'

const GET = 'GET /dogs/ HTTP/1.1\r\nHost: a\r\n\r\n'
const ANSWER = /(first|second)$/

const statesOf = ({ server }: ReturnType<typeof startGateway>) => server.gateway.upstreams[0]!.states
const targetsOf = (gateway: ReturnType<typeof startGateway>) =>
  Object.values(statesOf(gateway)).reduce((sum, count) => sum + count, 0)

describe('the sockets in a folder', () => {
  test('are targets, as long as they are there, and no other file is one', async () => {
    using folder = temporaryFolder()
    const path = (name: string) => join(folder.path, name)
    using first = await namedUpstream('first', { unix: path('dogs.host.1.sock') })
    using others = new DisposableStack()
    others.use(await namedUpstream('private', { unix: path('.dogs.host.2') }))
    others.use(await namedUpstream('cats', { unix: path('cats.host.1.sock') }))
    await Bun.write(path('dogs.host.9.sock'), 'no socket')
    await using gateway = startGateway(`unix:${path('dogs.*.sock')}`)
    expect(targetsOf(gateway)).toBe(1)
    using second = await namedUpstream('second', { unix: path('dogs.host.2.sock') })
    await until(() => targetsOf(gateway) === 2)
    while (first.asked.length === 0 || second.asked.length === 0)
      expect(await gateway.ask(GET, /\w$/)).toMatch(ANSWER)

    rmSync(path('dogs.host.2.sock'))
    await until(() => targetsOf(gateway) === 1)
    const before = second.asked.length
    for (let i = 0; i < 20; i++) expect(await gateway.ask(GET, ANSWER)).toEndWith('first')
    expect(second.asked).toHaveLength(before)
  })

  test('that take the place of another one are new, and the old one finishes what it has', async () => {
    using folder = temporaryFolder()
    const unix = join(folder.path, 'dogs.host.1.sock')
    using first = await namedUpstream('first', { unix })
    first.state.does = 'nothing'
    await using gateway = startGateway(`unix:${join(folder.path, 'dogs.*.sock')}`)
    using client = await rawClient(gateway.port, GET)
    await until(() => first.asked.length === 1)
    const before = statesOf(gateway)
    using others = new DisposableStack()
    others.use(await namedUpstream('second', { unix: join(folder.path, '.second') }))
    renameSync(join(folder.path, '.second'), unix)
    await until(() => statesOf(gateway).slow_start === 1)
    expect(before).toEqual({ healthy: 1, ejected: 0, slow_start: 0 })
    expect(await gateway.ask(GET, ANSWER)).toEndWith('second')
    for (const socket of first.sockets) socket.write(first.answer)
    expect(await client.until(ANSWER)).toEndWith('first')
    await until(() => first.sockets.size === 0)
  })

  test('are found in a folder that is made later', async () => {
    using folder = temporaryFolder()
    const later = join(folder.path, 'later')
    await using gateway = startGateway(`unix:${later}/dogs.*.sock`)
    await Bun.$`mkdir ${later}`
    using others = new DisposableStack()
    others.use(await namedUpstream('first', { unix: join(later, 'dogs.1.sock') }))
    gateway.advance(1001)
    expect(await gateway.ask(GET, ANSWER)).toEndWith('first')
  })
})

test('a host name stands for its addresses', async () => {
  using first = await namedUpstream('first')
  await using gateway = startGateway(first.url.replace('127.0.0.1', 'localhost'))
  await gateway.server.hasTargets
  expect(targetsOf(gateway)).toBeGreaterThan(0)
  expect(await gateway.ask(GET, ANSWER)).toEndWith('first')
})

test('a name that is not known has no target', async () => {
  await using gateway = startGateway('http://nowhere.invalid:8001')
  await gateway.server.hasTargets
  expect(targetsOf(gateway)).toBe(0)
})

describe('checks', () => {
  const health = { path: '/healthz', intervalMs: 1000, timeoutMs: 1000, passes: 2, fails: 3 }

  test('take out who fails them, and bring it back', async () => {
    let isWell = true
    const checks: string[] = []
    const fetchAs = (name: string) => (request: Request) => {
      if (!request.url.endsWith('/healthz')) return new Response(name)
      checks.push(name)
      return new Response(null, { status: name === 'first' || isWell ? 200 : 503 })
    }
    await using first = Bun.serve({ port: 0, hostname: '127.0.0.1', fetch: fetchAs('first') })
    await using second = Bun.serve({ port: 0, hostname: '127.0.0.1', fetch: fetchAs('second') })
    const targets = [first, second].map(({ port }) => `http://127.0.0.1:${port}`)
    await using gateway = startGateway(targets, { upstream: { health } })
    const untilOneIs = async (state: 'ejected' | 'slow_start') => {
      while (statesOf(gateway)[state] === 0) {
        gateway.advance(100)
        await new Promise(setImmediate)
      }
    }
    // Whoever passes stays.
    while (checks.length < 10) {
      gateway.advance(100)
      await new Promise(setImmediate)
    }
    expect(statesOf(gateway)).toEqual({ healthy: 2, ejected: 0, slow_start: 0 })
    isWell = false
    await untilOneIs('ejected')
    for (let i = 0; i < 20; i++) expect(await gateway.ask(GET, ANSWER)).toEndWith('first')
    isWell = true
    await untilOneIs('slow_start')
    let answer = ''
    while (!answer.endsWith('second')) answer = await gateway.ask(GET, ANSWER)
  })
})

test('what a client does counts against nobody', async () => {
  using first = await namedUpstream('first')
  using second = await namedUpstream('second')
  first.state.does = second.state.does = 'nothing'
  await using gateway = startGateway([first.url, second.url])
  for (let i = 1; i <= 20; i++) {
    using client = await rawClient(gateway.port, GET)
    await until(() => first.asked.length + second.asked.length === i)
    client.socket.resetAndDestroy()
    await until(() => gateway.server.connections() === 0)
  }
  expect(statesOf(gateway)).toEqual({ healthy: 2, ejected: 0, slow_start: 0 })
})
