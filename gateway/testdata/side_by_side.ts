/** For tests that run another gateway beside this one, both with a file of the README, on the same requests. */
import { Registry } from '@bun-monitoring/metrics'
import { createLogger, RequestTally } from '@bun-monitoring/prefork'
import { readGatewayConfig } from '../config/settings.ts'
import { GatewayServer } from '../server.ts'

const readme = await Bun.file(`${import.meta.dir}/../README.md`).text()

/** The first block of code in this language below this heading of the README. */
export const readmeBlock = (heading: string, language: string): string =>
  new RegExp(`## ${heading}\n[^]*?\`\`\`${language}\n([^]*?)\`\`\``).exec(readme)![1]!

/** What the upstream has seen of a request. */
export interface Seen {
  method: string
  path: string
  host: string | null
  api: string | null
  debug: string | null
}

/** An upstream that responds with the path, and keeps what it sees of requests other than checks. */
export function seeingUpstream() {
  const seen: Seen[] = []
  const server = Bun.serve({
    port: 0,
    hostname: '127.0.0.1',
    async fetch(request) {
      const { pathname, search } = new URL(request.url)
      const { headers, method } = request
      if (pathname === '/healthz') return new Response()
      await request.bytes()
      const of = (name: string) => headers.get(name)
      seen.push({ method, path: pathname + search, host: of('host'), api: of('x-api'), debug: of('x-debug') })
      return new Response(pathname, { headers: { 'X-Powered-By': 'bun', Server: 'bun' } })
    },
  })
  return Object.assign(server, { seen })
}

/** Starts a gateway with this file in this process. @returns the port beside its listeners */
export function startWithFile(stack: AsyncDisposableStack, path: string): number {
  const log = createLogger('gateway', 'silent')
  const read = readGatewayConfig({ GATEWAY_CONFIG: path })
  const config = { ...read, workers: 0, log: { ...read.log, access: 'off' as const } }
  const server = new GatewayServer(config, { registry: new Registry(), tally: new RequestTally(), log })
  stack.defer(() => server.stop(true))
  for (const { hostname, port, ...options } of config.listen)
    server.serveOn({ hostname, port, reusePort: false }, options)
  return server.serveOn({ hostname: '127.0.0.1', port: 0, reusePort: false })
}

/** Starts another gateway, and resolves when it accepts connections. */
export async function startProcess(
  stack: AsyncDisposableStack,
  port: number,
  command: string[],
  options: { cwd: string; env?: Record<string, string> },
): Promise<void> {
  const child = Bun.spawn(command, { stdio: ['ignore', 'ignore', 'pipe'], ...options })
  stack.defer(async () => {
    child.kill('SIGTERM')
    await child.exited
  })
  for (;;) {
    if (child.exitCode !== null) throw new Error(`${command[0]}: ${await new Response(child.stderr).text()}`)
    const isOpen = await Bun.connect({ hostname: '127.0.0.1', port, socket: { data() {} } }).then(
      (socket) => (socket.end(), true),
      () => false,
    )
    if (isOpen) return
    await Bun.sleep(10)
  }
}

/** The parts of a response that are compared. */
export async function partsOf(response: Response, seen: Seen[]) {
  const body = await response.text()
  const field = (name: string) => response.headers.get(name)
  return {
    status: response.status,
    body: response.status === 200 ? body : '',
    location: field('location')?.replace(/:\d+(?=\/)/, '') ?? null,
    powered: field('x-powered-by'),
    hsts: response.status === 200 ? field('strict-transport-security') : 'any',
    upstream: [...seen],
  }
}
