/** Each of our own processes restarts at its old address, as `bun run dev` does after a save. */
import { afterAll, beforeAll, expect, test } from 'bun:test'
import { PARTS } from '../scripts/stack.ts'
import { services } from '../services/names.ts'
import { type FreeStack, startFreeStack } from './free_stack.ts'
import { reaches } from './smoke.ts'

let running: FreeStack
beforeAll(async () => {
  running = await startFreeStack(1)
}, 60_000)
afterAll(async () => {
  await running?.[Symbol.asyncDispose]()
}, 60_000)

test.each(PARTS)(
  '%s answers at its old address, and the gateway still reaches the services',
  async (part) => {
    const { stack, urls } = running
    await stack.restart(part)
    const isService = part !== 'gateway' && part !== 'exporter'
    const address = isService ? `${urls.services[part]}/${part}/` : urls[part]
    expect((await fetch(address)).status).toBe(200)
    for (const service of services) await reaches(urls.gateway, service)
  },
  60_000,
)
