/** A cluster of one process, in the process of the test: the signals and the log are the test's. run.slow.test.ts has real ones. */
import { afterEach, expect, setDefaultTimeout, test } from 'bun:test'
import { readdirSync, rmSync } from 'node:fs'
import { hostname } from 'node:os'
import { Type } from '@sinclair/typebox'
import type { StatsDocument } from './admin/stats_document.ts'
import { runSingle } from './run_single.ts'
import { freePort } from './shared/bind.ts'
import type { Cluster } from './shared/cluster.ts'
import { processSettings, readConfig } from './shared/config.ts'
import { EXIT } from './shared/exit_codes.ts'
import type { Logger } from './shared/logger.ts'
import { RequestCounters } from './shared/request_counters.ts'
import { temporaryFolder } from './testdata/toys.ts'
import { serveHttp } from './worker/serve_http.ts'

/** The machine may be busy. */
setDefaultTimeout(120_000)

afterEach(() => {
  RequestCounters.own = undefined
})

const schema = Type.Object(processSettings({ port: 0, adminPort: 0 }))
const EVENTS = [
  'SIGUSR1',
  'SIGUSR2',
  'SIGHUP',
  'SIGTTIN',
  'SIGTTOU',
  'uncaughtException',
  'unhandledRejection',
]
const listeners = () => EVENTS.map((event) => process.listenerCount(event))

function running(env: Record<string, string> = {}, parts: Partial<Cluster> = {}) {
  const config = readConfig(schema, 'TOYS', { TOYS_WORKERS: '0', TOYS_LAME_DUCK_MS: '0', ...env })
  const lines: { level: string; msg: string; fields: Record<string, unknown> }[] = []
  const ready = Promise.withResolvers<{ url: string; admin: string }>()
  const write = (level: string) => (first: unknown, message?: string) => {
    const fields = (typeof first === 'string' ? {} : first) as Record<string, unknown>
    const msg = message ?? String(first)
    lines.push({ level, msg, fields })
    if (msg === 'ready') ready.resolve(fields as { url: string; admin: string })
  }
  const log = Object.fromEntries(['info', 'warn', 'error', 'fatal'].map((level) => [level, write(level)]))
  const [drain, now] = [Promise.withResolvers<NodeJS.Signals>(), Promise.withResolvers<NodeJS.Signals>()]
  let disposed = 0
  const cluster: Cluster = {
    name: 'toys',
    version: '1.0.0',
    prefix: 'TOYS',
    config: () => config,
    serve: (_, { addresses }) =>
      serveHttp(addresses, {
        fetch: ({ url }) => (url.endsWith('/never') ? new Promise(() => {}) : new Response('toy')),
      }),
    ...parts,
  }
  const code = runSingle(cluster, config, log as unknown as Logger, {
    drain: drain.promise,
    now: now.promise,
    dispose: () => void disposed++,
  })
  return {
    code,
    ready: ready.promise,
    drain: drain.resolve,
    now: now.resolve,
    said: () => lines.map(({ level, msg }) => `${level} ${msg}`),
    fieldsOf: (msg: string) => lines.find((line) => line.msg === msg)!.fields,
    disposed: () => disposed,
  }
}

test('it serves, tells its stats, and ends without a trace', async () => {
  const before = listeners()
  const cluster = running()
  const { url, admin } = await cluster.ready
  expect(cluster.fieldsOf('ready')).toEqual({ url, admin, workers: 0 })
  expect(await (await fetch(url)).text()).toBe('toy')
  expect(await (await fetch(`${admin}/readyz`)).text()).toBe('ready\n')
  const stats = (await (await fetch(`${admin}/stats`)).json()) as StatsDocument
  expect(stats).toMatchObject({
    name: 'toys',
    pid: process.pid,
    reloads: 0,
    reloads_failed: 0,
    last_reload: 0,
  })
  expect(stats.workers).toHaveLength(1)
  expect(stats.workers[0]).toMatchObject({
    id: 1,
    pid: process.pid,
    accepting: 1,
    state: 'ready',
    requests: 1,
    delta_requests: 1,
    respawn_count: 1,
    in_flight: 0,
    oldest_request_us: 0,
    exits: {},
  })
  expect(stats.workers[0]!.last_spawn).toBeGreaterThan(Date.now() / 1000 - 60)
  expect(stats.workers[0]!.heartbeat_age_us).toBeLessThan(20_000_000)
  expect(await (await fetch(`${admin}/metrics`)).text()).toContain('app_info{name="toys",version="1.0.0"')
  cluster.drain('SIGTERM')
  expect(await cluster.code).toBe(EXIT.ok)
  expect(cluster.said()).toEqual(['info ready', 'info draining', 'info stopped'])
  expect(cluster.fieldsOf('draining')).toEqual({ signal: 'SIGTERM', inFlight: 0, drainMs: 10_000 })
  expect(listeners()).toEqual(before)
  expect(cluster.disposed()).toBe(1)
  for (const address of [url, admin]) await expect(fetch(address)).rejects.toThrow()
})

test.each([
  ['SIGTERM', true],
  ['SIGINT', false],
] as const)('after %s it is a lame duck: %p', async (signal, isLameDuck) => {
  const cluster = running({ TOYS_LAME_DUCK_MS: '600000' })
  const { url, admin } = await cluster.ready
  cluster.drain(signal)
  if (isLameDuck) {
    while (!cluster.said().includes('info draining')) await Bun.sleep(1)
    expect((await fetch(url)).headers.get('connection')).toBe('close')
    expect(await (await fetch(`${admin}/readyz`)).json()).toMatchObject({ detail: 'toys is stopping' })
    const { workers } = (await (await fetch(`${admin}/stats`)).json()) as StatsDocument
    expect(workers[0]).toMatchObject({ state: 'draining', accepting: 0 })
    cluster.now('SIGQUIT')
  }
  // The time limit of this test is shorter than the lame duck.
  expect(await cluster.code).toBe(EXIT.ok)
})

test('a request in flight is shown with its age, and cut off by an order to end now', async () => {
  const cluster = running()
  const { url, admin } = await cluster.ready
  const never = fetch(`${url}/never`).catch(() => 'cut off')
  const oldest = async () => {
    const { workers } = (await (await fetch(`${admin}/stats`)).json()) as StatsDocument
    return workers[0]!.oldest_request_us
  }
  while ((await oldest()) < 20_000) await Bun.sleep(5)
  // It began after this process did.
  expect(await oldest()).toBeLessThan(performance.now() * 1000)
  cluster.drain('SIGTERM')
  cluster.now('SIGTERM')
  expect(await never).toBe('cut off')
  expect(await cluster.code).toBe(EXIT.ok)
  expect(cluster.fieldsOf('draining')['inFlight']).toBe(1)
  expect(cluster.fieldsOf('requests were cut off')).toEqual({ inFlight: 1, drainMs: 10_000 })
})

test('it is not ready before its app serves', async () => {
  const serves = Promise.withResolvers<void>()
  const begins = Promise.withResolvers<void>()
  const adminPort = freePort()
  const cluster = running(
    { TOYS_ADMIN_PORT: String(adminPort) },
    {
      async serve(_, { addresses }) {
        begins.resolve()
        await serves.promise
        return serveHttp(addresses, { fetch: () => new Response('toy') })
      },
    },
  )
  await begins.promise
  const response = await fetch(`http://127.0.0.1:${adminPort}/readyz`)
  expect([response.status, await response.json()]).toMatchObject([503, { detail: 'toys is starting' }])
  const { workers } = (await (await fetch(`http://127.0.0.1:${adminPort}/stats`)).json()) as StatsDocument
  expect(workers[0]).toMatchObject({ state: 'starting', heartbeat_age_us: 0 })
  serves.resolve()
  await cluster.ready
  cluster.drain('SIGINT')
  expect(await cluster.code).toBe(EXIT.ok)
})

test('it listens on the socket of its slot, and removes it', async () => {
  const folder = temporaryFolder()
  await Bun.write(`${folder}/toys.${hostname()}.2.sock`, 'left by a cluster that was killed')
  const cluster = running({ TOYS_SOCKET_DIR: folder })
  await cluster.ready
  expect(readdirSync(folder)).toEqual([`toys.${hostname()}.1.sock`])
  const unix = `${folder}/toys.${hostname()}.1.sock`
  expect(await (await fetch('http://localhost/', { unix, keepalive: false })).text()).toBe('toy')
  cluster.drain('SIGINT')
  expect(await cluster.code).toBe(EXIT.ok)
  expect(readdirSync(folder)).toEqual([])
  rmSync(folder, { recursive: true })
})

test('a socket folder that cannot be made ends it with 3', async () => {
  const cluster = running({ TOYS_SOCKET_DIR: '/proc/nowhere' })
  expect(await cluster.code).toBe(EXIT.couldNotStart)
  expect(cluster.said()).toEqual([expect.stringContaining('fatal /proc/nowhere cannot hold sockets')])
})

test('an app that cannot close ends it with 1, and that is told', async () => {
  const cluster = running(
    {},
    {
      serve: (_, { addresses }) =>
        serveHttp(addresses, {
          fetch: () => new Response(),
          close: () => Promise.reject(new Error('the disk is full')),
        }),
    },
  )
  await cluster.ready
  cluster.drain('SIGINT')
  expect(await cluster.code).toBe(EXIT.crashed)
  expect(cluster.said().slice(1)).toEqual([
    'info draining',
    'error the app could not close its resources: the disk is full',
  ])
})

test.each([
  [
    'a failed migration',
    { prepare: () => Promise.reject(new Error('no such table')) },
    'toys could not start: no such table',
  ],
  [
    'an app that cannot serve',
    {
      serve() {
        throw new Error('no disk')
      },
    },
    'toys could not start: no disk',
  ],
])('%s ends it with 3 and one line', async (_, parts: Partial<Cluster>, message) => {
  const before = listeners()
  const cluster = running({}, parts)
  expect(await cluster.code).toBe(EXIT.couldNotStart)
  expect(cluster.said()).toEqual([`fatal ${message}`])
  expect(cluster.fieldsOf(message)).toMatchObject({ err: { message: message.split(': ')[1] } })
  expect(listeners()).toEqual(before)
})

test('the words of a taken port need no stack trace', async () => {
  const taken = Bun.serve({ hostname: '127.0.0.1', port: 0, fetch: () => new Response() })
  const cluster = running({ TOYS_PORT: String(taken.port) })
  expect(await cluster.code).toBe(EXIT.couldNotStart)
  expect(cluster.said()[0]).toStartWith(`fatal port ${taken.port} is taken`)
  expect(cluster.fieldsOf(cluster.said()[0]!.slice('fatal '.length))).toEqual({})
  await taken.stop(true)
})

test('a signal during the migrations ends it before it serves', async () => {
  const migrated = Promise.withResolvers<void>()
  const cluster = running({}, { prepare: () => migrated.promise })
  cluster.drain('SIGTERM')
  await Bun.sleep(0)
  migrated.resolve()
  expect(await cluster.code).toBe(EXIT.ok)
  expect(cluster.said()).toEqual(['info stopping when the migrations are done', 'info stopped'])
})

test('a port is shared only with clusters that share it', async () => {
  const first = running({ TOYS_SHARE_PORT: 'yes' })
  const { url } = await first.ready
  const second = running({ TOYS_SHARE_PORT: 'yes', TOYS_PORT: new URL(url).port })
  expect((await second.ready).url).toBe(url)
  const third = running({ TOYS_PORT: new URL(url).port })
  expect(await third.code).toBe(EXIT.couldNotStart)
  for (const cluster of [first, second]) cluster.drain('SIGINT')
  expect(await Promise.all([first.code, second.code])).toEqual([EXIT.ok, EXIT.ok])
  const alone = running()
  const taken = running({ TOYS_SHARE_PORT: 'yes', TOYS_PORT: new URL((await alone.ready).url).port })
  expect(await taken.code).toBe(EXIT.couldNotStart)
  alone.drain('SIGINT')
  expect(await alone.code).toBe(EXIT.ok)
})

test('requests that an app took upon itself to count, and did not, are cut off with a word all the same', async () => {
  const asked = Promise.withResolvers<void>()
  const cluster = running(
    { TOYS_DRAIN_MS: '50' },
    {
      serve(_, { addresses, tally }) {
        expect(tally.inFlight).toBe(0)
        return serveHttp(addresses, {
          fetch() {
            asked.resolve()
            return new Promise(() => {})
          },
        })
      },
    },
  )
  const { url } = await cluster.ready
  const never = fetch(url).catch(() => 'cut off')
  await asked.promise
  cluster.drain('SIGINT')
  expect(await never).toBe('cut off')
  expect(await cluster.code).toBe(EXIT.ok)
  expect(cluster.fieldsOf('requests were cut off')).toEqual({ inFlight: 1, drainMs: 50 })
})
