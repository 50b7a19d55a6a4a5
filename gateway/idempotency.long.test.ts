/** POSTs with an `Idempotency-Key` through the gateway, while workers of the service are killed: none fails, none creates two rows. */
import { expect, test } from 'bun:test'
import { Stack } from './testdata/stack.ts'

const USERS = 20
const KILL_EVERY_MS = 500
const KILLS = 20
const TEST_MS = 120_000

test(
  `while a worker is killed every ${KILL_EVERY_MS} ms no POST with an Idempotency-Key fails, and each creates one row`,
  async () => {
    await using stack = await Stack.start()
    const url = `${stack.url}/dogs/`
    const names: string[] = []
    const failed: string[] = []
    const end = new AbortController()

    const users = Array.from({ length: USERS }, async (_, user) => {
      for (let i = 0; !end.signal.aborted; i++) {
        const name = `${user}-${i}`
        const response = await fetch(url, {
          method: 'POST',
          headers: { 'Content-Type': 'application/json', 'Idempotency-Key': name },
          body: JSON.stringify({ name, breed: 'Pug' }),
        })
        if (response.status === 201) names.push(name)
        else failed.push(`${name}: ${response.status} ${await response.text()}`)
      }
    })
    for (let kill = 0; kill < KILLS; kill++) {
      const next = Bun.sleep(KILL_EVERY_MS)
      stack.kill((await stack.workersOf(stack.service()))[kill % 2]!)
      await next
    }
    end.abort()
    await Promise.all(users)

    expect(failed).toEqual([])
    console.log(`${names.length} POSTs, ${KILLS} kills`)
    const stored: string[] = []
    for (let after = 0; ;) {
      const page = (await (await fetch(`${url}?limit=1000&after=${after}`)).json()) as {
        id: number
        name: string
      }[]
      if (page.length === 0) break
      stored.push(...page.map(({ name }) => name))
      after = page.at(-1)!.id
    }
    expect(stored.toSorted()).toEqual(names.toSorted())
  },
  TEST_MS,
)
