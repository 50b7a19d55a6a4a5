/** Which modules `prefork` can run, and what it says of the others. */
import { afterAll, expect, test } from 'bun:test'
import { rmSync } from 'node:fs'
import { join } from 'node:path'
import { temporaryFolder } from '../testdata/toys.ts'
import { StartError } from '../shared/bind.ts'
import { isElysia, isRoutes, loadApp } from './app_module.ts'

const folder = temporaryFolder()
afterAll(() => rmSync(folder, { recursive: true }))
let files = 0
async function load(code: string) {
  const file = join(folder, `app_${files++}.js`)
  await Bun.write(file, code)
  return loadApp(file)
}

test.each([
  ['fetch', 'export default { fetch() {} }'],
  ['routes alone', 'export default { routes: {} }'],
  ['fetch beside the list of routes of Hono', 'export default { fetch() {}, routes: [] }'],
  [
    'Elysia without a server',
    'export default { fetch() {}, compile() {}, event: {}, modules: 1, server: null }',
  ],
  ['an app with a property named server', 'export default { fetch() {}, server: { port: 1 } }'],
])('a default export with %s is an app', async (_, code) => {
  expect(await load(code)).toBeObject()
})

test.each([
  ['no default export', 'export const fetch = () => {}', 'has no default export with `fetch`'],
  ['nothing', 'export default null', 'has no default export with `fetch`'],
  ['a function', 'export default function app() {}', 'has no default export with `fetch`'],
  ['a fetch that is no function', 'export default { fetch: 1 }', 'has no default export with `fetch`'],
  ['the routes of Hono without fetch', 'export default { routes: [] }', 'has no default export with `fetch`'],
  ['routes of nothing', 'export default { routes: null }', 'has no default export with `fetch`'],
  ['a server', 'export default { fetch() {}, pendingRequests: 0 }', 'listens itself'],
  ['Elysia that listens', 'export default { fetch() {}, compile() {}, server: {} }', 'listens itself'],
])('%s is none', async (_, code, message) => {
  const error = await load(code).catch((each: Error) => each)
  expect(error).toBeInstanceOf(StartError)
  expect((error as Error).message).toContain(message)
})

test('the error of a module is its own', async () => {
  await expect(load('throw new Error("no such table")')).rejects.toThrow('no such table')
})

test('an app of Elysia is known by its parts, all of them', () => {
  const parts = { compile() {}, event: {}, modules: Promise.resolve() }
  expect(isElysia(parts as never)).toBe(true)
  for (const part of ['compile', 'event', 'modules'] as const) {
    const { [part]: _, ...others } = parts
    expect(isElysia(others as never)).toBe(false)
  }
})

test('routes of Bun are an object', () => {
  expect([{}, [], null, undefined, 'x'].map(isRoutes)).toEqual([true, false, false, false, false])
})
