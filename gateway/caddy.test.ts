/** The README's file for Caddy and that for the gateway do the same with the same requests, over TLS. */
import { afterAll, beforeAll, describe, expect, test } from 'bun:test'
import { freePort } from '@bun-monitoring/prefork/testing'
import { readGatewayConfig } from './config/settings.ts'
import { Certificates } from './testdata/certificates.ts'
import { partsOf, readmeBlock, seeingUpstream, startProcess, startWithFile } from './testdata/side_by_side.ts'

const hasCaddy = Bun.which('caddy') !== null
if (!hasCaddy)
  console.warn('SKIPPED: caddy is not on the PATH: what gateway/README.md says of it is not compared')

const stack = new AsyncDisposableStack()
const certificates = stack.use(new Certificates())
afterAll(() => stack.disposeAsync())

beforeAll(async () => {
  certificates.sign('cert', 'DNS:pets.example')
  await Bun.write(certificates.path('key.pem'), certificates.text('cert.key'))
})

/** Writes a file of the README, with these addresses in place of its own. */
async function write(language: string, file: string, addresses: Record<string, string>): Promise<string> {
  let text = readmeBlock('Coming from Caddy', language)
  for (const [from, to] of Object.entries(addresses)) text = text.replaceAll(from, to)
  await Bun.write(certificates.path(file), text)
  return certificates.path(file)
}

test('the file is right', async () => {
  const path = await write('toml', 'as-it-is.toml', {})
  const { routes, listen } = readGatewayConfig({ GATEWAY_CONFIG: path })
  expect(routes.map(({ id }) => id)).toEqual(['api', 'robots', 'old'])
  expect(listen.map(({ port }) => port)).toEqual([443, 80])
})

describe.skipIf(!hasCaddy)('Caddy and the gateway agree', () => {
  const upstream = stack.use(seeingUpstream())
  const urls = new Map<string, { http: string; https: string }>()

  beforeAll(async () => {
    const folder = certificates.folder
    const [http, https, httpOfCaddy, httpsOfCaddy] = [freePort(), freePort(), freePort(), freePort()]
    const targets = {
      'dogs:8001': `127.0.0.1:${upstream.port}`,
      'dogs:8002': `localhost:${upstream.port}`,
    }
    const listeners = { '0.0.0.0:443': `127.0.0.1:${https}`, '0.0.0.0:80': `127.0.0.1:${http}` }
    startWithFile(stack, await write('toml', 'gateway.toml', { ...targets, ...listeners }))
    const url = (scheme: string, port: number) => `${scheme}://127.0.0.1:${port}`
    urls.set('gateway', { http: url('http', http), https: url('https', https) })

    const site = await write('caddy', 'Caddyfile', targets)
    const options = `admin off\npersist_config off\ndefault_bind 127.0.0.1\nhttp_port ${httpOfCaddy}\nhttps_port ${httpsOfCaddy}`
    await Bun.write(site, `{\n${options}\n}\n${await Bun.file(site).text()}`)
    const env = { PATH: Bun.env.PATH ?? '', HOME: folder, XDG_DATA_HOME: folder, XDG_CONFIG_HOME: folder }
    const command = ['caddy', 'run', '--config', site, '--adapter', 'caddyfile']
    await startProcess(stack, httpsOfCaddy, command, { cwd: folder, env })
    urls.set('caddy', { http: url('http', httpOfCaddy), https: url('https', httpsOfCaddy) })
  })

  test.each<[string, RequestInit & { scheme?: 'http' | 'https'; bytes?: number }]>([
    ['/api/dogs/1?a=b', {}],
    ['/api/', {}],
    ['/api/%41/x%20y', {}],
    ['/api/dogs', { method: 'DELETE' }],
    ['/api/dogs', { headers: { 'X-Api': '1', 'X-Debug': '2' } }],
    ['/api/dogs', { method: 'POST', bytes: 1_000_000 }],
    ['/api/dogs', { method: 'POST', bytes: 1_000_001 }],
    ['/robots.txt', {}],
    ['/old?b=c', {}],
    ['/old', {}],
    ['/nothing', {}],
    ['/any/path?q=%20', { scheme: 'http' }],
    ['/any', { scheme: 'http', method: 'POST', bytes: 1 }],
  ])('%s %j', async (path, { scheme = 'https', headers = {}, bytes, ...init }) => {
    const results = []
    for (const name of ['caddy', 'gateway']) {
      upstream.seen.length = 0
      const response = await fetch(urls.get(name)![scheme] + path, {
        redirect: 'manual',
        ...init,
        ...(bytes === undefined ? {} : { body: 'x'.repeat(bytes) }),
        headers: { ...headers, Host: 'pets.example' },
        tls: { ca: certificates.text('ca.pem'), serverName: 'pets.example' },
      } as RequestInit)
      const server = response.headers.get('server')
      const parts = await partsOf(response, upstream.seen)
      // Caddy's errors have none of the fields that the file sets or removes.
      results.push({ ...parts, server: path.startsWith('/api') && response.ok ? server : 'any' })
    }
    expect(results[1]).toEqual(results[0]!)
  })
})
