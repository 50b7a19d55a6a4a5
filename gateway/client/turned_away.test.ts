/** Clients above the limit of connections, and gateways whose limit of open files is small. */
import { TestProcess } from '@bun-monitoring/prefork/testing'
import { expect, test } from 'bun:test'
import { join } from 'node:path'
import { namedUpstream, rawClient, startGateway, temporaryFolder, until } from '../testing.ts'
import { LINGER_MS } from './client_socket.ts'
import { MAX_TURNED_AWAY } from './turned_away.ts'

const GET = 'GET /dogs/ HTTP/1.1\r\nHost: a\r\n\r\n'

test('a client that uploads gets its 503, each time', async () => {
  await using gateway = startGateway('http://127.0.0.1:1', { limits: { connections: 1 } })
  using first = await rawClient(gateway.port, '')
  await until(() => gateway.server.connections() === 1)
  const head = 'POST /dogs/ HTTP/1.1\r\nHost: a\r\nContent-Length: 100000\r\n\r\n'
  for (let i = 0; i < 20; i++) {
    using client = await rawClient(gateway.port, head + 'x'.repeat(100_000))
    expect(await client.untilClosed()).toMatch(
      /^HTTP\/1\.1 503 [^]*Retry-After: 1\r\n[^]*too many connections"\}$/,
    )
    expect(client.wasReset()).toBe(false)
  }
  expect(await gateway.metric('gateway_rejections_total{reason="connections"}')).toBe(20)
  expect(first.received()).toBe('')
})

test('clients that stay are reset after a while, and too many of them at once', async () => {
  await using gateway = startGateway('http://127.0.0.1:1', { limits: { connections: 1 } })
  using clients = new DisposableStack()
  clients.use(await rawClient(gateway.port, ''))
  await until(() => gateway.server.connections() === 1)
  const { turnedAway } = gateway.server.gateway
  const stay = { allowHalfOpen: true }
  const others = []
  for (let i = 0; i < MAX_TURNED_AWAY; i++) others.push(clients.use(await rawClient(gateway.port, GET, stay)))
  await until(() => turnedAway.size === MAX_TURNED_AWAY)
  for (const client of others) await client.until(/\}$/)
  const oneMore = clients.use(await rawClient(gateway.port, GET, stay))
  expect(await oneMore.untilClosed()).toBe('')
  gateway.advance(LINGER_MS)
  expect(turnedAway.size).toBe(MAX_TURNED_AWAY)
  gateway.advance(1)
  expect(turnedAway.size).toBe(0)
})

test('a client that has read its 503 and closes its half is closed at once', async () => {
  await using gateway = startGateway('http://127.0.0.1:1', { limits: { connections: 1 } })
  using _ = await rawClient(gateway.port, '')
  await until(() => gateway.server.connections() === 1)
  const { turnedAway } = gateway.server.gateway
  using client = await rawClient(gateway.port, GET, { allowHalfOpen: true })
  await client.until(/\}$/)
  expect(turnedAway.size).toBe(1)
  client.socket.end()
  await until(() => turnedAway.size === 0)
  // One that stays is reset by a forced stop.
  using other = await rawClient(gateway.port, GET, { allowHalfOpen: true })
  await other.until(/\}$/)
  expect(turnedAway.size).toBe(1)
  expect(client.wasReset()).toBe(false)
  expect(await gateway.metric('gateway_sent_bytes_total')).toBe(
    client.received().length + other.received().length,
  )
  await gateway.server.stop(true)
  expect(turnedAway.size).toBe(0)
})

/** A gateway in a process of its own that may open so many files. */
async function startWithFiles(files: number, url: string, folder: string) {
  const config = join(folder, 'gateway.toml')
  await Bun.write(
    config,
    `[[upstream]]\nname = "dogs"\ntargets = ["${url}"]\nhealth = { path = "/healthz", interval_ms = 50, fails = 1 }
     [[route]]\nid = "dogs"\npath = "/dogs"\nupstream = "dogs"`,
  )
  const program = `
    import { dlopen } from 'bun:ffi'
    const { symbols } = dlopen('libc.so.6', { setrlimit: { args: ['int', 'ptr'], returns: 'int' } })
    if (symbols.setrlimit(7, new BigUint64Array([${files}n, ${files}n])) !== 0) throw new Error('no limit')
    await import(${JSON.stringify(join(import.meta.dir, '../index.ts'))})`
  const env = { GATEWAY_CONFIG: config, GATEWAY_PORT: '0', GATEWAY_ADMIN_PORT: '0', GATEWAY_WORKERS: '0' }
  return new TestProcess(['-e', program], env)
}

test('more idle connections than files cost no target, and no client that is connected', async () => {
  using folder = temporaryFolder()
  using upstream = await namedUpstream('first')
  await using gateway = await startWithFiles(256, upstream.url, folder.path)
  const { url, admin } = await gateway.ready()
  const port = Number(new URL(url).port)
  expect(
    (await gateway.line('connections = 16384 does not fit into the limit of open files (256)')).level,
  ).toBe('warn')
  using clients = new DisposableStack()
  const all: Awaited<ReturnType<typeof rawClient>>[] = []
  for (let i = 0; i < 400; i++) all.push(clients.use(await rawClient(port, '')))
  const turnedAway = () => all.filter((client) => client.received() !== '' || client.socket.destroyed).length
  await until(() => turnedAway() === 400 - 120)
  for (const client of all.slice(0, 3)) {
    client.socket.write(GET)
    expect(await client.until(/first$|\}$/)).toStartWith('HTTP/1.1 200 ')
  }
  const page = await (await fetch(`${admin}/metrics`)).text()
  expect(page).toContain('gateway_upstream_targets{upstream="dogs",state="ejected"} 0')
}, 120_000)
