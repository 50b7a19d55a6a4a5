/** What the app of a module passes on to its server. How it serves and what is measured is in bin.test.ts. */
import { afterAll, afterEach, expect, spyOn, test } from 'bun:test'
import { Registry } from '@bun-monitoring/metrics'
import { rmSync } from 'node:fs'
import { join } from 'node:path'
import type { Worker } from '../shared/app.ts'
import { RequestCounters } from '../shared/request_counters.ts'
import { temporaryFolder } from '../testdata/toys.ts'
import { serveApp } from './serve_app.ts'

const folder = temporaryFolder()
const serve = spyOn(Bun, 'serve')
afterEach(() => serve.mockClear())
afterAll(() => {
  serve.mockRestore()
  rmSync(folder, { recursive: true })
})

let files = 0

/** Serves the app of a module for a moment. @returns what it gave to `Bun.serve`. */
async function settingsOf(code: string) {
  const file = join(folder, `${++files}.ts`)
  await Bun.write(file, code)
  const worker = {
    id: 1,
    registry: new Registry(),
    tally: new RequestCounters(),
    addresses: [{ hostname: '127.0.0.1', port: 0, reusePort: false }],
  } as unknown as Worker
  const served = await serveApp(file, worker)
  await served.stop(true)
  return serve.mock.calls[0]![0] as { idleTimeout?: number; maxRequestBodySize?: number }
}

const elysia = (options: string) =>
  `import { Elysia } from ${JSON.stringify(require.resolve('elysia'))}; export default new Elysia(${options})`

test.each<[string, string, idleTimeout: number | undefined, maxRequestBodySize: number | undefined]>([
  ['plain Bun', 'export default { fetch: () => new Response() }', undefined, undefined],
  [
    'plain Bun with limits',
    'export default { fetch: () => new Response(), idleTimeout: 0, maxRequestBodySize: 0 }',
    0,
    0,
  ],
  ['Elysia, as its `listen`', elysia(''), 30, undefined],
  ['Elysia with limits', elysia('{ serve: { idleTimeout: 7, maxRequestBodySize: 9 } }'), 7, 9],
])('the limits of %s', async (_, code, idleTimeout, maxRequestBodySize) => {
  const settings = await settingsOf(code)
  expect([settings.idleTimeout, settings.maxRequestBodySize]).toEqual([idleTimeout, maxRequestBodySize])
})
