/**
 * deploy/swarm/stack.yml on the engine of this machine, which is a swarm of one node during the test. The differences from the file are
 * free ports, published admin ports, a faster Prometheus, and no Grafana.
 */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { faster } from '../monitoring/prometheus/faster.ts'
import { ROOT } from '../scripts/external.ts'
import { freePort } from '@bun-monitoring/prefork/testing'
import { until } from './smoke.ts'

export const NAME = 'bm-swarm-test'
const TAG = 'e2e'
const IMAGE = `${NAME}/bun-monitoring:${TAG}`
const POSTGRES = 'postgres:18.1'
const SECRETS = ['postgres_password', 'grafana_password']
const PROMETHEUS_CONFIG = 'monitoring/prometheus/prometheus.compose.yml'
const SLOW_MS = 90_000

export const docker = (...words: string[]): Promise<string> =>
  Bun.$`docker ${words}`.cwd(ROOT).env(VARIABLES).quiet().text()

const ports = { gateway: freePort(), admin: freePort(), exporter: freePort(), prometheus: freePort() }
const VARIABLES = { ...Bun.env, REGISTRY: NAME, TAG, PORT: String(ports.gateway) }

export class SwarmStack implements AsyncDisposable {
  readonly urls = Object.fromEntries(
    Object.entries(ports).map(([name, port]) => [name, `http://127.0.0.1:${port}`]),
  ) as Record<keyof typeof ports, string>
  readonly #cleaning = new AsyncDisposableStack()

  /** @param timesFaster divides the intervals of Prometheus' scrapes and discovery */
  async deploy(timesFaster: number): Promise<void> {
    const state = (await docker('info', '--format', '{{.Swarm.LocalNodeState}}')).trim()
    if (state !== 'inactive')
      throw new Error(`this engine's swarm is ${state}: it is not the test's to change`)
    await docker('build', '--quiet', '--tag', IMAGE, '.')
    this.#cleaning.defer(async () => void (await docker('rmi', IMAGE)))
    await this.#standIn()
    await docker('swarm', 'init', '--advertise-addr', '127.0.0.1', '--listen-addr', '127.0.0.1')
    this.#cleaning.defer(async () => void (await docker('swarm', 'leave', '--force')))
    await docker('node', 'update', '--label-add', 'data=true', (await docker('node', 'ls', '--quiet')).trim())
    for (const name of SECRETS) {
      await Bun.$`docker secret create ${name} - < ${Buffer.from(crypto.randomUUID())}`.quiet()
    }
    const folder = mkdtempSync(join(tmpdir(), `${NAME}-`))
    this.#cleaning.defer(() => rmSync(folder, { recursive: true }))
    const changes = join(folder, 'changes.yml')
    await Bun.write(changes, JSON.stringify(await this.#changes(folder, timesFaster)))
    this.#cleaning.defer(() => this.#remove())
    const files = ['--compose-file', 'deploy/swarm/stack.yml', '--compose-file', changes]
    await docker('stack', 'deploy', '--resolve-image', 'never', '--detach=true', ...files, NAME)
    await until(() => this.#missing(), 2 * SLOW_MS)
  }

  /** The running containers of a service. */
  async containers(service: string): Promise<string[]> {
    const filter = `label=com.docker.swarm.service.name=${NAME}_${service}`
    return (await docker('ps', '--quiet', '--filter', filter)).split('\n').filter((id) => id !== '')
  }

  async isHealthy(container: string): Promise<boolean> {
    return (await docker('inspect', '--format', '{{.State.Health.Status}}', container)).trim() === 'healthy'
  }

  /**
   * Replaces all replicas, as a new image would.
   * @param flags of docker service update
   * @returns the state of the update, in Swarm's word
   */
  async update(service: string, ...flags: string[]): Promise<string> {
    const name = `${NAME}_${service}`
    await docker('service', 'update', '--force', '--quiet', '--detach=true', ...flags, name)
    let state = ''
    await until(async () => {
      state = (
        await docker('service', 'inspect', '--format', '{{with .UpdateStatus}}{{.State}}{{end}}', name)
      ).trim()
      return /completed|paused/.test(state) ? undefined : `the update of ${service} is ${state}`
    }, SLOW_MS)
    return state
  }

  async scale(service: string, replicas: number): Promise<void> {
    await docker('service', 'scale', '--detach', `${NAME}_${service}=${replicas}`)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#cleaning.disposeAsync()
  }

  /** The services that are not complete, with the errors of their tasks. */
  async #missing(): Promise<string | undefined> {
    const rows = (await docker('service', 'ls', '--format', '{{.Name}} {{.Replicas}}')).trim().split('\n')
    const missing = rows.filter((row) => !/ (\d+)\/\1$/.test(row))
    if (missing.length === 0) return undefined
    const errors = await docker('stack', 'ps', '--no-trunc', '--format', '{{.Name}} {{.Error}}', NAME)
    return `${missing.join(', ')}\n${errors}`
  }

  /** Builds a stand-in for the official image if it cannot be pulled. */
  async #standIn(): Promise<void> {
    const isThere = (await docker('images', '--quiet', POSTGRES)) !== ''
    if (isThere) return
    await docker('build', '--quiet', '--tag', POSTGRES, 'e2e/testdata/postgres')
    this.#cleaning.defer(async () => void (await docker('rmi', POSTGRES)))
  }

  async #changes(folder: string, timesFaster: number): Promise<object> {
    const config = join(folder, 'prometheus.yml')
    const text = await Bun.file(join(ROOT, PROMETHEUS_CONFIG)).text()
    await Bun.write(
      config,
      faster(text, timesFaster).replaceAll('refresh_interval: 10s', `refresh_interval: ${10 / timesFaster}s`),
    )
    const publish = (target: number, published: number) => ({ ports: [{ target, published, mode: 'host' }] })
    return {
      services: {
        gateway: publish(9000, ports.admin),
        exporter: publish(9117, ports.exporter),
        prometheus: publish(9090, ports.prometheus),
        grafana: { deploy: { replicas: 0 } },
      },
      configs: { prometheus: { file: config } },
    }
  }

  /** Removes the volumes, which a swarm keeps, once the containers have ended. */
  async #remove(): Promise<void> {
    await docker('stack', 'rm', NAME)
    const namespace = `label=com.docker.stack.namespace=${NAME}`
    await until(async () => {
      const left = (await docker('ps', '--all', '--quiet', '--filter', namespace)).trim()
      return left === '' ? undefined : `there are still containers: ${left}`
    }, SLOW_MS)
    const volumes = (await docker('volume', 'ls', '--quiet', '--filter', namespace)).trim()
    if (volumes !== '') await docker('volume', 'rm', ...volumes.split('\n'))
  }
}
