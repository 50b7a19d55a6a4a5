/**
 * Starts real services with their workers for tests, and a real gateway in front of their sockets. Each wait has a
 * deadline and a name. A hung worker is killed by the test alone.
 */
import { join } from 'node:path'
import type { StatsDocument } from '@bun-monitoring/prefork/stats'
import { TestProcess } from '@bun-monitoring/prefork/testing'
import { targetsOn, temporaryFolder } from '../testing.ts'

const ROOT = join(import.meta.dir, '../..')
const SERVICES = ['dogs', 'cats'] as const
export type ServiceName = (typeof SERVICES)[number]

/** Workers of each service and of the gateway. */
const WORKERS = 2
/** Long enough for a busy machine. */
const WITHIN_MS = 30_000

/** The least lame duck time: the gateway closes connections that are idle for a second. */
const LAME_DUCK_MS = '1200'

/** The upstreams of the committed file, but requests wait longer, as long as a process may take to start. */
const fileFor = (folder: string) =>
  SERVICES.map(
    (name) => `
[[upstream]]
name = "${name}"
targets = ["unix:${folder}/${name}.*.sock"]
health = { path = "/healthz" }
queue_ms = 30_000

[[route]]
id = "${name}"
path = "/${name}"
upstream = "${name}"
`,
  ).join('')

export class Stack implements AsyncDisposable {
  readonly folder = temporaryFolder()
  readonly services = new Map<ServiceName, TestProcess>()
  gateway!: TestProcess
  /** The address of the gateway. */
  url = ''
  target = { hostname: '127.0.0.1', port: 0 }
  readonly #killed = new Set<number>()

  /** Resolves when gateway and services serve. */
  static async start(services: readonly ServiceName[] = ['dogs']): Promise<Stack> {
    const stack = new Stack()
    await Promise.all(services.map((name) => stack.startService(name)))
    await stack.#startGateway(fileFor(stack.folder.path))
    return stack
  }

  /** Starts only the gateway, with this file. */
  static async before(file: string): Promise<Stack> {
    const stack = new Stack()
    await stack.#startGateway(file)
    return stack
  }

  async #startGateway(file: string): Promise<void> {
    const config = join(this.folder.path, 'gateway.toml')
    await Bun.write(config, file)
    this.gateway = new TestProcess([join(ROOT, 'gateway/index.ts')], {
      GATEWAY_PORT: '0',
      GATEWAY_ADMIN_PORT: '0',
      GATEWAY_WORKERS: String(WORKERS),
      GATEWAY_LAME_DUCK_MS: LAME_DUCK_MS,
      GATEWAY_CONFIG: config,
    })
    const { url } = await this.gateway.ready()
    this.url = url
    this.target.port = Number(new URL(url).port)
  }

  /** Starts a service, or starts it again after it was disposed of. */
  async startService(name: ServiceName): Promise<void> {
    const prefix = name.toUpperCase()
    const service = new TestProcess([join(ROOT, 'services', name, 'index.ts')], {
      [`${prefix}_PORT`]: '0',
      [`${prefix}_ADMIN_PORT`]: '0',
      [`${prefix}_WORKERS`]: String(WORKERS),
      [`${prefix}_HARAKIRI_MS`]: '0',
      [`${prefix}_LAME_DUCK_MS`]: LAME_DUCK_MS,
      [`${prefix}_DATABASE_PATH`]: join(this.folder.path, `${name}.sqlite`),
      [`${prefix}_SOCKET_DIR`]: this.folder.path,
    })
    this.services.set(name, service)
    await service.ready()
  }

  service(name: ServiceName = 'dogs'): TestProcess {
    return this.services.get(name)!
  }

  /** The pids of the workers once all serve, without killed ones. */
  async workersOf(family: TestProcess): Promise<number[]> {
    let pids: number[] = []
    await eventually('all workers serve', async () => {
      pids = (await statsOf(family)).workers
        .filter(({ state, pid }) => (state === 'ready' || state === 'busy') && !this.#killed.has(pid))
        .map(({ pid }) => pid)
      return pids.length >= WORKERS
    })
    return pids
  }

  kill(pid: number): void {
    this.#killed.add(pid)
    process.kill(pid, 'SIGKILL')
  }

  /** Ejected targets of an upstream: the highest count in any one worker. */
  async ejected(upstream: ServiceName = 'dogs'): Promise<number> {
    const { admin } = await this.gateway.ready()
    const page = await (await fetch(`${admin}/metrics`)).text()
    return Number(targetsOn(page, upstream).ejected)
  }

  /** Reloads these and resolves when all have done so `times` times. */
  async reload(families: readonly TestProcess[], times: number): Promise<void> {
    for (const family of families) family.signal('SIGHUP')
    for (const family of families)
      await eventually(`reload ${times} is done`, async () => (await statsOf(family)).reloads === times)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const family of [this.gateway, ...this.services.values()]) await family[Symbol.asyncDispose]()
    this.folder[Symbol.dispose]()
  }
}

const statsOf = async (family: TestProcess): Promise<StatsDocument> => {
  const { admin } = await family.ready()
  return (await (await fetch(`${admin}/stats`)).json()) as StatsDocument
}

/** Resolves when `isSo` is true. @throws after a deadline, with the name of the wait */
export async function eventually(what: string, isSo: () => boolean | Promise<boolean>): Promise<void> {
  const deadlineMs = performance.now() + WITHIN_MS
  while (!(await isSo())) {
    if (performance.now() > deadlineMs) throw new Error(`waited in vain until ${what}`)
    await Bun.sleep(10)
  }
}
