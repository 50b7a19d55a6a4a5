/** Puts load on a proxy, with wrk or openssl, and measures the CPU time of the proxy's process. */
import { readProcess } from '@bun-monitoring/prefork/procfs'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { linesOf } from '@bun-monitoring/prefork/lines'
import { Proxies, type Proxy } from './proxies.ts'

export interface Measurement {
  requestsPerSecond: number
  /** User and system time. */
  cpuUs: number
  p50Ms: number
  p99Ms: number
  p999Ms: number
}

export interface LoadOptions {
  path: string
  connections: number
  method: 'GET' | 'POST'
  /** The mean of a connection's pause before its next request. */
  pauseMs: number
  /** Whether each request has a connection of its own. */
  closes?: boolean
}

/** Sends requests over keep-alive connections for some seconds. */
export async function measure(
  { url, pid }: Proxy,
  { path, connections, method, pauseMs, closes = false }: LoadOptions,
  seconds: number,
): Promise<Measurement> {
  const before = readProcess(pid)!.cpuUs
  const flags = ['-t1', `-c${connections}`, `-d${seconds}s`, '-s', join(import.meta.dir, 'report.lua')]
  if (closes) flags.push('-H', 'Connection: close')
  const wrk = Bun.spawn(['wrk', ...flags, url + path, '--', method, String(pauseMs)], {
    stdout: 'pipe',
    stderr: 'inherit',
  })
  const report = await new Response(wrk.stdout).text()
  const cpuUs = readProcess(pid)!.cpuUs - before
  const { requests, microseconds, failed, p50, p99, p999 } = JSON.parse(report.trim().split('\n').at(-1)!)
  if (failed > 0 || requests === 0) throw new Error(`the load failed:\n${report}`)
  return {
    requestsPerSecond: (requests / microseconds) * 1e6,
    cpuUs: cpuUs / requests,
    p50Ms: p50 / 1000,
    p99Ms: p99 / 1000,
    p999Ms: p999 / 1000,
  }
}

/** Clients of `measureHandshakes`. */
const HANDSHAKE_CLIENTS = 4

/** Opens TLS 1.3 connections that resume no session, each with one request. @returns the CPU time for each */
export async function measureHandshakes({ url, pid }: Proxy, path: string, seconds: number): Promise<number> {
  const before = readProcess(pid)!.cpuUs
  const flags = ['-connect', new URL(url).host, '-new', '-tls1_3', '-www', path, '-time', String(seconds)]
  const counts = await Promise.all(
    Array.from({ length: HANDSHAKE_CLIENTS }, async () => {
      const client = Bun.spawn(['openssl', 's_time', ...flags], { stdout: 'pipe', stderr: 'ignore' })
      const report = await new Response(client.stdout).text()
      return Number(/^(\d+) connections in \d+ real seconds/m.exec(report)?.[1] ?? 0)
    }),
  )
  const connections = counts.reduce((sum, each) => sum + each, 0)
  if (connections === 0) throw new Error('openssl s_time made no connection')
  return (readProcess(pid)!.cpuUs - before) / connections
}

/** The lines of a table for README.md. */
export const markdownTable = (head: string[], rows: string[][]): string =>
  [head, head.map(() => '---'), ...rows].map((cells) => `| ${cells.join(' | ')} |`).join('\n')

/** An upstream, and proxies to start in front of it. Disposing ends all of them. */
export async function stage() {
  const folder = mkdtempSync(join(tmpdir(), 'gateway-bench-'))
  const unix = join(folder, 'upstream.sock')
  const upstream = Bun.spawn([process.execPath, join(import.meta.dir, 'upstream.ts'), unix], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const { value: port } = await linesOf(upstream.stdout).next()
  const proxies = new Proxies(folder, { port: Number(port), unix })
  return {
    proxies,
    [Symbol.asyncDispose]: async () => {
      await proxies[Symbol.asyncDispose]()
      upstream.kill('SIGKILL')
      await upstream.exited
      rmSync(folder, { recursive: true })
    },
  }
}
