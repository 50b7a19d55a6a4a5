/** Every example runs and does what its first lines say. */
import { TestProcess } from '@bun-monitoring/prefork/testing'
import { expect, test } from 'bun:test'
import { join } from 'node:path'

const START_TIMEOUT_MS = 120_000

const get = async (url: string) => (await fetch(url)).text()

test(
  'counter.ts counts its greetings',
  async () => {
    const server = Bun.spawn([process.execPath, join(import.meta.dir, 'counter.ts')], {
      env: { ...Bun.env, PORT: '0' },
      stdout: 'pipe',
    })
    try {
      const { value } = await server.stdout.getReader().read()
      const url = new TextDecoder().decode(value).trim()
      for (let i = 0; i < 3; i++) expect(await get(url)).toBe('hello\n')
      expect(await get(`${url}/metrics`)).toContain('\ngreetings_total 3\n')
    } finally {
      server.kill()
    }
  },
  START_TIMEOUT_MS,
)

test(
  'elysia.ts serves with workers, and its page counts requests by route',
  async () => {
    await using greeter = new TestProcess([join(import.meta.dir, 'elysia.ts')], {
      GREETER_PORT: '0',
      GREETER_ADMIN_PORT: '0',
    })
    const { url, admin } = await greeter.ready()
    expect(await get(`${url}/greet/Ada`)).toBe('hello, Ada\n')
    expect(await get(`${url}/greet/Grace`)).toBe('hello, Grace\n')
    expect(await get(`${admin}/metrics`)).toMatch(
      /http_server_request_duration_seconds_count\{[^}]*http_route="\/greet\/:name"[^}]*\} 2\n/,
    )
    greeter.signal('SIGINT')
    expect(await greeter.exit()).toBe(0)
  },
  START_TIMEOUT_MS,
)
