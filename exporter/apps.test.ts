/** Our own apps under load; one of them is stopped, killed and started again. */
import { expect, test } from 'bun:test'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { TestProcess } from '@bun-monitoring/prefork/testing'

const REQUESTS = 200

test('values are right, and what happens to one app leaves no gap in the other', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'exporter-apps-'))
  const start = (name: string, env: Record<string, string>) => {
    const prefix = name.toUpperCase()
    const settings = { PORT: '0', ADMIN_PORT: '0', DATABASE_PATH: join(folder, `${name}.sqlite`), ...env }
    return new TestProcess(
      [`${import.meta.dir}/../services/${name}/index.ts`],
      Object.fromEntries(
        Object.entries({ WORKERS: '0', ...settings }).map(([key, value]) => [`${prefix}_${key}`, value]),
      ),
    )
  }
  try {
    await using processes = new AsyncDisposableStack()
    const cats = processes.use(start('cats', {}))
    const atCats = await cats.ready()
    const dogs = processes.use(start('dogs', {}))
    const atDogs = await dogs.ready()
    await using exporter = new TestProcess([
      `${import.meta.dir}/index.ts`,
      '--web.listen-address=127.0.0.1:0',
      ...[atDogs, atCats].map(({ admin }) => `--stats.uri=${admin}/stats`),
    ])
    const { url } = await exporter.ready()
    const page = async () => {
      const headers = { 'X-Prometheus-Scrape-Timeout-Seconds': '3' }
      return (await fetch(`${url}/metrics`, { headers })).text()
    }
    const requestsOf = (text: string, app: string) =>
      Number(
        new RegExp(`^prefork_worker_requests_total\\{app="${app}",[^}]*\\} (\\d+)$`, 'm').exec(text)?.[1],
      )
    const isUp = (text: string, { admin }: { admin: string }) =>
      text.includes(`exporter_target_up{target="${admin}/stats"} 1\n`)
    const load = async (base: string, path: string) => {
      for (let i = 0; i < REQUESTS; i++) await (await fetch(base + path)).text()
    }

    await Promise.all([load(atDogs.url, '/dogs/'), load(atCats.url, '/cats/')])
    const loaded = await page()
    expect(requestsOf(loaded, 'dogs')).toBe(REQUESTS)
    expect(requestsOf(loaded, 'cats')).toBe(REQUESTS)
    expect(loaded).toContain(`prefork_workers{app="cats",target="${atCats.admin}/stats",state="ready"} 1\n`)

    // The kernel accepts connections of a stopped process, which does not respond.
    dogs.signal('SIGSTOP')
    await load(atCats.url, '/cats/')
    const hung = await page()
    expect(isUp(hung, atDogs)).toBe(false)
    expect(requestsOf(hung, 'cats')).toBe(2 * REQUESTS)
    expect(await exporter.line('target is down')).toMatchObject({ reason: 'it did not respond in time' })
    dogs.signal('SIGCONT')
    expect(requestsOf(await page(), 'dogs')).toBe(REQUESTS)

    await dogs[Symbol.asyncDispose]()
    const killed = await page()
    expect(isUp(killed, atDogs)).toBe(false)
    expect(isUp(killed, atCats)).toBe(true)
    expect(killed).not.toContain('app="dogs"')

    const started = processes.use(start('dogs', { ADMIN_PORT: new URL(atDogs.admin).port }))
    await load((await started.ready()).url, '/dogs/')
    const again = await page()
    expect(requestsOf(again, 'dogs')).toBe(REQUESTS)
    expect(requestsOf(again, 'cats')).toBe(2 * REQUESTS)
    expect(await exporter.line('target is up again')).toMatchObject({ target: `${atDogs.admin}/stats` })
  } finally {
    rmSync(folder, { recursive: true })
  }
}, 60_000)
