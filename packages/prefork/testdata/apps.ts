/** For tests of the command `prefork`: apps from outside this repository's workspaces, and the command that starts one. */
import { mkdirSync, rmSync, symlinkSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'
import type { StatsDocument } from '../admin/stats_document.ts'
import { TestProcess } from '../testing.ts'
import { sumOf, temporaryFolder } from './toys.ts'

/** Paths that all apps have: `/`, `/missing` (404), `/throw`, `/ip`, and a WebSocket at `/ws`. */
const APPS: Record<string, (body: string) => string> = {
  'plain.ts': (body) => `export default {
    fetch(request, server) {
      const { pathname } = new URL(request.url)
      if (server.upgrade(request)) return
      if (pathname === '/throw') throw new Error('on purpose')
      if (pathname === '/later') return new Promise((_, reject) => setTimeout(() => reject(new Error('later')), 1))
      if (pathname === '/ip') return Response.json(server.requestIP(request))
      if (pathname === '/echo') return new Response(request.body)
      return new Response(pathname === '/' ? '${body}' : 'nothing here', { status: pathname === '/' ? 200 : 404 })
    },
    routes: {
      '/fixed': new Response('fixed'),
      '/dogs/:id': (request) => new Response('dog ' + request.params.id),
      '/cats': { POST: () => new Response('made', { status: 201 }) },
      '/broken': () => { throw new Error('in a route') },
    },
    websocket: { message: (socket, text) => void socket.send('echo ' + text) },
    error: (error) => new Response(error.message, { status: 418 }),
    maxRequestBodySize: 1000,
    idleTimeout: 20,
  }`,
  'hono.ts': (body) => `import { Hono } from 'hono'
    const app = new Hono()
    app.get('/', (context) => context.text('${body}'))
    app.get('/throw', () => { throw new Error('on purpose') })
    export default app`,
  'elysia.ts': (body) => `import { Elysia } from 'elysia'
    export default new Elysia({ serve: { maxRequestBodySize: 1000 } })
      .onStart(() => void console.log('started'))
      .onStop(() => Bun.sleep(50).then(() => console.log('stopped')))
      .use(Bun.sleep(50).then(() => new Elysia().get('/lazy', () => 'later')))
      .get('/', () => '${body}')
      .get('/throw', () => { throw new Error('on purpose') })
      .post('/size', ({ body }) => String(body.length))
      .get('/dogs/:id', ({ params }) => 'dog ' + params.id)
      .get('/ip', ({ server, request }) => server.requestIP(request))
      .ws('/ws', { message: (socket, text) => void socket.send('echo ' + text) })`,
}

/** A folder for the apps, with the frameworks that they import. */
export class Apps {
  readonly folder = temporaryFolder()

  constructor() {
    mkdirSync(join(this.folder, 'node_modules'))
    const manifests = [require.resolve('hono/package.json'), require.resolve('elysia/package.json')]
    for (const path of manifests.map(dirname))
      symlinkSync(path, join(this.folder, 'node_modules', basename(path)))
  }

  /** @param body of the response at `/` */
  write(file: string, body: string): Promise<number> {
    return Bun.write(join(this.folder, file), APPS[file]!(body))
  }

  start(...args: string[]): Command {
    return new Command(this.folder, args)
  }

  remove(): void {
    rmSync(this.folder, { recursive: true, force: true })
  }
}

export class Command extends TestProcess {
  constructor(folder: string, args: readonly string[]) {
    const quick = ['--port=0', '--admin-port=0', '--lame-duck-ms=100']
    super([join(import.meta.dir, '../bin.ts'), ...args, ...quick], {}, { cwd: folder })
  }

  async get(path: string, init: RequestInit = {}): Promise<Response> {
    return fetch((await this.ready()).url + path, init)
  }

  async admin(path: string): Promise<Response> {
    return fetch((await this.ready()).admin + path)
  }

  async stats(): Promise<StatsDocument> {
    return (await (await this.admin('/stats')).json()) as StatsDocument
  }

  async target() {
    return { hostname: '127.0.0.1', port: Number(new URL((await this.ready()).url).port) }
  }

  async counted(): Promise<number> {
    return sumOf(await (await this.admin('/metrics')).text(), 'http_server_request_duration_seconds_count')
  }

  async until(isSo: (stats: StatsDocument) => boolean): Promise<void> {
    while (!isSo(await this.stats())) await Bun.sleep(10)
  }
}
