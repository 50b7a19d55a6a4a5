/**
 * The story of the demonstration on the real stack: each alert fires and is resolved, and nothing fires in a calm run. All durations
 * of Prometheus are divided by the same number as in the story.
 */
import { afterAll, beforeAll, test } from 'bun:test'
import { firingAlerts, story, STORY_ENV, TIMES_FASTER } from '../scripts/story.ts'
import { type FreeStack, startFreeStack } from './free_stack.ts'
import { allTargetsAreUp, query, until } from './smoke.ts'
import { Traffic } from './traffic.ts'

const CALM_SECONDS = 20
/** Clients give up soon, so that a hung worker does not hold all of them. */
const GIVE_UP_MS = 1000
const SLOW_MS = 150_000

let running: FreeStack
let traffic: Traffic
beforeAll(async () => {
  running = await startFreeStack(TIMES_FASTER, STORY_ENV)
  traffic = new Traffic(running.urls.gateway, { giveUpMs: GIVE_UP_MS })
  await allTargetsAreUp(running.urls.prometheus)
}, 60_000)
afterAll(async () => {
  await traffic?.stop()
  await running?.[Symbol.asyncDispose]()
}, 60_000)

test(
  'in a calm run nothing fires but the alert that always fires',
  async () => {
    const { prometheus } = running.urls
    const isLongEnough = `count_over_time(up{job="gateway"}[${CALM_SECONDS}s]) > 1.8 * ${CALM_SECONDS}`
    // A run that other programs disturb is not calm, but the next one is.
    await until(async () => {
      if ((await query(prometheus, isLongEnough)).length === 0) return 'it is too early'
      const fired = await query(prometheus, `ALERTS{alertstate="firing"}[${CALM_SECONDS}s]`)
      const names = fired.map(({ metric }) => metric.alertname)
      return Bun.deepEquals(names, ['Watchdog']) ? undefined : `these fired: ${names.join(', ')}`
    }, SLOW_MS)
  },
  2 * SLOW_MS,
)

test.each(story.map((step) => [step.title, step] as const))(
  '%s: its alert fires, and is resolved when the fault ends',
  async (_, { alert, begin, meanwhile, end }) => {
    const { prometheus } = running.urls
    const isOver = async () => {
      const firing = await firingAlerts(prometheus)
      return firing.includes(alert) ? `${alert} still fires` : undefined
    }
    await until(isOver, SLOW_MS)
    await begin(running)
    await until(async () => {
      await meanwhile?.(running)
      const firing = await firingAlerts(prometheus)
      return firing.includes(alert) ? undefined : `${alert} does not fire, only ${firing.join(', ')}`
    }, SLOW_MS)
    await end(running)
    await until(isOver, SLOW_MS)
  },
  3 * SLOW_MS,
)
