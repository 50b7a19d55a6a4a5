/** The command `prefork` with apps from outside this repository's workspaces: plain Bun, Hono and Elysia. */
import { afterAll, describe, expect, setDefaultTimeout, test } from 'bun:test'
import { join } from 'node:path'
import { Apps } from './testdata/apps.ts'
import { sumOf } from './testdata/toys.ts'
import { Load } from './testing_load.ts'

/** Real processes on a machine that may be busy. */
setDefaultTimeout(120_000)

const apps = new Apps()
afterAll(() => apps.remove())

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
    await apps.write(file, 'first')
    await using command = apps.start(file, '--workers', '2')
    const load = new Load(await command.target(), { connections: 16 })
    for (const [index, body] of ['second', 'third', 'fourth'].entries()) {
      await load.more(500)
      await apps.write(file, body)
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
})

test('a plain app has its routes, errors, WebSockets, limits and clients, and each is counted', async () => {
  await apps.write('plain.ts', 'toy')
  await using command = apps.start('plain.ts', '--workers=1', '--name=toys')
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
  await apps.write('elysia.ts', 'toy')
  await using command = apps.start('elysia.ts', '--workers=1')
  expect(await (await command.get('/')).text()).toBe('toy')
  expect(await (await command.get('/dogs/7')).text()).toBe('dog 7')
  // Of a plugin that is loaded while the app starts.
  expect(await (await command.get('/lazy')).text()).toBe('later')
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
    'GET /lazy 200 1',
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
  await apps.write('hono.ts', 'toy')
  await using command = apps.start('hono.ts', '--workers=1')
  expect((await command.get('/throw')).status).toBe(500)
  expect(countsOf(await (await command.admin('/metrics')).text())).toEqual(['GET  500 1'])
})

test.each([
  ['export const nothing = 1', 'has no default export with `fetch`'],
  ['export default function express() {}', 'has no default export with `fetch`'],
  ['export default Bun.serve({ port: 0, fetch: () => new Response() })', 'listens itself'],
  ["import { Elysia } from 'elysia'; export default new Elysia().listen(0)", 'listens itself'],
])('%s does not start, with exit code 3', async (code, message) => {
  await Bun.write(join(apps.folder, 'bad.ts'), code)
  await using command = apps.start('bad.ts')
  expect(await command.exit()).toBe(3)
  expect((await command.line('bad.ts')).msg).toContain(message)
})

test('a file that does not exist and a bad flag end with exit code 2, --help with 0', async () => {
  await using missing = apps.start('no.ts')
  expect(await missing.exit()).toBe(2)
  expect(await missing.stderr).toBe('prefork: no.ts does not exist\n')
  await apps.write('plain.ts', 'toy')
  await using bad = apps.start('plain.ts', '--wrokers=2')
  expect(await bad.exit()).toBe(2)
  expect(await bad.stderr).toBe(
    'prefork: the command line is wrong\n  --wrokers is not a flag: did you mean --workers?\n',
  )
  await using help = apps.start('--help')
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
