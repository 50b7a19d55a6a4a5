/** The README's file for nginx and that for the gateway do the same with the same requests. That for Caddy is right. */
import { afterAll, beforeAll, describe, expect, test } from 'bun:test'
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { readGatewayConfig } from './config/settings.ts'
import { Registry } from '@bun-monitoring/metrics'
import { createLogger, RequestTally } from '@bun-monitoring/prefork'
import { GatewayServer } from './server.ts'
import { Certificates } from './testdata/certificates.ts'
import { temporaryFolder } from './testing.ts'

const readme = await Bun.file(`${import.meta.dir}/README.md`).text()
const block = (heading: string, language: string) =>
  new RegExp(`## ${heading}\n[^]*?\`\`\`${language}\n([^]*?)\`\`\``).exec(readme)![1]!

const hasNginx = Bun.which('nginx') !== null
if (!hasNginx) console.log('nginx is not installed: what the README says of it is not compared')

/** What the upstream has seen of a request. */
interface Seen {
  method: string
  path: string
  host: string | null
  api: string | null
}

describe.skipIf(!hasNginx)('nginx and the gateway agree', () => {
  const stack = new AsyncDisposableStack()
  const seen: Seen[] = []
  const urls = new Map<string, string>()
  afterAll(() => stack.disposeAsync())

  beforeAll(async () => {
    const folder = stack.use(temporaryFolder()).path
    const upstream = stack.use(
      Bun.serve({
        port: 0,
        hostname: '127.0.0.1',
        fetch(request) {
          const { pathname, search } = new URL(request.url)
          const { headers, method } = request
          seen.push({ method, path: pathname + search, host: headers.get('host'), api: headers.get('x-api') })
          return new Response(pathname, { headers: { 'X-Powered-By': 'bun' } })
        },
      }),
    )
    const target = `127.0.0.1:${upstream.port}`
    const config = join(folder, 'gateway.toml')
    await Bun.write(config, block('Coming from nginx', 'toml').replace('127.0.0.1:8001', target))
    const log = createLogger('gateway', 'silent')
    const worker = { registry: new Registry(), tally: new RequestTally(), log }
    const read = readGatewayConfig({ GATEWAY_CONFIG: config })
    const server = new GatewayServer({ ...read, workers: 0, log: { ...read.log, access: 'off' } }, worker)
    stack.defer(() => server.stop(true))
    const address = { hostname: '127.0.0.1', port: 0, reusePort: false }
    urls.set('gateway', `http://127.0.0.1:${server.serveOn(address)}`)

    using free = Bun.listen({ hostname: '127.0.0.1', port: 0, socket: { data() {} } })
    const { port } = free
    free.stop(true)
    const paths = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map(
      (name) => `${name}_temp_path ${folder}/${name};`,
    )
    mkdirSync(join(folder, 'logs'))
    const text = block('Coming from nginx', 'nginx')
      .replace('127.0.0.1:8001', target)
      .replace('127.0.0.1:8080', `127.0.0.1:${port}`)
    await Bun.write(
      join(folder, 'nginx.conf'),
      `daemon off; worker_processes 1; pid ${folder}/pid; error_log ${folder}/error.log;
       events {} http { access_log off; ${paths.join(' ')} ${text} }`,
    )
    const nginx = Bun.spawn(
      ['nginx', '-e', join(folder, 'error.log'), '-p', folder, '-c', join(folder, 'nginx.conf')],
      { stdio: ['ignore', 'ignore', 'inherit'] },
    )
    stack.defer(async () => {
      nginx.kill('SIGTERM')
      await nginx.exited
    })
    urls.set('nginx', `http://127.0.0.1:${port}`)
    while (
      !(await fetch(urls.get('nginx')!).then(
        () => true,
        () => false,
      ))
    )
      await Bun.sleep(10)
  })

  test.each<[string, RequestInit & { host?: string }]>([
    ['/dogs/1?a=b', {}],
    ['/dogs/%41/x%20y', {}],
    ['/dogs/', { method: 'POST', body: 'x'.repeat(1000) }],
    ['/dogs/', { method: 'POST', body: 'x'.repeat(1001) }],
    ['/dogs/', { method: 'DELETE' }],
    ['/dogs/', { host: 'shop.pets.example' }],
    ['/dogs/', { host: 'PETS.example:80' }],
    ['/dogs/', { headers: { 'X-Api': '1' } }],
    ['/v1/dogs/1?q', {}],
    ['/v2/1?q', {}],
    ['/robots.txt', {}],
    ['/old/a?b=c', {}],
    ['/old/a', {}],
    ['/private/', {}],
    ['/read/', {}],
    ['/nothing', {}],
  ])('%s %j', async (path, { host = 'pets.example', headers = {}, ...init }) => {
    const results = []
    for (const name of ['nginx', 'gateway']) {
      seen.length = 0
      const response = await fetch(urls.get(name)! + path, {
        redirect: 'manual',
        ...init,
        headers: { ...headers, Host: host },
      })
      const body = await response.text()
      const field = (each: string) => response.headers.get(each)
      results.push({
        status: response.status,
        body: response.status === 200 ? body : '',
        location: field('location'),
        powered: field('x-powered-by'),
        hsts: response.status === 200 ? field('strict-transport-security') : 'any',
        upstream: [...seen],
      })
    }
    const [ofNginx, ofGateway] = results
    // Routes without the field, and the two ways to say that there is no such page.
    if (path === '/read/' || path === '/nothing') ofNginx!.hsts = ofGateway!.hsts
    if (path === '/read/') ofNginx!.powered = ofGateway!.powered
    expect(ofGateway).toEqual(ofNginx!)
  })
})

test('the file for Caddy is right', async () => {
  using certificates = new Certificates()
  certificates.sign('cert', 'DNS:pets.example')
  await Bun.write(certificates.path('key.pem'), certificates.text('cert.key'))
  const config = certificates.path('gateway.toml')
  await Bun.write(config, block('Coming from Caddy', 'toml'))
  expect(readGatewayConfig({ GATEWAY_CONFIG: config }).routes.map(({ id }) => id)).toEqual([
    'api',
    'robots',
    'old',
  ])
})
