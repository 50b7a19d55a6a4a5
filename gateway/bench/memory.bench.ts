/**
 * Measures the resident memory of an idle connection in the gateway, nginx and HAProxy, after one request on each. Needs
 * nginx, haproxy and file descriptors (`ulimit -n`). Run: `bun gateway/bench/memory.bench.ts [connections]...`.
 */
import { readProcess } from '@bun-monitoring/prefork/procfs'
import { type Socket } from 'bun'
import { stage } from './load.ts'
import type { Proxy } from './proxies.ts'

const given = process.argv.slice(2).map(Number)
const counts = given.length > 0 ? given : [1000, 10_000]
const AT_ONCE = 50
const ASK = 'GET /dogs/1/ HTTP/1.1\r\nHost: pets.example\r\nUser-Agent: idle\r\n\r\n'

function open(url: string): Promise<Socket> {
  const { promise, resolve, reject } = Promise.withResolvers<Socket>()
  const { hostname, port } = new URL(url)
  const socket = {
    open: (opened: Socket) => void opened.write(ASK),
    data: (opened: Socket) => resolve(opened),
    close: () => reject(new Error(`${url} closed a connection`)),
  }
  Bun.connect({ hostname, port: Number(port), socket }).catch(reject)
  return promise
}

async function cost(proxy: Proxy, count: number) {
  const rss = () => readProcess(proxy.pid)!.rssBytes
  const sockets: Socket[] = []
  while (sockets.length < AT_ONCE) sockets.push(await open(proxy.url))
  const before = rss()
  while (sockets.length < AT_ONCE + count) {
    sockets.push(...(await Promise.all(Array.from({ length: AT_ONCE }, () => open(proxy.url)))))
  }
  const after = rss()
  for (const socket of sockets) socket.terminate()
  return {
    proxy: proxy.name,
    connections: count,
    'MB before': Number((before / 1e6).toFixed(1)),
    'MB with them': Number((after / 1e6).toFixed(1)),
    'kB for each': Number(((after - before) / count / 1000).toFixed(2)),
  }
}

const rows = []
for (const count of counts) {
  for (const start of ['nginx', 'haproxy', 'gateway'] as const) {
    await using bench = await stage()
    rows.push(await cost(await bench.proxies[start]('TCP', false), count))
  }
}
console.table(rows)
