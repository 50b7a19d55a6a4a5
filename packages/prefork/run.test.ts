import { expect, test } from 'bun:test'
import { join } from 'node:path'
import { EXIT } from './exit.ts'
import { TestProcess } from './testing.ts'

const family = [join(import.meta.dir, 'testdata/family.ts')]

test('a family serves traffic on one port and itself on another', async () => {
  await using toys = new TestProcess(family)
  const { url, admin } = await toys.ready()
  expect(await (await fetch(url)).text()).toBe('toy')
  expect((await fetch(`${url}/stats`)).headers.get('content-type')).not.toBe('application/json')
  expect((await fetch(`${admin}/readyz`)).status).toBe(200)
  expect(await (await fetch(`${admin}/metrics`)).text()).toContain('app_info{name="toys",version="1.0.0"')
  const stats = await (await fetch(`${admin}/stats`)).json()
  expect(stats).toMatchObject({ name: 'toys', pid: toys.pid })
  expect(stats.sockets[0].name).toBe(new URL(url).host)
  expect(stats.workers).toHaveLength(1)
  expect(stats.workers[0]).toMatchObject({ id: 1, pid: toys.pid, requests: 2, in_flight: 0, state: 'ready' })
  expect(stats.workers[0].rss).toBeGreaterThan(1_000_000)
})

test.each(['SIGTERM', 'SIGINT'] as const)(
  '%s lets requests in flight finish, and then ends with 0',
  async (signal) => {
    await using toys = new TestProcess(family)
    const { url } = await toys.ready()
    const slow = fetch(`${url}/slow`)
    await toys.line('asked /slow')
    toys.signal(signal)
    expect(await toys.line('draining')).toMatchObject({ signal, inFlight: 1 })
    toys.signal('SIGUSR2')
    expect(await (await slow).text()).toBe('released')
    expect(await toys.exit()).toBe(EXIT.ok)
  },
)

test('while it drains it is alive and not ready', async () => {
  await using toys = new TestProcess(family)
  const { url, admin } = await toys.ready()
  const never = fetch(`${url}/never`).catch(() => 'cut off')
  await toys.line('asked /never')
  toys.signal('SIGTERM')
  await toys.line('draining')
  expect((await fetch(`${admin}/healthz`)).status).toBe(200)
  const response = await fetch(`${admin}/readyz`)
  expect(response.status).toBe(503)
  expect(await response.json()).toMatchObject({ detail: 'toys is stopping' })
  toys.signal('SIGQUIT')
  expect(await never).toBe('cut off')
})

test('a request that does not end is cut off when the drain time is over, and the log says so', async () => {
  await using toys = new TestProcess(family, { TOYS_DRAIN_MS: '50' })
  const { url } = await toys.ready()
  const never = fetch(`${url}/never`).catch(() => 'cut off')
  await toys.line('asked /never')
  toys.signal('SIGTERM')
  expect(await toys.line('requests were cut off')).toMatchObject({ inFlight: 1, because: 'deadline' })
  expect(await never).toBe('cut off')
  expect(await toys.exit()).toBe(EXIT.ok)
})

test('a second signal ends the drain at once', async () => {
  await using toys = new TestProcess(family)
  const { url } = await toys.ready()
  const never = fetch(`${url}/never`).catch(() => 'cut off')
  await toys.line('asked /never')
  toys.signal('SIGTERM')
  await toys.line('draining')
  toys.signal('SIGTERM')
  expect(await toys.line('requests were cut off')).toMatchObject({ because: 'SIGTERM' })
  expect(await never).toBe('cut off')
  expect(await toys.exit()).toBe(EXIT.ok)
})

test('a bad configuration is told in full, with exit code 2', async () => {
  await using toys = new TestProcess(family, { TOYS_PORT: 'x', TOYS_HSOT: 'y' })
  expect(await toys.exit()).toBe(EXIT.badConfig)
  expect(await toys.stderr).toBe(
    'toys: the configuration is wrong\n' +
      '  TOYS_PORT="x" is not allowed: must be an integer from 0 to 65535\n' +
      '  TOYS_HSOT is not a setting: did you mean TOYS_HOST?\n',
  )
})

test.each(['PORT', 'ADMIN_PORT'])('a taken %s is named, with exit code 3', async (name) => {
  using taken = Bun.serve({ hostname: '127.0.0.1', port: 0, reusePort: true, fetch: () => new Response() })
  await using toys = new TestProcess(family, { [`TOYS_${name}`]: String(taken.port) })
  expect(await toys.exit()).toBe(EXIT.couldNotStart)
  const { msg } = await toys.line(
    `port ${taken.port} is taken: stop what listens on 127.0.0.1:${taken.port} or set TOYS_${name}`,
  )
  expect(msg).toContain(`set TOYS_${name}`)
})

test('a failed migration keeps the family from serving, with exit code 3', async () => {
  await using toys = new TestProcess(family, { BROKEN_MIGRATION: '1' })
  expect(await toys.exit()).toBe(EXIT.couldNotStart)
  expect(await toys.line('toys could not start: no such table')).toMatchObject({
    err: { message: 'no such table' },
  })
})
