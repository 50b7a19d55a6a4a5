/** A real uWSGI with a Python app, its stats read by tcp, http and a unix socket. */
import { afterAll, describe, expect, test } from 'bun:test'
import { closeSync, mkdtempSync, openSync, readdirSync, readFileSync, readlinkSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { renderText } from '@bun-monitoring/metrics'
import { linesOf } from '@bun-monitoring/prefork/lines'
import { attempt } from '@bun-monitoring/prefork/procfs'
import { isExpected } from '@bun-monitoring/prefork/testing'
import type { Subprocess } from 'bun'
import { parseTarget } from './config/target.ts'
import { preforkFamilies } from './families/prefork.ts'
import { uwsgiFamilies } from './families/uwsgi.ts'
import { within } from './stats/deadline.ts'
import { DocumentMemory } from './stats/document_memory.ts'
import { readDocument } from './stats/read.ts'
import { MAX_BYTES, problemOf, scrapeWithin } from './testing.ts'

const isUwsgiExpected = isExpected(
  Bun.which('uwsgi') !== null,
  'uwsgi (Debian: uwsgi, uwsgi-plugin-python3) is not on PATH, so no real uWSGI is read',
)

const WORKERS = 2
const folder = mkdtempSync(join(tmpdir(), 'exporter-uwsgi-'))
afterAll(() => rmSync(folder, { recursive: true }))

class Uwsgi implements AsyncDisposable {
  readonly #process: Subprocess<'ignore', 'ignore', 'pipe'>
  #appPort = 0

  constructor(...stats: string[]) {
    this.#process = Bun.spawn(
      [
        'uwsgi',
        '--master',
        '--die-on-term',
        '--no-orphans',
        '--need-app',
        '--plugins',
        'python3',
        '--disable-logging',
        '--thunder-lock',
        '--processes',
        String(WORKERS),
        '--http-socket',
        '127.0.0.1:0',
        '--wsgi-file',
        `${import.meta.dir}/testdata/app.py`,
        ...stats,
      ],
      { cwd: folder, stdin: 'ignore', stdout: 'ignore', stderr: 'pipe', detached: true },
    )
  }

  /** Resolves when it serves. Its log is read to the end, because uWSGI blocks on a full pipe. */
  ready(): Promise<void> {
    const { promise, resolve, reject } = Promise.withResolvers<void>()
    const read = async () => {
      const lines: string[] = []
      for await (const line of linesOf(this.#process.stderr)) {
        lines.push(line)
        this.#appPort ||= Number(/bound to TCP address 127\.0\.0\.1:(\d+)/.exec(line)?.[1] ?? 0)
        // The last line before it serves.
        if (line.startsWith('*** Stats server enabled')) resolve()
      }
      reject(new Error(lines.join('\n')))
    }
    void read()
    return promise
  }

  /** Requests a page with the exporter's own reader, which returns text. */
  request = (path: string): Promise<string> =>
    within(5000, new AbortController().signal, (signal) =>
      readDocument(parseTarget(`http://127.0.0.1:${this.#appPort}${path}`)!, {
        signal,
        memory: new DocumentMemory(MAX_BYTES),
      }),
    )

  /** The TCP port of its stats; proc(5) explains the columns. */
  get statsPort(): number {
    const fds = `/proc/${this.#process.pid}/fd`
    // uWSGI may close the connection of the scrape before, so a file of the list may be gone.
    const links = readdirSync(fds).map((fd) => attempt(() => readlinkSync(`${fds}/${fd}`)) ?? '')
    const inodes = new Set(links.map((link) => /^socket:\[(\d+)\]$/.exec(link)?.[1]))
    const rows = readFileSync('/proc/net/tcp', 'utf8')
      .split('\n')
      .map((line) => line.trim().split(/\s+/))
    const listening = rows
      .filter((row) => row[3] === '0A' && inodes.has(row[9]))
      .map((row) => Number.parseInt(row[1]!.split(':')[1]!, 16))
    // The kernel repeats a row when sockets open or close while the table is read.
    const ports = [...new Set(listening)].filter((port) => port !== this.#appPort)
    expect(ports).toHaveLength(1)
    return ports[0]!
  }

  /** Kills all of its processes: one that waits for a pipe does not react to a signal to stop. */
  async [Symbol.asyncDispose](): Promise<void> {
    process.kill(-this.#process.pid, 'SIGKILL')
    await this.#process.exited
  }
}

describe.skipIf(!isUwsgiExpected)('a real uWSGI', () => {
  const unix = join(folder, 'stats.sock')
  const variants = [
    { name: 'tcp', flags: ['127.0.0.1:0'], uriOf: (port: number) => `tcp://127.0.0.1:${port}` },
    {
      name: 'http',
      flags: ['127.0.0.1:0', '--stats-http'],
      uriOf: (port: number) => `http://127.0.0.1:${port}`,
    },
    { name: 'unix', flags: [unix], uriOf: () => `unix://${unix}` },
  ]

  test.each(variants)(
    'by $name',
    async ({ name, flags, uriOf }) => {
      await using uwsgi = new Uwsgi('--stats', ...flags)
      await uwsgi.ready()
      const uri = name === 'unix' ? uriOf(0) : uriOf(uwsgi.statsPort)
      const pipe = join(folder, `${name}.pipe`)
      expect(await Bun.spawn(['mkfifo', pipe]).exited).toBe(0)

      const page = async (): Promise<string> => {
        const readings = await scrapeWithin(5000, [uri], true)
        expect(readings.map(problemOf)).toEqual([undefined])
        return renderText(uwsgiFamilies(readings))
      }
      /** The sum over all workers. */
      const sumOf = async (metric: string): Promise<number> => {
        const values = [...(await page()).matchAll(new RegExp(`^uwsgi_${metric}\\{[^}]*\\} (\\S+)$`, 'gm'))]
        return values.reduce((sum, [, value]) => sum + Number(value), 0)
      }
      const until = async (metric: string, expected: number): Promise<void> => {
        const deadline = AbortSignal.timeout(10_000)
        for (let sum = NaN; sum !== expected; sum = await sumOf(metric))
          if (deadline.aborted) throw new Error(`${metric} is ${sum}, not ${expected}:\n${await page()}`)
      }

      expect(await page()).toContain('\nuwsgi_up 1\n')
      // A worker has no id before it runs.
      await until('workers', WORKERS)
      await until('worker_idle', WORKERS)

      for (let i = 0; i < 10; i++) expect(await uwsgi.request('/')).toBe('ok')
      await until('worker_requests_total', 10)
      await until('worker_app_requests_total', 10)
      await until('worker_core_requests_total', 10)

      const waiting = uwsgi.request(`/wait?${pipe}`)
      await until('worker_busy', 1)
      await until('worker_idle', WORKERS - 1)
      await until('worker_core_busy', 1)
      closeSync(openSync(pipe, 'w'))
      expect(await waiting).toBe('ok')
      await until('worker_idle', WORKERS)
      await until('worker_requests_total', 11)
      expect(await sumOf('worker_running_time_seconds')).toBeGreaterThan(0)
    },
    30_000,
  )

  /** Waits until the page of the namespace `prefork` has all of these samples, by the beginning of their lines. */
  async function untilPrefork(uri: string, expected: Readonly<Record<string, number>>): Promise<void> {
    const deadline = AbortSignal.timeout(20_000)
    for (;;) {
      const lines = renderText(preforkFamilies(await scrapeWithin(5000, [uri]))).split('\n')
      const sumOf = (name: string) =>
        lines
          .filter((line) => name.split(' ').every((part) => line.includes(part)) && !line.startsWith('#'))
          .reduce((sum, line) => sum + Number(line.slice(line.lastIndexOf(' '))), 0)
      if (Object.entries(expected).every(([name, value]) => sumOf(name) === value)) return
      if (deadline.aborted) throw new Error(`not ${JSON.stringify(expected)}:\n${lines.join('\n')}`)
    }
  }

  test.each([
    {
      name: 'raw stats by http',
      flags: [],
      scheme: 'http',
      reason: 'no HTTP: use tcp:// or stats-http',
      times: 30,
      withinMs: 5000,
    },
    {
      name: 'stats-http by tcp',
      flags: ['--stats-http'],
      scheme: 'tcp',
      reason: 'it sent nothing in time: if it speaks HTTP, use http://',
      times: 3,
      // It waits for a request until then.
      withinMs: 1000,
    },
  ])(
    '$name: one reason, at each of many scrapes',
    async ({ flags, scheme, reason, times, withinMs }) => {
      await using uwsgi = new Uwsgi('--stats', '127.0.0.1:0', ...flags)
      await uwsgi.ready()
      const problems = new Set<string | undefined>()
      for (let i = 0; i < times; i++)
        for (const reading of await scrapeWithin(withinMs, [`${scheme}://127.0.0.1:${uwsgi.statsPort}`]))
          problems.add(problemOf(reading))
      expect([...problems]).toEqual([reason])
    },
    30_000,
  )

  test('workers that uWSGI stops to save memory are cheap, not dead', async () => {
    await using uwsgi = new Uwsgi('--cheap', '--idle', '2', '--stats', '127.0.0.1:0')
    await uwsgi.ready()
    const uri = `tcp://127.0.0.1:${uwsgi.statsPort}`
    expect(await uwsgi.request('/')).toBe('ok')
    await untilPrefork(uri, { 'prefork_workers{ state="ready"': WORKERS })
    await untilPrefork(uri, { 'prefork_workers{ state="cheap"': WORKERS, 'prefork_workers{ state="dead"': 0 })
  }, 60_000)

  test('a kill for a slow request is an exit with the reason harakiri', async () => {
    await using uwsgi = new Uwsgi('--harakiri', '1', '--stats', '127.0.0.1:0')
    await uwsgi.ready()
    const uri = `tcp://127.0.0.1:${uwsgi.statsPort}`
    const pipe = join(folder, 'harakiri.pipe')
    expect(await Bun.spawn(['mkfifo', pipe]).exited).toBe(0)
    const slow = uwsgi.request(`/wait?${pipe}`).catch((error: Error) => error.message)
    await untilPrefork(uri, {
      'prefork_worker_exits_total{ reason="harakiri"': 1,
      'prefork_worker_respawns_total{': 1,
    })
    expect(await slow).not.toBe('ok')
  }, 60_000)
})
