/** Each of our own processes restarts at its old address, as `bun run dev` does after a save. */
import { afterAll, beforeAll, expect, test } from 'bun:test'
import type { PartName } from '../scripts/stack.ts'
import { type FreeStack, startFreeStack } from './free_stack.ts'

let running: FreeStack
beforeAll(async () => {
  running = await startFreeStack(1)
}, 60_000)
afterAll(async () => {
  await running?.[Symbol.asyncDispose]()
}, 60_000)

const PATHS: Readonly<Record<PartName, string>> = {
  dogs: '/dogs/',
  cats: '/cats/',
  gateway: '/',
  exporter: '/',
}

test.each(['dogs', 'cats', 'gateway', 'exporter'] as const)(
  '%s answers at its old address, and the gateway still reaches the services',
  async (part) => {
    const { stack, urls } = running
    await stack.restart(part)
    expect((await fetch(urls[part] + PATHS[part])).status).toBe(200)
    for (const service of ['dogs', 'cats'])
      expect((await fetch(`${urls.gateway}/${service}/`)).status).toBe(200)
  },
  60_000,
)
