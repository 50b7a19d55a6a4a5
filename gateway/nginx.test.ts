/** The README's file for nginx and that for the gateway do the same with the same requests. */
import { afterAll, beforeAll, describe, expect, test } from 'bun:test'
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { freePort } from '@bun-monitoring/prefork/testing'
import { partsOf, readmeBlock, seeingUpstream, startProcess, startWithFile } from './testdata/side_by_side.ts'
import { temporaryFolder } from './testing.ts'

const hasNginx = Bun.which('nginx') !== null
if (!hasNginx)
  console.warn('SKIPPED: nginx is not installed: what gateway/README.md says of it is not compared')

describe.skipIf(!hasNginx)('nginx and the gateway agree', () => {
  const stack = new AsyncDisposableStack()
  const upstream = stack.use(seeingUpstream())
  const urls = new Map<string, string>()
  afterAll(() => stack.disposeAsync())

  beforeAll(async () => {
    const folder = stack.use(temporaryFolder()).path
    const target = `127.0.0.1:${upstream.port}`
    const config = join(folder, 'gateway.toml')
    await Bun.write(config, readmeBlock('Coming from nginx', 'toml').replace('127.0.0.1:8001', target))
    urls.set('gateway', `http://127.0.0.1:${startWithFile(stack, config)}`)

    const port = freePort()
    const paths = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map(
      (name) => `${name}_temp_path ${folder}/${name};`,
    )
    mkdirSync(join(folder, 'logs'))
    const text = readmeBlock('Coming from nginx', 'nginx')
      .replace('127.0.0.1:8001', target)
      .replace('127.0.0.1:8080', `127.0.0.1:${port}`)
    await Bun.write(
      join(folder, 'nginx.conf'),
      `daemon off; worker_processes 1; pid ${folder}/pid; error_log ${folder}/error.log;
       events {} http { access_log off; ${paths.join(' ')} ${text} }`,
    )
    const command = ['nginx', '-e', join(folder, 'error.log'), '-p', folder, '-c', join(folder, 'nginx.conf')]
    await startProcess(stack, port, command, { cwd: folder })
    urls.set('nginx', `http://127.0.0.1:${port}`)
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
      upstream.seen.length = 0
      const response = await fetch(urls.get(name)! + path, {
        redirect: 'manual',
        ...init,
        headers: { ...headers, Host: host },
      })
      results.push(await partsOf(response, upstream.seen))
    }
    const [ofNginx, ofGateway] = results
    // Routes without the field, and the two ways to say that there is no such page.
    if (path === '/read/' || path === '/nothing') ofNginx!.hsts = ofGateway!.hsts
    if (path === '/read/') ofNginx!.powered = ofGateway!.powered
    expect(ofGateway).toEqual(ofNginx!)
  })
})
