/** A family's life from its configuration to its end, as one process and with workers. */
import { describe, expect, setDefaultTimeout, test } from 'bun:test'
import { rmSync } from 'node:fs'
import { hostname } from 'node:os'
import { join } from 'node:path'
import { EXIT } from './exit.ts'
import { gone, temporaryFolder, Toys } from './testdata/toys.ts'

/** Real processes on a machine that may be busy. */
setDefaultTimeout(30_000)

describe.each([0, 2])('with WORKERS=%d', (workers) => {
  const toys = (env: Record<string, string> = {}) => new Toys({ TOYS_WORKERS: String(workers), ...env })

  test('a family serves traffic on one port and itself on another', async () => {
    await using family = toys()
    const { url, admin } = await family.ready()
    expect(await (await fetch(url)).text()).toBe('toy')
    expect((await fetch(`${url}/stats`)).headers.get('content-type')).not.toBe('application/json')
    expect((await fetch(`${admin}/readyz`)).status).toBe(200)
    const page = await family.page()
    expect(page).toContain('app_info{name="toys",version="1.0.0"')
    expect(page).toContain('http_server_request_duration_seconds_count{http_request_method="GET"')
    const stats = await family.stats()
    expect(stats).toMatchObject({ name: 'toys', pid: family.pid })
    expect(stats.sockets[0]!.name).toBe(new URL(url).host)
    expect(stats.workers).toHaveLength(Math.max(1, workers))
    expect(stats.workers[0]).toMatchObject({ id: 1, in_flight: 0, state: 'ready', respawn_count: 1 })
    expect(stats.workers.reduce((sum, { requests }) => sum + requests, 0)).toBe(2)
    for (const { rss, pid } of stats.workers) {
      expect(rss).toBeGreaterThan(1_000_000)
      expect(pid === family.pid).toBe(workers === 0)
    }
  })

  test.each(['SIGTERM', 'SIGINT'] as const)(
    '%s lets requests in flight finish, and then ends with 0',
    async (signal) => {
      await using family = toys()
      const { url } = await family.ready()
      const slow = fetch(`${url}/slow`)
      await family.line('asked /slow')
      family.signal(signal)
      expect(await family.line('draining')).toMatchObject({ signal, inFlight: 1 })
      await family.release()
      expect(await (await slow).text()).toBe('toy')
      expect(await family.exit()).toBe(EXIT.ok)
    },
  )

  test('while it drains it is alive and not ready', async () => {
    await using family = toys()
    const { url, admin } = await family.ready()
    const never = fetch(`${url}/never`).catch(() => 'cut off')
    await family.line('asked /never')
    family.signal('SIGTERM')
    await family.line('draining')
    expect((await fetch(`${admin}/healthz`)).status).toBe(200)
    const response = await fetch(`${admin}/readyz`)
    expect(response.status).toBe(503)
    expect(await response.json()).toMatchObject({ detail: 'toys is stopping' })
    family.signal('SIGQUIT')
    expect(await never).toBe('cut off')
    expect(await family.exit()).toBe(EXIT.ok)
  })

  test('a request that does not end is cut off when the drain time is over, and the log says so', async () => {
    await using family = toys({ TOYS_DRAIN_MS: '50', TOYS_LAME_DUCK_MS: '50' })
    const { url } = await family.ready()
    const never = fetch(`${url}/never`).catch(() => 'cut off')
    await family.line('asked /never')
    family.signal('SIGTERM')
    expect(await family.line('requests were cut off')).toMatchObject({ inFlight: 1 })
    expect(await never).toBe('cut off')
    expect(await family.exit()).toBe(EXIT.ok)
  })

  test('a second signal ends the drain at once', async () => {
    await using family = toys()
    const { url } = await family.ready()
    const never = fetch(`${url}/never`).catch(() => 'cut off')
    await family.line('asked /never')
    family.signal('SIGTERM')
    await family.line('draining')
    family.signal('SIGTERM')
    expect(await family.line('requests were cut off')).toMatchObject({ inFlight: 1 })
    expect(await never).toBe('cut off')
    expect(await family.exit()).toBe(EXIT.ok)
  })

  test('it listens on IPv6, too, and says it as an URL', async () => {
    await using family = toys({ TOYS_HOST: '::1', TOYS_ADMIN_HOST: '::1' })
    const { url } = await family.ready()
    expect(await (await fetch(url)).text()).toBe('toy')
    expect((await family.stats()).sockets[0]!.name).toBe(new URL(url).host)
  })

  test('a folder of sockets that another one of its name uses is refused, and left as it is', async () => {
    const folder = temporaryFolder()
    const path = join(folder, `toys.${hostname()}.1.sock`)
    await using family = toys({ TOYS_SOCKET_DIR: folder })
    await family.ready()
    await using second = toys({ TOYS_SOCKET_DIR: folder })
    expect(await second.exit()).toBe(EXIT.couldNotStart)
    await second.line(`${folder} cannot hold sockets: another toys serves there: stop it, or set SOCKET_DIR`)
    expect(await (await fetch('http://localhost/', { unix: path, keepalive: false })).text()).toBe('toy')
    const pids = await family.pids()
    family.signal('SIGKILL')
    await family.exit()
    await gone(pids)
    await using next = toys({ TOYS_SOCKET_DIR: folder })
    await next.ready()
  })

  test('it ends well, also when somebody has removed its folder of sockets', async () => {
    const folder = temporaryFolder()
    await using family = toys({ TOYS_SOCKET_DIR: folder })
    await family.ready()
    rmSync(folder, { recursive: true })
    family.signal('SIGTERM')
    expect(await family.exit()).toBe(EXIT.ok)
    expect(await family.stderr).toBe('')
  })

  test('a bad configuration is told in full, with exit code 2', async () => {
    await using family = toys({ TOYS_PORT: 'x', TOYS_HSOT: 'y' })
    expect(await family.exit()).toBe(EXIT.badConfig)
    expect(await family.stderr).toBe(
      'toys: the configuration is wrong\n' +
        '  TOYS_PORT="x" is not allowed: must be an integer from 0 to 65535\n' +
        '  TOYS_HSOT is not a setting: did you mean TOYS_HOST?\n',
    )
  })

  test.each(['PORT', 'ADMIN_PORT'])('a taken %s is named, with exit code 3', async (name) => {
    using taken = Bun.serve({ hostname: '127.0.0.1', port: 0, reusePort: true, fetch: () => new Response() })
    await using family = toys({ [`TOYS_${name}`]: String(taken.port) })
    expect(await family.exit()).toBe(EXIT.couldNotStart)
    await family.line(
      `port ${taken.port} is taken: stop what listens on 127.0.0.1:${taken.port} or set TOYS_${name}`,
    )
  })

  test('a failed migration keeps the family from serving, with exit code 3', async () => {
    await using family = toys({ TOY_MIGRATION: 'broken' })
    expect(await family.exit()).toBe(EXIT.couldNotStart)
    await family.line('toys could not start: no such table')
  })

  test('a family that is told to stop before it is ready ends with 0', async () => {
    await using family = toys({ TOY_MIGRATION: 'endless' })
    await family.line('migrating')
    family.signal('SIGINT')
    expect(await family.exit()).toBe(EXIT.ok)
  })
})

test('of several workers one runs the migrations', async () => {
  await using family = new Toys({ TOYS_WORKERS: '4' })
  await family.ready()
  expect(family.printed.filter((line) => line === 'prepared')).toHaveLength(1)
})
