import { Elysia } from 'elysia'
import { expect, test } from 'bun:test'
import { faultSettings, type Faults, injectFaults } from './fault_injection.ts'

const off = Object.fromEntries(
  Object.entries(faultSettings).map(([key, { default: value }]) => [key, value]),
) as Faults

/** An app with injected faults; a thrown fault becomes a 500, as in the service. */
const appWith = (faults: Partial<Faults>) =>
  new Elysia()
    .use(injectFaults({ ...off, ...faults }))
    .onError(() => new Response(null, { status: 500 }))
    .get('/', () => 'ok')
    .get('/healthz', () => 'ok')

const ask = (faults: Partial<Faults>, path = '/') =>
  appWith(faults).handle(new Request(`http://localhost${path}`))

test('by default all faults are off, and no hook is added to the app', () => {
  expect(off).toMatchObject({ faultSlowPercent: 0, faultFailPercent: 0, faultBlockPercent: 0 })
  const app = new Elysia()
  expect(app.use(injectFaults(off)).event.request ?? []).toEqual([])
})

test('a failing request is 500', async () => {
  expect((await ask({ faultFailPercent: 100 })).status).toBe(500)
})

test('a slow request waits, and a blocking one stops timers meanwhile', async () => {
  const startedMs = performance.now()
  await ask({ faultSlowPercent: 100, faultSlowMs: 30 })
  expect(performance.now() - startedMs).toBeGreaterThanOrEqual(29)

  const order: string[] = []
  setTimeout(() => order.push('timer'), 1)
  const blockedMs = performance.now()
  await ask({ faultBlockPercent: 100, faultBlockMs: 30 })
  order.push('response')
  expect(order).toEqual(['response'])
  expect(performance.now() - blockedMs).toBeGreaterThanOrEqual(30)
})

test('health checks are spared', async () => {
  expect((await ask({ faultFailPercent: 100 }, '/healthz')).status).toBe(200)
})

test('the share of failing requests is the percentage of the setting', async () => {
  const app = appWith({ faultFailPercent: 25 })
  const request = new Request('http://localhost/')
  const responses = await Promise.all(Array.from({ length: 2000 }, () => app.handle(request)))
  const failed = responses.filter(({ status }) => status === 500).length
  // Ten standard deviations of a binomial distribution with 2000 draws.
  expect(Math.abs(failed - 500)).toBeLessThan(194)
})
