/**
 * For tests: real services with their workers, behind the sockets of which a real gateway stands. Whatever is waited for
 * has a deadline and a name. Nothing is killed for hanging but by the test.
 */
import { join } from 'node:path'
import type { StatsDocument } from '@bun-monitoring/prefork/stats'
import { TestProcess } from '@bun-monitoring/prefork/testing'
import { targetsOn, temporaryFolder } from '../testing.ts'

const ROOT = join(import.meta.dir, '../..')
const SERVICES = ['dogs', 'cats'] as const
export type ServiceName = (typeof SERVICES)[number]

/** Of each service, and of the gateway. */
const WORKERS = 2
/** Long, for machines that are busy with other things. */
const WITHIN_MS = 30_000

/** How long a lame duck must be at least: the gateway closes connections that are idle for a second. */
const LAME_DUCK_MS = '1200'

/** The committed file's upstreams, but requests wait longer: how long a process takes to start is not the matter here. */
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
  /** The gateway's. */
  url = ''
  target = { hostname: '127.0.0.1', port: 0 }
  readonly #killed = new Set<number>()

  /** Resolves when all of it serves. */
  static async start(services: readonly ServiceName[] = ['dogs']): Promise<Stack> {
    const stack = new Stack()
    await Promise.all(services.map((name) => stack.startService(name)))
    await stack.#startGateway(fileFor(stack.folder.path))
    return stack
  }

  /** Only the gateway, with this file. */
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

  /** A service, the first time or where the last one was disposed of. */
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

  /** The workers that serve, by pid, as soon as all do: none of them is one that was killed. */
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

  /** Targets of an upstream that no request goes to, as the worker of the gateway has them that has most. */
  async ejected(upstream: ServiceName = 'dogs'): Promise<number> {
    const { admin } = await this.gateway.ready()
    const page = await (await fetch(`${admin}/metrics`)).text()
    return Number(targetsOn(page, upstream).ejected)
  }

  /** Tells all these to reload, and resolves when they have, for the `times`th time. */
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

/** Resolves when it is so. @throws where that takes too long, with what was waited for. */
export async function eventually(what: string, isSo: () => boolean | Promise<boolean>): Promise<void> {
  const deadlineMs = performance.now() + WITHIN_MS
  while (!(await isSo())) {
    if (performance.now() > deadlineMs) throw new Error(`waited in vain until ${what}`)
    await Bun.sleep(10)
  }
}
