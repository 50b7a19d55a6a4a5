import { expect, jest, test } from 'bun:test'
import { kinds } from '../services/testing_kinds.ts'
import { Child } from './child.ts'
import { ROOT } from './external.ts'
import { targetFile } from './prometheus.ts'

const print = () => {}
const bun = (script: string) => [process.execPath, '-e', script]

test('a process is ready when it says so, and its lines are printed under its name', async () => {
  const lines: string[] = []
  const script = `console.log('{"level":"info","msg":"ready","url":"http://x"}'); setInterval(() => {}, 1e6)`
  await using child = new Child({ name: 'dogs', command: bun(script), print: (line) => lines.push(line) })
  expect(JSON.parse(await child.ready())).toMatchObject({ url: 'http://x' })
  expect(lines).toEqual(['dogs       | ready url=http://x'])
})

test('our own processes have no time limit until they are ready', async () => {
  const gate = Promise.withResolvers<Response>()
  await using server = Bun.serve({ port: 0, hostname: '127.0.0.1', fetch: () => gate.promise })
  const script = `await fetch('${server.url}'); console.log('{"level":"info","msg":"ready"}'); setInterval(() => {}, 1e6)`
  await using child = new Child({ name: 'dogs', command: bun(script), print })
  jest.useFakeTimers()
  const ready = child.ready()
  jest.advanceTimersByTime(600_000)
  jest.useRealTimers()
  gate.resolve(new Response())
  expect(await ready).toContain('ready')
})

test.each([
  ['--help', 0],
  ['--port=80', 2],
  ['stress', 2],
])('`bun run up %s` starts nothing and says how it is used: exit code %d', async (arg, code) => {
  const { exitCode, stdout, stderr } = await Bun.$`${process.execPath} scripts/up.ts ${arg}`
    .cwd(ROOT)
    .quiet()
    .nothrow()
  expect([exitCode, stderr.toString()]).toEqual([code, ''])
  expect(stdout.toString()).toStartWith('bun run up [--free-ports]\n')
})

test('a process that ends before it is ready is reported with its last line', async () => {
  const script = `console.log('{"level":"fatal","msg":"dogs could not start: port 8001 is taken"}'); process.exit(3)`
  await using child = new Child({ name: 'dogs', command: bun(script), print })
  expect(await child.ready().catch((error: Error) => error.message)).toBe(
    'dogs did not start: port 8001 is taken',
  )
  expect(await child.exited).toBe(3)
})

test('the last line of a stopped process is printed, even if it comes after the end', async () => {
  const late = `Bun.spawn(['sh', '-c', 'sleep 0.05; echo last'], { stdout: 'inherit' })`
  const script = `process.on('SIGINT', () => { ${late}; process.exit() }); console.log('{"msg":"ready"}'); setInterval(() => {}, 1e6)`
  const lines: string[] = []
  const child = new Child({ name: 'dogs', command: bun(script), print: (line) => lines.push(line) })
  await child.ready()
  await child.stop()
  expect(lines.at(-1)).toBe('dogs       | last')
})

test('a process that must end at once removes its files, and is killed if it does not end', async () => {
  const ready = `console.log('{"msg":"ready"}'); setInterval(() => {}, 1e6)`
  for (const [onQuit, exitCode] of [
    ['process.exit(7)', 7],
    ['{}', 137],
  ] as const) {
    const script = `process.on('SIGINT', () => {}); process.on('SIGQUIT', () => ${onQuit}); ${ready}`
    const child = new Child({ name: 'dogs', command: bun(script), print })
    await child.ready()
    const stopped = child.stop()
    child.kill()
    expect(await child.exited).toBe(exitCode)
    await stopped
  }
})

test('another program is ready when its URL answers', async () => {
  const script = `const s = Bun.serve({ port: 0, fetch: () => new Response('ok') }); console.log(s.port)`
  const port = Promise.withResolvers<string>()
  await using child = new Child({
    name: 'x',
    command: bun(script),
    print: (line) => port.resolve(line.split('| ')[1]!),
  })
  await child.readyAt(`http://127.0.0.1:${await port.promise}/`)
})

test('another program is ready also where the environment has a proxy', async () => {
  await using server = Bun.serve({ port: 0, hostname: '127.0.0.1', fetch: () => new Response() })
  const script = `import { Child } from './child.ts'
    const child = new Child({ name: 'x', command: ['sleep', '60'], print() {} })
    await child.readyAt('${server.url}'); child.kill(); console.log('ready'); process.exit()`
  const proxy = {
    HTTP_PROXY: 'http://127.0.0.1:1',
    http_proxy: 'http://127.0.0.1:1',
    NO_PROXY: '',
    no_proxy: '',
  }
  const run = Bun.$`${process.execPath} -e ${script}`.cwd(import.meta.dir).env({ ...Bun.env, ...proxy })
  expect(await run.text()).toBe('ready\n')
}, 120_000)

test('a process gets the proxies of the environment as they are', async () => {
  const script = `import { Child } from './child.ts'
    const command = [process.execPath, '-e', 'console.log(Bun.env.NO_PROXY, Bun.env.no_proxy)']
    await new Child({ name: 'x', command, print: console.log }).exited`
  const env = { ...Bun.env, NO_PROXY: 'example.org', no_proxy: '.example.net' }
  const run = Bun.$`${process.execPath} -e ${script}`.cwd(import.meta.dir).env(env)
  expect(await run.text()).toBe('x          | example.org .example.net\n')
}, 120_000)

test('the committed targets are those of the default ports', async () => {
  const ofServices = kinds.map(({ name, defaults }) => [name, defaults.adminPort] as const)
  const others = Object.entries({ gateway: 9000, exporter: 9117, prometheus: 9090 })
  for (const [job, port] of [...ofServices, ...others]) {
    const file = Bun.file(`${ROOT}/monitoring/prometheus/targets/${job}.yml`)
    expect(await file.text()).toBe(targetFile(`http://127.0.0.1:${port}`))
  }
})
