import { expect, setSystemTime, test } from 'bun:test'
import type { Family } from '../model/family.ts'
import { CreationTimes } from './created.ts'
import { page } from './page.ts'

const family = (seriesCount: number): Family => ({
  name: 'jobs_total',
  help: 'Jobs of 🐕 and 🐈',
  type: 'counter',
  series: Array.from({ length: seriesCount }, (_, i) => ({ labels: `job="${i}"`, value: i })),
})

const request = (headers: Record<string, string>, query = '') =>
  new Request(`http://localhost/metrics${query}`, { headers })
const openMetrics = { Accept: 'application/openmetrics-text; version=1.0.0' }

test('without a request it is plain text', async () => {
  const response = page([family(1)])
  expect(response.headers.get('content-type')).toBe('text/plain; version=0.0.4; charset=utf-8')
  expect(await response.text()).toBe(
    '# HELP jobs_total Jobs of 🐕 and 🐈\n# TYPE jobs_total counter\njobs_total{job="0"} 0\n',
  )
})

test('a request for OpenMetrics gets it', async () => {
  const response = page([family(1)], request(openMetrics))
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

test.each([
  [1023, null],
  [1024, 'gzip'],
])('a page of %d characters has the content encoding %p', async (length, encoding) => {
  const named = (name: string): Family => ({ name, help: '', type: 'counter', series: [] })
  const { length: least } = await page([named('')]).text()
  // The name stands in two lines; the help fills an odd rest.
  const name = 'a'.repeat(Math.floor((length - least) / 2))
  const help = 'b'.repeat((length - least) % 2)
  const families = [{ ...named(name), help }]
  expect((await page(families).text()).length).toBe(length)
  const response = page(families, request({ 'Accept-Encoding': 'gzip' }))
  expect(response.headers.get('content-encoding')).toBe(encoding)
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

test.each(['?created=1', '?x=2&created=1', '?created=1&x=2', '?created=1#x'])(
  '%s adds the times since when series count',
  async (query) => {
    const response = page([family(1)], request(openMetrics, query), new CreationTimes(1.5))
    expect(await response.text()).toContain('jobs_total{job="0"} 0\njobs_created{job="0"} 1.5\n')
  },
)

test.each(['', '?created=0', '?created=10', '?created', '?recreated=1', '?x=created=1'])(
  'with "%s" the page is the same to the byte as without times',
  async (query) => {
    const times = new CreationTimes(1.5)
    const at = (seconds: number, series: number, asked: string) => {
      setSystemTime(seconds * 1000)
      return page([family(series)], request(openMetrics, asked), times).text()
    }
    await at(10, 1, '?created=1')
    expect(await at(20, 2, query)).toBe(await page([family(2)], request(openMetrics)).text())
    // Nor does it count as the page before: its reader has no use for a time.
    expect(await at(30, 2, '?created=1')).toContain('jobs_created{job="1"} 10\n')
    setSystemTime()
  },
)

test('the text format has no times', async () => {
  const times = new CreationTimes(1.5)
  expect(await page([family(1)], request({}, '?created=1'), times).text()).toBe(
    await page([family(1)]).text(),
  )
})

test('?created=1 gets text from a page without times', async () => {
  const asked = page([family(1)], request(openMetrics, '?created=1'))
  expect(asked.headers.get('content-type')).toStartWith('text/plain')
  expect(await asked.text()).toBe(await page([family(1)]).text())
})
