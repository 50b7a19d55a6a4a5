/** Links that respond, with any status, and links that do not. */
import { expect, test } from 'bun:test'
import { SETTINGS } from '../config/settings.ts'
import { Targets } from '../testing.ts'
import { Links } from './links.ts'

test('a link that accepts connections and says nothing does not keep the page waiting', async () => {
  const targets = new Targets()
  const silent = await targets.http(() => {})
  const startedMs = performance.now()
  expect(await new Links([SETTINGS.links.parse(`Silent=${silent}`)!]).responding()).toEqual([])
  expect(performance.now() - startedMs).toBeGreaterThanOrEqual(999)
  targets.close()
})

test('only links that respond are given, with any status, and they are checked again after half a minute', async () => {
  const targets = new Targets()
  let status = '302 Found'
  let requests = 0
  const grafana = await targets.http((socket) => {
    requests++
    if (status === '') socket.destroy()
    else socket.end(`HTTP/1.1 ${status}\r\nLocation: /login\r\n\r\n`)
  })
  const links = ['Prometheus=http://127.0.0.1:1/', `Grafana=${grafana}`].map((text) =>
    SETTINGS.links.parse(text)!,
  )
  let nowMs = 1_000_000
  const checked = new Links(links, () => nowMs)
  expect(await checked.responding()).toEqual([{ name: 'Grafana', url: grafana }])
  status = ''
  nowMs += 29_999
  expect(await checked.responding()).toHaveLength(1)
  expect(requests).toBe(1)
  nowMs += 1
  expect(await checked.responding()).toEqual([])
  targets.close()
})
