/** Ports: which error an operator sees, and which numbers listeners get. */
import { expect, spyOn, test } from 'bun:test'
import { readdirSync } from 'node:fs'
import { authorityOf, bind, findPort, freePort, listenHigh, PortTakenError, StartError } from './bind.ts'
import type { ProcessConfig } from './config.ts'
import { readOwnListeners } from './procfs.ts'

const config = (given: Partial<ProcessConfig> = {}) =>
  ({
    host: '127.0.0.1',
    port: 80,
    adminHost: '::1',
    adminPort: 81,
    sharePort: 'no',
    ...given,
  }) as ProcessConfig

test('an IPv6 address has brackets beside its port', () => {
  expect(authorityOf('127.0.0.1', 80)).toBe('127.0.0.1:80')
  expect(authorityOf('::1', 80)).toBe('[::1]:80')
  expect(authorityOf('dogs', 80)).toBe('dogs:80')
})

const failing = (code: string | undefined, which: 'traffic' | 'admin', given: Partial<ProcessConfig> = {}) =>
  bind('TOYS', which, config(given), () => {
    throw Object.assign(new Error('the system says no'), { code })
  }).catch((error: Error) => `${error.name}: ${error.message}`)

test('an error of the system names the address and the variable to change', async () => {
  expect(await failing('EADDRINUSE', 'traffic', { port: 1 })).toBe(
    'StartError: port 1 is taken: stop what listens on 127.0.0.1:1 or set TOYS_PORT',
  )
  expect(await failing('EADDRINUSE', 'admin', { adminPort: 2 })).toBe(
    'StartError: port 2 is taken: stop what listens on [::1]:2 or set TOYS_ADMIN_PORT',
  )
  expect(await failing('EACCES', 'traffic')).toBe(
    'StartError: no permission to listen on 127.0.0.1:80: set TOYS_PORT to a port above 1023',
  )
  expect(await failing('EADDRNOTAVAIL', 'admin')).toBe(
    'StartError: [::1]:81 is no address of this machine: set TOYS_ADMIN_HOST',
  )
  expect(await failing('EMFILE', 'traffic')).toBe('Error: the system says no')
})

test('a name without an address is named, with any code of the error', async () => {
  for (const code of ['EADDRINUSE', undefined])
    expect(await failing(code, 'traffic', { host: 'example.invalid' })).toBe(
      'StartError: example.invalid:80 is no address of this machine: set TOYS_HOST',
    )
  expect(await failing('EADDRINUSE', 'traffic', { host: 'localhost', port: 1 })).toContain('port 1 is taken')
})

test('the result of a listener that works is passed on', async () => {
  expect(await bind('TOYS', 'traffic', config(), async () => 7)).toBe(7)
})

test('a port is found, and is free again; a taken one is an error also if it could be shared', async () => {
  const port = await findPort('TOYS', config({ port: 0 }))
  const taken = Bun.serve({ hostname: '127.0.0.1', port, reusePort: true, fetch: () => new Response() })
  const error = await findPort('TOYS', config({ port })).catch((each: Error) => each)
  expect(error).toBeInstanceOf(PortTakenError)
  expect(error).toBeInstanceOf(StartError)
  expect((error as Error).message).toContain(`(process ${process.pid} listens there: `)
  // A successor of a cluster that shares its port must not be given a connection before it has workers.
  expect(await findPort('TOYS', config({ port, sharePort: 'yes' }))).toBe(port)
  await taken.stop(true)
  expect(await findPort('TOYS', config({ port }))).toBe(port)
})

test('of the command line that holds a port, 200 characters are shown', async () => {
  const script = `
    const { port } = Bun.listen({ hostname: '127.0.0.1', port: 0, socket: { data() {} } })
    console.log(port)`
  const command = [process.execPath, '-e', script, 'x'.repeat(200)]
  await using child = Bun.spawn(command, { stdout: 'pipe', stderr: 'inherit' })
  const { value } = await child.stdout.getReader().read()
  const taken = config({ port: Number(new TextDecoder().decode(value)) })
  const error = await findPort('TOYS', taken).catch((each: Error) => each)
  const shown = command.join(' ').slice(0, 200)
  expect((error as Error).message).toEndWith(` (process ${child.pid} listens there: ${shown})`)
})

test('a port that is taken is passed over', () => {
  const [taken, free] = [freePort(), freePort()]
  using _ = Bun.listen({ hostname: '127.0.0.1', port: taken, socket: { data() {} } })
  const place = (port: number) => (port + 0.5 - 10_000) / (32_768 - 10_000)
  using random = spyOn(Math, 'random').mockReturnValueOnce(place(taken)).mockReturnValueOnce(place(free))
  expect(freePort()).toBe(free)
  expect(random).toHaveBeenCalledTimes(2)
})

test('a free port is below those that the kernel gives to clients', () => {
  const ports = Array.from({ length: 50 }, () => freePort())
  for (const port of ports) {
    expect(port).toBeGreaterThanOrEqual(10_000)
    expect(port).toBeLessThan(32_768)
  }
  expect(new Set(ports).size).toBeGreaterThan(25)
})

test('a listener gets a higher file number than 500 connections, and the numbers below are given back', async () => {
  const filesBefore = readdirSync('/proc/self/fd').length
  const server = await listenHigh(() =>
    Bun.serve({ hostname: '127.0.0.1', port: 0, fetch: () => new Response() }),
  )
  const [listener] = readOwnListeners(server.port!)
  expect(listener!.file).toBeGreaterThan(500)
  expect(readdirSync('/proc/self/fd').length).toBeLessThan(filesBefore + 20)
  await server.stop(true)
  await expect(listenHigh(() => Promise.reject(new Error('no')))).rejects.toThrow('no')
  expect(readdirSync('/proc/self/fd').length).toBeLessThan(filesBefore + 20)
})

test('with a low limit of open files a listener still has room', async () => {
  const script = `
    const { listenHigh } = await import(${JSON.stringify(`${import.meta.dir}/bind.ts`)})
    const server = await listenHigh(() => Bun.serve({ hostname: '127.0.0.1', port: 0, fetch: () => new Response('hello') }))
    console.log(await (await fetch(server.url)).text())
    process.exit()`
  const command = ['sh', '-c', 'ulimit -n 200 && exec "$@"', 'sh', process.execPath, '-e', script]
  await using child = Bun.spawn(command, { stdout: 'pipe', stderr: 'inherit' })
  expect(await new Response(child.stdout).text()).toBe('hello\n')
})
