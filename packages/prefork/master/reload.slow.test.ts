/** Rolling reloads under load: new code without a failed request. */
import { expect, test } from 'bun:test'
import { hostname } from 'node:os'
import { join } from 'node:path'
import { codeIn, gone, temporaryFolder, Toys } from '../testdata/toys.ts'
import { Load, METHODS } from '../testing_load.ts'

const TIMES = 10
/** Fewer reloads do where the machine is too busy for all of them. */
const ENOUGH_AFTER_MS = 60_000

test.each(['port', 'sockets'] as const)(
  `up to ${TIMES} reloads under load over the %s of the workers: no request fails, the new code answers, each request is counted`,
  async (way) => {
    const folder = temporaryFolder()
    const code = codeIn(folder)
    await code.write('version 0')
    await using cluster = new Toys(
      {
        TOYS_WORKERS: '2',
        TOY_CODE: code.path,
        TOYS_LAME_DUCK_MS: '300',
        ...(way === 'sockets' ? { TOYS_SOCKET_DIR: folder } : {}),
      },
      folder,
    )
    const port = await cluster.port()
    const targets =
      way === 'port'
        ? [{ hostname: '127.0.0.1', port }]
        : [1, 2].map((slot) => ({ unix: join(folder, `toys.${hostname()}.${slot}.sock`) }))
    const loads = targets.map(
      (target) => new Load(target, { connections: 32 / targets.length, methods: METHODS }),
    )
    const answered = () => loads.reduce((sum, load) => sum + load.answered, 0)
    const startedMs = performance.now()
    let round = 0
    while (round < TIMES && (round < 2 || performance.now() - startedMs < ENOUGH_AFTER_MS)) {
      round++
      const before = await cluster.pids()
      await code.write(`version ${round}`)
      cluster.signal('SIGHUP')
      await cluster.until(`reload ${round}`, ({ reloads }) => reloads === round, ENOUGH_AFTER_MS)
      await gone(before)
      const after = await cluster.pids()
      expect(after.filter((pid) => before.includes(pid))).toEqual([])
      const bodies = new Map(loads.flatMap((load) => [...load.bodies]))
      await Promise.all(loads.map((load) => load.more(200)))
      for (const load of loads) expect(load.bodies.get(`version ${round}`) ?? 0).toBeGreaterThan(0)
      expect([...bodies.keys()].every((body) => /^version \d+$/.test(body))).toBe(true)
    }
    await Promise.all(loads.map((load) => load.stop()))
    expect(loads.flatMap((load) => load.failures)).toEqual([])
    expect(await cluster.counted()).toBe(answered())
    console.log(`over the ${way}: ${answered()} requests, ${round} reloads`)
  },
  5 * ENOUGH_AFTER_MS,
)
