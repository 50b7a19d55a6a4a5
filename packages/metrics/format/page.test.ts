import { expect, test } from 'bun:test'
import type { Family } from '../model/family.ts'
import { page } from './page.ts'

const family = (seriesCount: number): Family => ({
  name: 'jobs_total',
  help: 'Jobs of 🐕 and 🐈',
  type: 'counter',
  series: Array.from({ length: seriesCount }, (_, i) => ({ labels: `job="${i}"`, value: i })),
})

const request = (headers: Record<string, string>) => new Request('http://localhost/metrics', { headers })

test('without a request it is plain text', async () => {
  const response = page([family(1)])
  expect(response.headers.get('content-type')).toBe('text/plain; version=0.0.4; charset=utf-8')
  expect(await response.text()).toBe(
    '# HELP jobs_total Jobs of 🐕 and 🐈\n# TYPE jobs_total counter\njobs_total{job="0"} 0\n',
  )
})

test('a request for OpenMetrics gets it', async () => {
  const response = page([family(1)], request({ Accept: 'application/openmetrics-text; version=1.0.0' }))
  expect(response.headers.get('content-type')).toBe(
    'application/openmetrics-text; version=1.0.0; charset=utf-8',
  )
  expect(await response.text()).toEndWith('\n# EOF\n')
})

test('a large page is compressed when the client accepts gzip', async () => {
  const large = family(1000)
  const plain = page([large], request({}))
  expect(plain.headers.get('content-encoding')).toBeNull()

  const compressed = page([large], request({ 'Accept-Encoding': 'gzip' }))
  expect(compressed.headers.get('content-encoding')).toBe('gzip')
  const bytes = await compressed.bytes()
  const text = await plain.text()
  expect(bytes.length).toBeLessThan(text.length / 3)
  expect(new TextDecoder().decode(Bun.gunzipSync(bytes))).toBe(text)
})

test('a small page is not compressed', async () => {
  const response = page([family(1)], request({ 'Accept-Encoding': 'gzip' }))
  expect(response.headers.get('content-encoding')).toBeNull()
})

test('caches keep the variants apart, whichever was chosen', () => {
  for (const headers of [{}, { 'Accept-Encoding': 'gzip' }, { Accept: 'application/openmetrics-text' }]) {
    expect(page([family(1000)], request(headers)).headers.get('vary')).toBe('Accept, Accept-Encoding')
  }
})

test('half a surrogate pair does not break the page', async () => {
  const series = [{ labels: 'job="half a 🐕: \ud83d"', value: 1 }]
  expect(await page([{ ...family(0), series }]).text()).toContain('jobs_total{job="half a 🐕: \ufffd"} 1\n')
})
