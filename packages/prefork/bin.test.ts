/** The command `prefork` with apps from outside this repository's workspaces: plain Bun, Hono and Elysia. */
import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from 'bun:test'
import { randomFrom } from '@bun-monitoring/metrics/testing'
import { mkdirSync, rmSync, symlinkSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'
import type { StatsDocument } from './admin/stats_document.ts'
import { sumOf, temporaryFolder } from './testdata/toys.ts'
import { TestProcess } from './testing.ts'
import { Load } from './testing_load.ts'

/** Real processes on a machine that may be busy. */
setDefaultTimeout(30_000)

const SEED = Number(Bun.env.DEATH_SEED ?? Date.now() % 100_000)
const SECONDS = Number(Bun.env.DEATH_SECONDS ?? 20)
const KILL_EVERY_MS = 500

/** Paths that all apps have: `/`, `/missing` (404), `/throw`, `/ip`, and a WebSocket at `/ws`. */
const APPS: Record<string, (body: string) => string> = {
  'plain.ts': (body) => `export default {
    fetch(request, server) {
      const { pathname } = new URL(request.url)
      if (server.upgrade(request)) return
      if (pathname === '/throw') throw new Error('on purpose')
      if (pathname === '/later') return new Promise((_, reject) => setTimeout(() => reject(new Error('later')), 1))
      if (pathname === '/ip') return Response.json(server.requestIP(request))
      if (pathname === '/echo') return new Response(request.body)
      return new Response(pathname === '/' ? '${body}' : 'nothing here', { status: pathname === '/' ? 200 : 404 })
    },
    routes: {
      '/fixed': new Response('fixed'),
      '/dogs/:id': (request) => new Response('dog ' + request.params.id),
      '/cats': { POST: () => new Response('made', { status: 201 }) },
      '/broken': () => { throw new Error('in a route') },
    },
    websocket: { message: (socket, text) => void socket.send('echo ' + text) },
    error: (error) => new Response(error.message, { status: 418 }),
    maxRequestBodySize: 1000,
    idleTimeout: 20,
  }`,
  'hono.ts': (body) => `import { Hono } from 'hono'
    const app = new Hono()
    app.get('/', (context) => context.text('${body}'))
    app.get('/throw', () => { throw new Error('on purpose') })
    export default app`,
  'elysia.ts': (body) => `import { Elysia } from 'elysia'
    export default new Elysia({ serve: { maxRequestBodySize: 1000 } })
      .onStart(() => void console.log('started'))
      .onStop(() => void console.log('stopped'))
      .get('/', () => '${body}')
      .get('/throw', () => { throw new Error('on purpose') })
      .post('/size', ({ body }) => String(body.length))
      .get('/dogs/:id', ({ params }) => 'dog ' + params.id)
      .get('/ip', ({ server, request }) => server.requestIP(request))
      .ws('/ws', { message: (socket, text) => void socket.send('echo ' + text) })`,
}

const folder = temporaryFolder()
afterAll(() => rmSync(folder, { recursive: true, force: true }))
beforeAll(() => {
  mkdirSync(join(folder, 'node_modules'))
  const packages = [require.resolve('hono/package.json'), require.resolve('elysia/package.json')].map(dirname)
  for (const path of packages) symlinkSync(path, join(folder, 'node_modules', basename(path)))
})

const write = (file: string, body: string) => Bun.write(join(folder, file), APPS[file]!(body))

class Command extends TestProcess {
  constructor(...args: string[]) {
    const quick = ['--port=0', '--admin-port=0', '--lame-duck-ms=100']
    super([join(import.meta.dir, 'bin.ts'), ...args, ...quick], {}, { cwd: folder })
  }

  async get(path: string, init: RequestInit = {}): Promise<Response> {
    return fetch((await this.ready()).url + path, init)
  }

  async admin(path: string): Promise<Response> {
    return fetch((await this.ready()).admin + path)
  }

  async stats(): Promise<StatsDocument> {
    return (await (await this.admin('/stats')).json()) as StatsDocument
  }

  async target() {
    return { hostname: '127.0.0.1', port: Number(new URL((await this.ready()).url).port) }
  }

  async counted(): Promise<number> {
    return sumOf(await (await this.admin('/metrics')).text(), 'http_server_request_duration_seconds_count')
  }

  async until(isSo: (stats: StatsDocument) => boolean): Promise<void> {
    while (!isSo(await this.stats())) await Bun.sleep(10)
  }
}

/** Series of durations, as `method route status count`. */
const countsOf = (page: string) =>
  [
    ...page.matchAll(
      /^http_server_request_duration_seconds_count\{http_request_method="(\w+)",http_route="([^"]*)",http_response_status_code="(\d+)"\} (\d+)$/gm,
    ),
  ]
    .map(([, ...values]) => values.join(' '))
    .sort()

describe.each(['plain.ts', 'hono.ts'])('%s with 2 workers', (file) => {
  test('SIGHUP under load: new code, no failed request, and each request is counted', async () => {
    await write(file, 'first')
    await using command = new Command(file, '--workers', '2')
    const load = new Load(await command.target(), { connections: 16 })
    for (const [index, body] of ['second', 'third', 'fourth'].entries()) {
      await load.more(500)
      await write(file, body)
      command.signal('SIGHUP')
      await command.until(({ reloads }) => reloads === index + 1)
      const before = load.bodies.get(body) ?? 0
      while ((load.bodies.get(body) ?? 0) < before + 200) await load.more(1)
    }
    await load.stop()
    expect(load.failures).toEqual([])
    expect(await command.counted()).toBe(load.answered)
    const { workers } = await command.stats()
    expect(workers.reduce((sum, { requests }) => sum + requests, 0)).toBe(load.answered)
  }, 60_000)

  test(
    `a worker killed every ${KILL_EVERY_MS} ms for ${SECONDS} s: no GET fails twice, and the counts agree (seed ${SEED})`,
    async () => {
      await write(file, 'toy')
      await using command = new Command(file, '--workers=2')
      const random = randomFrom(SEED)
      await using load = new Load(await command.target(), { connections: 8, repeatGets: true, pauseMs: 2 })
      const endMs = performance.now() + SECONDS * 1000
      while (performance.now() < endMs) {
        const nextMs = performance.now() + KILL_EVERY_MS
        const { workers } = await command.stats()
        const victim = workers[Math.floor(random() * workers.length)]!
        process.kill(victim.pid, 'SIGKILL')
        await command.until((stats) =>
          stats.workers.every(({ pid, accepting }) => pid !== victim.pid && accepting === 1),
        )
        await Bun.sleep(Math.max(0, nextMs - performance.now()))
      }
      await load.stop()
      expect(load.failures).toEqual([])
      const page = await (await command.admin('/metrics')).text()
      const total = sumOf(page, 'http_server_request_duration_seconds_count')
      const abandoned = sumOf(page, 'http_server_abandoned_requests_total')
      expect(total + abandoned).toBeGreaterThanOrEqual(load.answered)
      expect(total).toBeLessThanOrEqual(load.answered + load.repeated)
    },
    SECONDS * 1000 + 60_000,
  )
})

test('a plain app has its routes, errors, WebSockets, limits and clients, and each is counted', async () => {
  await write('plain.ts', 'toy')
  await using command = new Command('plain.ts', '--workers=1', '--name=toys')
  const bodyOf = async (path: string, init: RequestInit = {}) => {
    const response = await command.get(path, init)
    return `${response.status} ${await response.text()}`
  }
  expect(await bodyOf('/')).toBe('200 toy')
  expect(await bodyOf('/missing')).toBe('404 nothing here')
  expect(await bodyOf('/throw')).toBe('418 on purpose')
  expect(await bodyOf('/later')).toBe('418 later')
  expect(await bodyOf('/fixed')).toBe('200 fixed')
  expect(await bodyOf('/fixed')).toBe('200 fixed')
  expect(await bodyOf('/dogs/7')).toBe('200 dog 7')
  expect(await bodyOf('/cats', { method: 'POST' })).toBe('201 made')
  expect(await bodyOf('/broken')).toBe('418 in a route')
  expect(await bodyOf('/ip')).toContain('"127.0.0.1"')
  expect(await bodyOf('/echo', { method: 'POST', body: 'x'.repeat(1000) })).toBe(`200 ${'x'.repeat(1000)}`)
  expect((await command.get('/echo', { method: 'POST', body: 'x'.repeat(1001) })).status).toBe(413)
  expect(await ask(`${(await command.ready()).url}/ws`, 'hello')).toBe('echo hello')
  const page = await (await command.admin('/metrics')).text()
  expect(countsOf(page)).toEqual([
    'GET  101 1',
    'GET  200 2',
    'GET  404 1',
    'GET  418 2',
    'GET /broken 418 1',
    'GET /dogs/:id 200 1',
    'GET /fixed 200 2',
    'POST  200 1',
    'POST /cats 201 1',
  ])
  expect(sumOf(page, 'http_server_exceptions_total')).toBe(3)
  expect(page).toContain('app_info{name="toys"')
  expect(await command.stats()).toMatchObject({ name: 'toys', workers: [{ requests: 12, exceptions: 3 }] })
})

test('an Elysia app has its server, WebSockets and hooks, and is measured by route', async () => {
  await write('elysia.ts', 'toy')
  await using command = new Command('elysia.ts', '--workers=1')
  expect(await (await command.get('/')).text()).toBe('toy')
  expect(await (await command.get('/dogs/7')).text()).toBe('dog 7')
  expect((await command.get('/missing')).status).toBe(404)
  expect((await command.get('/throw')).status).toBe(500)
  const post = (body: string) =>
    command.get('/size', { method: 'POST', body, headers: { 'Content-Type': 'text/plain' } })
  expect(await (await post('x'.repeat(1000))).text()).toBe('1000')
  expect((await post('x'.repeat(1001))).status).toBe(413)
  expect(await (await command.get('/ip')).json()).toMatchObject({ address: '127.0.0.1' })
  expect(await ask(`${(await command.ready()).url}/ws`, 'hello')).toBe('echo hello')
  const counts = countsOf(await (await command.admin('/metrics')).text())
  for (const count of [
    'GET / 200 1',
    'GET /dogs/:id 200 1',
    'GET unmatched 404 1',
    'GET /throw 500 1',
    'GET /ip 200 1',
  ])
    expect(counts).toContain(count)
  expect((await command.stats()).workers[0]).toMatchObject({ exceptions: 1 })
  command.signal('SIGTERM')
  expect(await command.exit()).toBe(0)
  expect(command.printed).toEqual(['started', 'stopped'])
})

test('an error of Hono is its response', async () => {
  await write('hono.ts', 'toy')
  await using command = new Command('hono.ts', '--workers=1')
  expect((await command.get('/throw')).status).toBe(500)
  expect(countsOf(await (await command.admin('/metrics')).text())).toEqual(['GET  500 1'])
})

test.each([
  ['export const nothing = 1', 'has no default export with `fetch`'],
  ['export default function express() {}', 'has no default export with `fetch`'],
  ['export default Bun.serve({ port: 0, fetch: () => new Response() })', 'listens itself'],
  ["import { Elysia } from 'elysia'; export default new Elysia().listen(0)", 'listens itself'],
])('%s does not start, with exit code 3', async (code, message) => {
  await Bun.write(join(folder, 'bad.ts'), code)
  await using command = new Command('bad.ts')
  expect(await command.exit()).toBe(3)
  expect((await command.line('bad.ts')).msg).toContain(message)
})

test('a file that does not exist and a bad flag end with exit code 2, --help with 0', async () => {
  await using missing = new Command('no.ts')
  expect(await missing.exit()).toBe(2)
  expect(await missing.stderr).toBe('prefork: no.ts does not exist\n')
  await write('plain.ts', 'toy')
  await using bad = new Command('plain.ts', '--wrokers=2')
  expect(await bad.exit()).toBe(2)
  expect(await bad.stderr).toBe(
    'prefork: the command line is wrong\n  --wrokers is not a flag: did you mean --workers?\n',
  )
  await using help = new Command('--help')
  expect(await help.exit()).toBe(0)
  expect(help.printed.join('\n')).toContain('--admin-port')
})

async function ask(url: string, text: string): Promise<string> {
  const socket = new WebSocket(url.replace('http', 'ws'))
  await new Promise((resolve) => socket.addEventListener('open', resolve))
  socket.send(text)
  const answer = await new Promise<string>((resolve) =>
    socket.addEventListener('message', ({ data }) => resolve(data)),
  )
  socket.close()
  return answer
}
