/**
 * The whole stack as processes of this machine, started in the order in which they need each other. Each process prints its address when
 * it is ready, so every port can be configured, and 0 picks a free one.
 */
import { rmSync } from 'node:fs'
import { join } from 'node:path'
import { freePort } from '@bun-monitoring/prefork'
import { services, type ServiceName } from '../services/names.ts'
import { Child } from './child.ts'
import { type External, ROOT } from './external.ts'
import { grafana } from './grafana.ts'
import { checkPorts } from './ports.ts'
import { prometheus, type PrometheusOptions } from './prometheus.ts'
import { newSocketFolder } from './socket_folder.ts'

/** Ends other programs with the launcher, as --no-orphans of Bun does for our own processes. Needs setpriv of util-linux. */
const DIE_WITH_US = Bun.which('setpriv') ? ['setpriv', '--pdeathsig', 'TERM', '--'] : []

export interface StackOptions {
  env?: Record<string, string>
  /** Every port is a free one, so that several stacks run beside each other. */
  hasFreePorts?: boolean
  prometheusOptions?: Partial<PrometheusOptions>
  print: (line: string) => void
}

/** The addresses of the stack. A program that is not installed has none. */
export interface StackUrls {
  gateway: string
  exporter: string
  prometheus?: string
  grafana?: string
  /** Of each service, by its name. */
  services: Readonly<Record<ServiceName, string>>
  /** The admin servers of the gateway and of each service. */
  admin: Readonly<Record<ServiceName | 'gateway', string>>
}

/** Our own processes, in the order in which they start. */
export const PARTS = [...services, 'gateway', 'exporter'] as const
export type PartName = (typeof PARTS)[number]

/** Of programs whose ports are no settings. */
const PORTS = { exporter: 9117, prometheus: 9090, grafana: 3000 }

const otherPorts = () =>
  Object.entries(PORTS)
    .map(([name, port]) => ({ name, port }))
    .filter(({ name }) => name === 'exporter' || Bun.which(name) !== null)

/** How one of our own processes is started. */
interface Launch {
  folder: string
  env: Record<string, string>
  flags: readonly string[]
}

export class Stack {
  readonly #options: StackOptions
  /** By name, in the order of their first start. They are stopped in the reverse order. */
  readonly #children = new Map<string, Child>()
  readonly #ended = Promise.withResolvers<string>()
  readonly #isExpectedToEnd = new WeakSet<Child>()
  /** How each of our own processes starts again at its old address. */
  readonly #launches = new Map<PartName, Launch>()
  /** The folder of the services' unix sockets, and of what else goes with this stack. */
  readonly #sockets = newSocketFolder()
  #isStopping = false

  constructor(options: StackOptions) {
    this.#options = options
  }

  /** Resolves with the reason when a process ends that was not stopped. */
  get brokeDown(): Promise<string> {
    return this.#ended.promise
  }

  /** @throws Error with a line for each process that did not start; call `stop` then, too */
  async start(): Promise<StackUrls> {
    const { hasFreePorts = false, env } = this.#options
    if (!hasFreePorts) await checkPorts({ ...Bun.env, ...env }, otherPorts())
    const addressOf = (port: number) => `127.0.0.1:${hasFreePorts ? freePort() : port}`
    const starting = services.map((name) =>
      this.#startPart(name, `services/${name}`, { [`${name.toUpperCase()}_SOCKET_DIR`]: this.#sockets }),
    )
    await Promise.allSettled(starting) // each can print the problems of its configuration
    const started = await Promise.all(starting)
    const sockets = services.map((name) => [
      `${name.toUpperCase()}_URL`,
      `unix:${this.#sockets}/${name}.*.sock`,
    ])
    const gateway = await this.#startPart('gateway', 'gateway', Object.fromEntries(sockets))
    const admin = { gateway: gateway.admin, ...byName(started.map((urls) => urls.admin)) }
    const targets = Object.values(admin).map((url) => `--stats.uri=${url}/stats`)
    const exporter = await this.#startPart('exporter', 'exporter', {}, addressOf(PORTS.exporter), targets)

    const urls: StackUrls = {
      gateway: gateway.url,
      exporter: exporter.url,
      services: byName(started.map(({ url }) => url)),
      admin,
    }
    if (!Bun.which('prometheus')) return urls
    const prometheusUrl = `http://${addressOf(PORTS.prometheus)}`
    const scraped = { ...admin, exporter: exporter.url, prometheus: prometheusUrl }
    // Two Prometheus or Grafana cannot use one folder. That of a further stack goes with it.
    const data = hasFreePorts ? this.#sockets : join(ROOT, '.run')
    const options = { folder: join(data, 'prometheus'), ...this.#options.prometheusOptions }
    urls.prometheus = await this.#external(await prometheus(scraped, options))

    const program = Bun.which('grafana')
    const installed =
      program && grafana(program, addressOf(PORTS.grafana), urls.prometheus, join(data, 'grafana'))
    if (installed) urls.grafana = await this.#external(installed)
    return urls
  }

  /** Stops one process, as if it had failed, until {@link restart}. */
  async stopOne(name: string): Promise<void> {
    const child = this.#children.get(name)!
    this.#isExpectedToEnd.add(child)
    await child.stop()
  }

  /** Starts one of our own processes again at its old address, with further environment variables. @throws as {@link start} */
  async restart(name: PartName, env: Record<string, string> = {}): Promise<void> {
    await this.stopOne(name)
    const launch = this.#launches.get(name)!
    await this.#serve(name, { ...launch, env: { ...launch.env, ...env } })
  }

  /** Stops everything, the last process first: the gateway stops before the services. */
  async stop(): Promise<void> {
    this.#isStopping = true
    for (const child of [...this.#children.values()].toReversed()) await child.stop()
    rmSync(this.#sockets, { recursive: true, force: true })
  }

  /** Kills everything, at the second Ctrl+C. */
  kill(): void {
    this.#isStopping = true
    for (const child of this.#children.values()) child.kill()
  }

  /** Starts one of our own processes, and keeps the address that it gets. @param address only of the exporter, which takes flags */
  async #startPart(
    name: PartName,
    folder: string,
    env: Record<string, string>,
    address?: string,
    flags: readonly string[] = [],
  ) {
    const launch = { folder, env, flags: address ? [`--web.listen-address=${address}`, ...flags] : flags }
    const at = (port: string, adminPort: string) => {
      const prefix = name.toUpperCase()
      return address ? env : { ...env, [`${prefix}_PORT`]: port, [`${prefix}_ADMIN_PORT`]: adminPort }
    }
    const urls = await this.#serve(
      name,
      this.#options.hasFreePorts ? { ...launch, env: at('0', '0') } : launch,
    )
    this.#launches.set(name, { ...launch, env: at(portOf(urls.url), portOf(urls.admin ?? urls.url)) })
    return urls
  }

  async #serve(name: string, { folder, env, flags }: Launch) {
    const child = this.#spawn({
      name,
      command: [process.execPath, '--no-orphans', join(ROOT, folder, 'index.ts'), ...flags],
      env,
    })
    const line = await child.ready()
    this.#watch(child)
    return JSON.parse(line) as { url: string; admin: string }
  }

  async #external({ name, command, env = {}, url, readyPath }: External): Promise<string> {
    const child = this.#spawn({ name, command: [...DIE_WITH_US, ...command], env })
    await child.readyAt(url + readyPath)
    this.#watch(child)
    return url
  }

  #spawn({ name, command, env = {} }: Pick<External, 'name' | 'command' | 'env'>): Child {
    if (this.#isStopping) throw new Error('the stack is stopping')
    const child = new Child({
      name,
      command,
      env: { ...this.#options.env, ...env },
      print: this.#options.print,
    })
    this.#children.set(name, child)
    return child
  }

  /** Tells when a process that was ready ends without having been stopped. */
  #watch(child: Child): void {
    void child.exited.then((code) => {
      if (this.#isStopping || this.#isExpectedToEnd.has(child)) return
      const what = `${child.name} ended with exit code ${code}`
      this.#options.print(what)
      this.#ended.resolve(what)
    })
  }
}

/** One value for each service, in their order. */
const byName = (values: readonly string[]) =>
  Object.fromEntries(services.map((name, index) => [name, values[index]])) as Record<ServiceName, string>

const portOf = (url: string): string => new URL(url).port
