/**
 * The service behind a proxy that serves it under a path: a crawler follows every link, form and redirect of every page, and
 * the pages of a list, behind nginx, behind the gateway, and behind both.
 */
import { describe, expect, test } from 'bun:test'
import { join } from 'node:path'
import { freePort, isExpected, TestProcess } from '@bun-monitoring/prefork/testing'
import type { OpenAPIV3 } from 'openapi-types'
import { account, PASSWORD } from './admin/testing_account.ts'
import { dogs, temporaryDatabase, temporaryFolder } from './testing.ts'

const SLOW_MS = 120_000

/** What the pages of a site link to. Every link that leaves the site or leads to an error is a problem. */
class Crawl {
  readonly seen = new Set<string>()
  readonly problems: string[] = []
  #cookie = ''

  constructor(readonly base: string) {}

  async logIn(): Promise<void> {
    const body = new URLSearchParams({ user: 'admin', password: PASSWORD })
    const response = await fetch(`${this.base}/dogs/admin/login`, {
      method: 'POST',
      body,
      redirect: 'manual',
    })
    const [cookie, path] = response.headers.get('set-cookie')!.split('; ')
    this.#cookie = cookie!
    // A browser sends it only to paths that begin with its own.
    expect(`${new URL(this.base).origin}${path!.slice('Path='.length)}`).toBe(`${this.base}/dogs/admin/`)
    await this.visit(response.headers.get('location')!, `${this.base}/dogs/admin/login`)
  }

  /** Visits a link of a page, and from there all others. */
  async visit(link: string, page: string): Promise<void> {
    const url = this.#inside(link, page)
    if (url === undefined || this.seen.has(url)) return
    this.seen.add(url)
    const response = await fetch(url, { redirect: 'manual', headers: { cookie: this.#cookie } })
    if (response.status >= 400) this.problems.push(`${page} links to ${link}: ${response.status}`)
    const location = response.headers.get('location')
    if (location !== null) await this.visit(location, url)
    for (const [, next] of (response.headers.get('link') ?? '').matchAll(/<([^>]+)>/g))
      await this.visit(next!, url)
    if (!response.headers.get('content-type')?.startsWith('text/html'))
      return void (await response.arrayBuffer())
    for (const next of await linksOf(response)) await this.visit(next, url)
  }

  #inside(link: string, page: string): string | undefined {
    if (link.startsWith('data:')) return undefined
    const url = new URL(link, page)
    url.hash = ''
    if (url.href.startsWith(`${this.base}/`)) return url.href
    this.problems.push(`${page} links to ${link}, which is outside`)
    return undefined
  }
}

/** The targets of links, styles, scripts and forms. Forms that POST are only checked for their place. */
async function linksOf(response: Response): Promise<string[]> {
  const links: string[] = []
  const rewriter = new HTMLRewriter()
  for (const [selector, name] of [
    ['[href]', 'href'],
    ['[src]', 'src'],
    ['form[method=get]', 'action'],
    ['form[data-path]', 'data-path'],
  ] as const) {
    rewriter.on(selector, {
      element(element) {
        const link = element.getAttribute(name)!
        const isChange = element.hasAttribute('data-method') && element.getAttribute('data-method') !== 'get'
        if (!isChange && !link.includes('/clean/'))
          links.push(link.replaceAll('&amp;', '&').replace('{id}', '1'))
      },
    })
  }
  await rewriter.transform(response).text()
  return links
}

async function crawl(base: string): Promise<void> {
  const post = (name: string) =>
    fetch(`${base}/dogs/`, { method: 'POST', body: JSON.stringify({ name, breed: 'Pug' }) })
  const locations = await Promise.all(
    ['a', 'b', 'c'].map(async (name) => (await post(name)).headers.get('location')!),
  )
  const site = new Crawl(base)
  for (const location of locations) await site.visit(location, `${base}/dogs/`)
  await site.visit('dogs/?limit=1', `${base}/`)
  await site.visit('dogs/swagger', `${base}/`)
  await site.visit('dogs/admin/add', `${base}/`)
  await site.logIn()
  expect(site.problems).toEqual([])
  // The pages of the list, the docs with their files, and the admin page with its forms.
  for (const path of [
    'dogs/?limit=1&after=2',
    'dogs/swagger/script.js',
    'dogs/swagger/style.css',
    'dogs/swagger/json',
    'dogs/admin/login',
    'dogs/admin/style.css',
    'dogs/admin/add',
    'dogs/admin/1/',
    'dogs/admin/1/delete',
    'dogs/admin/?sort=name',
  ]) {
    expect(site.seen).toContain(`${base}/${path}`)
  }
  const document = (await (await fetch(`${base}/dogs/swagger/json`)).json()) as OpenAPIV3.Document
  const server = new URL(document.servers![0]!.url, `${base}/dogs/swagger/json`).href
  expect((await fetch(`${server.replace(/\/$/, '')}/dogs/1/`)).status).toBe(200)
}

const startService = (env: Record<string, string>) =>
  dogs({ DOGS_WORKERS: '0', DOGS_ADMIN_PASSWORD_HASH: account.passwordHash, ...env })

/** The gateway with one route to the service. @param route lines of the route */
async function startGateway(
  folder: string,
  target: string,
  route: string,
): Promise<TestProcess & { url: string }> {
  const config = join(folder, 'gateway.toml')
  await Bun.write(
    config,
    `trusted_proxies = ["127.0.0.0/8"]\n[[upstream]]\nname = "dogs"\ntargets = ["${target}"]\n` +
      `[[route]]\nid = "dogs"\nupstream = "dogs"\n${route}\n`,
  )
  const gateway = new TestProcess([join(import.meta.dir, '../../gateway/index.ts')], {
    GATEWAY_CONFIG: config,
    GATEWAY_PORT: '0',
    GATEWAY_ADMIN_PORT: '0',
    GATEWAY_WORKERS: '0',
  })
  const { url } = await gateway.ready()
  return Object.assign(gateway, { url })
}

const isNginxExpected = isExpected(
  Bun.which('nginx') !== null,
  'nginx is not on PATH, so the service is not tested behind it',
)

/** nginx with one location. @param location its lines */
async function startNginx(folder: string, location: string) {
  const port = freePort()
  await Bun.write(
    join(folder, 'nginx.conf'),
    `daemon off; pid nginx.pid; error_log stderr; events {}
     http { access_log off; client_body_temp_path t1; proxy_temp_path t2; fastcgi_temp_path t3; uwsgi_temp_path t4; scgi_temp_path t5;
       server { listen 127.0.0.1:${port}; ${location} } }`,
  )
  const nginx = Bun.spawn(['nginx', '-e', 'stderr', '-p', folder, '-c', join(folder, 'nginx.conf')], {
    stderr: 'pipe',
  })
  const url = `http://127.0.0.1:${port}`
  while (!(await fetch(url).catch(() => undefined))?.headers.get('server')?.startsWith('nginx')) {
    if (nginx.exitCode !== null) throw new Error(await new Response(nginx.stderr).text())
  }
  return {
    url,
    async [Symbol.asyncDispose]() {
      nginx.kill('SIGTERM')
      await nginx.exited
    },
  }
}

describe('the gateway', () => {
  test.each([
    ['strip', '/pets', 'path = "/pets"\nstrip = true'],
    ['rewrite', '/pets', 'path = "/pets/dogs"\nrewrite = "/dogs"'],
    ['strip of several segments', '/a/b-c', 'path = "/a/b-c"\nstrip = true'],
    ['no change of the path', '', 'path = "/dogs"'],
  ])(
    'with %s: every link leads to a page of the service',
    async (_, path, route) => {
      using folder = temporaryFolder()
      await using database = temporaryDatabase()
      await using service = startService(database.env)
      await using gateway = await startGateway(folder.path, (await service.ready()).url, route)
      await crawl(`${gateway.url}${path}`)
    },
    SLOW_MS,
  )
})

describe.skipIf(!isNginxExpected)('nginx', () => {
  test.each([
    ['that sends X-Forwarded-Prefix', 'proxy_set_header X-Forwarded-Prefix /a/b/;', {}],
    ['and the setting', '', { DOGS_PUBLIC_PATH: '/a/b' }],
  ])(
    '%s: every link leads to a page of the service',
    async (_, header, env) => {
      using folder = temporaryFolder()
      await using database = temporaryDatabase()
      await using service = startService({ ...database.env, ...env })
      const { url } = await service.ready()
      const location = `location /a/b/ { ${header} proxy_pass ${url}/; proxy_set_header Host $http_host; }`
      await using nginx = await startNginx(folder.path, location)
      await crawl(`${nginx.url}/a/b`)
    },
    SLOW_MS,
  )

  test(
    'in front of the gateway: their paths are joined',
    async () => {
      using folder = temporaryFolder()
      await using database = temporaryDatabase()
      await using service = startService(database.env)
      const route = 'path = "/pets"\nstrip = true'
      await using gateway = await startGateway(folder.path, (await service.ready()).url, route)
      const header = 'proxy_set_header X-Forwarded-Prefix /outer/; proxy_set_header Host $http_host;'
      await using nginx = await startNginx(
        folder.path,
        `location /outer/ { ${header} proxy_pass ${gateway.url}/; }`,
      )
      await crawl(`${nginx.url}/outer/pets`)
    },
    SLOW_MS,
  )
})
