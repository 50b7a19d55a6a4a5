/** A cluster under `bun --watch` serves the new code after each save. */
import { expect, setDefaultTimeout, test } from 'bun:test'
import { rmSync, symlinkSync } from 'node:fs'
import { join } from 'node:path'
import { childrenOf } from './shared/procfs.ts'
import { freePort, TestProcess } from './testing.ts'
import { temporaryFolder } from './testdata/toys.ts'

/** Real processes on a machine that may be busy. */
setDefaultTimeout(120_000)

const app = (body: string) => `
import { Type } from '@sinclair/typebox'
import { processSettings, readConfig, run, serveHttp } from '${join(import.meta.dir, 'index.ts')}'
const settings = Type.Object(processSettings({ port: 0, adminPort: 0 }))
process.exit(await run({
  name: 'watched', version: '1', prefix: 'WATCHED',
  config: () => readConfig(settings, 'WATCHED', Bun.env),
  serve: (_, { addresses }) => serveHttp(addresses, { idleTimeout: 10, fetch: () => new Response('${body}') }),
}))
`

test('bun --watch with workers: each save brings the new code, in one process', async () => {
  const folder = temporaryFolder()
  const path = join(folder, 'app.ts')
  symlinkSync(join(import.meta.dir, 'node_modules'), join(folder, 'node_modules'))
  await Bun.write(path, app('first'))
  const env = {
    WATCHED_WORKERS: '2',
    WATCHED_PORT: String(freePort()),
    WATCHED_ADMIN_PORT: String(freePort()),
  }
  await using server = new TestProcess(['--watch', path], env)
  const { url } = await server.ready()
  const body = async () =>
    fetch(url, { keepalive: false }).then(
      (response) => response.text(),
      () => 'not there',
    )
  expect(await body()).toBe('first')
  for (const next of ['second', 'third']) {
    await Bun.write(path, app(next))
    while ((await body()) !== next) await Bun.sleep(10)
  }
  expect(childrenOf(server.pid)).toEqual([])
  const starts = () => server.lines('bun --watch starts only this process anew').length
  // A response may be read before the line that was written earlier.
  while (starts() < 3) await Bun.sleep(10)
  expect(starts()).toBe(3)
  rmSync(folder, { recursive: true })
})
