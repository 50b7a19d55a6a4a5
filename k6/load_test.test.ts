/**
 * The load test itself, against services in memory: on the runner, and by k6 where its program is on PATH.
 */

import { describe, expect, test as bunTest } from 'bun:test'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

const hasK6 = Bun.which('k6') !== null
if (!hasK6) console.warn('SKIPPED: k6 is not on PATH, so the load test runs only on Bun')

const runTimeoutMs = 30_000
const stepSeconds = 6
/** Above the threshold of half a second. */
const tooSlowMs = 700
const shapes = ['smoke', 'stress', 'spike', 'soak', 'breakpoint']

/** Exit codes of k6. */
const thresholdsCrossed = 99
const scriptFailed = 107
const abortedByScript = 108

/** No program listens there. */
const nothing = 'http://127.0.0.1:1'

type Pet = { id: number; is_test: boolean }
type Answer = (request: Request) => Response | Promise<Response>

const programs: Record<string, (flags: readonly string[]) => string[]> = {
  Bun: (flags) => [process.execPath, `${import.meta.dir}/runner/index.ts`, ...flags],
  k6: (flags) => ['k6', 'run', ...flags, `${import.meta.dir}/load_test.ts`],
}

describe.each(Object.keys(programs))('on %s', (program) => {
  const test = program === 'k6' ? bunTest.skipIf(!hasK6) : bunTest
  const run = (url: string, ...flags: string[]) =>
    spawn(programs[program]!(['-e', 'SUMMARY=/dev/null', ...flags, '-e', `BASE_URL=${url}`]))

  test.each(shapes)('has the shape %s, of which it has every option', async (shape) => {
    const { exitCode } = await run(nothing, '-e', `SHAPE=${shape}`)
    expect(exitCode).toBe(abortedByScript)
  })

  test('refuses an unknown shape and lists those there are', async () => {
    const { exitCode, output } = await run(nothing, '-e', 'SHAPE=tsunami')
    expect(exitCode).toBe(scriptFailed)
    expect(output).toContain(`no SHAPE is named \\"tsunami\\": choose one of ${shapes.join(', ')}`)
  })

  test(
    'passes against services that work, has used every operation and leaves no row behind',
    async () => {
      const services = new FakeServices()
      using server = serve((request) => services.answer(request))
      const { exitCode, output } = await run(server.url, '--vus', '5', '--stage', '2s:10,4s:20')
      expect({ exitCode, output }).toEqual({ exitCode: 0, output })
      // Flags replaced the shape.
      expect(output).toMatch(/^flags: \d+ requests in \d+ s/m)
      expect(services.pets.size).toBe(0)
      expect([...services.seen].toSorted()).toEqual([
        'DELETE /cats/:id/',
        'DELETE /dogs/:id/',
        'GET /cats/',
        'GET /cats/clean/',
        'GET /dogs/',
        'GET /dogs/clean/',
        'POST /cats/',
        'POST /dogs/',
        'PUT /cats/:id/',
        'PUT /dogs/:id/',
      ])
    },
    runTimeoutMs,
  )

  test(
    'fails when lists fail now and then',
    async () => {
      const services = new FakeServices()
      let requests = 0
      using server = serve((request) =>
        ++requests % 20 === 0 && request.method === 'GET'
          ? new Response(null, { status: 503 })
          : services.answer(request),
      )
      const { exitCode, output } = await run(server.url, '--vus', '5', '--duration', '3s')
      expect({ exitCode, output }).toEqual({ exitCode: thresholdsCrossed, output })
      expect(output).toMatch(/thresholds on metrics .*http_req_failed\{op:list\}/)
    },
    runTimeoutMs,
  )

  test(
    'finds the step that breaks the services, says so, and writes all numbers into a file',
    async () => {
      const services = new FakeServices()
      const manyRequests = 100 * stepSeconds + 50
      let requests = 0
      using server = serve(async (request) => {
        if (++requests > manyRequests) await Bun.sleep(tooSlowMs)
        return services.answer(request)
      })
      const folder = mkdtempSync(join(tmpdir(), 'k6-'))
      const file = join(folder, 'summary.json')
      const settings = ['SHAPE=breakpoint', `STEP_SECONDS=${stepSeconds}`, `SUMMARY=${file}`]
      const { exitCode, output } = await run(server.url, ...settings.flatMap((setting) => ['-e', setting]))
      expect({ exitCode, output }).toEqual({ exitCode: thresholdsCrossed, output })
      expect(output).toMatch(/^breakpoint: \d+ requests/m)
      expect(output).toContain('Breaking point: 200 iterations a second are too many; 100 could be kept.')
      expect(Object.keys((await Bun.file(file).json()).metrics)).toContain('http_req_duration{step:0100}')
      rmSync(folder, { recursive: true })
    },
    runTimeoutMs,
  )

  test('says what to do when nothing listens', async () => {
    const { exitCode, output } = await run(nothing, '--vus', '1', '--duration', '5s')
    expect(exitCode).toBe(abortedByScript)
    expect(output).toMatch(
      /nothing answers at http:\/\/127\.0\.0\.1:1 .*start the system with \\"bun run up\\"/,
    )
  })

  test('says which answer was not that of the gateway', async () => {
    using server = serve(() => new Response(null, { status: 404 }))
    const { exitCode, output } = await run(server.url, '--vus', '1', '--duration', '5s')
    expect(exitCode).toBe(abortedByScript)
    expect(output).toContain(
      `GET ${server.url}/dogs/ answered 404 instead of 200: is ${server.url} the gateway?`,
    )
  })
})

async function spawn(command: readonly string[]): Promise<{ exitCode: number; output: string }> {
  const process = Bun.spawn([...command], {
    env: { ...Bun.env, K6_NO_USAGE_REPORT: 'true', K6_AUTO_EXTENSION_RESOLUTION: 'false', NO_COLOR: 'true' },
    stdout: 'pipe',
    stderr: 'pipe',
  })
  const streams = [process.stdout, process.stderr].map((stream) => new Response(stream).text())
  return { output: (await Promise.all(streams)).join(''), exitCode: await process.exited }
}

function serve(answer: Answer): Disposable & { url: string } {
  const server = Bun.serve({ hostname: '127.0.0.1', port: 0, fetch: answer })
  return { url: `http://127.0.0.1:${server.port}`, [Symbol.dispose]: () => void server.stop(true) }
}

/** Both services' API, as far as the load test uses it. */
class FakeServices {
  readonly seen = new Set<string>()
  readonly pets = new Map<string, Pet>()
  #nextId = 1

  async answer(request: Request): Promise<Response> {
    const { pathname } = new URL(request.url)
    const [, service, last] = /^\/(dogs|cats)\/(?:(\d+|clean)\/)?$/.exec(pathname) ?? []
    if (service === undefined) return new Response(null, { status: 404 })
    const route = `${request.method} ${pathname.replace(/\d+/, ':id')}`
    this.seen.add(route)

    switch (route.replace(service, 'pets')) {
      case 'GET /pets/':
        return Response.json(this.#of(service).slice(0, 100))
      case 'POST /pets/': {
        const pet = { ...(await request.json()), id: this.#nextId++ }
        this.pets.set(`${service} ${pet.id}`, pet)
        return Response.json(pet, { status: 201 })
      }
      case 'PUT /pets/:id/': {
        const pet = this.pets.get(`${service} ${last}`)
        return pet === undefined ? new Response(null, { status: 404 }) : Response.json(pet)
      }
      case 'DELETE /pets/:id/':
        return new Response(null, { status: this.pets.delete(`${service} ${last}`) ? 200 : 404 })
      case 'GET /pets/clean/':
        for (const { id } of this.#of(service)) this.pets.delete(`${service} ${id}`)
        return new Response(null)
      default:
        return new Response(null, { status: 405 })
    }
  }

  #of(service: string): Pet[] {
    return [...this.pets].filter(([key]) => key.startsWith(service)).map(([, pet]) => pet)
  }
}
