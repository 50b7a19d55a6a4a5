/** SIGHUP: new workers read the file anew. A good file takes effect, a bad one does not, and no request fails. */
import { expect, test } from 'bun:test'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { TestProcess } from '@bun-monitoring/prefork/testing'
import { Load } from '@bun-monitoring/prefork/testing_load'

const METHODS = ['GET', 'POST', 'PUT', 'DELETE'] as const

const fileFor = (port: number | undefined) => `
[[upstream]]
name = "dogs"
targets = ["http://127.0.0.1:${port}"]

[[route]]
id = "dogs"
path = "/dogs"
upstream = "dogs"
`

const named = (name: string) =>
  Bun.serve({ port: 0, hostname: '127.0.0.1', idleTimeout: 75, fetch: () => new Response(name) })

test('a new file takes effect under load, and a bad one is rejected with its problems', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'gateway-reload-'))
  const config = join(folder, 'gateway.toml')
  try {
    await using old = named('old')
    await using next = named('next')
    await Bun.write(config, fileFor(old.port))
    await using gateway = new TestProcess([`${import.meta.dir}/index.ts`], {
      GATEWAY_PORT: '0',
      GATEWAY_ADMIN_PORT: '0',
      GATEWAY_LAME_DUCK_MS: '300',
      GATEWAY_CONFIG: config,
    })
    const { url } = await gateway.ready()
    const target = { hostname: '127.0.0.1', port: Number(new URL(url).port) }
    await using load = new Load(target, { connections: 16, methods: METHODS, path: '/dogs/' })
    await load.more(200)

    await Bun.write(config, fileFor(next.port))
    gateway.signal('SIGHUP')
    await gateway.line('reloaded')
    while (gateway.lines('worker').filter(({ reason }) => reason === 'reload').length < 2) await load.more(10)
    const before = load.bodies.get('old')
    await load.more(200)
    expect(load.bodies.get('old')).toBe(before!)
    expect(load.bodies.get('next')).toBeGreaterThan(200)

    await Bun.write(config, fileFor(next.port).replace('upstream = "dogs"', 'upstream = "cats"'))
    gateway.signal('SIGHUP')
    expect((await gateway.line('the reload is abandoned')).msg).toContain('route[0].upstream')
    await load.more(200)
    await load.stop()
    expect([...load.bodies.keys()]).toEqual(['old', 'next'])
    expect(load.failures).toEqual([])
  } finally {
    rmSync(folder, { recursive: true })
  }
}, 60_000)
