/** The metrics of the model on the metrics page. The tests of the HTTP instrumentation are in packages/metrics. */
import { afterAll, describe, expect, test } from 'bun:test'
import { openPets, temporaryDatabase, testDatabases } from '../testing.ts'

const dog = { name: 'Rex', breed: 'Pug' }

describe.each(testDatabases)('on %s', async (_, create) => {
  const pets = await openPets(await create())
  afterAll(() => pets[Symbol.asyncDispose]())
  const page = () => pets.registry.metrics()

  test('the series of the model exist from the start', async () => {
    const text = await page()
    for (const name of ['model_inserts_total', 'model_updates_total', 'model_deletes_total', 'model_rows']) {
      expect(text).toContain(`${name}{model="dogs"} 0`)
    }
    expect(text).toContain('db_migrations_applied 5')
    expect(text).toContain('db_migrations_unapplied 0')
  })

  test('every written row counts, bulk deletes included, and a write without a row does not', async () => {
    for (let i = 0; i < 3; i++) await pets.send('POST', '/dogs/', { ...dog, is_test: true })
    await pets.send('POST', '/dogs/', dog)
    await pets.send('PUT', '/dogs/1/', dog)
    await pets.send('PUT', '/dogs/4711/', dog)
    await pets.ask('/dogs/4711/', { method: 'DELETE' })
    await pets.ask('/dogs/clean/')
    await pets.store.publish()
    const text = await page()
    expect(text).toContain('model_inserts_total{model="dogs"} 4')
    expect(text).toContain('model_updates_total{model="dogs"} 1')
    expect(text).toContain('model_deletes_total{model="dogs"} 3')
    expect(text).toContain('model_rows{model="dogs"} 1')
  })

  test('routes are patterns, and random paths share one series', async () => {
    for (let i = 0; i < 50; i++) await pets.ask(`/${crypto.randomUUID()}/`)
    for (let i = 0; i < 50; i++) await pets.ask(`/dogs/${crypto.randomUUID()}/`)
    const series = (await page())
      .split('\n')
      .filter((line) => line.startsWith('http_server_request_duration_seconds_count'))
    const routes = new Set(series.map((line) => /http_route="([^"]+)"/.exec(line)?.[1]))
    expect([...routes].toSorted()).toEqual(['/dogs/', '/dogs/:id/', '/dogs/clean/', 'unmatched'])
  })

  test('the bytes of response bodies are counted', async () => {
    const before = pets.tally.sentBytes
    const body = await (await pets.ask('/dogs/')).bytes()
    await pets.ask('/dogs/', { method: 'HEAD' })
    expect(pets.tally.sentBytes - before).toBe(body.length)
  })

  test('rows are counted anew only after a write', async () => {
    await pets.store.publish()
    pets.registry.resetMetrics()
    await pets.store.publish()
    expect(await page()).not.toContain('model_rows{model="dogs"}')
    await pets.send('POST', '/dogs/', dog)
    await pets.store.publish()
    expect(await page()).toContain('model_rows{model="dogs"} 2')
  })
})

test('a repeated list reads no rows from SQLite', async () => {
  await using pets = await openPets(temporaryDatabase())
  const count = async () =>
    /operation_duration_seconds_count{[^}]*"SELECT"[^}]*} (\d+)/.exec(await pets.registry.metrics())?.[1]
  await pets.ask('/dogs/')
  const before = await count()
  for (let i = 0; i < 10; i++) await pets.ask('/dogs/')
  expect(await count()).toBe(before!)
  await pets.send('POST', '/dogs/', dog)
  await pets.ask('/dogs/')
  expect(await count()).toBe(String(Number(before) + 1))
})
