import { afterAll, describe, expect, setDefaultTimeout, test } from 'bun:test'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { StatsDocument } from '@bun-monitoring/prefork/stats'
import { TestProcess } from '@bun-monitoring/prefork/testing'
import { rawClient, targetsOn } from './testing.ts'

/** Real processes on a machine that may be busy. */
setDefaultTimeout(120_000)

const folder = mkdtempSync(join(tmpdir(), 'gateway-'))
afterAll(() => rmSync(folder, { recursive: true }))

/** A gateway as a process of its own, on free ports unless the environment says otherwise. */
const startGateway = (env: Record<string, string>) =>
  new TestProcess([`${import.meta.dir}/index.ts`], { GATEWAY_PORT: '0', GATEWAY_ADMIN_PORT: '0', ...env })

/** The exit waits for connections that are kept. */
const ONCE = { keepalive: false }

test('a gateway forwards, shows itself on its admin port only, and leaves on SIGTERM', async () => {
  await using dogs = Bun.serve({ port: 0, hostname: '127.0.0.1', fetch: () => Response.json(['Rex']) })
  await using gateway = startGateway({ DOGS_URL: `http://127.0.0.1:${dogs.port}` })
  const { url, admin } = await gateway.ready()

  expect(await (await fetch(`${url}/dogs/`, ONCE)).json()).toEqual(['Rex'])
  expect((await fetch(`${url}/metrics`, ONCE)).status).toBe(404)
  expect((await fetch(`${admin}/readyz`, ONCE)).status).toBe(200)
  const stats = (await (await fetch(`${admin}/stats`, ONCE)).json()) as StatsDocument
  expect(stats.name).toBe('gateway')
  expect(stats.workers.reduce((sum, { requests }) => sum + requests, 0)).toBe(2)
  const metrics = await (await fetch(`${admin}/metrics`, ONCE)).text()
  expect(metrics).toContain('gateway_upstream_attempts_total{upstream="dogs"} 1')
  expect(metrics).toMatch(/^http_server_request_duration_seconds_count\{.*http_route="dogs".*"200"\} 1$/m)

  const targets = async () => {
    return targetsOn(await (await fetch(`${admin}/metrics`, ONCE)).text(), 'dogs')
  }
  // Workers set the gauges ten times a second.
  while (!Bun.deepEquals(await targets(), { healthy: 1, ejected: 0, slow_start: 0 })) await Bun.sleep(10)

  gateway.signal('SIGTERM')
  expect(await gateway.exit()).toBe(0)
})

test('a method unknown to Bun.serve is rejected by the gateway and is no failure of the upstream', async () => {
  await using dogs = Bun.serve({ port: 0, hostname: '127.0.0.1', fetch: () => Response.json(['Rex']) })
  await using gateway = startGateway({ DOGS_URL: `http://127.0.0.1:${dogs.port}`, GATEWAY_WORKERS: '0' })
  const { url, admin } = await gateway.ready()
  using client = await rawClient(Number(new URL(url).port), 'BREW /dogs/ HTTP/1.1\r\nHost: a\r\n\r\n')
  const response = await client.until(/\r\n\r\n/)
  expect(response).toStartWith('HTTP/1.1 405 ')
  expect(response).toContain('\r\nAllow: GET, HEAD, POST, PUT, DELETE, PATCH, OPTIONS\r\n')
  const metrics = await (await fetch(`${admin}/metrics`)).text()
  expect(metrics).toContain('gateway_upstream_attempts_total{upstream="dogs"} 0')
})

test('checks go to the targets directly, also if HTTP_PROXY is set', async () => {
  const checked = Promise.withResolvers<string>()
  const respondAs = (name: string) => ({
    port: 0,
    hostname: '127.0.0.1',
    fetch(request: Request) {
      if (request.url.endsWith('/healthz')) checked.resolve(name)
      return new Response()
    },
  })
  await using dogs = Bun.serve(respondAs('target'))
  await using proxy = Bun.serve(respondAs('proxy'))
  await using gateway = startGateway({
    DOGS_URL: `http://127.0.0.1:${dogs.port}`,
    HTTP_PROXY: `http://127.0.0.1:${proxy.port}`,
    http_proxy: `http://127.0.0.1:${proxy.port}`,
    NO_PROXY: '',
    no_proxy: '',
  })
  await gateway.ready()
  expect(await checked.promise).toBe('target')
})

describe('a gateway that cannot start says why', () => {
  test('with all problems of a bad configuration: exit 2', async () => {
    const config = join(folder, 'gateway.toml')
    await Bun.write(config, '[[upstream]]\nname = "dogs"\ntargets = ["dogs"]\n')
    await using gateway = startGateway({ GATEWAY_CONFIG: config, GATEWAY_WORKERS: 'many' })
    expect(await gateway.stderr).toBe(
      [
        'gateway: the configuration is wrong',
        '  GATEWAY_WORKERS="many" is not allowed: must be an integer from 0 to 1000, or auto',
        '  route: is missing: must be at least one [[route]] table',
        '  upstream[0].targets[0]: "dogs" is not allowed: must be an address like http://dogs:8001, https://dogs:8443, unix:/run/dogs.sock or unix:/run/dogs.*.sock',
        '',
      ].join('\n'),
    )
    expect(await gateway.exit()).toBe(2)
  })

  test('with the address of a port that is taken: exit 3', async () => {
    await using other = Bun.serve({
      port: 0,
      hostname: '127.0.0.1',
      reusePort: true,
      fetch: () => new Response(),
    })
    await using gateway = startGateway({ GATEWAY_PORT: `${other.port}` })
    await gateway.line(
      `port ${other.port} is taken: stop what listens on 127.0.0.1:${other.port} or set GATEWAY_PORT`,
    )
    expect(await gateway.stderr).toBe('')
    expect(await gateway.exit()).toBe(3)
  })

  test.each(['0', '2'])(
    'with the address of a listener that is taken, with %s workers: exit 3',
    async (workers) => {
      using other = Bun.listen({ port: 0, hostname: '127.0.0.1', socket: { data() {} } })
      const config = join(folder, 'listen.toml')
      const route = '[[route]]\nid = "a"\npath = "/"\nrespond = { body = "a" }'
      await Bun.write(config, `[[listen]]\naddress = "127.0.0.1:${other.port}"\n${route}`)
      await using gateway = startGateway({ GATEWAY_CONFIG: config, GATEWAY_WORKERS: workers })
      await gateway.line(
        `listen: address 127.0.0.1:${other.port} cannot be used: another process listens there`,
      )
      expect(await gateway.exit()).toBe(3)
    },
  )
})
