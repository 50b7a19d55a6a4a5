/** The boot of an app: migrations, the listener, and what a signal to stop does meanwhile. */
import { Registry, renderText } from '@bun-monitoring/metrics'
import { afterEach, expect, mock, test } from 'bun:test'
import { existsSync, readdirSync, rmSync } from 'node:fs'
import { hostname } from 'node:os'
import { join } from 'node:path'
import type { Served, Worker } from '../shared/app.ts'
import { StartError } from '../shared/bind.ts'
import type { Cluster } from '../shared/cluster.ts'
import type { ProcessConfig } from '../shared/config.ts'
import type { Logger } from '../shared/logger.ts'
import { RequestCounters } from '../shared/request_counters.ts'
import { CELL, Scoreboard } from '../shared/scoreboard.ts'
import { temporaryFolder } from '../testdata/toys.ts'
import { boot, bootFailure, type BootOptions } from './boot.ts'

const NEVER = new Promise<never>(() => {})
const SERVED: Served = { lameDuck() {}, stop: async () => {} }

afterEach(() => {
  RequestCounters.own = undefined
})

/** A boot, with a record of what is called. */
function booting(
  parts: Partial<Cluster> = {},
  options: Partial<BootOptions> = {},
  {
    prepare = true,
    drainMs = 60_000,
    socketDir,
  }: { prepare?: boolean; drainMs?: number; socketDir?: string } = {},
) {
  const calls: string[] = []
  const log = {
    info: (_: object, msg: string) => calls.push(msg),
    warn: (_: object, msg: string) => calls.push(msg),
  }
  const scoreboard = new Scoreboard()
  const registry = new Registry()
  let worker: Worker | undefined
  const cluster: Cluster = {
    name: 'toys',
    version: '1.2.3',
    prefix: 'TOYS',
    config: () => ({}) as ProcessConfig,
    prepare: () => void calls.push('prepare'),
    serve(_, given) {
      calls.push('serve')
      worker = given
      return SERVED
    },
    ...parts,
  }
  const config = { host: '127.0.0.1', port: 1, drainMs, socketDir } as ProcessConfig
  const role = { slot: 2, region: 3, addresses: [], prepare }
  const booted = boot(cluster, config, role, {
    registry,
    scoreboard,
    log: log as unknown as Logger,
    onPrepared: () => calls.push('prepared'),
    stopped: NEVER,
    now: NEVER,
    ...options,
  })
  return { booted, calls, scoreboard, registry, worker: () => worker! }
}

test('migrations run before the app serves, if this worker is the one that runs them', async () => {
  const first = booting()
  expect((await first.booted)!.served).toBe(SERVED)
  expect(first.calls).toEqual(['prepare', 'prepared', 'serve'])
  const second = booting({}, {}, { prepare: false })
  expect((await second.booted)!.served).toBe(SERVED)
  expect(second.calls).toEqual(['serve'])
  for (const { booted } of [first, second]) (await booted)!.stopMeasuring()
})

test('the app gets its slot, its registry and the counters of this process', async () => {
  const { booted, registry, worker } = booting()
  const { counters, stopMeasuring } = (await booted)!
  expect(worker()).toMatchObject({ id: 2, registry, addresses: [] })
  expect(counters.isCountedByApp).toBe(false)
  expect(worker().tally).toBe(counters)
  expect(counters.isCountedByApp).toBe(true)
  expect(RequestCounters.own).toBe(counters)
  expect(renderText(await registry.families())).toContain('app_info{name="toys",version="1.2.3"')
  stopMeasuring()
})

test('the port is checked when the app listens, and an error of that check is thrown', async () => {
  const checkPort = mock(async () => {})
  const good = booting({}, { checkPort })
  ;(await good.booted)!.stopMeasuring()
  expect(checkPort).toHaveBeenCalledTimes(1)
  const bad = booting({}, { checkPort: () => Promise.reject(new StartError('not shared')) })
  await expect(bad.booted).rejects.toThrow('not shared')
})

test('each turn of the event loop is on the scoreboard, until the measuring stops', async () => {
  const onTurn = mock()
  const { booted, scoreboard } = booting({}, { onTurn })
  const { stopMeasuring } = (await booted)!
  expect(onTurn).toHaveBeenCalledTimes(1)
  // The next turn comes late.
  const blockedUntilMs = performance.now() + 150
  while (performance.now() < blockedUntilMs);
  while (onTurn.mock.calls.length < 2) await new Promise(setImmediate)
  expect(scoreboard.cells[CELL.turnedMs]).toBeGreaterThan(performance.now() - 10_000)
  expect(scoreboard.cells[CELL.lagMs]).toBeGreaterThan(40)
  stopMeasuring()
  const turns = onTurn.mock.calls.length
  await Bun.sleep(300)
  expect(onTurn.mock.calls.length).toBe(turns)
})

test('the socket of the slot appears when the app listens', async () => {
  const socketDir = temporaryFolder()
  const own = join(socketDir, `.toys.${hostname()}.3`)
  const { booted } = booting(
    {
      async serve() {
        await Bun.write(own, '')
        return SERVED
      },
    },
    {},
    { socketDir },
  )
  ;(await booted)!.stopMeasuring()
  expect(existsSync(own)).toBe(false)
  expect(existsSync(join(socketDir, `toys.${hostname()}.2.sock`))).toBe(true)
  rmSync(socketDir, { recursive: true })
})

test('a signal to stop lets the migrations finish, and then the app does not serve', async () => {
  const migrated = Promise.withResolvers<void>()
  const { booted, calls } = booting({ prepare: () => migrated.promise }, { stopped: Promise.resolve() })
  await Bun.sleep(20)
  expect(calls).toEqual(['stopping when the migrations are done'])
  migrated.resolve()
  expect(await booted).toBeUndefined()
  expect(calls).toEqual(['stopping when the migrations are done'])
})

test('an order to end now cuts the migrations off', async () => {
  const { booted, calls } = booting(
    { prepare: () => NEVER },
    { stopped: Promise.resolve(), now: Promise.resolve() },
  )
  expect(await booted).toBeUndefined()
  expect(calls).toEqual(['stopping when the migrations are done', 'the migrations were cut off'])
})

test('migrations that go on when the drain time is over are cut off', async () => {
  const { booted, calls } = booting({ prepare: () => NEVER }, { stopped: Promise.resolve() }, { drainMs: 10 })
  expect(await booted).toBeUndefined()
  expect(calls).toEqual(['stopping when the migrations are done', 'the migrations were cut off'])
})

test('the app listens while the low file numbers are taken', async () => {
  let files = 0
  const serve = () => {
    files = readdirSync('/proc/self/fd').length
    return SERVED
  }
  ;(await booting({ serve }).booted)!.stopMeasuring()
  expect(files).toBeGreaterThan(512)
})

test('a signal after the migrations leaves the boot as it is', async () => {
  const stopped = Promise.withResolvers<void>()
  const { booted, calls } = booting(
    {
      async serve() {
        stopped.resolve()
        await Bun.sleep(20)
        return SERVED
      },
    },
    { stopped: stopped.promise },
  )
  ;(await booted)!.stopMeasuring()
  expect(calls).toEqual(['prepare', 'prepared'])
})

test('a failed migration is thrown, and the app does not serve', async () => {
  const { booted, calls } = booting({ prepare: () => Promise.reject(new Error('no such table')) })
  await expect(booted).rejects.toThrow('no such table')
  expect(calls).toEqual([])
})

test('the operator gets the words of a known failure, and the name of the app with those of another', () => {
  expect(bootFailure('toys', new StartError('port 1 is taken'))).toEqual({
    message: 'port 1 is taken',
    isKnown: true,
  })
  expect(bootFailure('toys', new Error('no such table'))).toEqual({
    message: 'toys could not start: no such table',
    isKnown: false,
  })
})
