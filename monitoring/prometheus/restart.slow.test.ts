/**
 * After a restart of Prometheus, targets that ended before it raise no alert, although their last values can still be queried: a
 * real Prometheus with the committed rules, whose durations are shorter. Without Prometheus this is skipped with a message; if CI
 * is set it fails.
 */

import { expect, test } from 'bun:test'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { freePort, isExpected } from '@bun-monitoring/prefork/testing'
import { prometheus } from '../../scripts/prometheus.ts'
import { services } from '../../services/names.ts'

/**
 * A minute becomes 12 s; the five minutes of the last value stay. Prometheus scrapes nothing, itself included, in its first 5 s:
 * alerts must wait for longer than that.
 */
const TIMES_FASTER = 5
const ASK_AGAIN_AFTER_MS = 50
const hasPrometheus = isExpected(
  Bun.which('prometheus') !== null,
  'prometheus is not on PATH, so nothing checks what alerts say after its restart',
)

type Alert = { state: string; labels: { alertname: string; job?: string } }

/** What the question returns once it holds. Prometheus may still be starting. */
async function until<T>(ask: () => Promise<T>, holds: (answer: T) => boolean): Promise<T> {
  for (;;) {
    const answer = await ask().catch(() => undefined)
    if (answer !== undefined && holds(answer)) return answer
    await Bun.sleep(ASK_AGAIN_AFTER_MS)
  }
}

/** A Prometheus on a folder that outlives it. */
class Running implements AsyncDisposable {
  readonly #url: string
  readonly #program: Bun.Subprocess

  private constructor(url: string, command: readonly string[]) {
    this.#url = url
    this.#program = Bun.spawn([...command], { stdout: 'ignore', stderr: 'ignore' })
  }

  static async start(folder: string, targets: Record<string, string>): Promise<Running> {
    const url = `http://127.0.0.1:${freePort()}`
    const options = { folder, timesFaster: TIMES_FASTER }
    const { command } = await prometheus({ ...targets, prometheus: url }, options)
    return new Running(url, command)
  }

  async values(query: string): Promise<number[]> {
    const response = await fetch(`${this.#url}/api/v1/query?${new URLSearchParams({ query })}`)
    const { data } = (await response.json()) as { data: { result: { value: [number, string] }[] } }
    return data.result.map(({ value }) => Number(value[1]))
  }

  /** The alerts that fire now, as `<alert> <job>`. Its series of alerts have last values of before, too. */
  async firing(): Promise<string[]> {
    const response = await fetch(`${this.#url}/api/v1/alerts`)
    const { data } = (await response.json()) as { data: { alerts: Alert[] } }
    return data.alerts
      .filter(({ state, labels }) => state === 'firing' && labels.job !== undefined)
      .map(({ labels }) => `${labels.alertname} ${labels.job}`)
      .toSorted()
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#program.kill()
    await this.#program.exited
  }
}

test.skipIf(!hasPrometheus)(
  'a target that is gone after a restart of Prometheus is not down, and one that is still a target is',
  async () => {
    await using resources = new AsyncDisposableStack()
    const folder = mkdtempSync(join(tmpdir(), 'restart-'))
    resources.defer(() => rmSync(folder, { recursive: true, force: true }))
    const server = Bun.serve({
      hostname: '127.0.0.1',
      port: 0,
      fetch: () => new Response('', { headers: { 'Content-Type': 'text/plain; version=0.0.4' } }),
    })
    resources.defer(() => server.stop(true))
    const others = Object.fromEntries(
      ['gateway', ...services, 'exporter', 'node'].map((job) => [job, server.url.origin]),
    )
    const [gone, down] = [`127.0.0.1:${freePort()}`, `http://127.0.0.1:${freePort()}`]
    {
      await using before = await Running.start(folder, { ...others, dogs: `http://${gone}` })
      const up = () => before.values(`up{instance="${gone}"}`)
      expect(await until(up, ({ length }) => length > 0)).toEqual([0])
    }
    await using after = await Running.start(folder, { ...others, cats: down })
    // The alerts about cats have waited as long as those about dogs would have.
    const firing = await until(
      () => after.firing(),
      (alerts) => alerts.includes('AppDown cats') && alerts.includes('TargetDown cats'),
    )
    expect(firing).toEqual(['AppDown cats', 'TargetDown cats'])
    expect(await after.values(`up{instance="${gone}"}`)).toEqual([0])
  },
  60_000,
)
