/** Runs a real Alertmanager with the committed file for a test: with shorter waits, and with receivers that the test reads. */

import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { freePort } from '@bun-monitoring/prefork/testing'
import { faster } from '../prometheus/faster.ts'

export type Labels = Readonly<Record<string, string>>

/** One message to a receiver: the names of its alerts, sorted. */
export type Message = { receiver: string; status: string; alerts: string }

type Alerts = { labels: Labels; status: { inhibitedBy: string[] } }[]

const TIMES_FASTER = 100
const GROUP_WAIT_MS = 700
const WITHIN_MS = 60_000
const ASK_AGAIN_AFTER_MS = 50

/** Debian's name for the program is prometheus-alertmanager. */
export const program = Bun.which('alertmanager') ?? Bun.which('prometheus-alertmanager')

export class StandIn implements AsyncDisposable {
  readonly #folder = mkdtempSync(join(tmpdir(), 'alertmanager-'))
  readonly #messages: Message[] = []
  readonly #receivers = Bun.serve({
    hostname: '127.0.0.1',
    port: 0,
    fetch: async (request) => {
      const { receiver, status, alerts } = (await request.json()) as Message & { alerts: Alerts }
      const names = alerts.map(({ labels }) => labels['alertname']!).toSorted()
      this.#messages.push({ receiver, status, alerts: names.join(' ') })
      return new Response()
    },
  })
  readonly #url = `127.0.0.1:${freePort()}`
  #process: Bun.Subprocess | undefined

  static async start(): Promise<StandIn> {
    const standIn = new StandIn()
    await standIn.#start()
    return standIn
  }

  /** Sends alerts that fire, or that are resolved. */
  async post(alerts: readonly Labels[], isOver = false): Promise<void> {
    const times = isOver ? { endsAt: new Date().toISOString() } : {}
    const body = JSON.stringify(alerts.map((labels) => ({ labels, ...times })))
    const headers = { 'Content-Type': 'application/json' }
    const { ok, status } = await fetch(`http://${this.#url}/api/v2/alerts`, { method: 'POST', headers, body })
    if (!ok) throw new Error(`Alertmanager responded ${status} to ${body}`)
  }

  /** Waits for this number of messages and returns all so far. */
  async told(count: number): Promise<readonly Message[]> {
    await this.#until(async () => this.#messages.length >= count, `${count} messages`)
    return this.#messages
  }

  /** The names of the inhibited alerts, sorted. */
  async hidden(): Promise<string[]> {
    const alerts = (await (await fetch(`http://${this.#url}/api/v2/alerts`)).json()) as Alerts
    const inhibited = alerts.filter(({ status }) => status.inhibitedBy.length > 0)
    return inhibited.map(({ labels }) => labels['alertname']!).toSorted()
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#process?.kill()
    await this.#process?.exited
    await this.#receivers.stop(true)
    rmSync(this.#folder, { recursive: true, force: true })
  }

  async #start(): Promise<void> {
    const committed = await Bun.file(`${import.meta.dir}/alertmanager.yml`).text()
    // On a busy machine the alerts of one request reach their group one after the other.
    const waits = faster(committed, TIMES_FASTER).replaceAll(
      /group_wait: [1-9]\d*ms/g,
      `group_wait: ${GROUP_WAIT_MS}ms`,
    )
    const config = Bun.YAML.parse(waits) as { receivers: { name: string }[] }
    const receivers = config.receivers.map(({ name }) => ({
      name,
      webhook_configs: [{ url: this.#receivers.url.href }],
    }))
    const file = join(this.#folder, 'alertmanager.yml')
    await Bun.write(file, JSON.stringify({ ...config, receivers }))
    const flags = { 'config.file': file, 'storage.path': this.#folder, 'web.listen-address': this.#url }
    this.#process = Bun.spawn(
      [
        program ?? 'alertmanager',
        ...Object.entries(flags).map(([name, value]) => `--${name}=${value}`),
        '--cluster.listen-address=',
      ],
      { stdout: 'ignore', stderr: Bun.file(join(this.#folder, 'log')) },
    )
    const isReady = () =>
      fetch(`http://${this.#url}/-/ready`).then(
        ({ ok }) => ok,
        () => false,
      )
    await this.#until(isReady, 'its ready endpoint')
  }

  async #until(holds: () => Promise<boolean>, what: string): Promise<void> {
    const deadlineMs = performance.now() + WITHIN_MS
    while (!(await holds())) {
      if (this.#process?.exitCode !== null || performance.now() > deadlineMs) {
        const log = await Bun.file(join(this.#folder, 'log')).text()
        throw new Error(
          `Alertmanager: waited for ${what}, got ${JSON.stringify(this.#messages)}; its log:\n${log}`,
        )
      }
      await Bun.sleep(ASK_AGAIN_AFTER_MS)
    }
  }
}
