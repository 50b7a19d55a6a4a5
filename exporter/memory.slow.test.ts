/** The memory of an exporter during fifty concurrent scrapes of targets that send endless responses or none. */
import { afterAll, expect, test } from 'bun:test'
import { readFileSync } from 'node:fs'
import type { Socket } from 'node:net'
import { TestProcess } from '@bun-monitoring/prefork/testing'
import { http, pour, Targets } from './testing.ts'

const SCRAPES = 50
const MAX_MEBIBYTES = 200
const targets = new Targets()
afterAll(() => targets.close())

const floods: ((socket: Socket) => void)[] = [
  (socket) => pour(socket, Buffer.alloc(1 << 20, ' ')),
  (socket) => {
    socket.write('[')
    pour(socket, Buffer.from('{},'.repeat(300_000)))
  },
  (socket) => pour(socket, Buffer.alloc(1 << 20, '['), 100 << 20),
  (socket) => {
    socket.write('{"workers":[{"cores":[')
    pour(socket, Buffer.from('{"id":1},'.repeat(100_000)))
  },
]

test('the memory stays within its limit, and the good target is always read', async () => {
  const hostile = await Promise.all([
    ...floods.map((flood) =>
      targets.http((socket) => {
        socket.write('HTTP/1.1 200 OK\r\n\r\n')
        flood(socket)
      }),
    ),
    targets.http(() => {}),
  ])
  const good = await targets.http((socket) =>
    socket.end(http('{"name":"dogs","workers":[{"id":1,"requests":7}]}')),
  )
  await using exporter = new TestProcess([
    `${import.meta.dir}/index.ts`,
    '--web.listen-address=127.0.0.1:0',
    ...[...hostile, good].map((uri) => `--stats.uri=${uri}`),
  ])
  const { url } = await exporter.ready()

  // One target never responds, so that each scrape takes its whole time; on a busy machine the good one needs some of it.
  const headers = { 'X-Prometheus-Scrape-Timeout-Seconds': '40' }
  const scrape = async () => (await fetch(`${url}/metrics`, { headers, keepalive: false })).text()
  const pages = await Promise.all(Array.from({ length: SCRAPES }, scrape))

  for (const page of pages) {
    expect(page).toContain(`prefork_worker_requests_total{app="dogs",target="${good}",worker="1"} 7\n`)
    for (const uri of hostile) expect(page).toContain(`exporter_target_up{target="${uri}"} 0\n`)
  }
  const status = readFileSync(`/proc/${exporter.pid}/status`, 'utf8')
  expect(Number(/VmHWM:\s+(\d+) kB/.exec(status)?.[1]) / 1024).toBeLessThan(MAX_MEBIBYTES)
}, 180_000)
