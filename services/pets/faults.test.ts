import { Elysia } from 'elysia'
import { expect, test } from 'bun:test'
import { faultSettings, type Faults, withFaults } from './faults.ts'

const off = Object.fromEntries(
  Object.entries(faultSettings).map(([key, { default: value }]) => [key, value]),
) as Faults

/** What a fault is thrown into is answered as the service answers any other error. */
const appWith = (faults: Partial<Faults>) =>
  new Elysia()
    .use(withFaults({ ...off, ...faults }))
    .onError(() => new Response(null, { status: 500 }))
    .get('/', () => 'ok')
    .get('/healthz', () => 'ok')

const ask = (faults: Partial<Faults>, path = '/') =>
  appWith(faults).handle(new Request(`http://localhost${path}`))

test('by default all of them are off, and nothing is added to the app', () => {
  expect(off).toMatchObject({ faultSlowPercent: 0, faultFailPercent: 0, faultBlockPercent: 0 })
  const app = new Elysia()
  expect(app.use(withFaults(off)).event.request ?? []).toEqual([])
})

test('a request that fails is answered 500', async () => {
  expect((await ask({ faultFailPercent: 100 })).status).toBe(500)
})

test('a slow request waits, and one that blocks lets nothing else run meanwhile', async () => {
  const startedMs = performance.now()
  await ask({ faultSlowPercent: 100, faultSlowMs: 30 })
  expect(performance.now() - startedMs).toBeGreaterThanOrEqual(29)

  const order: string[] = []
  setTimeout(() => order.push('timer'), 1)
  await ask({ faultBlockPercent: 100, faultBlockMs: 30 })
  order.push('answer')
  expect(order).toEqual(['answer'])
})

test('health checks are spared', async () => {
  expect((await ask({ faultFailPercent: 100 }, '/healthz')).status).toBe(200)
})

test('the share is that of the setting', async () => {
  const app = appWith({ faultFailPercent: 25 })
  const request = new Request('http://localhost/')
  const answers = await Promise.all(Array.from({ length: 2000 }, () => app.handle(request)))
  const failed = answers.filter(({ status }) => status === 500).length
  // Ten standard deviations of a binomial distribution with 2000 draws.
  expect(Math.abs(failed - 500)).toBeLessThan(194)
})
